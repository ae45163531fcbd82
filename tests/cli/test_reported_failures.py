"""Failures that users reported of other meta-analysis programs, rebuilt small: none may happen here.

Each test names the report. The data are made up; what is kept is what broke.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from gauger.cli.application import main
from gauger.stats.random_effects import MetaData, fit, permutation_test, q_profile_interval

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def call(text: str, *options: str) -> tuple[int, str, str]:
        Path("t.csv").write_text(text, encoding="utf-8")
        code = main(["meta", "t.csv", "--effect", "y", "--variance", "v", *options])
        said = capfd.readouterr()
        return code, said.out, said.err

    return call


def loads(done: tuple[int, str, str]) -> dict[str, Any]:
    code, out, err = done
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def table(rows: list[tuple[Any, ...]], header: str = "y,v") -> str:
    return header + "\n" + "\n".join(",".join(map(str, row)) for row in rows) + "\n"


PLAIN = [(0.1, 0.02), (0.4, 0.03), (0.2, 0.01), (0.7, 0.05), (-0.1, 0.04), (0.3, 0.02)]


def test_a_coefficient_of_a_single_observation(run: Run) -> None:
    """clubSandwich 86: variance 0 for that coefficient, and the joint test crashes."""
    rows = [(0.1, 0.02, 1, "a"), (0.5, 0.03, 2, "a"), (0.3, 0.02, 3, "b"), (0.4, 0.01, 4, "b"), (0.9, 0.02, 5, "c")]
    found = loads(run(table(rows, "y,v,g,m"), "--moderator", "m", "--robust", "g", "--json"))
    assert all(one["se"] is None or one["se"] > 1e-6 for one in found["estimates"])
    assert found["joint_test"]["p"] is None or 0 <= found["joint_test"]["p"] <= 1
    assert found["warnings"]


def test_clustering_on_a_single_study(run: Run) -> None:
    """clubSandwich 63: an error without words when all rows are of one study."""
    code, _, err = run(table([(*row, "s1") for row in PLAIN], "y,v,s"), "--robust", "s")
    assert code == 2
    assert "at least two clusters" in err


def test_missing_cluster_labels(run: Run) -> None:
    """clubSandwich 31: 'non-conformable arguments' for a missing label."""
    rows = [(y, v, "" if k == 2 else k // 2) for k, (y, v) in enumerate(PLAIN)]
    found = loads(run(table(rows, "y,v,s"), "--within", "s", "--robust", "s", "--json"))
    assert found["left_out_lines"] == [4]
    assert found["study"]["rows"] == 5


def test_errors_of_1e_15(run: Run) -> None:
    """clubSandwich 89: standard errors of 1e-15 and t of 1e12 where clusters determine the coefficients."""
    rows = [(0.1, 0.02, "a"), (0.1001, 0.02, "a"), (0.5, 0.03, "b"), (0.5001, 0.02, "b"), (0.3, 0.03, "c")]
    found = loads(run(table(rows, "y,v,g"), "--moderator", "g", "--robust", "g", "--json"))
    assert {one["value"] for one in found["estimates"]} == {None}
    assert all("clusters" in one["reason"] for one in found["estimates"])


def test_two_clusters_give_no_negative_statistic(run: Run) -> None:
    """rms 44: negative F statistics when clustering by a variable with two values."""
    rng = np.random.default_rng(0)
    rows = [
        (round(rng.normal(), 3), 0.05, f"t{i % 2}", round(rng.normal(), 2), round(rng.normal(), 2)) for i in range(24)
    ]
    done = run(
        table(rows, "y,v,g,a,b"), "--moderator", "a", "--moderator", "b", "--within", "g", "--robust", "g", "--json"
    )
    joint = loads(done)["joint_test"]
    assert joint["statistic"] is None or joint["statistic"] >= 0
    assert (joint["statistic"] is None) == (joint["reason"] is not None)


def test_three_levels_that_end_at_zero_come_to_an_end(run: Run) -> None:
    """metafor 97: endless iterations after an infinite likelihood, with two of three variances at zero."""
    rng = np.random.default_rng(1)
    rows = [(round(0.2 + 0.05 * rng.normal(), 4), 0.02, i // 9, i // 3) for i in range(36)]
    found = loads(run(table(rows, "y,v,a,b"), "--within", "a", "--within", "b", "--json"))
    assert found["fit"]["steps"] < 100
    assert len(found["fit"]["components_at_zero"]) >= 2


def test_convergence_is_reported(run: Run) -> None:
    """metafor 103: a fit did not say how its search ended."""
    found = loads(run(table(PLAIN), "--json"))["fit"]
    assert found["steps"] >= 1
    assert np.isfinite(found["log_likelihood"])


def test_variances_of_zero_are_refused_with_their_line(run: Run) -> None:
    """PyMARE 40 and 42: zeros for missing values became a negative tau2 or NaN."""
    code, _, err = run(table([*PLAIN, (0.0, 0.0)]))
    assert code == 2
    assert "t.csv:8: v: expected a variance above 0, got 0" in err


def test_the_interval_of_tau2_never_falls_below_zero() -> None:
    """PyMARE 40: q_profile raises for effects from -60 to 109 with variances from 0.1 to 3,000."""
    y = np.array([-0.52, 0.75, 0.33, -1.24, 1.75, -3.01, 109.5, -0.05, -62.1, -28.6, -12.3, 5.3, -9.3])
    v = np.array([0.55, 0.12, 0.6, 1.74, 0.6, 1.44, 3259.0, 46.7, 2915.0, 2160.0, 2152.0, 163.8, 101.1])
    low, high = q_profile_interval(MetaData(y, v))
    assert 0 <= low <= float(fit(MetaData(y, v)).tau2[0]) <= high
    assert np.isfinite(high)


def test_p_values_are_not_printed_as_zero(run: Run) -> None:
    """PyMARE 61: p = 0 for overwhelming evidence, which later steps read as invalid."""
    found = run(table([(5.0 + 0.01 * k, 0.001) for k in range(8)]))
    assert "<0.0001" in found[1]
    assert " 0.0000" not in found[1]


def test_missing_effects_are_left_out_aloud(run: Run) -> None:
    """PyMARE 42: any NaN in the effects made every result NaN."""
    found = loads(run(table([*PLAIN, ("nan", 0.02), ("", 0.02)]), "--json"))
    assert found["left_out_lines"] == [8, 9]
    assert np.isfinite(found["estimates"][0]["value"])


def test_permutations_of_a_model_with_one_tau2() -> None:
    """PyMARE 94: the permutation test fails where tau2 is a single number."""
    y, v = np.array(PLAIN).T
    found = permutation_test(MetaData(y, v), rng=np.random.default_rng(0))
    assert 0 < float(np.atleast_1d(found.p)[0]) <= 1


def test_all_effects_zero(run: Run) -> None:
    """NiMARE 542: all-zero input ends in 'SVD did not converge'."""
    found = loads(run(table([(0, 0.1), (0, 0.2), (0, 0.3), (0, 0.4)]), "--json"))
    assert found["estimates"][0]["value"] == 0
    assert found["variance_components"][0]["tau2"] == 0


def test_less_spread_than_chance_gives_zero_not_a_negative_variance(run: Run) -> None:
    """statsmodels 6632: the moment estimator (Q - df) / C is negative and used as it is."""
    rows = [(0.10, 0.04), (0.11, 0.05), (0.09, 0.03), (0.10, 0.06)]
    found = loads(run(table(rows), "--json"))
    assert found["heterogeneity"]["q"] < found["heterogeneity"]["df"]
    assert found["variance_components"][0]["tau2"] == 0
    assert found["fit"]["components_at_zero"] == ["row"]
    assert found["estimates"][0]["se"] == pytest.approx(sum(1 / v for _, v in rows) ** -0.5)


def test_knapp_hartung_interval_is_the_t_interval(run: Run) -> None:
    """jasp-issues 1740: the interval of the estimate does not belong to the test."""
    one = loads(run(table(PLAIN), "--test", "knapp-hartung", "--json"))["estimates"][0]
    half = stats.t.ppf(0.975, len(PLAIN) - 1) * one["se"]
    assert (one["low"], one["high"]) == pytest.approx((one["value"] - half, one["value"] + half))


def test_the_level_reaches_every_interval(run: Run) -> None:
    """easystats/parameters 402: 95 % intervals whatever level is asked for."""
    narrow, wide = (loads(run(table(PLAIN), "--level", level, "--json")) for level in ("0.95", "0.99"))
    for path in (lambda f: f["estimates"][0], lambda f: f["prediction"], lambda f: f["variance_components"][0]):
        a, b = path(narrow), path(wide)
        assert b["high"] > a["high"]
        assert b["low"] <= a["low"]


def test_a_level_in_per_cent_is_a_message(run: Run) -> None:
    """jasp-desktop 2144: a level of 95 is read as a share."""
    code, _, err = run(table(PLAIN), "--level", "95")
    assert code == 2
    assert "a coverage from 0.5 to below 1" in err


def test_one_extreme_row_does_not_stop_reml(run: Run) -> None:
    """jamovi 1211: REML fails to converge when one row of 24 is added, and the message is of something else."""
    rng = np.random.default_rng(3)
    rows = [(round(0.3 + 0.2 * rng.normal(), 3), round(float(rng.uniform(0.01, 0.1)), 3)) for _ in range(23)]
    found = loads(run(table([*rows, (45.0, 0.0001)]), "--json"))
    assert found["variance_components"][0]["tau2"] > 10
