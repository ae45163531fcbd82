"""Major, minor, undetermined, invalid: decided by the interval, consistent with its own probability."""

from dataclasses import replace

import polars as pl
import pytest

from gauger.errors import UserError
from gauger.estimate.design import Design, VerdictRule
from gauger.estimate.estimator import estimate_study
from gauger.estimate.verdict import decide
from gauger.estimate.verdict_inputs import Judged

from .studies import SMALL, find, small_design, small_records

SURE = replace(SMALL, items=400, replicates=4, replicate_sd=0.05, bound_share=0.0, uplift=0.3, teacher_lead=0.4)


def judge(planted=SURE, seed=1, records=None, **rule):
    design = replace(small_design(planted), rule=VerdictRule(arm="distilled1", **rule))
    return estimate_study(small_records(planted, seed) if records is None else records, design)


@pytest.mark.parametrize(
    ("threshold", "outcome"), [(0.25, "major"), (0.5, "major"), (0.75, "undetermined"), (0.95, "minor")]
)
def test_the_outcome_moves_with_the_threshold(threshold, outcome):
    verdict = judge(threshold=threshold).verdict
    assert verdict.outcome == outcome
    assert verdict.estimate.value == pytest.approx(0.75, abs=0.1)
    assert (verdict.settled_by is None) == (outcome in ("major", "minor"))


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 1.5])
@pytest.mark.parametrize("estimand", ["gap_recovered", "uplift", "carryover"])
def test_probability_and_outcome_are_one_test(threshold, estimand):
    verdict = judge(estimand=estimand, threshold=threshold).verdict
    expected = "undetermined"
    if verdict.probability_major > 0.975:
        expected = "major"
    if verdict.probability_major < 0.025:
        expected = "minor"
    assert verdict.outcome == expected
    assert (verdict.estimate.low > threshold) == (expected == "major")
    assert (verdict.estimate.high < threshold) == (expected == "minor")


def test_the_rule_is_stated_whole():
    verdict = judge(threshold=0.3, level=0.9, post_hoc=True).verdict
    assert verdict.rule == {
        "arm": "distilled1",
        "estimand": "gap_recovered",
        "role": "near",
        "threshold": 0.3,
        "level": 0.9,
        "post_hoc": True,
        "control": "matched",
    }
    assert verdict.estimate.level == 0.9
    assert verdict.estimate.over == "near"


def test_the_rules_level_is_the_one_that_counts():
    wide, narrow = judge(level=0.999).verdict.estimate, judge(level=0.8).verdict.estimate
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_the_judged_estimate_is_the_reported_one():
    study = judge()
    reported = find(study.estimates, "gap_recovered", "distilled1", over="near")
    assert study.verdict.estimate.value == reported.value
    assert study.verdict.estimate.low == reported.low


def test_a_failed_check_makes_it_invalid_and_says_which():
    records = small_records(SURE)
    weak = records.with_columns(
        score=pl.when((pl.col("arm") == "leak") & (pl.col("role") == "targeted")).then(0.0).otherwise("score")
    )
    verdict = judge(records=weak).verdict
    assert verdict.outcome == "invalid"
    assert "The leak check failed" in verdict.settled_by


def test_a_switched_off_control_does_not_make_it_invalid():
    records = small_records(SURE).filter(pl.col("arm") != "leak")
    design = small_design(SURE)
    arms = tuple(arm for arm in design.arms if arm.name != "leak")
    study = estimate_study(records, replace(design, arms=arms, switched_off={"leak": "the test items are secret"}))
    assert study.verdict.outcome == "major"
    leak = next(check for check in study.assay if check.name == "leak")
    assert leak.passed is None
    assert "secret" in leak.detail


def test_an_undefined_estimate_decides_nothing():
    records = small_records(SURE).filter(pl.col("arm") != "teacher")
    verdict = judge(records=records).verdict
    assert verdict.outcome == "undetermined"
    assert verdict.probability_major is None
    assert "arm missing" in verdict.settled_by


def test_without_a_rule_there_is_no_verdict():
    assert estimate_study(small_records(), replace(small_design(), rule=None)).verdict is None


def test_a_lead_that_may_be_zero_decides_nothing():
    uncertain = Judged(0.2, 0.01, 1e-4, 1e-4, 0.0, 10.0, is_ratio=True)
    assert decide(uncertain, 0.25, 0.95) == "undetermined"
    negative = Judged(-0.2, -0.3, 1e-6, 1e-6, 0.0, 10.0, is_ratio=True)
    assert decide(negative, 0.25, 0.95) == "undetermined"


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        ({"arm": "distiled1"}, "Did you mean 'distilled1'"),
        ({"arm": "distilled1", "role": "neer"}, "Did you mean 'near'"),
        ({"arm": "distilled1", "level": 1.0}, "between 0.5 and 1"),
        ({"arm": "distilled1", "threshold": float("nan")}, "finite threshold"),
        ({"arm": "distilled1", "estimand": "uplft"}, "Did you mean 'uplift'"),
    ],
)
def test_mistakes_in_a_rule_are_named(mistake, said):
    with pytest.raises(UserError, match=said):
        estimate_study(small_records(), replace(small_design(), rule=VerdictRule(**mistake)))


def test_mistakes_in_a_design_are_named():
    arms = small_design().arms
    for wrong, said in [
        (lambda: Design((*arms, arms[0])), "different names"),
        (lambda: Design((replace(arms[0], kind="destilled"),)), "Did you mean 'distilled'"),
        (lambda: Design((replace(arms[0], matched="match"),)), "matched control of 'distilled1'"),
        (lambda: Design(arms, {"quiz": "parralel"}), "Did you mean 'parallel'"),
        (lambda: Design(arms, level=0.3), "between 0.5 and 1"),
    ]:
        with pytest.raises(UserError, match=said):
            wrong()
