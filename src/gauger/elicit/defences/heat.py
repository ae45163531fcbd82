"""Draws answers at a higher temperature: a generation, so everything is asked anew."""

from __future__ import annotations

from dataclasses import replace

from gauger.elicit.defences.asking import asking_instead
from gauger.elicit.defences.kinds import GenerationDefence
from gauger.elicit.teacher.messages import Request

HOTTEST = 2.0
"""Temperature at strength 1, and the highest that endpoints take."""


def heated(request: Request, strength: float) -> Request:
    """Return the request at a temperature that is higher by `2 * strength`, and 2 at most."""
    return replace(request, temperature=min(HOTTEST, request.temperature + HOTTEST * strength))


HEAT = GenerationDefence(asking_instead(heated))
