"""Holds what the estimator must know besides records: arms by kind, roles, pairing, level and verdict rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from gauger.errors import UserError, nearest
from gauger.estimate.attribution.ingredients import Ingredients
from gauger.estimate.defences.question import DefenceQuestion
from gauger.records import ArmInfo, ArmKind, Role

FIXED = (ArmKind.BASE, ArmKind.TEACHER, ArmKind.LEAKY_TEACHER, ArmKind.SURFACE)
"""One model each, measured once: nothing is said of other bases and other teachers."""


@dataclass(frozen=True, kw_only=True)
class FixedRule:
    """The threshold that was fixed before the run; docs/methods.md."""

    arm: str
    """The distilled arm that is judged."""
    estimand: str = "gap_recovered"
    """Name in the registry (`estimands.REGISTRY`)."""
    role: str = "near"
    """Role whose benchmarks are averaged."""
    threshold: float = 0.25
    """On the estimand's own scale: a ratio, or a difference of scores between -1 and 1."""
    level: float = 0.95
    """Level of the two-sided interval that must clear the threshold; of one look, where there are several."""
    looks: int = 1
    """How often the study may be judged while replicates are added, declared before the run."""
    post_hoc: bool = False
    """True where something that can move the verdict changed after results were there."""
    stopping: str = ""
    """Why the number of replicates is not the one that was fixed: the outcome is *undetermined* at best."""
    placebo_margin: float | None = None
    """How far a placebo may lie above 0 on the estimand's own scale before the study is invalid; at most a threshold
    that is above 0. None: half the threshold's size."""

    @property
    def margin(self) -> float:
        """Return the placebo's margin delta: as declared, else half the threshold's size, which of 0 is nothing."""
        return abs(self.threshold) / 2 if self.placebo_margin is None else self.placebo_margin

    @property
    def most_increment(self) -> float:
        """Return what a leak may add: the threshold; the margin where even adding nothing would reach the threshold."""
        return self.threshold if self.threshold > 0 else self.margin

    def __post_init__(self) -> None:
        _known(self.role, Role, "role for the verdict rule")
        if not 0.5 <= self.level < 1:
            raise UserError("a level of the verdict rule between 0.5 and 1", str(self.level))
        if not isfinite(self.threshold):
            raise UserError("a finite threshold of the verdict rule", str(self.threshold))
        most = self.threshold if self.threshold > 0 else 1.0
        if self.placebo_margin is not None and not 0 < self.placebo_margin <= most:
            what = f"the threshold {most:g}" if self.threshold > 0 else "1"
            raise UserError(f"a placebo margin above 0 and at most {what}", str(self.placebo_margin))


@dataclass(frozen=True)
class Design:
    """A study as the estimator sees it.

    Every record's arm must be among `arms`; arms without records give undefined estimates, not errors.
    """

    arms: tuple[ArmInfo, ...]
    """All arms with their kind and, where they have one, the name of their matched control."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """Benchmark -> role. Benchmarks absent here take the role of their records, or none."""
    paired: bool = True
    """Replicates of the same number are paired across arms (same initialisation and data order)."""
    moderated: bool = True
    """Replicate variances are shrunk towards their common value by empirical Bayes (Smyth 2004)."""
    level: float = 0.95
    rule: FixedRule | None = None
    unparsed_wrong: bool = False
    """The study declares that unparsed answers count as wrong (score 0)."""
    skills: Mapping[str, str] = field(default_factory=dict)
    """Benchmark -> skill; where given, carry-over and memorisation are reported per skill too."""
    switched_off: Mapping[str, str] = field(default_factory=dict)
    """Control kind ("placebo", "leak", "reference", ...) -> the reason the study gave for switching it off."""
    defences: DefenceQuestion | None = None
    """Defences and the attackers that some of the arms are; None: nothing is asked of defences."""
    unfinished: str = ""
    """How much of the plan a limit kept from being judged: the outcome is *undetermined* until that is done."""
    ingredients: Ingredients | None = None
    """The factorial that some of the arms are cells of; None: no attribution to ingredients is asked."""

    def __post_init__(self) -> None:
        names = [arm.name for arm in self.arms]
        if len(set(names)) < len(names):
            raise UserError("arms with different names", f"{sorted(n for n in set(names) if names.count(n) > 1)} twice")
        if not 0.5 <= self.level < 1:
            raise UserError("a level between 0.5 and 1", str(self.level))
        for arm in self.arms:
            _known(arm.kind, ArmKind, f"arm kind of {arm.name!r}")
            for what, other in (("matched control", arm.matched), ("twin", arm.twin)):
                if other is not None and other not in names:
                    raise UserError(f"a {what} of {arm.name!r}", repr(other), hint=nearest(other, names))
        if self.rule is not None and self.rule.arm not in names:
            raise UserError("an arm for the verdict rule", repr(self.rule.arm), hint=nearest(self.rule.arm, names))
        for benchmark, role in self.roles.items():
            _known(role, Role, f"role of benchmark {benchmark!r}")
        for cell in self.ingredients.cells if self.ingredients is not None else ():
            if cell not in names:
                raise UserError("an arm for every cell of the factorial", repr(cell), hint=nearest(cell, names))

    @property
    def trained(self) -> NDArray[np.bool_]:
        """(A,): arms that training made here, so that another seed would have given another model; no base, teacher."""
        return np.array([arm.kind not in FIXED for arm in self.arms], dtype=bool)

    def of_kind(self, *kinds: ArmKind) -> tuple[ArmInfo, ...]:
        """Return the arms of these kinds, in the order of the design."""
        return tuple(arm for arm in self.arms if arm.kind in kinds)

    def first(self, kind: ArmKind) -> str | None:
        """Return the name of the first arm of a kind; None where the study has none."""
        arms = self.of_kind(kind)
        return arms[0].name if arms else None

    def matched_of(self, arm: ArmInfo) -> str | None:
        """Return the name of the control an arm is compared with: its declared one, else the study's first matched arm.

        A leak or placebo arm seldom names a control of its own; None where the study has no matched arm at all, and for
        an arm without a teacher, which the matched arm of another recipe is no control of.
        """
        if arm.kind in (ArmKind.MATCHED, ArmKind.UNTAUGHT):
            return None
        return arm.matched or self.first(ArmKind.MATCHED)

    def twin_of(self, leak: ArmInfo) -> str | None:
        """Return the arm that a leak's increment is taken over: its declared one, else the first leak twin."""
        return leak.twin or self.first(ArmKind.LEAK_TWIN)


def _known(value: str, enum: type[ArmKind] | type[Role], what: str) -> None:
    """Refuse a word that is not in the vocabulary, with the nearest known one."""
    known = [str(member) for member in enum]
    if value not in known:
        raise UserError(f"a known {what}", repr(value), hint=nearest(value, known))
