"""Tests whether small studies show larger effects: Egger-type regression of the effect on its own standard error."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from gauger.errors import UserError, nearest
from gauger.stats.random_effects.data import Array, MetaData
from gauger.stats.random_effects.fitting import Test, fit
from gauger.stats.random_effects.result import Coefficient, MetaFit, coefficient_of

Predictor = Literal["se", "variance"]


@dataclass(frozen=True)
class SmallStudyTest:
    """Outcome of an Egger-type test."""

    slope: Coefficient
    """Change of the effect per unit of the predictor; its p-value is the test's."""
    at_zero: Coefficient | None
    """Effect extrapolated to a study of infinite size (PET for "se", PEESE for "variance"); None with moderators."""
    fitted: MetaFit | None
    """The fit behind it; None for the classical test."""


def small_study_test(
    data: MetaData,
    *,
    predictor: Predictor = "se",
    method: Literal["REML", "ML"] = "REML",
    test: Test = "z",
    robust: ArrayLike | None = None,
    level: float = 0.95,
) -> SmallStudyTest:
    """Add the standard error (or variance) of each row to the model's moderators and test its slope.

    The mixed-effects version of Egger's test; with several levels or robust errors, its multilevel version. A slope is
    a sign of small-study effects, of which publication bias is only one cause, and a p-value from fewer than about
    ten studies says little. Where the effect's variance depends on the effect itself (log odds), a slope arises
    without any bias.

    Parameters
    ----------
    data : MetaData
        n rows; its moderators stay in the model.
    predictor : {"se", "variance"}
        What the effect is regressed on: the standard error (PET) or the variance (PEESE).
    method : {"REML", "ML"}
        As in `fit`.
    test : {"z", "t", "knapp-hartung"}
        As in `fit`.
    robust : (n,) labels, optional
        Clusters for CR2 errors; the outermost level where rows share studies.
    level : float
        Coverage, 0-1.

    Returns
    -------
    SmallStudyTest
        `at_zero` is None with moderators, whose values it would depend on.

    Raises
    ------
    UserError
        An unknown predictor, or rows of one variance.
    ConvergenceError
        The fit did not converge.

    Tested in tests/stats/test_random_effects_inference.py and test_random_effects_golden.py.

    Source: Sterne & Egger (2005), in: Publication Bias in Meta-Analysis, ch. 6; metafor's `regtest`.
    """
    extended = _with_predictor(data, predictor)
    fitted = fit(extended, method=method, test=test, robust=robust, level=level)
    at_zero = fitted.coefficients[0] if data.moderators is None else None
    return SmallStudyTest(fitted.coefficients[-1], at_zero, fitted)


def classical_egger_test(data: MetaData, *, predictor: Predictor = "se", level: float = 0.95) -> SmallStudyTest:
    """Egger's original: weighted least squares with a multiplicative error, t with n - p degrees of freedom.

    Rows are taken as independent: not for several rows per study.

    Parameters
    ----------
    data : MetaData
        n independent rows of one level.
    predictor : {"se", "variance"}
        What the effect is regressed on: the standard error (PET) or the variance (PEESE).
    level : float
        Coverage, 0-1.

    Returns
    -------
    SmallStudyTest
        Its `fitted` is None.

    Raises
    ------
    UserError
        Rows that share something or have several levels, an unknown predictor, or rows of one variance.

    Tested in tests/stats/test_random_effects_inference.py and test_random_effects_golden.py.

    Source: Egger et al. (1997), BMJ 315:629; metafor's `regtest(model="lm")`.
    """
    if data.shared_group is not None or data.covariance or len(data.levels) > 1:
        raise UserError("independent rows for the classical test", hint="Use the multilevel test: `small_study_test`.")
    extended = _with_predictor(data, predictor)
    X, weight, (n, p) = extended.design, 1.0 / data.variance, extended.design.shape
    bread = np.linalg.inv(X.T @ (X * weight[:, None]))
    beta = bread @ (X.T @ (weight * data.effect))
    dispersion = float(weight @ (data.effect - X @ beta) ** 2) / (n - p)

    def coefficient(j: int) -> Coefficient:
        se = float(np.sqrt(dispersion * bread[j, j]))
        return coefficient_of(extended.moderator_names[j], float(beta[j]), se, float(n - p), level)

    return SmallStudyTest(coefficient(p - 1), coefficient(0) if data.moderators is None else None, None)


def _with_predictor(data: MetaData, predictor: str) -> MetaData:
    values: dict[str, Array] = {"se": np.sqrt(data.variance), "variance": data.variance}
    if predictor not in values:
        raise UserError("a known predictor", repr(predictor), hint=nearest(predictor, values))
    if np.ptp(values[predictor]) <= 1e-12 * values[predictor].max():
        raise UserError(
            "rows of different variances for a small-study test",
            "all rows have one variance",
            hint="All rows have one variance, so there is no small-study test.",
        )
    design = np.column_stack([data.design, values[predictor]])
    return replace(data, moderators=design, moderator_names=(*data.moderator_names, predictor))
