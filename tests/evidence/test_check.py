"""Consistency checks: planted faults are found, and sound tables are left in peace."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.evidence.check import ERRORS, Finding, FindingKind, check_table, nearest_multiple, runs_that_fit

from .make import frame


def kinds(*changes: dict[str, str]) -> Counter[FindingKind]:
    return Counter(one.kind for one in check_table(frame(*changes)))


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
    found = check_table(frame(bad, {**bad, "arm": "B"}))
    assert [(one.kind, one.row) for one in found] == [(FindingKind.GRANULARITY, 2)]
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
    assert kinds({"n_items": "30", "score_distilled": "50.0", **change})[FindingKind.GRANULARITY] == 0


def test_loose_below_strict() -> None:
    strict = {"benchmark": "IFEval (strict)", "score_control": "70", "score_distilled": "75"}
    loose = {"benchmark": "IFEval (loose)", "score_control": "72", "score_distilled": "74"}
    assert kinds(strict, loose)[FindingKind.LOOSE_BELOW_STRICT] == 1
    assert kinds(strict, {**loose, "score_distilled": "75"})[FindingKind.LOOSE_BELOW_STRICT] == 0
    assert kinds(strict, {**loose, "arm": "another"})[FindingKind.LOOSE_BELOW_STRICT] == 0
    lenient = {**loose, "benchmark": "MATH (lenient)"}
    assert kinds({**strict, "benchmark": "MATH (strict)"}, lenient)[FindingKind.LOOSE_BELOW_STRICT] == 1


def test_student_above_its_teacher() -> None:
    assert kinds({"score_teacher": "49.9"})[FindingKind.ABOVE_TEACHER] == 1
    assert kinds({"score_teacher": "50.0"})[FindingKind.ABOVE_TEACHER] == 0
    assert kinds({})[FindingKind.ABOVE_TEACHER] == 0


def test_duplicates_within_and_between_studies() -> None:
    twin = {"study_id": "two-2025", "arm": "Another"}
    assert kinds({}, {})[FindingKind.DUPLICATE] == 1
    assert kinds({}, twin)[FindingKind.DUPLICATE] == 1
    small = {"n_items": "30", "score_control": "40.0", "score_distilled": "50.0"}
    assert kinds(small, {**small, **twin})[FindingKind.DUPLICATE] == 0
    assert kinds({}, {**twin, "score_distilled": "50.2"})[FindingKind.DUPLICATE] == 0
    assert kinds({}, {"arm": "Another"})[FindingKind.DUPLICATE] == 0


def test_one_control_with_two_scores() -> None:
    assert kinds({}, {"arm": "B", "score_control": "40.2"})[FindingKind.TWO_CONTROLS] == 1
    assert kinds({}, {"arm": "B", "score_control": "40.2", "metric": "pass@1"})[FindingKind.TWO_CONTROLS] == 0


def test_one_benchmark_with_two_sizes() -> None:
    found = check_table(frame({}, {"arm": "B"}, {"arm": "C", "n_items": "100"}))
    assert [(one.kind, one.row) for one in found if one.kind == FindingKind.SIZE_CONFLICT] == [
        (FindingKind.SIZE_CONFLICT, 4)
    ]


def test_the_shipped_table(rows: pl.DataFrame) -> None:
    found = check_table(rows)
    counts = Counter(one.kind for one in found)
    assert counts[FindingKind.LOOSE_BELOW_STRICT] == 0
    assert counts[FindingKind.DUPLICATE] == 4
    assert counts[FindingKind.TWO_CONTROLS] == 17
    assert 400 < counts[FindingKind.GRANULARITY] < 450
    assert counts[FindingKind.ABOVE_TEACHER] == 84
    assert not [one for one in found if one.kind in ERRORS]
    lines = dict(rows.select("row", "study_id").iter_rows())
    assert all(lines[one.row] == one.study_id for one in found)
    assert (
        Finding(FindingKind.GRANULARITY, 244, "limo-2025", found[[one.row for one in found].index(244)].text) in found
    )


def test_order_is_by_kind_then_row(rows: pl.DataFrame) -> None:
    keys = [(list(FindingKind).index(one.kind), one.row) for one in check_table(rows)]
    assert keys == sorted(keys)


@pytest.mark.parametrize(
    ("words", "contrast", "wrong"),
    [
        ("Qwen3-0.6B (vendor post-training, itself distilled)", "vendor-post-trained", True),
        ("Qwen3-8B (vendor post-training = Qwen distillation, same base)", "vendor-post-trained", True),
        ("Qwen3-8B (vendor post-training of the same base)", "vendor-post-trained", True),
        ("DeepSeekMath-7B-RL (vendor tune of the same base, and the teacher)", "vendor-post-trained", True),
        ("DeepSeekMath-7B-RL (vendor tune of the same base, and the teacher)", "teacher-itself", False),
        ("Qwen3-4B (vendor, smaller; not same size)", "vendor-post-trained", True),
        ("RL from same off-policy-distilled checkpoint", "rl-instead", True),
        ("RL without distillation (GRPO), same base", "rl-instead", False),
        ("RL alone (GRPO), no teacher (the start itself was distilled from R1)", "rl-instead", False),
        ("untouched post-trained student (vendor post-training includes distillation)", "untouched-base", False),
        ("untouched base", "no-teacher-training", True),
        ("same tokens without teacher (from scratch)", "untouched-base", True),
        ("Llama-3.1-8B-Instruct (vendor post-training of same base)", "vendor-post-trained", False),
    ],
)
def test_words_of_the_control_against_its_contrast(words: str, contrast: str, wrong: bool) -> None:
    found = [
        one
        for one in check_table(frame({"control_arm": words, "contrast": contrast}))
        if one.kind == FindingKind.CONTROL
    ]
    assert bool(found) == wrong
    assert not found or contrast in found[0].text


def test_one_thing_has_one_role() -> None:
    again = {"study_id": "two-2025", "score_distilled": "55.0", "benchmark_role": "held-out"}
    (found,) = (one for one in check_table(frame({}, again)) if one.kind == FindingKind.TWO_ROLES)
    assert (found.row, found.study_id) == (3, "two-2025")
    assert "targeted in row 2 (one-2025)" in found.text
    assert kinds({}, {**again, "benchmark_role": "targeted"})[FindingKind.TWO_ROLES] == 0
    assert kinds({}, {**again, "arm": "Another"})[FindingKind.TWO_ROLES] == 0


def test_roles_that_the_rules_forbid() -> None:
    assert kinds({"benchmark": "MMLU-Pro", "benchmark_role": "general"})[FindingKind.ROLE_RULE] == 1
    assert kinds({"benchmark": "Terminal-Bench 2.0", "benchmark_role": "fresh"})[FindingKind.ROLE_RULE] == 1
    assert kinds({"benchmark": "MMLU-Pro", "benchmark_role": "held-out"})[FindingKind.ROLE_RULE] == 0


def test_shares_are_not_percent() -> None:
    share = {"n_items": "30", "score_control": "0.40", "score_distilled": "0.50"}
    (found,) = (one for one in check_table(frame(share)) if one.kind in (FindingKind.SHARES, FindingKind.GRANULARITY))
    assert found.kind == FindingKind.SHARES
    assert "these look like shares" in found.text
    assert kinds(share, {"benchmark": "GSM8K"})[FindingKind.SHARES] == 0


def test_one_control_has_one_flag() -> None:
    assert kinds({"control_handicapped": "y"}, {"arm": "B", "control_handicapped": "n"})[FindingKind.TWO_FLAGS] == 1
    assert kinds({"control_handicapped": "y"}, {"arm": "B", "control_handicapped": "y"})[FindingKind.TWO_FLAGS] == 0
