"""Puts wrong steps or wrong answers into a share of the replies, and leaves the other of the two: two views."""

from __future__ import annotations

import re
from dataclasses import replace

from gauger.elicit.defences.chance import share_of_text
from gauger.elicit.defences.kinds import Need, ViewDefence
from gauger.elicit.defences.reasoning import steps_of, with_reasoning
from gauger.elicit.teacher.messages import Reply

_NUMBER = re.compile(r"(?<!\w)\d+")
"""Digits at the start of a word; those behind a letter (M888, H2O, x1) are of a name, and another name may be none."""
_LAST_WORD = re.compile(r"\S+(?=\s*$)")


def wrong_steps(reply: Reply, strength: float) -> Reply:
    """Turn the reasoning of a share of the replies into another one that does not lead to the answer.

    Steps (`reasoning.summarised`) are moved round by a random number of places, and every digit of a number becomes
    another one; names with digits stay.

    Parameters
    ----------
    reply : Reply
        Whole.
    strength : float
        Share of the replies that are changed, 0-1, chosen by what they say: the same reply always fares the same.

    Returns
    -------
    Reply
        With its answer as it was, and the answer's log-probabilities alone where steps were changed. Reasoning of one
        step without a number stays as it is: there is nothing to move.

    Notes
    -----
    Wrong content in a share of the answers took a student from 67.8 to 60.4 (DistillGuard 2026); reasoning that
    misleads while answers stay is what DOGe (2025) trains a teacher to write.

    Proof: tests/elicit/defences/test_wrong.py.
    """
    whole = f"{reply.reasoning}\0{reply.text}"
    if not reply.reasoning or share_of_text(whole, "wrong-steps") >= strength:
        return reply
    steps, between = steps_of(reply.reasoning)
    turn = 1 + int(share_of_text(whole, "turn") * (len(steps) - 1)) if len(steps) > 1 else 0
    moved = between.join([*steps[turn:], *steps[:turn]])
    return with_reasoning(reply, _other_digits(moved, whole))


def wrong_answers(reply: Reply, strength: float) -> Reply:
    """Turn the answer of a share of the replies into another one, to which the steps do not lead.

    Every digit of a number becomes another one. In an answer without numbers the last word becomes the last other word
    of the reasoning, and where none was shown of the answer itself: it stops short of where the steps led, as a slip
    would.

    Parameters
    ----------
    reply : Reply
        Whole.
    strength : float
        Share of the replies that are changed, 0-1, chosen by what they say: the same reply always fares the same.

    Returns
    -------
    Reply
        With its reasoning as it was, and without log-probabilities where the answer was changed. An answer of one word
        without a number stays as it is where no reasoning holds another word.

    Notes
    -----
    Above one half the wrong answer is the likeliest one to whoever learns what it is told; a verifier finds it at once,
    so that this takes more from a student that does not react than from one that does, and everything from honest
    users. Wrong content in a share of the answers took a student from 67.8 to 60.4 (DistillGuard 2026).

    Proof: tests/elicit/defences/test_wrong.py. What it takes from students: validation/defences/worlds.py.
    """
    whole = f"{reply.reasoning}\0{reply.text}"
    if share_of_text(whole, "wrong-answers") >= strength:
        return reply
    text = _other_digits(reply.text, whole) if _NUMBER.search(reply.text) else _other_last_word(reply)
    return reply if text == reply.text else replace(reply, text=text, log_probabilities=())


def _other_digits(text: str, whole: str) -> str:
    """Return the text with every digit of its numbers moved on alike, by what depends on the reply alone."""
    add = 1 + int(share_of_text(whole, "digits") * 9)
    return _NUMBER.sub(lambda number: "".join(str((int(digit) + add) % 10) for digit in number[0]), text)


def _other_last_word(reply: Reply) -> str:
    last = _LAST_WORD.search(reply.text)
    others = [word for word in (reply.reasoning or reply.text).split() if last and word != last[0]]
    return f"{reply.text[: last.start()]}{others[-1]}{reply.text[last.end() :]}" if last and others else reply.text


WRONG_ANSWERS = ViewDefence(wrong_answers)
WRONG_STEPS = ViewDefence(wrong_steps, needs=(Need.REASONING,))
