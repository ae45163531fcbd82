"""The headline model: equal to a refit in R, and its structure is what the stated rule chooses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gauger.evidence.effects import add_effects
from gauger.evidence.fit import Evidence
from gauger.evidence.pool import meta_data, role_terms, variance_category
from gauger.evidence.pooled import STRUCTURE
from gauger.evidence.restrict import SETS, UNTOUCHED, rows_of
from gauger.stats.random_effects import choose

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "evidence_headline.json").read_text(encoding="utf-8"))


def test_equals_metafor_on_the_shipped_rows(evidence: Evidence) -> None:
    """Tolerance 1e-5 of the estimate's standard error or better; metafor stops about 1e-9 (relative) below the maximum.

    A new release of the table needs a new refit: the two commands stand in tests/golden/r/evidence_headline.R.
    """
    found, wanted = evidence.headline.untouched, GOLDEN["hcs_diag"]
    assert GOLDEN["n"] == found.n_rows
    fitted = found.fitted
    assert fitted.log_likelihood == pytest.approx(wanted["log_likelihood"], abs=1e-5)
    assert fitted.log_likelihood >= wanted["log_likelihood"] - 1e-7
    for role, beta, se, df in zip(wanted["roles"], wanted["beta"], wanted["cr2_se"], wanted["cr2_df"], strict=True):
        one = found[role]
        assert one.estimate == pytest.approx(beta, abs=1e-5 * max(abs(beta), se))
        assert one.se == pytest.approx(se, rel=1e-5)
        assert one.df == pytest.approx(df, rel=1e-4)
    at = [fitted.names.index(role) for role in wanted["roles"]]
    np.testing.assert_allclose(np.diag(fitted.groups)[at], wanted["tau2"], rtol=1e-3)
    np.testing.assert_allclose(fitted.omega[at], wanted["gamma2"], rtol=1e-3)
    assert fitted.correlation[0, 1] == pytest.approx(wanted["rho"], rel=1e-3)


def test_the_structure_is_what_the_rule_chooses(rows: pl.DataFrame) -> None:
    some = add_effects(rows_of(rows, SETS[UNTOUCHED]))
    chosen, aic = choose(meta_data(some, role_terms(some)), variance_category(some))
    assert chosen == STRUCTURE
    assert aic["one", "one"] - aic[chosen] > 200
