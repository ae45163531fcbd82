"""Effects and sampling errors against their definitions, computed one row and one cell at a time."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.evidence.clean import prepare
from gauger.evidence.effects import (
    NO_GROUP,
    EffectUnit,
    NoGap,
    add_effects,
    add_gap_recovered,
    half_item,
    impute_items,
    paired_covariance,
    score_variance,
    shared_controls,
)
from gauger.evidence.table import EvidenceTable

from .make import frame


def literal(control: float, distilled: float, n: int, scale: EffectUnit) -> tuple[float, float]:
    """Effect and variance of one row, from percent scores, written out."""

    def corrected(percent: float) -> float:
        k = percent / 100 * n
        return (k + 0.5) / (n + 1) if k < 0.5 or n - k < 0.5 else percent / 100

    p, q = corrected(distilled), corrected(control)
    if scale == EffectUnit.POINTS:
        return distilled - control, 10_000 * (p * (1 - p) / n + q * (1 - q) / n)
    return math.log(p / (1 - p)) - math.log(q / (1 - q)), 1 / (n * p * (1 - p)) + 1 / (n * q * (1 - q))


@settings(deadline=None)
@given(st.floats(0, 100), st.floats(0, 100), st.integers(1, 20_000), st.sampled_from(list(EffectUnit)))
def test_effect_and_variance_of_one_row(control: float, distilled: float, n: int, scale: EffectUnit) -> None:
    one = frame({"score_control": repr(control), "score_distilled": repr(distilled), "n_items": str(n)})
    row = add_effects(one, scale).row(0, named=True)
    effect, variance = literal(control, distilled, n, scale)
    # Both sides do the same handful of floating-point operations in another order.
    assert row["effect"] == pytest.approx(effect, rel=1e-9, abs=1e-9)
    assert row["variance"] == pytest.approx(variance, rel=1e-9)
    assert 0 < row["control_variance"] < row["variance"]


def test_half_item_correction_at_zero_and_one_only() -> None:
    share = np.array([0.0, 0.4 / 30, 1 / 30, 0.5, 29 / 30, 29.6 / 30, 1.0])
    n = np.full(7, 30.0)
    found = half_item(share, n)
    assert found[2:5] == pytest.approx(share[2:5], abs=0)
    assert found[0] == pytest.approx(0.5 / 31)
    assert found[6] == pytest.approx(30.5 / 31)
    assert ((found > 0) & (found < 1)).all()
    assert found == pytest.approx(1 - half_item(1 - share, n)[::1])
    assert (np.diff(found[:2]) > 0).all()


def test_variance_shrinks_with_items_and_peaks_at_one_half() -> None:
    n = np.array([100.0, 400.0])
    assert score_variance(np.array([0.3, 0.3]), n, EffectUnit.POINTS)[0] == pytest.approx(21.0)
    assert np.divide(*score_variance(np.array([0.3, 0.3]), n, EffectUnit.POINTS)) == pytest.approx(4.0)
    grid = np.linspace(0.05, 0.95, 19)
    assert score_variance(grid, np.full(19, 100.0), EffectUnit.POINTS).argmax() == 9


def test_swapping_distilled_and_control_turns_the_sign() -> None:
    there = frame({"score_control": "0", "score_distilled": "37"})
    back = frame({"score_control": "37", "score_distilled": "0"})
    for scale in EffectUnit:
        one, other = (add_effects(rows, scale).row(0, named=True) for rows in (there, back))
        assert one["effect"] == pytest.approx(-other["effect"])
        assert one["variance"] == pytest.approx(other["variance"])


def test_rows_that_print_changes_take_the_largest_variance() -> None:
    gap = frame({"notes": "GAP ROW", "score_scale": "other", "score_control": "-3.4", "score_distilled": "-27.8"})
    row = add_effects(gap).row(0, named=True)
    assert row["effect"] == pytest.approx(-24.4)
    assert row["variance"] == pytest.approx(2 * 1e4 * 0.25 / 500)


@pytest.mark.parametrize(
    ("teacher", "control", "share", "reason"),
    [("80", "40", 0.25, None), ("40", "40", None, NoGap.NOT_ABOVE), ("30", "40", None, NoGap.NOT_ABOVE),
     ("", "40", None, NoGap.NO_TEACHER)],
)  # fmt: skip
def test_gap_recovered(teacher: str, control: str, share: float | None, reason: str | None) -> None:
    row = add_gap_recovered(frame({"score_teacher": teacher, "score_control": control})).row(0, named=True)
    assert row["gap_recovered"] == (None if share is None else pytest.approx(share))
    assert row["gap_reason"] == reason


def test_gap_recovered_without_a_control() -> None:
    rows = frame({"score_teacher": "80", "score_control": "", "contrast": "no-control"})
    assert add_gap_recovered(rows)["gap_reason"].item() == NoGap.NO_CONTROL


def test_rows_with_one_control_score_share_a_group() -> None:
    rows = frame({}, {"arm": "B"}, {"benchmark": "GSM8K"}, {"arm": "C", "score_control": "41.0"}, {"arm": "D"})
    group = shared_controls(rows)
    assert group[0] == group[1] == group[4] >= 0
    assert group[2] == group[3] == NO_GROUP


def literal_paired(rows: pl.DataFrame, correlation: float) -> np.ndarray:
    """V by its definition: covariance of (student - control) pairs, one pair of scores at a time."""
    lines = list(add_effects(rows).iter_rows(named=True))

    def cell(line: dict, side: str) -> tuple[str, float, tuple[str, str, int]]:
        own = line["control_variance"] if side == "control" else line["variance"] - line["control_variance"]
        return line[f"cell_{side}"], own, (line["study_id"], line["bench"], line["n_items"])

    def covariance(one: tuple, other: tuple) -> float:
        if one[0] == other[0]:
            return one[1]
        return correlation * math.sqrt(one[1] * other[1]) if one[2] == other[2] else 0.0

    v = np.zeros((len(lines), len(lines)))
    for i, a in enumerate(lines):
        for j, b in enumerate(lines):
            for side_a, sign_a in (("distilled", 1), ("control", -1)):
                for side_b, sign_b in (("distilled", 1), ("control", -1)):
                    v[i, j] += sign_a * sign_b * covariance(cell(a, side_a), cell(b, side_b))
    return v


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_paired_covariance_is_its_definition(correlation: float) -> None:
    rows = frame(
        {}, {"arm": "B", "score_distilled": "60"},
        {"contrast": "rl-instead", "control_arm": "RL", "score_control": "45"},
        {"benchmark": "AIME24", "n_items": "30"}, {"arm": "B", "benchmark": "AIME24", "n_items": "30"},
        {"study_id": "two-2025", "arm": "C"},
    )  # fmt: skip
    v = np.zeros((len(rows), len(rows)))
    for at, block in paired_covariance(add_effects(rows), correlation):
        v[np.ix_(at, at)] = block
    assert v == pytest.approx(literal_paired(rows, correlation), abs=1e-12)
    if correlation == 0:
        assert np.diag(v) == pytest.approx(add_effects(rows)["variance"].to_numpy())
    else:
        assert (np.diag(v) < add_effects(rows)["variance"].to_numpy()).all()


@pytest.mark.parametrize("correlation", [0.0, 0.8])
def test_paired_covariance_of_the_shipped_table_is_a_covariance(rows: pl.DataFrame, correlation: float) -> None:
    pooled = add_effects(rows.filter(pl.col("exclusion").is_null()))
    seen = []
    for at, block in paired_covariance(pooled, correlation):
        assert np.linalg.eigvalsh(block).min() > -1e-9
        seen.extend(at.tolist())
    assert sorted(seen) == list(range(len(pooled)))


def test_imputed_sizes_follow_the_rule() -> None:
    sizes = [{"benchmark": "A", "n_items": n, "arm": n} for n in ("100", "200", "900")]
    rows = frame(
        *sizes,
        {"benchmark": "A", "n_items": ""},
        {"benchmark": "B", "n_items": ""},
        {"benchmark": "C", "n_items": "30"},
    )
    filled = impute_items(rows, rows)
    assert filled["n_items"].to_list() == [100, 200, 900, 200, 100, 30]
    assert filled["n_imputed"].to_list() == [False, False, False, True, True, False]


def test_effects_of_the_whole_table_are_finite(shipped: EvidenceTable) -> None:
    pooled = prepare(shipped).filter(pl.col("exclusion").is_null())
    for scale in EffectUnit:
        found = add_effects(pooled, scale).select("effect", "variance", "control_variance").to_numpy()
        assert np.isfinite(found).all()
        assert (found[:, 1:] > 0).all()
