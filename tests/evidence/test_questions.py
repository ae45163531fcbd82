"""Carry-over, moderators, swaps, gaps, laboratories, gap recovered: planted values come back, literal sums agree."""

from __future__ import annotations

import statistics

import numpy as np
import polars as pl
import pytest
from scipy import stats

from gauger.evidence.carryover import NOT_BOTH, arms, carry_over
from gauger.evidence.empty_cells import QUESTIONS, TRAITS, unknowns
from gauger.evidence.laboratories import between_laboratories
from gauger.evidence.moderators import MODERATORS, Moderator, moderate
from gauger.evidence.other_contrasts import gsm_gaps, swaps
from gauger.evidence.restrict import rows_of
from gauger.evidence.uplift import gap_recovered

from .make import frame

BIG = {"n_items": "200000"}
"""Enough items that sampling error does not blur a planted value."""


def study(name: str, targeted: float, held_out: float, **change: str) -> list[dict[str, str]]:
    """Two targeted and two held-out benchmarks of one study, with the given mean gains."""
    rows = []
    for role, gain in (("targeted", targeted), ("held-out", held_out)):
        for place, off in enumerate((-1.0, 1.0)):
            rows.append(
                {"study_id": name, "arm": f"arm of {name}", "benchmark": f"{role} {place}", "benchmark_role": role,
                 "score_control": "40", "score_distilled": f"{40 + gain + off:.4f}", **BIG, **change}
            )  # fmt: skip
    return rows


GAINS = [8.0, 10.0, 12.0, 9.0, 11.0, 10.0, 13.0, 7.0]


def test_planted_carry_over_comes_back() -> None:
    off = [0.5, -0.3, 0.2, -0.6, 0.4, -0.2, 0.3, -0.3]
    lines = [row for i, gain in enumerate(GAINS) for row in study(f"s{i}", gain, 0.4 * gain + off[i])]
    found = carry_over(frame(*lines))["untouched base"]
    assert found.ratio == pytest.approx(0.4, abs=0.005)
    assert found.bound_share == pytest.approx(0.6, abs=0.005)
    assert found.low < 0.4 < found.high
    assert (found.n_studies, found.n_arms) == (8, 8)
    assert found.slope.estimate == pytest.approx(0.4, abs=0.2)


def test_carry_over_reads_only_students_with_both_roles() -> None:
    lines = [row for i, gain in enumerate(GAINS) for row in study(f"s{i}", gain, 0.4 * gain)]
    alone = [row for row in study("alone", 50, 0) if row["benchmark_role"] == "targeted"]
    split = study("split", 50, 0)
    split[2]["arm"] = split[3]["arm"] = "another student"
    found = carry_over(frame(*lines, *alone, *split))["untouched base"]
    assert found.ratio == pytest.approx(0.4, abs=0.005)


def test_carry_over_without_such_students_is_undefined() -> None:
    found = carry_over(frame(*study("one", 10, 5)))["untouched base"]
    assert (found.ratio, found.low, found.reason) == (None, None, NOT_BOTH)


def test_arms_are_plain_means(rows: pl.DataFrame) -> None:
    some = rows_of(rows, ("untouched-base",))
    line = arms(some).row(0, named=True)
    mine = [
        row for row in some.iter_rows(named=True)
        if all(row[name] == line[name] for name in ("study_id", "arm", "control_arm"))
    ]  # fmt: skip
    for role, column in (("targeted", "targeted"), ("held-out", "held_out")):
        gains = [row["score_distilled"] - row["score_control"] for row in mine if row["benchmark_role"] == role]
        assert line[column] == pytest.approx(statistics.mean(gains))
        assert line[f"n_{column}"] == len(gains)


def test_planted_slopes_come_back_per_group() -> None:
    lines = []
    for i in range(12):
        size = 2.0 ** (i % 6)
        lines += study(f"s{i}", 5 + 2 * (i % 6), 3 - 1 * (i % 6), student_params_b=str(size))
    size = next(one for one in MODERATORS if one.name == "student's size")
    (found,) = moderate(frame(*lines), [size])
    slopes = {one.name: one.estimate for one in found.effects}
    assert slopes["trained skill"] == pytest.approx(2.0, abs=0.05)
    assert slopes["held-out"] == pytest.approx(-1.0, abs=0.05)


def test_planted_levels_come_back() -> None:
    lines = []
    for i in range(10):
        grade = "primary" if i % 2 else "secondary"
        off = 0.04 * (i - 4.5)
        lines += study(f"s{i}", (10 if i % 2 else 16) + off, 2 - off, source_grade=grade)
    grades = next(one for one in MODERATORS if one.name == "source grade")
    (found,) = moderate(frame(*lines), [grades])
    means = {one.name: one.estimate for one in found.effects}
    assert means["trained skill: primary"] == pytest.approx(10, abs=0.1)
    differences = {one.name: one for one in found.differences}
    assert differences["trained skill: secondary minus primary"].estimate == pytest.approx(6, abs=0.1)
    assert differences["held-out: secondary minus primary"].estimate == pytest.approx(0, abs=0.1)
    assert differences["trained skill: checked-secondary minus primary"].reason is not None


def test_moderators_on_the_shipped_table(evidence) -> None:  # type: ignore[no-untyped-def]
    assert [one.name for one in evidence.moderations] == [one.name for one in MODERATORS]
    found = {one.name: one for one in evidence.moderations}
    assert found["student's starting score"].effects[0].estimate < 0
    assert found["control's handicap"].differences[0].estimate > 5


def test_unknown_moderator_values_leave_the_fit() -> None:
    lines = [row for i in range(6) for row in study(f"s{i}", 10 + i, 2, n_samples=str(10 ** (i + 1)) if i else "")]
    samples = next(one for one in MODERATORS if one.name == "training samples")
    (found,) = moderate(frame(*lines), [samples])
    assert found.n_studies == 5
    nowhere = Moderator("nowhere", pl.col("n_tokens").log10(), unit="x")
    (none,) = moderate(frame(*lines), [nowhere])
    assert {one.estimate for one in none.effects} == {None}


def test_gap_recovered_of_planted_shares() -> None:
    lines = [
        row for i, gain in enumerate(GAINS) for row in study(f"s{i}", gain, gain, score_teacher=f"{40 + 2 * gain}")
    ]
    found = {one.name: one for one in gap_recovered(frame(*lines))}
    assert found["targeted"].value == pytest.approx(0.5, abs=0.01)
    assert found["targeted"].low < 0.5 < found["targeted"].high
    assert found["fresh"].reason is not None
    assert found["targeted"].n_rows == 16


def test_gap_recovered_ignores_teachers_that_are_not_above() -> None:
    lines = [
        row for i, gain in enumerate(GAINS) for row in study(f"s{i}", gain, gain, score_teacher=f"{40 + 2 * gain}")
    ]
    below = study("below", 30, 30, score_teacher="35")
    assert gap_recovered(frame(*lines, *below)) == gap_recovered(frame(*lines))


def test_swaps_are_listed_not_pooled(evidence, rows: pl.DataFrame) -> None:  # type: ignore[no-untyped-def]
    teacher, method = evidence.swaps
    assert (teacher.n_rows, method.n_rows) == (349, 215)
    assert teacher.n_rows + method.n_rows == evidence.exclusions()["the control is itself distilled"]
    assert teacher.pairs["n_benchmarks"].sum() == 349
    assert teacher.typical == pytest.approx(np.sqrt(np.mean(teacher.pairs["difference"].to_numpy() ** 2)))


def test_swap_error_is_the_binomial_one() -> None:
    swap = {"contrast": "teacher-swap", "control_arm": "T2", "n_items": "100"}
    (teacher, method) = swaps(frame(swap, {**swap, "benchmark": "GSM8K", "score_distilled": "70"}))
    line = teacher.pairs.row(0, named=True)
    assert line["difference"] == pytest.approx(20)
    variances = [24 + 25, 24 + 21]
    assert line["se"] == pytest.approx(np.sqrt(sum(variances)) / 2)
    assert method.pairs.is_empty()
    assert method.typical is None
    (unsized, _) = swaps(frame({**swap, "n_items": ""}))
    assert unsized.pairs["se"].item() is None


def test_gsm_gaps_against_scipy(rows: pl.DataFrame) -> None:
    found = {one.name: one for one in gsm_gaps(rows).groups}
    table = gsm_gaps(rows).table
    distilled = table.filter("distilled")["gap"].to_numpy()
    reference = table.filter(~pl.col("distilled"))["gap"].to_numpy()
    assert (len(distilled), len(reference)) == (25, 16)
    welch = stats.ttest_ind(distilled, reference, equal_var=False)
    ends = welch.confidence_interval()
    one = found["distilled minus reference"]
    assert one.mean == pytest.approx(distilled.mean() - reference.mean())
    assert (one.low, one.high) == pytest.approx((ends.low, ends.high))
    single = stats.ttest_1samp(distilled, 0).confidence_interval()
    assert (found["distilled models"].low, found["distilled models"].high) == pytest.approx((single.low, single.high))


def test_gaps_without_models_are_undefined() -> None:
    assert {one.mean for one in gsm_gaps(frame({})).groups} == {None}


def test_between_laboratories_by_hand() -> None:
    rows = frame(
        {"score_control": "40", "score_distilled": "50"},
        {"study_id": "two", "score_control": "46", "score_distilled": "54"},
        {"study_id": "three", "score_control": "43", "score_distilled": "52", "contrast": "rl-instead"},
        {"study_id": "four", "arm": "other", "contrast": "vendor-post-trained"},
    )
    found = between_laboratories(rows)
    lines = {(line["subject"], line["kind"]): line for line in found.table.iter_rows(named=True)}
    assert set(lines) == {("student-7b", "distilled"), ("base-7b", "base")}
    assert lines["student-7b", "distilled"]["sd"] == pytest.approx(statistics.stdev([50, 54, 52]))
    assert lines["base-7b", "base"]["sd"] == pytest.approx(statistics.stdev([40, 46]))
    pooled = np.sqrt((2 * statistics.variance([50, 54, 52]) + statistics.variance([40, 46])) / 3)
    assert found.sd == found.sd_large == pytest.approx(pooled)
    assert found.n_pairs == 2


def test_nothing_measured_twice() -> None:
    found = between_laboratories(frame({}))
    assert found.sd is None
    assert found.reason is not None


def test_artefacts_are_no_measurement() -> None:
    assert between_laboratories(frame({}, {"study_id": "two", "notes": "ARTEFACT SUSPECTED"})).n_pairs == 0


def test_questions_are_answered_by_two_studies() -> None:
    strong = {
        "student_base": "Qwen2.5-32B-Instruct", "student_params_b": "32", "benchmark": "AIME24", "n_items": "30",
        "benchmark_role": "held-out", "contrast": "no-teacher-training",
    }  # fmt: skip
    question = next(iter(QUESTIONS))

    def found(*lines: dict[str, str]) -> tuple[bool, int]:
        one = next(one for one in unknowns(frame(*lines)) if one.question == question)
        return one.answered, one.n_rows

    assert found({}) == (False, 0)
    assert found(strong) == (False, 1)
    assert found(strong, {**strong, "study_id": "two"}) == (True, 2)
    for change in ({"benchmark": "GSM8K"}, {"student_params_b": "7"}, {"contrast": "rl-instead"},
                   {"benchmark_role": "targeted"}, {"notes": "REFERENCE ROW"}):  # fmt: skip
        assert found(strong, {**strong, "study_id": "two", **change}) == (False, 1)


def test_what_the_shipped_literature_cannot_tell(evidence) -> None:  # type: ignore[no-untyped-def]
    emptiest = evidence.unknowns[0]
    assert emptiest.n_rows == 0
    assert "No row has a strong student" in emptiest.text()
    assert [one.answered for one in evidence.unknowns] == sorted(one.answered for one in evidence.unknowns)
    assert all(need in TRAITS for needs in QUESTIONS.values() for need in needs)
