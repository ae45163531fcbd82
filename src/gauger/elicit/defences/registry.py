"""Names the defences that are views: pure functions of a reply that came, which ask nothing again.

A view takes a reply and a strength and returns what is shown of it; strength 0 leaves every reply as it is.
"""

from __future__ import annotations

from collections.abc import Callable

from gauger.elicit.teacher.messages import Reply
from gauger.plugs import Registry

View = Callable[[Reply, float], Reply]
DEFENCES = Registry("a defence", "gauger.defences", {"shorten": "gauger.elicit.defences.shorten:shorten"})
"""Name -> its view."""


def view_of(name: str) -> View:
    """Return a defence's view by its name."""
    found: View = DEFENCES.load(name)
    return found
