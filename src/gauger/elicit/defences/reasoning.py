"""Hides the reasoning of a share of the replies, or shows a summary of it: two views of replies with reasoning."""

from __future__ import annotations

import re
from dataclasses import replace

from gauger.elicit.defences.chance import share_of_text
from gauger.elicit.defences.kinds import Need, ViewDefence
from gauger.elicit.replies.token_logs import logs_of_end
from gauger.elicit.teacher.messages import Reply

_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def hidden(reply: Reply, strength: float) -> Reply:
    """Take the reasoning away from a share of the replies.

    Parameters
    ----------
    reply : Reply
        Whole.
    strength : float
        Share of the replies that lose it, 0-1, chosen by what they say: the same reply always fares the same.

    Returns
    -------
    Reply
        With the log-probabilities of the answer alone, where any reasoning was taken away.

    Notes
    -----
    Removal of the chain of thought took a mathematics student from 67.8 to 31.4 and a code student from 72.4 to 72.0
    (DistillGuard 2026). Proof: tests/elicit/defences/test_reasoning.py.
    """
    if not reply.reasoning or share_of_text(f"{reply.reasoning}\0{reply.text}") >= strength:
        return reply
    return with_reasoning(reply, None)


def summarised(reply: Reply, strength: float) -> Reply:
    """Leave out steps of the reasoning, evenly along it; its last step is left out last.

    Parameters
    ----------
    reply : Reply
        Whole.
    strength : float
        Share of the steps that is left out, 0-1, rounded to whole steps: 1 hides all of them. Steps are lines; where
        there is only one line, its sentences; where there is only one of those, its words.

    Returns
    -------
    Reply
        With the log-probabilities of the answer alone, where any step was left out.

    Notes
    -----
    Interfaces show summaries that another model wrote (Trace Inversion 2026 inverts those); this one is a view, so that
    nothing is asked again, and keeps a step as it is or not at all. Proof: tests/elicit/defences/test_reasoning.py.
    """
    if not reply.reasoning:
        return reply
    steps, between = steps_of(reply.reasoning)
    kept = len(steps) - round(strength * len(steps))
    if kept == len(steps):
        return reply
    chosen = [steps[(place + 1) * len(steps) // kept - 1] for place in range(kept)]
    return with_reasoning(reply, between.join(chosen) or None)


def steps_of(reasoning: str) -> tuple[list[str], str]:
    """Divide reasoning into its steps; returns them and what is to stand between them."""
    lines = [line for line in reasoning.splitlines() if line.strip()]
    if len(lines) > 1:
        return lines, "\n"
    sentences = _SENTENCE.split(reasoning.strip())
    return (sentences if len(sentences) > 1 else reasoning.split()), " "


def with_reasoning(reply: Reply, reasoning: str | None) -> Reply:
    """Return the reply with other reasoning, and the log-probabilities of its answer alone."""
    answer = logs_of_end(reply.log_probabilities, reply.text)
    return replace(reply, reasoning=reasoning, log_probabilities=answer)


HIDE = ViewDefence(hidden, needs=(Need.REASONING,))
SUMMARISE = ViewDefence(summarised, needs=(Need.REASONING,))
