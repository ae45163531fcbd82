"""Shortens answers: a share of each answer's words, from its end, is not shown."""

from __future__ import annotations

import re
from dataclasses import replace

from gauger.elicit.defences.kinds import ViewDefence
from gauger.elicit.teacher.messages import Reply

_WORD = re.compile(r"\s*\S+")


def shorten(reply: Reply, strength: float) -> Reply:
    """Cut the last words of an answer.

    Parameters
    ----------
    reply : Reply
        As it came.
    strength : float
        Share of the words that is cut, 0-1, rounded to whole words: 0 shows all of it, 1 nothing.

    Returns
    -------
    Reply
        The first ``n - round(strength * n)`` words, without log-probabilities where any word is missing. It does not
        say that it was cut: an answer marked as cut off would be thrown away instead of being learnt.
    """
    words = _WORD.findall(reply.text)
    kept = len(words) - round(strength * len(words))
    if kept == len(words):
        return reply
    return replace(reply, text="".join(words[:kept]), log_probabilities=())


SHORTEN = ViewDefence(shorten)
