"""Reads an answer out of what a model said wherever it stands: the reading that forgives the format.

The strict reading (`forms.read_strictly`) is what a study rests on: it asks whether the model answers *as it was asked
to*. A model that knows the answer but says it otherwise fails it, so that learning the format alone looks like a gain.
Where the two readings lead to different conclusions, the report says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gauger.worlds.items import Question

_TAG = re.compile(r"<answer>(.*?)(?:</answer>|$)", re.DOTALL)
_ANNOUNCES = re.compile(r"(?:\banswer\s*(?:is\b|[:=])|####|\\boxed\{)[:\s]*", re.IGNORECASE)
_REST = re.compile(r"[^\n}]+")
_NUMBER = re.compile(r"(?:(?<!\d)-)?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:/\d+)?")


def flexible(reply: str, question: Question) -> str | None:
    """Read the answer out of what a model said, in whatever format.

    The first of these that finds something: answer tags, closed or not; for a question whose right answer is a number,
    the number after the last "answer is" ("Answer:", "####", a box), else the last number of the text; else the right
    answer itself, where it stands in the text as whole words; else what follows the last "answer is"; else the first
    line. "Answer" alone announces nothing ("to answer this, add 3 and 12"); a minus right after a digit is no sign.

    Looking for the right answer in the text forgives more than any format: a model that lists every possibility passes.
    So this reading only ever stands beside the strict one.

    Parameters
    ----------
    reply : str
        The model's text after the prompt.
    question : Question
        Says whether the answer is a number, and which words to look for.

    Returns
    -------
    str or None
        None for a text without anything that could be an answer.
    """
    tagged = _TAG.search(reply)
    if tagged is not None and tagged[1].strip():
        return tagged[1].strip()
    if _NUMBER.fullmatch(question.answer.strip()):
        return _number(reply)
    if _contains(reply, question.answer):
        return question.answer
    lines = [line for line in reply.splitlines() if line.strip()]
    said_last = next(_announced(reply), lines[0] if lines else "")
    return said_last.strip() or None


def _announced(reply: str) -> Iterator[str]:
    """Yield what follows each announcement to the end of its line, the last one first."""
    for match in reversed(list(_ANNOUNCES.finditer(reply))):
        if rest := _REST.match(reply, match.end()):
            yield rest[0]


def _number(reply: str) -> str | None:
    announced = (numbers[0] for text in _announced(reply) if (numbers := _NUMBER.findall(text)))
    number = next(announced, None) or next(reversed(_NUMBER.findall(reply)), None)
    return None if number is None else number.replace(",", "")


def _contains(reply: str, answer: str) -> bool:
    words = r"\s+".join(re.escape(word) for word in answer.split())
    return bool(words) and re.search(rf"(?<!\w){words}(?!\w)", reply, re.IGNORECASE) is not None
