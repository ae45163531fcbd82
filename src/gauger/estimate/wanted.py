"""Plans the estimates that a study asks for, each with its weights or the reason why it has none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gauger.estimate.cell_means import Case, Cells, MissingCell, Target
from gauger.estimate.estimands import Estimand, find_estimand
from gauger.estimate.packed_weights import Packed, packed
from gauger.records import ArmInfo, Reason, Scale


@dataclass(frozen=True)
class CellSampling:
    """What having run a sample of a factorial's cells instead of all adds to a variance."""

    variance: float
    """Score scale squared; added to that of the contrast, or of the ratio's numerator."""
    df: float
    """Degrees of freedom that the variance is known from."""


@dataclass(frozen=True)
class Linearised:
    """A function of cell means that is not linear: its value, while the weights of the plan are its derivatives."""

    numerator: float
    """Value of the contrast, or of the ratio's numerator."""
    denominator: float | None = None


@dataclass(frozen=True)
class Planned:
    """One estimate to be made."""

    estimand: str
    case: Case
    numerator: Packed = Packed()  # noqa: RUF009 - a descriptor, not a default
    """Weights (A, B) of the contrast, or of the ratio's numerator; None where undefined. Kept packed."""
    denominator: Packed = Packed()  # noqa: RUF009 - a descriptor, not a default
    """Weights (A, B) of the ratio's denominator; None for a linear contrast. Kept packed."""
    reason: Reason | None = None
    """Why it has no weights."""
    note: str | None = None
    """What a reader must know of how it was planned."""
    sampling: CellSampling | None = None
    scale: Scale = Scale.POINTS
    linearised: Linearised | None = None
    """On another scale than points: the values, the weights being derivatives; None: the weights say both."""
    complement: bool = False
    """Report 1 - ratio: the mirror of a share, with the mirrored set."""
    least_denominator: Reason | None = None
    """Why the ratio is undefined where its denominator is not above 0; None: it may have either sign."""

    @property
    def is_ratio(self) -> bool:
        """Tell whether the estimate is a ratio of two contrasts; of one without weights there is nothing to tell."""
        return packed(self, "denominator") is not None


def plan_estimates(cells: Cells, names: Iterable[str]) -> list[Planned]:
    """List every estimate of the named estimands that the study's arms allow.

    An estimand is asked for an arm only where the design has what it is compared with (a study without a format arm
    says nothing of format); where the design has it but the records do not, the estimate is planned with its reason.

    Parameters
    ----------
    cells : Cells
        The study's scores and design.
    names : iterable of str
        Estimands (`estimands.REGISTRY`), in the order of the report.

    Returns
    -------
    list of Planned
        By estimand, then arm, then target.

    Raises
    ------
    UserError
        An estimand that is not known.

    Notes
    -----
    Every definition is recomputed in tests/estimate/test_estimands.py.
    """
    planned = []
    for name in names:
        estimand = find_estimand(name)
        if all(cells.design.of_kind(kind) for kind in estimand.needs):
            targets = estimand.targets(cells)
            for arm in cells.design.of_kind(*estimand.kinds):
                planned += _for_arm(cells, name, estimand, arm, targets)
    return planned


def _for_arm(cells: Cells, name: str, estimand: Estimand, arm: ArmInfo, targets: list[Target]) -> list[Planned]:
    """Plan one estimand of one arm at every target."""
    control = estimand.control(cells.design, arm) if estimand.control else None
    scale = estimand.scale(arm) if estimand.scale else 1.0
    if scale is None or (estimand.control and control in (None, arm.name)):
        return []
    return [plan_one(name, estimand, Case(cells, arm, control, target), scale) for target in targets]


def plan_one(name: str, estimand: Estimand, case: Case, scale: float = 1.0) -> Planned:
    """Write down the weights of one estimate, or why there are none.

    Parameters
    ----------
    name : str
        What the estimand is called in the results.
    estimand : Estimand
        Its definition.
    case : Case
        Arm, control and target.
    scale : float
        Factor on the numerator, such as 1 per query.

    Returns
    -------
    Planned
        Without weights and with a reason where a cell mean is missing, or where two arms share no item.
    """
    return plan_contrast(name, estimand, case, case, scale)


def plan_contrast(name: str, estimand: Estimand, case: Case, below: Case, scale: float = 1.0) -> Planned:
    """Write down one estimate whose denominator is another case's (the same one's, for an ordinary estimate).

    Parameters
    ----------
    name : str
        What the estimand is called in the results.
    estimand : Estimand
        Its definition.
    case : Case
        Arm, control and target of the numerator.
    below : Case
        Those of the denominator; not read where the estimand has none.
    scale : float
        Factor on the numerator alone.

    Returns
    -------
    Planned
        Without weights and with a reason where a cell mean is missing, or where arms that are compared share no item on
        one of the benchmarks.
    """
    try:
        numerator = scale * estimand.weights(case)
        denominator = estimand.over(below) if estimand.over else None
        for weights in (numerator, denominator):
            if weights is not None:
                case.cells.require_common_items(weights)
    except MissingCell as missing:
        return Planned(name, case, None, None, missing.reason)
    return Planned(
        name, case, numerator, denominator, complement=estimand.complement, least_denominator=estimand.least_denominator
    )
