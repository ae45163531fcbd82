"""What the estimator must know of a study besides its records: arms by kind, roles, pairing, level and verdict rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite

from gauger.errors import UserError, nearest
from gauger.estimate.attribution.ingredients import Ingredients
from gauger.records import ArmInfo, ArmKind, Role


@dataclass(frozen=True, kw_only=True)
class VerdictRule:
    """The threshold that was fixed before the run (DESIGN section 3, "Verdict")."""

    arm: str
    """The distilled arm that is judged."""
    estimand: str = "gap_recovered"
    """Name in the registry (`estimands.REGISTRY`)."""
    role: str = "near"
    """Role whose benchmarks are averaged."""
    threshold: float = 0.25
    """On the estimand's own scale: a ratio, or a difference of scores between -1 and 1."""
    level: float = 0.95
    """Level of the two-sided interval that must clear the threshold."""
    post_hoc: bool = False
    """True where the rule changed after the run had started."""

    def __post_init__(self) -> None:
        _known(self.role, Role, "role for the verdict rule")
        if not 0.5 <= self.level < 1:
            raise UserError("a level of the verdict rule between 0.5 and 1", str(self.level))
        if not isfinite(self.threshold):
            raise UserError("a finite threshold of the verdict rule", str(self.threshold))


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
    rule: VerdictRule | None = None
    unparsed_wrong: bool = False
    """The study declares that unparsed answers count as wrong (score 0)."""
    skills: Mapping[str, str] = field(default_factory=dict)
    """Benchmark -> skill; where given, carry-over and memorisation are reported per skill too."""
    switched_off: Mapping[str, str] = field(default_factory=dict)
    """Control kind ("placebo", "leak", "reference", ...) -> the reason the study gave for switching it off."""
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
            if arm.matched is not None and arm.matched not in names:
                hint = nearest(arm.matched, names)
                raise UserError(f"a matched control of {arm.name!r}", repr(arm.matched), hint=hint)
        if self.rule is not None and self.rule.arm not in names:
            raise UserError("an arm for the verdict rule", repr(self.rule.arm), hint=nearest(self.rule.arm, names))
        for benchmark, role in self.roles.items():
            _known(role, Role, f"role of benchmark {benchmark!r}")
        for cell in self.ingredients.cells if self.ingredients is not None else ():
            if cell not in names:
                raise UserError("an arm for every cell of the factorial", repr(cell), hint=nearest(cell, names))

    def of_kind(self, *kinds: ArmKind) -> tuple[ArmInfo, ...]:
        """Return the arms of these kinds, in the order of the design."""
        return tuple(arm for arm in self.arms if arm.kind in kinds)

    def first(self, kind: ArmKind) -> str | None:
        """Return the name of the first arm of a kind; None where the study has none."""
        found = self.of_kind(kind)
        return found[0].name if found else None

    def matched_of(self, arm: ArmInfo) -> str | None:
        """Return the name of the control an arm is compared with: its declared one, else the study's first matched arm.

        A leak or placebo arm seldom names a control of its own; None where the study has no matched arm at all.
        """
        if arm.kind == ArmKind.MATCHED:
            return None
        return arm.matched or self.first(ArmKind.MATCHED)


def _known(value: str, enum: type[ArmKind] | type[Role], what: str) -> None:
    """Refuse a word that is not in the vocabulary, with the nearest known one."""
    known = [str(member) for member in enum]
    if value not in known:
        raise UserError(f"a known {what}", repr(value), hint=nearest(value, known))
