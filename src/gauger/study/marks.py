"""Tests what students write for the mark that a watermark left in what they learnt, beside text that cannot bear it.

Tested is what is drawn from a model in answer to benchmark items, at temperature 1, as the teacher's tokens, all
replicates of an arm together:

student  arms that learnt from the teacher behind a surface with the mark
control  text that knows nothing of the key, so that finding a mark there is a false positive: the arms' matched
         controls (the base, where there are none), and the same attackers on the open surface
teacher  the marked text itself: where no mark is found in it, none can be found in a student

The p-values are exact (`defences.watermark.find_mark`) and adjusted by Holm's rule over all tests of the study, which
holds although tests share pairs of tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from gauger.elicit import MarkTest, mark_finder
from gauger.records import ArmKind, Reason
from gauger.spec import BASE, OPEN, TEACHER, Arm, Study, Surface
from gauger.stats import holm
from gauger.study.plan import Plan

MARK_TEXTS = 400
"""Texts that are drawn from each model."""
LEAST_PAIRS = 30
"""Different pairs below which no test is made: two thirds of them would have to be green."""
LEVEL = 0.01
"""Chance, over all tests of a study together, of finding a mark in any text that knows nothing of the key."""
LEARNERS = (ArmKind.DISTILLED, ArmKind.ATTACK)
"""Kinds of arms that are tested as students."""


@dataclass(frozen=True)
class MarkedArm:
    """One arm whose text is tested."""

    arm: str
    of: str
    """student, control or teacher."""
    mark: Surface
    """The surface whose mark is looked for."""
    defence: str | None = None
    attacker: str | None = None
    controls: tuple[str, ...] = ()
    """Of a student: the arms whose text stands beside its own."""

    @property
    def surface(self) -> Surface | None:
        """What the teacher is drawn behind, without budgets; None for students."""
        free = {"max_queries": None, "max_tokens": None}
        return self.mark.model_copy(update=free) if self.of == "teacher" else None


def marked_arms(study: Study, arms: Sequence[Arm]) -> list[MarkedArm]:
    """List the arms whose text is tested: students first, then their controls, then the teacher.

    Parameters
    ----------
    study : Study
        A checked study.
    arms : sequence of Arm
        All of its arms.

    Returns
    -------
    list of MarkedArm
        Empty where no arm learns from a surface with a mark.
    """
    own, by_name = study.teacher.surface, {arm.name: arm for arm in arms}
    students = [
        MarkedArm(arm.name, "student", _surface(arm, own), arm.defence, arm.attacker, _controls(arm, by_name, own))
        for arm in arms
        if arm.kind in LEARNERS and arm.uses_teacher and mark_finder(_surface(arm, own))
    ]
    # a control is tested once for each kind of mark, however strong: that is once for each test
    checks = {(name, mark_finder(student.mark)): student.mark for student in students for name in student.controls}
    controls = [
        MarkedArm(name, "control", mark, by_name[name].defence, by_name[name].attacker)
        for (name, _), mark in checks.items()
    ]
    return [*students, *controls, *_teachers(study, arms, students)]


def _surface(arm: Arm, own: Surface) -> Surface:
    return arm.surface or own


def _controls(arm: Arm, by_name: Mapping[str, Arm], own: Surface) -> tuple[str, ...]:
    """Name the arms that differ from a student in having learnt nothing that is marked."""
    twins = [
        other.name
        for other in by_name.values()
        if arm.attacker is not None
        and (other.kind, other.attacker, other.defence) == (ArmKind.ATTACK, arm.attacker, OPEN)
        and not mark_finder(_surface(other, own))
    ]
    return tuple(name for name in (arm.matched or BASE, *twins) if name in by_name)


def _teachers(study: Study, arms: Sequence[Arm], students: Sequence[MarkedArm]) -> Iterator[MarkedArm]:
    """Yield the teacher on every surface that a student learnt marked text from."""
    own = study.teacher.surface
    if any(student.defence in (None, OPEN) for student in students):
        yield MarkedArm(TEACHER, "teacher", own)
    shown = {student.defence for student in students}
    for arm in arms:
        if arm.kind is ArmKind.SURFACE and arm.defence in shown:
            yield MarkedArm(arm.name, "teacher", _surface(arm, own), arm.defence)


def mark_tests(plan: Plan, done: Mapping[str, Path]) -> tuple[dict[str, Any], ...]:
    """Test every text that the plan has drawn for the mark.

    Parameters
    ----------
    plan : Plan
        Of the study.
    done : mapping
        Key of a job -> the directory of its result.

    Returns
    -------
    tuple of dict
        `Document.marks`, students first; empty where nobody learns from a surface with a mark. `marked` is whether
        `p_holm` is at most `LEVEL`; it and the p-values are None exactly where there is a `reason`.
    """
    entries = [_entry(marked, _texts_of(marked.arm, plan, done)) for marked in marked_arms(plan.study, plan.arms)]
    return tuple(adjusted(entries))


def _texts_of(arm: str, plan: Plan, done: Mapping[str, Path]) -> list[list[int]] | None:
    """Return what was drawn of an arm in all replicates; None where a job of it failed or was not run."""
    keys = [cell.drawn for cell in plan.cells if cell.arm == arm and cell.drawn is not None]
    if not keys or any(key not in done for key in keys):
        return None
    return [text for key in keys for text in pl.read_parquet(done[key] / "drawn.parquet")["tokens"].to_list()]


def _entry(marked: MarkedArm, texts: Sequence[Sequence[int]] | None) -> dict[str, Any]:
    """Describe the test of one arm's text, its p-value not adjusted yet."""
    find, written = mark_finder(marked.mark), texts or []
    test = MarkTest(0, 0, None) if find is None else find(written)
    reason = Reason.TOO_FEW_PAIRS if test.n_pairs < LEAST_PAIRS else None
    return {
        "arm": marked.arm,
        "of": marked.of,
        "mark": marked.mark.defence,
        "defence": marked.defence,
        "attacker": marked.attacker,
        "controls": list(marked.controls),
        "texts": len(written),
        "tokens": sum(map(len, written)),
        "pairs": test.n_pairs,
        "green": test.n_green,
        "share_green": test.n_green / test.n_pairs if test.n_pairs else None,
        "p_value": None if reason else test.p_value,
        "reason": None if reason is None else str(Reason.ARM_MISSING if texts is None else reason),
    }


def adjusted(entries: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield entries with what their p-values come to over all of them, and whether a mark was found."""
    p = [np.nan if entry["p_value"] is None else entry["p_value"] for entry in entries]
    for entry, p_holm in zip(entries, holm(np.array(p, dtype=np.float64)).tolist(), strict=True):
        known = entry["p_value"] is not None
        yield {
            **entry,
            "p_holm": p_holm if known else None,
            "level": LEVEL,
            "marked": p_holm <= LEVEL if known else None,
        }
