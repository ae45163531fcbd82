"""Equality with lme4, limma, multcomp / mvtnorm, and with Fieller sets found by search.

Values: tests/golden/{crossed,moderated,fieller,max_t}.json, made by tests/golden/r/*.R of the same names (how to
regenerate stands in each script's first lines, versions in each file). R is not needed to run these tests.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from gauger.stats.crossed.contrast import estimate_contrasts
from gauger.stats.crossed.crossed import crossed_components
from gauger.stats.crossed.moderate import VariancePrior, fit_variance_prior, inverse_trigamma, squeeze_variances
from gauger.stats.crossed.panel import Panel, panel_of
from gauger.stats.ratio import fieller
from gauger.stats.simultaneous import max_t

FOLDER = Path(__file__).parents[1] / "golden"
GOLDEN = {
    name: json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    for name in ("crossed", "moderated", "fieller", "max_t")
}


def cases(name: str, **wanted: str) -> Any:
    found = [case for case in GOLDEN[name]["cases"] if all(case[key] == value for key, value in wanted.items())]
    return pytest.mark.parametrize("case", found, ids=[case["name"] for case in found])


def test_the_cases_cover_what_is_promised() -> None:
    kinds = [case["kind"] for case in GOLDEN["crossed"]["cases"]]
    assert {kind: kinds.count(kind) for kind in kinds} == {"mean": 4, "paired": 3, "independent": 3, "clusters": 3}
    assert {case["kind"] for case in GOLDEN["fieller"]["cases"]} == {"bounded", "outside", "whole line"}
    assert len(GOLDEN["fieller"]["cases"]) == 16
    priors = [case["prior_df"] for case in GOLDEN["moderated"]["cases"]]
    assert len(priors) == 10
    assert 2 <= priors.count("Inf") < len(priors) - 4, "finite and infinite priors"
    assert {min(case["df"]) for case in GOLDEN["moderated"]["cases"]} >= {1, 2, 3, 4, 7}
    families = GOLDEN["max_t"]["cases"]
    assert [case["source"] for case in families].count("multcomp") == 5
    assert [case["source"] for case in families].count("mvtnorm") == 7
    assert sum(case["df"] > 1e6 for case in families) == 2, "known variances"
    assert {case["level"] for case in families} == {0.95, 0.9}


def test_every_file_names_its_versions() -> None:
    programs = {name: sorted(golden["versions"]) for name, golden in GOLDEN.items()}
    assert programs == {
        "crossed": ["R", "lme4"], "moderated": ["R", "limma"], "fieller": ["R"], "max_t": ["R", "multcomp", "mvtnorm"]
    }  # fmt: skip
    assert all((FOLDER / "r" / f"{name}.R").exists() for name in GOLDEN)


def panel_from(case: dict[str, Any]) -> tuple[Panel, np.ndarray]:
    y = np.array(case["scores"])
    plain = panel_of([y], paired=case["paired"])
    return Panel(plain.scores, (np.array(case["cluster"]),), plain.replicates), np.atleast_1d(case["weights"]).astype(
        float
    )


@cases("crossed")
def test_crossed_variance_equals_lme4(case: dict[str, Any]) -> None:
    """REML's maximum is flat: an optimiser that stops at 1e-11 of the parameters errs by about 1e-6 in the variance.

    Compared are the three parts added up, which REML shares; the interval's guards (least item part, floor of the
    replicate part) are no part of the mixed model.
    """
    panel, weights = panel_from(case)
    found = crossed_components(panel)
    variance = weights @ (found.item.written_out() + found.shown_covariance() - found.shared.written_out()) @ weights
    np.testing.assert_allclose(weights @ found.mean[:, 0], case["value"], rtol=1e-8)
    np.testing.assert_allclose(variance, case["variance"], rtol=1e-5)


@cases("crossed")
def test_unmoderated_standard_error_equals_lme4(case: dict[str, Any]) -> None:
    """The guards do nothing in these data (all components are positive and far from the bounds)."""
    panel, weights = panel_from(case)
    found = estimate_contrasts(panel, weights[None, :, None], moderated=False)
    np.testing.assert_allclose(found.se[0] ** 2, case["variance"], rtol=1e-5)


@cases("moderated")
def test_variance_prior_equals_limma(case: dict[str, Any]) -> None:
    """limma inverts trigamma to 1e-8 relative; 1e-7 leaves a factor of ten.

    The engine moderates contrasts on the logit scale by cube roots (`stray`), which limma does not; compared is the
    piece that both have: the prior of a set of plain variances.
    """
    variances, df = np.array(case["variances"]), np.array(case["df"], dtype=float)
    wanted = VariancePrior(case["scale"], float(case["prior_df"]))
    found = fit_variance_prior(variances, df)
    np.testing.assert_allclose([found.scale, found.df], [wanted.scale, wanted.df], rtol=1e-7)
    np.testing.assert_allclose(squeeze_variances(variances, df, found), case["squeezed"], rtol=1e-7)


def test_inverse_trigamma_equals_limma() -> None:
    golden = GOLDEN["moderated"]["trigamma"]
    np.testing.assert_allclose(inverse_trigamma(golden["value"]), golden["inverse"], rtol=1e-7)


@cases("fieller")
def test_fieller_set_equals_the_search(case: dict[str, Any]) -> None:
    """Roots by uniroot at 1e-15 in the angle; quantiles of t agree to 1e-8: 1e-6 relative, 1e-9 of the scale near 0."""
    found = fieller(case["n"], case["d"], case["vn"], case["vd"], case["cov"], case["df"], case["level"])
    assert found.kind == case["kind"]
    ends = [end for end in (found.low, found.high) if end is not None]
    np.testing.assert_allclose(ends, case["ends"], rtol=1e-6, atol=1e-9)


@cases("max_t")
def test_critical_value_equals_the_integral(case: dict[str, Any]) -> None:
    """The engine draws: the joint tail has a standard error of sqrt(a (1 - a) / 2^18) < 0.0006, four of them allowed.

    The integral's own error is 1e-5. Compared as tails of one contrast, whose slope is at most that of the joint one.
    """
    covariance = np.array(case["covariance"])
    value = np.array(case.get("value", np.zeros(len(covariance))))
    found = max_t(value, covariance, np.full(len(value), case["df"]), case["level"])
    tails = 2 * stats.t.sf([found.critical[0], case["critical"]], case["df"])
    assert abs(tails[0] - tails[1]) < 0.0024
    np.testing.assert_allclose(found.critical, case["critical"], rtol=0.01)


@cases("max_t", source="multcomp")
def test_adjusted_p_values_equal_multcomp(case: dict[str, Any]) -> None:
    """A drawn tail p has a standard error of sqrt(p (1 - p) / 2^18); four of them, and 1e-4 for the integral.

    multcomp's own defaults integrate to 1e-3 only, so its printed values agree to that.
    """
    value, covariance = np.array(case["value"]), np.array(case["covariance"])
    found = max_t(value, covariance, np.full(len(value), case["df"]), case["level"])
    wanted = np.array(case["p_adjusted"])
    assert (np.abs(found.p_adjusted - wanted) <= 4 * np.sqrt(wanted * (1 - wanted) / 2**18) + 1e-4).all()
    np.testing.assert_allclose(found.p_adjusted, case["multcomp_p"], atol=3e-3)
    np.testing.assert_allclose(found.p_holm, case["p_holm"], rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(found.critical, case["multcomp_critical"], rtol=0.01)
