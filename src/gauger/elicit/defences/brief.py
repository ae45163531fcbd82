"""Lets answers be only so long: a generation, for a teacher that may write less is asked anew."""

from __future__ import annotations

from dataclasses import replace

from gauger.elicit.defences.asking import asking_instead
from gauger.elicit.defences.kinds import GenerationDefence
from gauger.elicit.teacher.messages import Request


def briefer(request: Request, strength: float) -> Request:
    """Return the request with a lower limit on its tokens: `max(1, round((1 - s) * limit))`, reasoning included.

    What runs into the limit comes truncated, as from an interface with such a cap, and is no text to learn from; to cut
    what came and show the rest is `shorten`.
    """
    return replace(request, max_tokens=max(1, round((1 - strength) * request.max_tokens)))


BRIEF = GenerationDefence(asking_instead(briefer))
