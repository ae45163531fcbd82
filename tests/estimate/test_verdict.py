"""Major, minor, undetermined, invalid: decided by the interval, consistent with its own probability."""

from dataclasses import replace

import polars as pl
import pytest

from gauger.errors import UserError
from gauger.estimate.design import Design, FixedRule
from gauger.estimate.estimator import estimate_study
from gauger.estimate.verdict import decide
from gauger.estimate.verdict_inputs import JudgedContrast

from .studies import SMALL, find, small_design, small_records

SURE = replace(
    SMALL, items=400, replicates=4, replicate_sd=0.05, bound_share=0.0, uplift=0.3, teacher_lead=0.4, reference_lead=0.5
)
UNCHECKED = dict.fromkeys(("placebo", "leak", "reference"), "not the point of this test")


def judge(planted=SURE, seed=1, records=None, off=(), unfinished="", **rule):
    design = small_design(planted)
    arms = tuple(arm for arm in design.arms if arm.kind not in off and (arm.kind != "leak_twin" or "leak" not in off))
    reasons = {kind: reason for kind, reason in UNCHECKED.items() if kind in off}
    design = replace(
        design, arms=arms, switched_off=reasons, rule=FixedRule(arm="distilled1", **rule), unfinished=unfinished
    )
    records = small_records(planted, seed) if records is None else records
    return estimate_study(records.filter(pl.col("arm").is_in([arm.name for arm in arms])), design)


@pytest.mark.parametrize(
    ("threshold", "outcome"), [(0.25, "major"), (0.5, "major"), (0.75, "undetermined"), (0.88, "minor")]
)
def test_the_outcome_moves_with_the_threshold(threshold, outcome):
    verdict = judge(threshold=threshold, off=("placebo", "leak")).verdict
    assert verdict.outcome == outcome
    assert verdict.estimate.value == pytest.approx(0.75, abs=0.1)
    assert (verdict.settled_by is None) == (outcome in ("major", "minor"))


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 1.5])
@pytest.mark.parametrize("estimand", ["gap_recovered", "uplift", "carryover"])
def test_probability_and_outcome_are_one_test(threshold, estimand):
    """Below the threshold the outcome is not powered, as a study without a reference cannot say minor."""
    verdict = judge(estimand=estimand, threshold=threshold, off=UNCHECKED).verdict
    expected = "undetermined"
    if verdict.probability_major > 0.975:
        expected = "major"
    if verdict.probability_major < 0.025:
        expected = "minor"
    assert verdict.outcome == {"minor": "not_powered"}.get(expected, expected)
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
        "looks": 1,
        "post_hoc": True,
        "stopping": "",
        "placebo_margin": 0.15,
        "control": "matched",
    }
    assert verdict.estimate.level == 0.9
    assert verdict.estimate.over == "near"


@pytest.mark.parametrize(("threshold", "plainly"), [(0.25, "major"), (0.88, "minor"), (0.75, "undetermined")])
def test_optional_stopping_leaves_the_outcome_undetermined_and_the_nominal_interval_shown(threshold, plainly):
    rule = {"threshold": threshold, "off": ("placebo", "leak")}
    plain, stopped = judge(**rule).verdict, judge(**rule, stopping="Replicates were added.").verdict
    assert (plain.outcome, stopped.outcome) == (plainly, "undetermined")
    assert stopped.settled_by == "Replicates were added."
    same = ("value", "low", "high", "level")
    assert [getattr(stopped.estimate, key) for key in same] == [getattr(plain.estimate, key) for key in same]


@pytest.mark.parametrize(("threshold", "plainly"), [(0.25, "major"), (0.88, "minor"), (0.75, "undetermined")])
def test_a_plan_that_is_not_done_decides_nothing_and_its_nominal_interval_is_shown(threshold, plainly):
    rule = {"threshold": threshold, "off": ("placebo", "leak")}
    plain, part = judge(**rule).verdict, judge(**rule, unfinished="3 of 4 replicates.").verdict
    assert (plain.outcome, part.outcome, part.settled_by) == (plainly, "undetermined", "3 of 4 replicates.")
    assert replace(part.estimate, note=plain.estimate.note) == plain.estimate
    both = judge(**rule, stopping="Replicates were added.", unfinished="3 of 4 replicates.").verdict
    assert (both.outcome, both.settled_by) == ("undetermined", "Replicates were added."), (
        "what more replicates mend not"
    )


def test_what_the_plan_lacks_hides_no_failed_check():
    sick = with_scores(small_records(SURE), "leak", "targeted", 0.0)
    assert {judge(records=sick, unfinished=left).verdict.outcome for left in ("", "Half of it.")} == {"invalid"}


def test_the_rules_level_is_the_one_that_counts():
    wide, narrow = judge(level=0.999).verdict.estimate, judge(level=0.8).verdict.estimate
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_the_note_speaks_of_the_set_at_the_rules_level():
    """A lead that may be zero at one level and not at another: ends, kind and words go together."""
    weak = replace(SURE, items=60, teacher_lead=0.12, reference_lead=0.2, uplift=0.05)
    bounded, open_ = (judge(weak, level=level, off=UNCHECKED).verdict.estimate for level in (0.6, 0.9999))
    assert bounded.kind == "interval"
    assert "denominator" not in (bounded.note or "")
    assert open_.kind != "interval"
    assert "denominator" in open_.note


def test_the_judged_estimate_is_the_reported_one():
    study = judge()
    reported = find(study.estimates, "gap_recovered", "distilled1", over="near")
    assert study.verdict.estimate.value == reported.value
    assert study.verdict.estimate.low == reported.low


def with_scores(records, arm, role, score):
    chosen = (pl.col("arm") == arm) & (pl.col("role") == role)
    return records.with_columns(score=pl.when(chosen).then(score).otherwise("score"))


def test_a_failed_check_makes_it_invalid_and_says_which():
    verdict = judge(records=with_scores(small_records(SURE), "leak", "targeted", 0.0)).verdict
    assert verdict.outcome == "invalid"
    assert "The memorisation check failed" in verdict.settled_by


def test_a_placebo_above_its_margin_makes_it_invalid():
    records = small_records(SURE)
    better = records.filter(pl.col("arm") == "distilled1").with_columns(arm=pl.lit("placebo"))
    verdict = judge(records=pl.concat([records.filter(pl.col("arm") != "placebo"), better])).verdict
    assert verdict.outcome == "invalid"
    assert "The placebo check failed" in verdict.settled_by
    assert {check["name"]: check["outcome"] for check in verdict.checks}["placebo"] == "failed"


def test_a_leak_without_its_twin_could_not_fail():
    """Nothing says how much of what the leak arm gains on near benchmarks is what its extra rows are anyway worth."""
    records = small_records(SURE).filter(pl.col("arm") != "leak_twin")
    design = small_design(SURE)
    arms = tuple(arm for arm in design.arms if arm.kind != "leak_twin")
    verdict = estimate_study(records, replace(design, arms=arms)).verdict
    assert verdict.outcome == "not_powered"
    assert "no twin of the leak arm" in verdict.settled_by


def test_a_leaks_twin_may_be_named():
    design = small_design(SURE)
    arms = tuple(
        replace(arm, kind="distilled") if arm.kind == "leak_twin"
        else replace(arm, twin="leak_twin") if arm.kind == "leak" else arm
        for arm in design.arms
    )  # fmt: skip
    study = estimate_study(small_records(SURE), replace(design, arms=arms))
    assert "Increment" in next(check for check in study.assay if check.name == "leak").detail


def test_a_switched_off_control_does_not_make_it_invalid():
    study = judge(off=("leak",))
    assert study.verdict.outcome == "major"
    leak = next(check for check in study.assay if check.name == "leak")
    assert leak.outcome == "not_made"
    assert UNCHECKED["leak"] in leak.detail
    assert [check["name"] for check in study.verdict.checks] == ["placebo", "reference"]


def test_minor_needs_a_reference_that_is_major():
    little = replace(SURE, uplift=0.02)
    assert judge(little).verdict.outcome == "minor"
    without = judge(little, off=("reference",)).verdict
    assert without.outcome == "not_powered"
    assert "minor cannot be said" in without.settled_by
    assert judge(replace(little, reference_lead=0.0)).verdict.outcome == "invalid"


def test_nothing_replicated_is_no_verdict_however_clear_the_items():
    records = small_records(SURE).filter(pl.col("replicate") == 0)
    verdict = judge(records=records, off=("placebo", "leak")).verdict
    assert verdict.outcome == "not_replicated"
    assert verdict.probability_major is None
    assert "item sampling alone" in verdict.estimate.note


def test_one_training_run_of_the_judged_arm_borrows_the_others_noise_and_says_when_it_would_turn():
    records = small_records(SURE).filter((pl.col("arm") != "distilled1") | (pl.col("replicate") == 0))
    verdict, whole = judge(records=records).verdict, judge().verdict
    assert verdict.outcome == whole.outcome == "major"
    assert verdict.estimate.high - verdict.estimate.low > whole.estimate.high - whole.estimate.low
    assert verdict.noise_ratio > 1
    assert f"{verdict.noise_ratio:.1f} times as noisy" in verdict.estimate.note
    assert whole.noise_ratio is None


def test_no_variation_decides_nothing():
    """All right, all wrong: the field's interval has width 0 and lies above every threshold."""
    score = pl.when(pl.col("arm").is_in(["teacher", "distilled1"])).then(1.0).otherwise(0.0)
    verdict = judge(records=small_records(SURE).with_columns(score=score), off=UNCHECKED).verdict
    assert verdict.outcome == "undetermined"
    assert "No answer differed" in verdict.settled_by


def test_an_undefined_estimate_decides_nothing():
    records = small_records(SURE).filter(pl.col("arm") != "teacher")
    verdict = judge(records=records, off=UNCHECKED).verdict
    assert verdict.outcome == "undetermined"
    assert verdict.probability_major is None
    assert "arm missing" in verdict.settled_by


def test_without_a_rule_there_is_no_verdict():
    assert estimate_study(small_records(), replace(small_design(), rule=None)).verdict is None


def test_a_lead_that_may_be_zero_decides_nothing():
    uncertain = JudgedContrast(0.2, 0.01, 1e-4, 1e-4, 0.0, 10.0, is_ratio=True)
    assert decide(uncertain, 0.25, 0.95) == "undetermined"
    negative = JudgedContrast(-0.2, -0.3, 1e-6, 1e-6, 0.0, 10.0, is_ratio=True)
    assert decide(negative, 0.25, 0.95) == "undetermined"


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        ({"arm": "distiled1"}, "Did you mean 'distilled1'"),
        ({"arm": "distilled1", "role": "neer"}, "Did you mean 'near'"),
        ({"arm": "distilled1", "level": 1.0}, "between 0.5 and 1"),
        ({"arm": "distilled1", "threshold": float("nan")}, "finite threshold"),
        ({"arm": "distilled1", "placebo_margin": 0.3}, "above 0 and at most the threshold 0.25"),
        ({"arm": "distilled1", "placebo_margin": 0.0}, "above 0 and at most"),
        ({"arm": "distilled1", "threshold": -0.1, "placebo_margin": -0.05}, "above 0 and at most 1"),
        ({"arm": "distilled1", "estimand": "uplft"}, "Did you mean 'uplift'"),
    ],
)
def test_mistakes_in_a_rule_are_named(mistake, said):
    with pytest.raises(UserError, match=said):
        estimate_study(small_records(), replace(small_design(), rule=FixedRule(**mistake)))


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
