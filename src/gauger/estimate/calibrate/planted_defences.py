"""Plants studies of defences: the uplift of every attacker on every surface, and what honest users lose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from gauger.estimate.calibrate.planted import Planted, item_model
from gauger.estimate.calibrate.simulate import Generator
from gauger.estimate.defences.question import OPEN_SURFACE, DefenceQuestion
from gauger.estimate.design import Design
from gauger.records import ArmInfo, ArmKind, Role

ROLE = str(Role.NEAR)
MATCHED, TEACHER = "matched", "teacher"


@dataclass(frozen=True, kw_only=True)
class PlantedDefences:
    """One simulated study of defences. Scores and effects on the 0-1 scale."""

    uplift: Mapping[str, Mapping[str, float]]
    """Surface (`open` first) -> attacker -> uplift over the matched control, which all share."""
    honest_cost: Mapping[str, float] = field(default_factory=dict)
    """Defence -> what the teacher's own score loses; 0 where nothing is said."""
    passive: frozenset[str] = frozenset()
    """Attackers that do not react."""
    threshold: float = 0.05
    matched: float = 0.3
    """Mean score of the matched control."""
    teacher: float = 0.8
    replicates: int = 4
    items: int = 200
    """Per benchmark."""
    benchmarks: int = 2
    replicate_sd: float = 0.05
    """Standard deviation of training replicates on the probit scale; 0.05 is about 1.7 points at a score of 0.4."""

    @property
    def defences(self) -> tuple[str, ...]:
        """The surfaces but the open one."""
        return tuple(name for name in self.uplift if name != OPEN_SURFACE)

    def best(self, surface: str) -> float:
        """Return the best attacker's true uplift on a surface."""
        return max(self.uplift[surface].values())


def defences_design(planted: PlantedDefences) -> Design:
    """Return the design of a planted study of defences: control, teacher, every attack, the teacher on each surface."""
    attacks = {s: {k: f"{k}@{s}" for k in attackers} for s, attackers in planted.uplift.items()}
    honest = {defence: f"{TEACHER}@{defence}" for defence in planted.defences}
    arms = [ArmInfo(MATCHED, ArmKind.MATCHED, ""), ArmInfo(TEACHER, ArmKind.TEACHER, "")]
    arms += [ArmInfo(name, ArmKind.ATTACK, "", matched=MATCHED) for own in attacks.values() for name in own.values()]
    arms += [ArmInfo(name, ArmKind.SURFACE, "") for name in honest.values()]
    question = DefenceQuestion(
        role=ROLE,
        thresholds=dict.fromkeys(planted.defences, planted.threshold),
        attacks=attacks,
        passive=planted.passive,
        honest=honest,
    )
    roles = {f"{ROLE}{number + 1}": ROLE for number in range(planted.benchmarks)}
    return Design(arms=tuple(arms), roles=roles, defences=question)


def prepare_defences(planted: PlantedDefences) -> Generator:
    """Solve for the intercepts that make the expected scores of every arm the planted ones.

    Parameters
    ----------
    planted : PlantedDefences
        Truths and sizes; items and replicates vary as in `calibrate.planted.Planted`.
    """
    noise = Planted(
        replicates=planted.replicates,
        items=planted.items,
        benchmarks=planted.benchmarks,
        replicate_sd=planted.replicate_sd,
    )
    design = defences_design(planted)
    uplifts = [uplift for own in planted.uplift.values() for uplift in own.values()]
    shown = [planted.teacher - planted.honest_cost.get(name, 0.0) for name in planted.defences]
    of_arm = [planted.matched, planted.teacher, *(planted.matched + uplift for uplift in uplifts), *shown]
    shape = (len(of_arm), planted.benchmarks)
    means = np.array(np.broadcast_to(np.array(of_arm, dtype=np.float64)[:, None], shape), dtype=np.float64)
    sd = np.array(np.where(design.trained[:, None], planted.replicate_sd, np.zeros(shape)), dtype=np.float64)
    return Generator(noise, design, item_model(noise).solve(means, sd), sd)
