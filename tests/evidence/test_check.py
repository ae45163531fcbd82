"""Consistency checks: planted faults are found, and sound tables are left in peace."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.evidence.check import Finding, Kind, check, nearest_multiple, runs_that_fit

from .make import frame


def kinds(*changes: dict[str, str]) -> Counter[Kind]:
    return Counter(one.kind for one in check(frame(*changes)))


@settings(deadline=None)
@given(st.integers(1, 3000), st.data(), st.integers(0, 3))
def test_every_true_fraction_is_accepted_rounded_or_truncated(n: int, data: st.DataObject, decimals: int) -> None:
    k = data.draw(st.integers(0, n))
    exact = Fraction(100 * k, n)
    scale = 10**decimals
    rounded = float(Fraction(round(exact * scale), scale))
    truncated = float(Fraction(int(exact * scale), scale))
    for printed in (rounded, truncated):
        assert nearest_multiple(printed, n, decimals) is not None


@settings(deadline=None)
@given(st.integers(1, 400), st.floats(0, 100), st.integers(0, 2))
def test_granularity_by_brute_force(n: int, score: float, decimals: int) -> None:
    score = round(score, decimals)
    unit = 10.0**-decimals
    fits = [k for k in range(n + 2) if -unit / 2 - 1e-9 * 100 <= 100 * k / n - score < unit + 1e-9 * 100]
    near = [k for k in range(n + 2) if -unit / 2 + 1e-9 * 100 <= 100 * k / n - score < unit - 1e-9 * 100]
    found = nearest_multiple(score, n, decimals)
    if near:
        assert found is not None
    if not fits:
        assert found is None


@pytest.mark.parametrize(
    ("score", "n", "decimals", "runs"), [(36.0, 30, 1, 5), (16.5, 30, 1, 16), (72.6, 30, 1, 5), (56.8, 198, 1, 2)]
)
def test_runs_that_fit(score: float, n: int, decimals: int, runs: int) -> None:
    assert nearest_multiple(score, n, decimals) is None
    assert runs_that_fit(score, n, decimals) == runs
    assert nearest_multiple(score, n * runs, decimals) is not None


def test_impossible_scores_are_found_once_per_score() -> None:
    bad = {"n_items": "30", "benchmark": "AIME24", "score_control": "41.0", "score_distilled": "50.0"}
    found = check(frame(bad, {**bad, "arm": "B"}))
    assert [(one.kind, one.row) for one in found] == [(Kind.GRANULARITY, 2)]
    assert "control 41 on AIME24 is no multiple of 100/30; a mean of 7 runs could give it" in found[0].text


@pytest.mark.parametrize(
    "change",
    [
        {"score_control": "40.0", "score_distilled": "43.3"},
        {"score_control": "43.4", "metric": "Avg@12"},
        {"score_control": "43.4", "notes": "5-run average"},
        {"score_control": "41.0", "n_items": ""},
        {"score_control": "41.0", "n_items": "14042"},
        {"score_control": "41.0", "score_scale": "other"},
        {"score_control": "43.4", "metric": "win rate"},
    ],
)
def test_granularity_stays_silent_where_it_can_say_nothing(change: dict[str, str]) -> None:
    assert kinds({"n_items": "30", "score_distilled": "50.0", **change})[Kind.GRANULARITY] == 0


def test_loose_below_strict() -> None:
    strict = {"benchmark": "IFEval (strict)", "score_control": "70", "score_distilled": "75"}
    loose = {"benchmark": "IFEval (loose)", "score_control": "72", "score_distilled": "74"}
    assert kinds(strict, loose)[Kind.LOOSE_BELOW_STRICT] == 1
    assert kinds(strict, {**loose, "score_distilled": "75"})[Kind.LOOSE_BELOW_STRICT] == 0
    assert kinds(strict, {**loose, "arm": "another"})[Kind.LOOSE_BELOW_STRICT] == 0
    lenient = {**loose, "benchmark": "MATH (lenient)"}
    assert kinds({**strict, "benchmark": "MATH (strict)"}, lenient)[Kind.LOOSE_BELOW_STRICT] == 1


def test_student_above_its_teacher() -> None:
    assert kinds({"score_teacher": "49.9"})[Kind.ABOVE_TEACHER] == 1
    assert kinds({"score_teacher": "50.0"})[Kind.ABOVE_TEACHER] == 0
    assert kinds({})[Kind.ABOVE_TEACHER] == 0


def test_duplicates_within_and_between_studies() -> None:
    twin = {"study_id": "two-2025", "arm": "Another"}
    assert kinds({}, {})[Kind.DUPLICATE] == 1
    assert kinds({}, twin)[Kind.DUPLICATE] == 1
    small = {"n_items": "30", "score_control": "40.0", "score_distilled": "50.0"}
    assert kinds(small, {**small, **twin})[Kind.DUPLICATE] == 0
    assert kinds({}, {**twin, "score_distilled": "50.2"})[Kind.DUPLICATE] == 0
    assert kinds({}, {"arm": "Another"})[Kind.DUPLICATE] == 0


def test_one_control_with_two_scores() -> None:
    assert kinds({}, {"arm": "B", "score_control": "40.2"})[Kind.TWO_CONTROLS] == 1
    assert kinds({}, {"arm": "B", "score_control": "40.2", "metric": "pass@1"})[Kind.TWO_CONTROLS] == 0


def test_one_benchmark_with_two_sizes() -> None:
    found = check(frame({}, {"arm": "B"}, {"arm": "C", "n_items": "100"}))
    assert [(one.kind, one.row) for one in found if one.kind == Kind.SIZE_CONFLICT] == [(Kind.SIZE_CONFLICT, 4)]


def test_the_shipped_table(rows: pl.DataFrame) -> None:
    found = check(rows)
    counts = Counter(one.kind for one in found)
    assert counts[Kind.LOOSE_BELOW_STRICT] == 0
    assert counts[Kind.DUPLICATE] == 4
    assert counts[Kind.TWO_CONTROLS] == 3
    assert 250 < counts[Kind.GRANULARITY] < 290
    assert counts[Kind.ABOVE_TEACHER] == 66
    lines = dict(rows.select("row", "study_id").iter_rows())
    assert all(lines[one.row] == one.study_id for one in found)
    assert Finding(Kind.GRANULARITY, 244, "limo-2025", found[[one.row for one in found].index(244)].text) in found


def test_order_is_by_kind_then_row(rows: pl.DataFrame) -> None:
    keys = [(list(Kind).index(one.kind), one.row) for one in check(rows)]
    assert keys == sorted(keys)
