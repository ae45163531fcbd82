"""Names the filters that a stage, or a command, can ask for on top of those that every corpus has.

A filter of this kind is made for a corpus from the world that the corpus is in (None for `gauger elicit`, which has no
world), and is then any object with a `name` that takes a sample and returns it, dropped or not (`checks.Check`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gauger.elicit.filters.checks import Check
from gauger.plugs import Registry
from gauger.worlds import World

FILTERS = Registry(
    "a filter",
    "gauger.filters",
    {
        "right": "gauger.elicit.filters.world_checks:only_right",
        "short": "gauger.elicit.filters.checks:only_short",
    },
)
"""Name -> the function that makes it."""
Making = Callable[[World | None], Check]


def named_filters(names: Sequence[str], world: World | None) -> tuple[Check, ...]:
    """Make filters by their names, in that order."""
    makers: list[Making] = [FILTERS.load(name) for name in names]
    return tuple(make(world) for make in makers)
