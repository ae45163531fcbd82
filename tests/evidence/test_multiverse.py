"""The multiverse: its specifications, single paths against the ordinary analysis, the curve, what is stored."""

from __future__ import annotations

import time

import numpy as np
import polars as pl
import pytest
from scipy import special

from gauger.evidence.clean import Exclusion
from gauger.evidence.multiverse import CARRIED, Path, _curve, in_points, run
from gauger.evidence.pool import pool_roles
from gauger.evidence.pooled import PoolingModel
from gauger.evidence.restrict import SETS, UNTOUCHED, Restriction, rows_of
from gauger.evidence.stored import curves_of, digest_of, read_stored
from gauger.evidence.switches import SWITCHES, specifications


def test_at_least_a_thousand_specifications_each_with_reasons() -> None:
    found = specifications()
    assert len(found) == len({tuple(one.items()) for one in found}) >= 1000
    assert {one.name for one in SWITCHES} >= {
        "roles", "control", "sources", "handicapped controls", "cleaning", "effect scale", "heterogeneity",
        "risk of bias",
    }  # fmt: skip
    assert all(len(one.reason) > 40 and len(one.options) > 1 for one in SWITCHES)


def spec(**change: str) -> dict[str, str]:
    return {switch.name: switch.options[0] for switch in SWITCHES} | {k.replace("_", " "): v for k, v in change.items()}


@pytest.mark.parametrize(
    ("change", "restriction"),
    [
        ({}, None),
        ({"heterogeneity": "one variance"}, Restriction("", "", model=PoolingModel(heterogeneity="one"))),
        ({"shared_controls": "independent"}, Restriction("", "", model=PoolingModel(shared="none"))),
        ({"handicapped_controls": "kept"}, Restriction("", "", undo=(Exclusion.HANDICAPPED,))),
        ({"handicapped_controls": "doubtful left out too"}, Restriction("", "", pl.col("handicap").is_null())),
        ({"risk_of_bias": "low risk"}, Restriction("", "", pl.col("risk") == "low")),
        ({"sources": "primary"}, Restriction("", "", pl.col("source_grade") == "primary")),
        ({"roles": "second coder"}, Restriction("", "", second_coder=True)),
    ],
    ids=lambda x: str(x) if isinstance(x, dict) else "",
)
def test_a_path_is_the_ordinary_analysis(rows: pl.DataFrame, change: dict[str, str], restriction: Restriction) -> None:
    """Means agree to the search's tolerance; errors in score form to some per cent with CR2."""
    found = {one.role: one for one in run(rows, (spec(**change),)).paths}
    model = restriction.model if restriction else PoolingModel()
    ordinary = pool_roles(rows_of(rows, SETS[UNTOUCHED], restriction), model)
    for role in CARRIED:
        one, other = found[str(role)], ordinary[str(role)]
        assert (one.n_rows, one.n_studies) == (other.n_rows, other.n_studies)
        assert one.estimate == pytest.approx(other.estimate, abs=2e-2)
        assert (one.high - one.low) == pytest.approx(other.high - other.low, rel=0.12)


def test_every_switch_matters(rows: pl.DataFrame) -> None:
    base = run(rows, (spec(),)).paths[2].estimate
    for switch in SWITCHES:
        others = [run(rows, ({**spec(), switch.name: option},)).paths[2].estimate for option in switch.options[1:]]
        assert any(abs(other - base) > 1e-3 for other in others), switch.name


def test_log_odds_in_points() -> None:
    starts = np.array([0.0, 20.0, 70.0])
    p = np.array([0.005, 0.2, 0.7])
    wanted = 100 * np.mean(special.expit(special.logit(p) + 0.8) - p)
    assert in_points(np.array([0.8, 0.0]), starts) == pytest.approx([wanted, 0.0])


def path(estimate: float | None, low: float = 0.0, high: float = 0.0) -> Path:
    return Path({}, "targeted", 9, 3, estimate, low, high)


def test_shares_and_median_of_a_curve() -> None:
    found = _curve("targeted", [path(1.0, 0.5, 2.0), path(3.0, -1.0, 7.0), path(-4.0, -5.0, -3.0), path(None)])
    assert (found.n, found.undefined) == (3, 1)
    assert (found.median, found.low, found.high) == (1.0, -4.0, 3.0)
    assert (found.share_above_zero, found.share_below_zero) == pytest.approx((1 / 3, 1 / 3))
    assert _curve("fresh", []).median is None


def test_what_is_stored_belongs_to_the_shipped_table(rows: pl.DataFrame) -> None:
    document = read_stored(rows)
    assert document is not None, "run validation/evidence_rows/release.py after a change of the table"
    assert read_stored(rows.head(100)) is None
    assert digest_of(rows) != digest_of(rows.with_columns(score_control=pl.col("score_control") + 1))
    assert [one.role for one in curves_of(document)] == [str(role) for role in CARRIED]
    assert all(one.n >= 1000 for one in curves_of(document))


def test_sampled_specifications_lie_inside_the_stored_range(rows: pl.DataFrame) -> None:
    """And fast enough that all of them take less than a minute."""
    every = specifications()
    picked = tuple(every[i] for i in np.random.default_rng(0).choice(len(every), 40, replace=False))
    start = time.process_time()
    found = run(rows, picked)
    seconds = (time.process_time() - start) / len(picked) * len(every)
    assert seconds < 120
    curves = {one.role: one for one in curves_of(read_stored(rows))}
    for one in found.paths:
        if one.estimate is not None:
            assert curves[one.role].low - 0.05 <= one.estimate <= curves[one.role].high + 0.05
    for role in CARRIED:
        mine = np.median([one.estimate for one in found.paths if one.role == role and one.estimate is not None])
        assert mine == pytest.approx(curves[str(role)].median, abs=2.5)
