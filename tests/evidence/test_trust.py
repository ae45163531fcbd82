"""Restrictions, leave-one-study-out and small-study effects."""

from __future__ import annotations

import polars as pl
import pytest

from gauger.evidence.clean import Exclusion
from gauger.evidence.fit import Evidence
from gauger.evidence.pool import pool_roles
from gauger.evidence.pooled import TOO_FEW
from gauger.evidence.restrict import ALL_CONTROLS, RESTRICTIONS, SETS, UNTOUCHED, largest_studies, rows_of
from gauger.evidence.sensitivity import CARRIED, influence, role_means

from .make import frame

BY_NAME = {one.name: one for one in RESTRICTIONS}


def test_names_are_unique_and_ask_something() -> None:
    assert len(BY_NAME) == len(RESTRICTIONS) == 27
    assert all(one.doubt.endswith("?") for one in RESTRICTIONS)


@pytest.mark.parametrize(
    ("name", "column", "allowed"),
    [
        ("low risk of bias only", "risk", {"low"}),
        ("primary sources only", "source_grade", {"primary"}),
        ("seeds not from the benchmark", "seeds_risk", {"low"}),
        ("no confounded mixture", "mixture_risk", {"low"}),
        ("contamination check reported", "contamination_check", {"low"}),
        ("matched controls only", "control_risk", {"low"}),
        ("no control in doubt", "handicap", {None}),
        ("hard benchmarks only", "hard", {True}),
        ("post-trained students only", "post_trained", {True}),
    ],
)
def test_restrictions_keep_what_they_say(rows: pl.DataFrame, name: str, column: str, allowed: set[object]) -> None:
    kept = rows_of(rows, restriction=BY_NAME[name])
    assert set(kept[column].to_list()) == allowed
    assert 0 < kept.height < rows_of(rows).height


def test_restrictions_by_number(rows: pl.DataFrame) -> None:
    assert rows_of(rows, restriction=BY_NAME["students of 30 billion or more"])["student_params_b"].min() >= 30
    assert rows_of(rows, restriction=BY_NAME["2025 and later"])["year"].min() == 2025
    assert rows_of(rows, restriction=BY_NAME["100 items or more"])["n_items"].min() >= 100
    leaderboard = rows_of(rows, restriction=BY_NAME["no leaderboard study"])["study_id"]
    assert not leaderboard.str.starts_with("olv2-").any()


def test_relaxations_undo_their_rule_and_no_other(rows: pl.DataFrame) -> None:
    plain = set(rows_of(rows)["row"].to_list())
    for name, rule in (
        ("every laboratory counted", Exclusion.MEASURED_AGAIN),
        ("missing sizes filled in", Exclusion.NO_ITEMS),
        ("with rows that print changes", Exclusion.GAP),
        ("handicapped controls kept", Exclusion.HANDICAPPED),
    ):
        wider = rows_of(rows, restriction=BY_NAME[name])
        added = wider.filter(~pl.col("row").is_in(plain))
        assert set(added["exclusion"].to_list()) == {rule}
        assert plain <= set(wider["row"].to_list())
        assert wider["n_items"].null_count() == 0


def test_the_other_coder_moves_roles_not_rows(rows: pl.DataFrame) -> None:
    plain, other = rows_of(rows), rows_of(rows, restriction=BY_NAME["the other coder's roles"])
    assert plain["row"].to_list() == other["row"].to_list()
    moved = plain.filter(plain["benchmark_role"] != other["benchmark_role"])
    assert moved.height == 111
    assert moved["benchmark_role_alt"].null_count() == 0


def test_dropping_the_largest(rows: pl.DataFrame) -> None:
    plain = rows_of(rows, SETS[UNTOUCHED])
    four = largest_studies(plain, 4)
    kept = rows_of(rows, SETS[UNTOUCHED], BY_NAME["without the four largest studies"])
    assert set(plain["study_id"]) - set(kept["study_id"]) == set(four)
    assert four[0] == "olv2-chat-imitation-2024"


def test_every_restriction_gives_the_headline(evidence: Evidence) -> None:
    assert [one.name for one in evidence.restrictions][1:] == list(BY_NAME)
    first = evidence.restrictions[0].headline
    assert first.untouched.n_rows == 1060
    for moved in evidence.restrictions:
        for analysis in (moved.headline.untouched, moved.headline.controls):
            for role in ("targeted", "held-out"):
                assert analysis[role].estimate is not None
                assert analysis[role].se > 0


def test_movements_are_the_extremes(evidence: Evidence) -> None:
    for one in evidence.movements():
        analyses = [
            moved.headline.untouched if one.over == UNTOUCHED else moved.headline.controls
            for moved in evidence.restrictions
            if moved.unit == "points"
        ]
        means = [analysis[one.role].estimate for analysis in analyses]
        assert one.low == min(means) <= one.estimate <= max(means) == one.high
        assert one.low_under in {moved.name for moved in evidence.restrictions}


def test_leaving_a_study_out_is_a_fit_without_it(rows: pl.DataFrame, evidence: Evidence) -> None:
    found = evidence.influences[0]
    for line in (found.left_out[0], found.left_out[-1]):
        without = pool_roles(rows_of(rows, SETS[UNTOUCHED]).filter(pl.col("study_id") != line.study_id))
        for role in CARRIED:
            assert line.means[role] == pytest.approx(without[role].estimate, abs=1e-4)
            assert line.shifts[role] == pytest.approx(
                line.means[role] - evidence.headline.untouched[role].estimate, abs=1e-4
            )


def test_every_study_is_left_out_once(rows: pl.DataFrame, evidence: Evidence) -> None:
    for found in evidence.influences:
        names = [line.study_id for line in found.left_out]
        pooled = rows_of(rows, SETS[found.over])
        assert sorted(names) == sorted(set(pooled["study_id"]))
        assert sum(line.n_rows for line in found.left_out) == pooled.height
        shifts = [max(abs(shift) for shift in line.shifts.values()) for line in found.left_out]
        assert shifts == sorted(shifts, reverse=True)
        assert 0.3 < found.largest_share < 0.45


def test_influence_when_a_role_vanishes_with_its_study() -> None:
    lines = [
        {"study_id": f"s{i}", "arm": f"a{i}", "benchmark": name, "score_distilled": str(50 + i)}
        for i in range(4) for name in ("A", "B")
    ]  # fmt: skip
    alone = [{"study_id": "s0", "arm": "a0", "benchmark": "C", "benchmark_role": "fresh"}]
    found = influence(frame(*lines, *alone), ALL_CONTROLS)
    missing = next(line for line in found.left_out if line.study_id == "s0")
    assert "fresh" not in missing.means
    assert found.ranges["held-out"] is None


def test_role_means_agree_with_pooling(rows: pl.DataFrame) -> None:
    some = rows_of(rows, SETS[UNTOUCHED])
    (means, _), pooled = role_means(some), pool_roles(some)
    for role, mean in means.items():
        assert mean == pytest.approx(pooled[role].estimate, abs=1e-4)


def test_small_study_slope_finds_a_planted_one() -> None:
    from gauger.evidence.sensitivity import small_study_effects

    lines = []
    for i in range(16):
        n = (30, 100, 400, 10000)[i % 4]
        gain = 5 + 40 / n**0.5
        lines += [
            {"study_id": f"s{i}", "arm": f"a{i}", "benchmark": f"b{n}{k}", "n_items": str(n),
             "score_distilled": f"{40 + gain + k:.3f}"}
            for k in (-1, 1)
        ]  # fmt: skip
    found = small_study_effects(frame(*lines), UNTOUCHED)
    assert found.slopes[0].name == "targeted"
    assert found.slopes[0].estimate == pytest.approx(40, abs=8)
    assert {one.reason for one in found.slopes[1:]} == {TOO_FEW}
    assert found.at_large["targeted"].estimate == pytest.approx(5, abs=1.5)
