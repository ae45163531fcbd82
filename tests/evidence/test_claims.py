"""Claims: the rules of certainty and of wording at their edges, and what the shipped table says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from gauger.evidence.certainty import Certainty, Facts, beyond_zero, grade, would_change
from gauger.evidence.claims import QUESTIONS, answer_claims, rows_for
from gauger.evidence.empty_cells import QUESTIONS as EMPTY
from gauger.evidence.pool import pool_roles
from gauger.evidence.releases import read_releases
from gauger.evidence.wording import direction, reservation, size, verb

from .make import frame

PERFECT = Facts(
    estimate=6.0, low=4.0, high=8.0, df=20.0, n_studies=25, low_risk_share=0.8, bad_risk_share=0.1,
    prediction_low=1.0, prediction_high=11.0, small_slope_p=0.5, small_slope=3.0, corrected=5.8, uncorrected=6.0,
)  # fmt: skip


def steps(**change: object) -> dict[str, int]:
    return {one.name: one.steps for one in grade(replace(PERFECT, **change))[1]}  # type: ignore[arg-type]


def test_nothing_lowers_a_perfect_claim() -> None:
    assert grade(PERFECT)[0] == Certainty.HIGH
    assert set(steps().values()) == {0}


@pytest.mark.parametrize(
    ("domain", "change", "wanted"),
    [
        ("risk of bias", {"low_risk_share": 0.5}, 0),
        ("risk of bias", {"low_risk_share": 0.49}, 1),
        ("risk of bias", {"low_risk_share": 0.49, "bad_risk_share": 0.49}, 1),
        ("risk of bias", {"low_risk_share": 0.49, "bad_risk_share": 0.5}, 2),
        ("inconsistency", {"prediction_low": 0.01}, 0),
        ("inconsistency", {"prediction_low": 0.0, "prediction_high": 12.0}, 1),
        ("inconsistency", {"prediction_low": -20.0, "prediction_high": 32.0}, 1),
        ("inconsistency", {"prediction_low": -23.0, "prediction_high": 35.0}, 2),
        ("inconsistency", {"prediction_low": None}, 1),
        ("indirectness", {"indirect": ("a",)}, 1),
        ("indirectness", {"indirect": ("a", "b")}, 2),
        ("indirectness", {"indirect": ("a", "b", "c")}, 2),
        ("imprecision", {"low": 0.01, "high": 10.0}, 0),
        ("imprecision", {"low": 0.0}, 1),
        ("imprecision", {"low": 1.0, "high": 11.01}, 1),
        ("imprecision", {"n_studies": 5}, 0),
        ("imprecision", {"n_studies": 4}, 2),
        ("imprecision", {"df": 4.0}, 0),
        ("imprecision", {"df": 3.9}, 2),
        ("imprecision", {"low": -5.0, "high": 5.01}, 1),
        ("imprecision", {"low": -5.01, "high": 5.01}, 2),
        ("selection", {"small_slope_p": 0.049}, 1),
        ("selection", {"small_slope_p": 0.05}, 0),
        ("selection", {"small_slope_p": 0.001, "small_slope": -3.0}, 0),
        ("selection", {"corrected": 3.0}, 0),
        ("selection", {"corrected": 2.99}, 1),
        ("selection", {"corrected": 2.0, "uncorrected": 0.1}, 0),
        ("selection", {"corrected": 2.2, "uncorrected": 0.1}, 1),
        ("selection", {"corrected": 2.99, "small_slope_p": 0.01}, 2),
        ("selection", {"corrected": None}, 0),
    ],
)
def test_every_rule_at_its_edge(domain: str, change: dict[str, object], wanted: int) -> None:
    found = steps(**change)
    assert found.pop(domain) == wanted
    assert set(found.values()) == {0}


def test_steps_add_up_and_stop_at_very_low() -> None:
    assert grade(replace(PERFECT, low_risk_share=0.4))[0] == Certainty.MODERATE
    assert grade(replace(PERFECT, low_risk_share=0.4, indirect=("a",)))[0] == Certainty.LOW
    certainty, domains = grade(
        replace(PERFECT, low_risk_share=0.4, bad_risk_share=0.6, indirect=("a", "b"), n_studies=3)
    )
    assert certainty == Certainty.VERY_LOW
    assert len(would_change(domains)) == 3


def test_share_beyond_zero_is_a_normal_tail() -> None:
    assert beyond_zero(1.959964, 0.0, 3.919928) == pytest.approx(0.025, abs=1e-6)
    assert beyond_zero(-1.0, -11.0, 9.0) == beyond_zero(1.0, -9.0, 11.0)
    assert beyond_zero(0.0, -5.0, 5.0) == 0.5


def test_direction_and_size_at_their_edges() -> None:
    assert [direction(*ends) for ends in ((0.1, 2.0), (0.0, 2.0), (-2.0, 0.0), (-2.0, -0.1))] == [
        "up", "open", "open", "down"
    ]  # fmt: skip
    assert [size(x) for x in (1.99, 2.0, 4.99, 5.0, -5.0)] == [" a little", "", "", " clearly", " clearly"]


@pytest.mark.parametrize(
    ("numbers", "certainty", "words"),
    [
        ((6.0, 4.0, 8.0), Certainty.HIGH, "gain clearly"),
        ((6.0, 4.0, 8.0), Certainty.MODERATE, "probably gain clearly"),
        ((6.0, 4.0, 8.0), Certainty.LOW, "may gain clearly"),
        ((3.0, 1.0, 5.0), Certainty.LOW, "may gain"),
        ((-1.5, -2.5, -0.5), Certainty.MODERATE, "probably lose a little"),
        ((0.5, -1.0, 1.9), Certainty.HIGH, "gain little or nothing"),
        ((0.5, -1.0, 2.1), Certainty.HIGH, "may gain or lose"),
    ],
)
def test_wording(numbers: tuple[float, float, float], certainty: Certainty, words: str) -> None:
    assert verb(*numbers, certainty, "gain", "lose") == words


def test_reservations() -> None:
    assert reservation(1.0, 2.0, Certainty.LOW) == ""
    assert reservation(-1.0, 3.0, Certainty.LOW) == "; the mean cannot be told from zero"
    assert reservation(1.0, 2.0, Certainty.VERY_LOW) == "; this is very uncertain"
    assert reservation(-1.0, 1.0, Certainty.HIGH) == ""


def test_five_to_ten_claims_each_with_its_facts(rows: pl.DataFrame) -> None:
    found = answer_claims(rows)
    assert 5 <= len(found) <= 10
    assert len({one.id for one in found}) == len(found)
    for one in found:
        assert (one.effect is None) == (one.reason is not None)
        assert one.sentence.endswith(".")
        if one.effect is not None:
            assert f"{one.effect:+.1f} points [{one.low:.1f}, {one.high:.1f}]" in one.sentence
            assert str(one.certainty) in one.sentence
            assert len(one.domains) == 5


def test_claims_are_the_pooled_means_of_their_rows(rows: pl.DataFrame) -> None:
    by_id = {one.id: one for one in QUESTIONS}
    found = {one.id: one for one in answer_claims(rows)}
    pooled = pool_roles(rows_for(rows, by_id["agents"]))["targeted"]
    assert (found["agents"].effect, found["agents"].n_studies) == (pooled.estimate, pooled.n_studies)
    assert set(rows_for(rows, by_id["agents"])["distill_method"]) == {"agent-trajectory"}
    assert not rows_for(rows, by_id["rl"])["distill_method"].is_in(["mixed"]).any()


def test_words_of_empty_cells_stand_in_some_open_question() -> None:
    for one in QUESTIONS:
        for word in one.empty:
            needs = [question + " " + ", ".join(parts) for question, parts in EMPTY.items()]
            assert any(word in text for text in needs), word


def test_a_question_without_rows_says_so() -> None:
    (found,) = answer_claims(frame({}), [QUESTIONS[0]])
    assert found.effect is None
    assert "this cannot be told, fewer than two studies" in found.sentence
    assert found.certainty == Certainty.VERY_LOW


def test_a_clean_planted_literature_is_graded_higher_than_a_dirty_one() -> None:
    """30 studies, gain 8, little scatter: only the base as control lowers it; the same rows at high risk lose two."""
    rng = np.random.default_rng(0)
    lines = []
    for i in range(30):
        for bench, n in (("A", 400), ("B", 1000), ("C", 2000)):
            lines.append({"study_id": f"s{i}", "arm": f"a{i}", "benchmark": bench, "n_items": str(n),
                          "score_control": "40.0", "score_distilled": f"{48 + rng.normal():.2f}"})  # fmt: skip
    dirty = {f"s{i}": {"control_quality": "unmatched"} for i in range(30)}
    clean_claim, dirty_claim = (answer_claims(frame(*lines, codings=c), [QUESTIONS[0]])[0] for c in (None, dirty))
    assert clean_claim.certainty == Certainty.MODERATE
    assert dirty_claim.certainty == Certainty.VERY_LOW
    assert "probably gain clearly" in clean_claim.sentence


def test_the_changelog_ends_with_what_the_table_says(rows: pl.DataFrame) -> None:
    lines = read_releases()
    last = [one for one in lines if one.version == lines[-1].version]
    found = {one.id: one for one in answer_claims(rows)}
    assert {one.claim for one in last} == set(found)
    assert len({one.version for one in lines}) >= 2
    for one in last:
        assert (one.rows, one.studies) == (len(rows), rows["study_id"].n_unique())
        assert one.sentence == found[one.claim].sentence
