"""Missing answers are scored both ways, and a verdict that hangs on it is warned of."""

import polars as pl
import pytest

from gauger.estimate.compare.sensitivity import disagreements
from gauger.estimate.estimator import estimate_study
from gauger.estimate.outcomes_both_ways import outcome_scorings, primary_scorings

from .studies import small_design, small_records
from .test_verdict import SURE

NAMES = dict.fromkeys(small_design(SURE).roles, "score")


def cut_off(records, arm="distilled1", outcome="truncated"):
    """Take the score off half of the arm's wrong answers."""
    lost = (pl.col("arm") == arm) & (pl.col("score") == 0) & (pl.col("item").cast(pl.Int64) % 2 == 0)
    return records.with_columns(
        outcome=pl.when(lost).then(pl.lit(outcome)).otherwise("outcome"),
        score=pl.when(lost).then(None).otherwise("score"),
    )


@pytest.mark.parametrize("outcome", ["truncated", "refused", "unparsed"])
def test_counted_as_wrong_they_give_back_what_was_there(outcome):
    records, design = small_records(), small_design()
    lost = cut_off(records, outcome=outcome)
    scorings, _ = outcome_scorings(lost, estimate_study(lost, design), design, NAMES)
    whole = {(one.benchmark, one.estimand, one.arm): one.value for one in estimate_study(records, design).estimates}
    for one in scorings:
        assert one.measure == f"score, {outcome} answers counted as wrong"
        assert one.value == pytest.approx(whole[one.benchmark, one.estimand, one.arm])
    assert {one.benchmark for one in scorings} == set(NAMES)


def test_nothing_missing_nothing_scored_again():
    records, design = small_records(), small_design()
    assert outcome_scorings(records, estimate_study(records, design), design, NAMES) == ([], [])


def test_a_verdict_that_hangs_on_the_scoring_is_warned_of():
    """The base in the arm's place, half of its wrong answers cut off: left out, it seems to have learned."""
    records, design = small_records(SURE), small_design(SURE)
    idle = records.filter(pl.col("arm") == "matched").with_columns(arm=pl.lit("distilled1"))
    lost = cut_off(pl.concat([records.filter(pl.col("arm") != "distilled1"), idle]))
    found = estimate_study(lost, design)
    scorings, warnings = outcome_scorings(lost, found, design, NAMES)
    assert found.verdict.outcome == "major"
    assert warnings == ["The verdict depends on the scoring: major as it stands, minor where truncated answers are "
                        "counted as wrong"]  # fmt: skip
    said = disagreements([*primary_scorings(found.estimates, NAMES), *scorings])
    assert any(one.startswith("distilled1 on near1: the conclusion on uplift depends on the scoring") for one in said)
