"""Holds what was fixed before the run: surfaces, attackers, thresholds, and the arms that they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite

from gauger.errors import UserError, nearest
from gauger.records import Role

OPEN_SURFACE = "open"
"""The teacher's own surface, without any of the defences."""
ANYBODY = "*"
"""Stands for the best attacker, whichever that is, in names of arms: `*@open`."""


@dataclass(frozen=True, kw_only=True)
class DefenceQuestion:
    """Which defences are held against which attackers, where, and from which uplift on a defence has failed."""

    role: str
    """Role whose benchmarks are averaged."""
    thresholds: Mapping[str, float]
    """Defence -> uplift (0-1 scale) that no attacker may reach, in declared order."""
    attacks: Mapping[str, Mapping[str, str]]
    """Surface (`open` first, then the defences) -> attacker -> name of its arm there."""
    passive: frozenset[str]
    """Attackers that do not react to a defence."""
    honest: Mapping[str, str]
    """Defence -> name of the arm that is the teacher as an honest user sees it."""
    starved: frozenset[str] = frozenset()
    """Arms that got not one answer to train on, in any replicate: they have no student, and cannot have failed to be
    stopped."""
    shut_out: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Defence -> attackers that cannot be tried on it, for what they learn from is not shown there. That is what it
    takes from them; others that are not tried on it say nothing of it."""
    level: float = 0.95
    """At which the intervals hold, of all attackers on all surfaces together."""

    def __post_init__(self) -> None:
        known = [str(role) for role in Role]
        if self.role not in known:
            raise UserError("a known role for the defences", repr(self.role), hint=nearest(self.role, known))
        if OPEN_SURFACE not in self.attacks:
            raise UserError("attackers on the open surface", "none")
        for defence, threshold in self.thresholds.items():
            if not isfinite(threshold):
                raise UserError(f"a finite threshold of {defence}", str(threshold))
            if not self.attacks.get(defence):
                raise UserError(f"an attacker that {defence} is held against", "none")

    def before(self, defence: str) -> tuple[str, ...]:
        """Return the attackers on the open surface that a defence is held against there."""
        counted = {*self.attacks[defence], *self.shut_out.get(defence, ())}
        return tuple(name for name in self.attacks[OPEN_SURFACE] if name in counted)

    def adaptive(self, surface: str) -> tuple[str, ...]:
        """Return the attackers on a surface that react to defences."""
        return tuple(name for name in self.attacks[surface] if name not in self.passive)

    def unreacting(self, surface: str) -> tuple[str, ...]:
        """Return the attackers on a surface that do not."""
        return tuple(name for name in self.attacks[surface] if name in self.passive)
