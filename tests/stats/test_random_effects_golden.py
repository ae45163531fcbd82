"""Equality with metafor and clubSandwich on documented analyses.

Values: tests/golden/random_effects.json, made by tests/golden/r/random_effects.R (versions are in the file).

Tolerance 1e-6 relative, as the project promises. What is left is metafor's: its univariate fits stop at steps of 1e-14,
its multilevel fits were polished to about 1e-9 in tau2, and its profile and Q-profile roots to about 1e-8. Coefficients
near zero are compared with an absolute floor of 1e-9.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gauger.stats.random_effects import (
    MetaData,
    MetaFit,
    classical_egger_test,
    design_matrix,
    fit,
    influence,
    joint_test,
    leave_one_out,
    permutation_test,
    profile_intervals,
    q_profile_interval,
    small_study_test,
)

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "random_effects.json").read_text(encoding="utf-8"))
CASES = GOLDEN["cases"]
RTOL, ATOL = 1e-6, 1e-9


def test_the_cases_cover_what_is_promised() -> None:
    kinds = {case["kind"] for case in CASES}
    assert kinds == {
        "fit", "predict", "q-profile", "profile", "egger", "leave-one-out", "influence", "permutation"
    }  # fmt: skip
    fits = [case for case in CASES if case["kind"] == "fit"]
    assert len(CASES) >= 50
    assert sum(bool(case.get("cluster")) for case in fits) >= 8
    assert sum(bool(case.get("V")) for case in fits) >= 8
    assert {case["test"] for case in fits} == {"z", "t", "knapp-hartung"}
    assert {case["method"] for case in fits} == {"REML", "ML"}
    assert GOLDEN["versions"]["metafor"] == "3.8.1"


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_equals_r(case: dict[str, Any]) -> None:
    computed = RECIPES[case["kind"]](case)
    assert set(computed) >= set(case["values"]), "every stored value is compared"
    for name, wanted in case["values"].items():
        np.testing.assert_allclose(computed[name], np.array(wanted, dtype=float), rtol=RTOL, atol=ATOL, err_msg=name)


def data_of(case: dict[str, Any]) -> MetaData:
    columns = {name: np.array(values) for name, values in GOLDEN["data"][case["data"]].items()}
    n = len(columns["yi"])
    levels = case.get("levels") or []
    codes = tuple(np.arange(n) if name in {"row", "school"} else columns[name] for name in levels)
    mods = case.get("mods") or []
    X, names = design_matrix({name: columns[name] for name in mods}, n) if mods else (None, ())
    extra: dict[str, Any] = {}
    if case.get("V") == "shared":
        extra = {"shared_group": columns["control"], "shared_variance": columns["c"]}
    if case.get("V") == "decay":
        place = np.arange(n)
        full = 0.6 ** np.abs(place[:, None] - place) * np.sqrt(columns["vi"][:, None] * columns["vi"])
        studies = [np.flatnonzero(columns["study"] == study) for study in np.unique(columns["study"])]
        extra = {"covariance": tuple((rows, full[np.ix_(rows, rows)]) for rows in studies)}
    return MetaData(columns["yi"], columns["vi"], codes, X, tuple(levels), names, **extra)


def fit_of(case: dict[str, Any]) -> MetaFit:
    cluster = case.get("cluster")
    robust = np.array(GOLDEN["data"][case["data"]][cluster]) if cluster else None
    return fit(
        data_of(case),
        method=case["method"],
        test=case.get("test", "z"),
        df=case.get("dfs", "residual"),
        robust=robust,
        tau2=None if case.get("fixed") is None else [case["fixed"]],
    )


def fit_values(case: dict[str, Any]) -> dict[str, Any]:
    fitted = fit_of(case)
    spread, table = fitted.heterogeneity, fitted.coefficients
    values: dict[str, Any] = {
        "beta": fitted.beta,
        "se": [one.se for one in table],
        "pval": [one.p for one in table],
        "ci.lb": [one.low for one in table],
        "ci.ub": [one.high for one in table],
        "df": [-1.0 if one.df is None else one.df for one in table],
        "QE": spread.q,
        "QEp": spread.p,
        "logLik": fitted.log_likelihood,
        "tau2": fitted.tau2,
        "I2": fitted.i2,
    }
    if len(table) > 1:
        joint = joint_test(fitted)
        values |= {"QM": joint.statistic, "QMdf": joint.df, "QMdf2": joint.df_denominator, "QMp": joint.p}
    else:
        prediction = fitted.prediction()
        values |= {"pi.lb": prediction.prediction_low, "pi.ub": prediction.prediction_high}
    return values


def predict_values(case: dict[str, Any]) -> dict[str, Any]:
    return vars(fit_of(case).prediction(case["row"]))


def q_profile_values(case: dict[str, Any]) -> dict[str, Any]:
    low, high = q_profile_interval(data_of(case))
    return {"low": low, "high": high}


def profile_values(case: dict[str, Any]) -> dict[str, Any]:
    intervals = profile_intervals(fit_of(case))
    return {"low": [one.low for one in intervals], "high": [one.high for one in intervals]}


def egger_values(case: dict[str, Any]) -> dict[str, Any]:
    data, predictor = data_of(case), case["predictor"]
    if case["model"] == "lm":
        found = classical_egger_test(data, predictor=predictor)
    else:
        found = small_study_test(data, predictor=predictor, test=case["test"])
    assert found.at_zero is not None
    zero = found.at_zero
    return {
        "statistic": found.slope.statistic, "p": found.slope.p,
        "at_zero": zero.estimate, "low": zero.low, "high": zero.high,
    }  # fmt: skip


def group_of(case: dict[str, Any]) -> np.ndarray | None:
    return np.array(GOLDEN["data"][case["data"]][case["group"]]) if case.get("group") else None


def leave_one_out_values(case: dict[str, Any]) -> dict[str, Any]:
    left = [one.fitted for one in leave_one_out(fit_of(case), group_of(case))]
    table = [one.coefficients[0] for one in left]
    return {
        "estimate": [one.estimate for one in table],
        "se": [one.se for one in table],
        "low": [one.low for one in table],
        "high": [one.high for one in table],
        "tau2": [one.tau2[0] for one in left],
        "i2": [one.i2[0] for one in left],
        "q": [one.heterogeneity.q for one in left],
    }


def influence_values(case: dict[str, Any]) -> dict[str, Any]:
    found = influence(fit_of(case), group_of(case))
    return vars(found) | {"tau2": found.tau2[:, 0]}


def permutation_values(case: dict[str, Any]) -> dict[str, Any]:
    found = permutation_test(data_of(case), draws=1000, knapp_hartung=case["knapp_hartung"])
    assert found.exact
    return {"p": found.p if len(found.p) > 1 else found.p[0]}


RECIPES = {
    "fit": fit_values,
    "predict": predict_values,
    "q-profile": q_profile_values,
    "profile": profile_values,
    "egger": egger_values,
    "leave-one-out": leave_one_out_values,
    "influence": influence_values,
    "permutation": permutation_values,
}
