"""Registers every estimand's definition (docs/methods.md), one entry each.

An estimand is a linear contrast of cell means or a ratio of two. To add one, write its weights with `Case.mean` and
enter it in `REGISTRY`: intervals, simultaneous intervals, calibration and the verdict rule then know it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from gauger.errors import GaugerError, UserError, nearest
from gauger.estimate.cell_means import Case, Cells, Target, Weights
from gauger.estimate.design import Design
from gauger.estimate.estimand_weights import (
    difference,
    difference_in_differences,
    difference_on_targeted,
    format_effect,
    gap,
    leak_of_teacher,
    per_dollar,
    per_query,
    per_thousand_tokens,
)
from gauger.plugs import Registry
from gauger.records import ArmInfo, ArmKind, Reason, Role

_D, _T, _B, _M = ArmKind.DISTILLED, ArmKind.TEACHER, ArmKind.BASE, ArmKind.MATCHED
_P, _F, _L, _R = ArmKind.PLACEBO, ArmKind.FORMAT, ArmKind.LEAK, ArmKind.REFERENCE
_W, _U = ArmKind.LEAK_TWIN, ArmKind.UNTAUGHT
_N, _K = ArmKind.LAUNDER, ArmKind.LEAKY_TEACHER
EVERY_ARM = tuple(ArmKind)
TRAINED = (_D, _M, _P, _F, _L, _R, _W, _U, _N)
"""An untaught arm has its raw gain and nothing else: there is no teacher's part in it to be told from the rest."""
AGAINST_MATCHED = (_D, _P, _L, _R, _W, _N)
TAUGHT = (_D, _L, _R, _W)
"""Arms whose uplift means something taught; a placebo's ratio would be noise over noise."""

Control = Callable[[Design, ArmInfo], str | None]
"""Names the arm that an arm is compared with; None where the study has none."""


@dataclass(frozen=True)
class Estimand:
    """One definition: for which arms, against what, where, and with which weights."""

    question: str
    """What it answers, in one line."""
    kinds: tuple[ArmKind, ...]
    """Kinds of arms it is reported for."""
    control: Control | None
    """Names the arm it is compared with; an arm for which the study has none is left out. None: a plain score."""
    targets: Callable[[Cells], list[Target]]
    """Where it is reported."""
    weights: Callable[[Case], Weights]
    """The contrast, or the numerator of the ratio."""
    over: Callable[[Case], Weights] | None = None
    """The denominator of the ratio; None for a linear contrast."""
    needs: tuple[ArmKind, ...] = ()
    """Further kinds that the study must have for this estimand to be asked at all."""
    scale: Callable[[ArmInfo], float | None] | None = None
    """Factor on the contrast (per thousand tokens, per query); None from it leaves the arm out."""
    complement: bool = False
    """Reported is 1 - numerator / denominator."""
    least_denominator: Reason | None = None
    """Why the ratio is undefined where its denominator is not above 0; None: it may have either sign."""


def against_first(kind: ArmKind) -> Control:
    """Compare with the study's first arm of a kind, whichever arm is compared: all have the same.

    Parameters
    ----------
    kind : ArmKind
        Of the arm that is compared with.

    Returns
    -------
    function of (Design, ArmInfo)
        The name of that arm; None where the study has none, and the estimand is then not asked.
    """

    def control(design: Design, _arm: ArmInfo) -> str | None:
        return design.first(kind)

    return control


against_base = against_first(_B)
"""Compare with the untouched student."""
against_format = against_first(_F)
"""Compare with the arm that learned the answer format alone."""
against_teacher = against_first(_T)
"""Compare with the clean teacher."""


def against_matched(design: Design, arm: ArmInfo) -> str | None:
    """Compare with the arm's matched control: same tokens, steps and format, no teacher.

    Parameters
    ----------
    design : Design
        Names the study's arms.
    arm : ArmInfo
        The arm that is compared.

    Returns
    -------
    str or None
        Its declared control, else the study's first matched arm (`Design.matched_of`). None where there is none, for a
        matched arm itself, and for an arm without a teacher.
    """
    return design.matched_of(arm)


def against_same_without_items(design: Design, arm: ArmInfo) -> str | None:
    """Compare with the arm that differs least from it but for what it knows of the tested items.

    A leak arm has more rows than its matched control, and leaked answers teach new items too: its twin has as many more
    rows, of items that nobody tests. And a matched control may lie at the floor, where item logits are not known.

    Parameters
    ----------
    design : Design
        Names the study's arms.
    arm : ArmInfo
        The arm that is compared.

    Returns
    -------
    str or None
        A leak arm's twin where the study has one, else the arm's matched control.
    """
    twin = design.twin_of(arm) if arm.kind == _L else None
    return twin or design.matched_of(arm)


def against_clean_arm(_design: Design, arm: ArmInfo) -> str | None:
    """Compare a laundering arm with the arm of the same recipe that the clean teacher taught.

    Parameters
    ----------
    _design : Design
        Names the study's arms.
    arm : ArmInfo
        The arm that is compared; it names the other as its twin.
    """
    return arm.twin


def everywhere(cells: Cells) -> list[Target]:
    """Report on each benchmark and on the average over each role."""
    return [cells.benchmark(b) for b in range(len(cells.cube.benchmarks))] + cells.averages()


def _carried(*roles: Role) -> Callable[[Cells], list[Target]]:
    """Report on the average over the roles, and on each of their benchmarks whose skill was also targeted."""

    def targets(cells: Cells) -> list[Target]:
        if not cells.has_roles():
            return []
        averages = [cells.average(role) for role in roles]
        single = [cells.benchmark(b) for average in averages for b in average.positions]
        counterpart = Role.PARALLEL if Role.TARGETED in roles else Role.TARGETED
        return averages + [
            target for target in single if target.skill and cells.same_skill(counterpart, target.skill).positions
        ]

    return targets


REGISTRY: dict[str, Estimand] = {
    "score": Estimand(
        "How well does the arm do?", EVERY_ARM, None, everywhere, lambda case: case.mean(case.arm.name)
    ),
    "gain": Estimand(
        "How much better than the untouched student? On far benchmarks, below 0 is forgetting.",
        TRAINED, against_base, everywhere, difference,
    ),
    "uplift": Estimand(
        "How much better than the same training without the teacher?",
        AGAINST_MATCHED, against_matched, everywhere, difference,
    ),
    "gap_recovered": Estimand(
        "Which share of the teacher's lead over the matched control does the arm take over?",
        TAUGHT, against_matched, everywhere, difference, gap, needs=(_T,), least_denominator=Reason.NO_LEAD,
    ),
    "carryover": Estimand(
        "Which share of the uplift on targeted benchmarks shows where the skill is asked otherwise, or elsewhere?",
        TAUGHT, against_matched, _carried(Role.NEAR, Role.FAR), difference, difference_on_targeted,
        least_denominator=Reason.NO_UPLIFT,
    ),
    "benchmark_bound_share": Estimand(
        "Which share of the uplift on targeted benchmarks stays in the benchmark? 1 - carry-over to near.",
        TAUGHT, against_matched, _carried(Role.NEAR),
        difference, difference_on_targeted, complement=True, least_denominator=Reason.NO_UPLIFT,
    ),
    "memorisation": Estimand(
        "How much more does the arm gain on targeted than on parallel items, beyond what its control does?",
        (_D, _P, _F, _L, _R, _W), against_same_without_items, _carried(Role.TARGETED), difference_in_differences,
    ),
    "leak_in_teacher": Estimand(
        "How much of the test items does the contaminated teacher show, beyond what the clean one does?",
        (_K,), against_teacher, _carried(Role.TARGETED), difference_in_differences,
    ),
    "laundered_leak": Estimand(
        "How much of the test items reached a student that never saw them, beyond the same arm with the clean teacher?",
        (_N,), against_clean_arm, _carried(Role.TARGETED), difference_in_differences,
    ),
    "laundered_share": Estimand(
        "Which share of the teacher's leak came through to its student?",
        (_N,), against_clean_arm, _carried(Role.TARGETED), difference_in_differences, leak_of_teacher,
        needs=(_K,), least_denominator=Reason.NO_LEAK,
    ),
    "format_effect": Estimand(
        "How much does the answer format alone gain?", (_F,), against_base, everywhere, difference,
    ),
    "training_effect": Estimand(
        "How much does more training without the teacher gain beyond the format?",
        (_M,), against_format, everywhere, difference,
    ),
    "format_share": Estimand(
        "Which share of the arm's raw gain is the answer format?",
        (_D,), against_base, everywhere, format_effect, difference, needs=(_F,), least_denominator=Reason.NO_GAIN,
    ),
    "uplift_per_thousand_teacher_tokens": Estimand(
        "How much uplift does a thousand tokens of the teacher buy?",
        (_D,), against_matched, everywhere, difference, scale=per_thousand_tokens,
    ),
    "uplift_per_query": Estimand(
        "How much uplift does one query to the teacher buy?",
        (_D,), against_matched, everywhere, difference, scale=per_query,
    ),
    "uplift_per_dollar": Estimand(
        "How much uplift does one US dollar of the teacher buy, at the middle of the bill's range?",
        (_D,), against_matched, everywhere, difference, scale=per_dollar,
    ),
}  # fmt: skip
"""Estimand by name, in the order of the report. gain = format_effect + training_effect + uplift, exactly."""


ESTIMANDS = Registry("an estimand", "gauger.estimands", {})
"""Estimands of other packages: name -> an `Estimand`, reported after our own."""


@cache
def estimands() -> Mapping[str, Estimand]:
    """Return every estimand by name: our own in the order of the report, then those of other packages.

    Raises
    ------
    GaugerError
        Where another package takes a name of ours.
    """
    taken = sorted(set(REGISTRY) & set(ESTIMANDS))
    if taken:
        raise GaugerError(f"the estimand {taken[0]!r} is offered twice: by Gauger and by {ESTIMANDS[taken[0]]}")
    return {**REGISTRY, **{name: ESTIMANDS.load(name) for name in ESTIMANDS}}


def find_estimand(name: str) -> Estimand:
    """Return an estimand; an unknown name is answered with the nearest known one."""
    known = estimands()
    if name not in known:
        raise UserError("a known estimand", repr(name), hint=nearest(name, known))
    return known[name]
