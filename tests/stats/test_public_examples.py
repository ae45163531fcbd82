"""Further public meta-analyses (metadat) against metafor and clubSandwich: 23 data sets, with and without clusters.

Values: tests/golden/public_examples.json, made by tests/golden/r/public_examples.R. metafor's multilevel fits stop
about 1e-8 (relative) short of the maximum, which leaves coefficients to 1e-6 and degrees of freedom to 1e-4.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gauger.stats.random_effects import MetaData, MetaFit, fit, joint_test

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "public_examples.json").read_text(encoding="utf-8"))


def fitted(case: dict[str, Any]) -> MetaFit:
    columns = {name: np.array(values, dtype=float) for name, values in GOLDEN["data"][case["data"]].items()}
    n = len(columns["yi"])
    cluster = columns.get("cluster")
    levels = (np.arange(n),) if cluster is None else (cluster, np.arange(n))
    design = None
    if case["kind"] == "slope":
        x = columns["x"]
        design = np.column_stack([np.ones(n), (x - x.mean()) / x.std(ddof=1)])
    data = MetaData(columns["yi"], columns["vi"], levels, design)
    if case["kind"] == "rows":
        return fit(data, test="knapp-hartung")
    return fit(data, robust=np.arange(n) if cluster is None else cluster)


def test_there_are_more_than_twenty() -> None:
    assert len(GOLDEN["data"]) >= 20
    assert {case["kind"] for case in GOLDEN["cases"]} == {"rows", "clusters", "slope"}
    assert {case["data"] for case in GOLDEN["cases"]} == set(GOLDEN["data"])


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: f"{case['data']} {case['kind']}")
def test_equals_r(case: dict[str, Any]) -> None:
    found, wanted = fitted(case), case["values"]
    np.testing.assert_allclose(found.beta, wanted["beta"], rtol=1e-5, atol=1e-7)
    assert found.log_likelihood == pytest.approx(wanted["log_likelihood"], abs=1e-6)
    if "se" in wanted:
        np.testing.assert_allclose([one.se for one in found.coefficients], wanted["se"], rtol=1e-5)
    if "tau2" in wanted:
        np.testing.assert_allclose(found.tau2, wanted["tau2"], rtol=1e-5, atol=1e-9)
    if "df" in wanted:
        np.testing.assert_allclose([one.df for one in found.coefficients], wanted["df"], rtol=1e-4)
    if "q" in wanted:
        assert found.heterogeneity.q == pytest.approx(wanted["q"], rel=1e-8)
    if "wald" in wanted:
        joint = joint_test(found)
        assert joint.statistic == pytest.approx(wanted["wald"], rel=1e-4)
        assert joint.df_denominator == pytest.approx(wanted["wald_df"], rel=1e-3)
