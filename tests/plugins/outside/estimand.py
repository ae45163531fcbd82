"""An estimand of another package: the gain of an arm, halved."""

from gauger.estimate.cell_means import Case, Weights
from gauger.estimate.estimands import Estimand, against_base, everywhere
from gauger.records import ArmKind


def half(case: Case) -> Weights:
    return 0.5 * (case.mean(case.arm.name) - case.mean(case.control))


HALF_GAIN = Estimand("What is half of the gain?", (ArmKind.DISTILLED,), against_base, everywhere, half)
