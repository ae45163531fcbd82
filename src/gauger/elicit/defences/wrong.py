"""Puts wrong steps into the reasoning of a share of the replies; the answers stay: a view."""

from __future__ import annotations

import re

from gauger.elicit.defences.chance import share_of_text
from gauger.elicit.defences.kinds import Need, ViewDefence
from gauger.elicit.defences.reasoning import steps_of, with_reasoning
from gauger.elicit.teacher.messages import Reply

_DIGIT = re.compile(r"\d")


def wrong_steps(reply: Reply, strength: float) -> Reply:
    """Turn the reasoning of a share of the replies into another one that does not lead to the answer.

    Steps (`reasoning.summarised`) are moved round by a random number of places, and every digit becomes another one.

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
        step without a digit stays as it is: there is nothing to move.

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
    add = 1 + int(share_of_text(whole, "digits") * 9)
    return with_reasoning(reply, _DIGIT.sub(lambda digit: str((int(digit[0]) + add) % 10), moved))


WRONG_STEPS = ViewDefence(wrong_steps, needs=(Need.REASONING,))
