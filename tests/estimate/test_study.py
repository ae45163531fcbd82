"""Undefined is never zero, never NaN, never an exception; the same records give the same bytes in any order of rows."""

import contextlib
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gauger.errors import UserError
from gauger.estimate.design import Design, FixedRule
from gauger.estimate.estimator import estimate_study
from gauger.estimate.results import replicates_of
from gauger.estimate.wanted import plan_estimates
from gauger.records import Reason, SetKind, VerdictOutcome

from .studies import SMALL, arm, as_json, find, small_cells, small_design, small_records

ARMS = (
    arm("distilled", "distilled", matched="matched", teacher_tokens=1000, queries=10),
    arm("matched", "matched"),
    arm("base", "base"),
    arm("teacher", "teacher"),
    arm("format", "format"),
    arm("leak", "leak"),
    arm("placebo", "placebo"),
)
BENCHMARKS = ("quiz", "quiz2", "cloze", "sort", "loose")
ROLES = {"quiz": "targeted", "quiz2": "parallel", "cloze": "near", "sort": "far"}


def check(study):
    as_json(study)
    for one in study.estimates:
        assert (one.value is None) == (one.reason is not None)
        if one.value is None:
            assert one.se is one.low is one.high is one.simultaneous_low is one.df is None
            assert one.kind == SetKind.NONE
        else:
            assert one.se is None or one.se > 0
            assert (one.kind in (SetKind.INTERVAL, SetKind.OUTSIDE)) == (one.low is not None and one.high is not None)
            assert one.kind != SetKind.INTERVAL or one.low <= one.value <= one.high
            assert one.kind != SetKind.OUTSIDE or not one.low < one.value < one.high


score = st.sampled_from([0.0, 1.0, 0.5, 0.1])
row = st.tuples(
    st.sampled_from([one.name for one in ARMS]),
    st.integers(0, 2),
    st.sampled_from(BENCHMARKS),
    st.sampled_from("abcd"),
    st.integers(0, 1),
    st.sampled_from(["scored", "scored", "scored", "unparsed", "failed"]),
    score,
)


@st.composite
def tables(draw):
    rows = {one[:5]: one for one in draw(st.lists(row, max_size=80))}
    clusters = draw(st.booleans())
    found = [
        (*one[:6], one[6] if one[5] == "scored" else None, "p" if clusters and one[3] in "ab" else None)
        for one in rows.values()
    ]
    columns = {"arm": pl.String, "replicate": pl.Int64, "benchmark": pl.String, "item": pl.String}
    more = {"sample": pl.Int64, "outcome": pl.String, "score": pl.Float64, "cluster": pl.String}
    return pl.DataFrame(found, schema={**columns, **more}, orient="row")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables(), st.booleans(), st.booleans(), st.booleans())
def test_any_ragged_table_gives_numbers_or_reasons(table, paired, moderated, unparsed_wrong):
    design = Design(
        ARMS,
        ROLES,
        paired=paired,
        moderated=moderated,
        unparsed_wrong=unparsed_wrong,
        rule=FixedRule(arm="distilled"),
        skills={"quiz": "facts", "cloze": "facts"},
    )
    study = estimate_study(table, design)
    check(study)
    assert study.verdict.outcome in list(VerdictOutcome)
    assert as_json(study) == as_json(estimate_study(table.reverse(), design))


anything = st.one_of(st.none(), st.just("scored"), st.text(max_size=3), st.floats(), st.integers(-2, 3))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(anything, anything, anything, anything, anything), min_size=1, max_size=8))
def test_any_nonsense_is_a_user_error_or_a_result(rows):
    try:
        table = pl.DataFrame(rows, schema=["arm", "benchmark", "item", "score", "outcome"], orient="row", strict=False)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        return
    with contextlib.suppress(UserError):
        check(estimate_study(table, Design(ARMS)))


def test_the_order_of_rows_columns_and_the_kind_of_strings_never_show():
    records, design = small_records(), small_design()
    expected = as_json(estimate_study(records, design))
    shuffled = records.sample(fraction=1.0, shuffle=True, seed=1).select(reversed(records.columns))
    assert as_json(estimate_study(shuffled, design)) == expected
    categorical = shuffled.with_columns(pl.col("arm", "benchmark", "item").cast(pl.Categorical))
    assert as_json(estimate_study(categorical, design)) == expected


def test_no_records_at_all_give_reasons():
    study = estimate_study(small_records().clear(), small_design())
    check(study)
    assert {one.reason for one in study.estimates} == {Reason.ARM_MISSING}
    assert study.verdict.outcome == "undetermined"
    assert {check.outcome for check in study.assay} == {"not_powered"}


def test_a_missing_arm_leaves_the_others_estimated():
    records = small_records()
    study = estimate_study(records.filter(pl.col("arm") != "teacher"), small_design())
    check(study)
    assert find(study.estimates, "gap_recovered", "distilled1", over="near").reason == Reason.ARM_MISSING
    full = estimate_study(records, small_design())
    one = find(study.estimates, "uplift", "distilled1", over="near")
    assert one.value == find(full.estimates, "uplift", "distilled1", over="near").value


def test_an_arm_without_scores_on_one_benchmark_has_no_average_over_its_role():
    records = small_records().filter(~((pl.col("arm") == "distilled1") & (pl.col("benchmark") == "near2")))
    study = estimate_study(records, small_design())
    assert find(study.estimates, "uplift", "distilled1", over="near").reason == Reason.NO_SCORED_ROWS
    assert find(study.estimates, "uplift", "distilled1", benchmark="near1").value is not None


def test_arms_without_common_items_are_not_compared():
    records = small_records()
    low = pl.col("item") < "00015"
    records = records.filter(
        (pl.col("benchmark") != "near1") | pl.when(pl.col("arm") == "matched").then(low).otherwise(~low)
    )
    study = estimate_study(records, small_design())
    assert find(study.estimates, "uplift", "distilled1", benchmark="near1").reason == Reason.NO_COMMON_ITEMS
    assert find(study.estimates, "score", "matched", benchmark="near1").value is not None


def test_roles_without_benchmarks_are_reasons_not_zeros():
    roles = {name: role for name, role in small_design().roles.items() if role != "parallel"}
    records = small_records().filter(~pl.col("benchmark").str.starts_with("parallel"))
    study = estimate_study(records, replace(small_design(), roles=roles))
    assert find(study.estimates, "memorisation", "leak").reason == Reason.BENCHMARK_MISSING
    assert find(study.estimates, "carryover", "distilled1", over="near").value is not None


def test_a_single_run_of_everything_says_so():
    study = estimate_study(small_records().filter(pl.col("replicate") == 0), small_design())
    for one in study.estimates:
        assert one.reason is not None or "Covers item sampling alone" in one.note


def test_a_single_run_among_replicated_ones_says_so():
    records = small_records().filter((pl.col("arm") != "distilled1") | (pl.col("replicate") == 0))
    study = estimate_study(records, small_design())
    assert "distilled1 was trained once" in find(study.estimates, "uplift", "distilled1", over="near").note
    assert find(study.estimates, "uplift", "placebo", over="near").note is None


def test_an_arm_scored_for_one_of_its_runs_says_so_and_gains_nothing_by_it():
    """Evaluations that were lost make no interval narrower, and are counted where they are missing alone."""
    records = small_records(replace(SMALL, items=300, replicate_sd=0.4))
    lost = (pl.col("arm") == "distilled1") & (pl.col("benchmark") == "near1") & (pl.col("replicate") > 0)
    whole, left = (estimate_study(table, small_design()) for table in (records, records.filter(~lost)))
    full, one = (find(study.estimates, "uplift", "distilled1", benchmark="near1") for study in (whole, left))
    assert one.high - one.low > full.high - full.low
    assert (full.n_replicates, one.n_replicates) == (SMALL.replicates, 1)
    assert one.note == (
        "distilled1 was scored here for one training alone; it is taken for twice as noisy as the replicated arms."
    )
    elsewhere = find(left.estimates, "uplift", "distilled1", benchmark="targeted1")
    assert (elsewhere.n_replicates, elsewhere.note) == (SMALL.replicates, None)


def test_items_that_other_arms_answered_say_nothing_of_those_compared():
    """Twenty items, all wrong, cannot exclude two points, however many items the base was asked."""

    def study(base_items):
        answers = [("m", r, 0.0, 20) for r in range(3)] + [("d", r, 0.0, 20) for r in range(3)]
        answers += [("reference", r, 1.0, 16) for r in range(3)] + [("base", 0, 1.0, base_items)]
        rows = [
            (name, r, "near1", f"i{i:04d}", score if i < top else 0.0)
            for name, r, score, top in answers
            for i in range(max(top, 20))
        ]
        table = pl.DataFrame(rows, ["arm", "replicate", "benchmark", "item", "score"], orient="row")
        arms = (arm("d", "distilled", matched="m"), arm("m", "matched"), arm("base", "base"))
        rule = FixedRule(arm="d", estimand="uplift", threshold=0.02)
        design = Design(arms=(*arms, arm("reference", "reference")), roles={"near1": "near"}, rule=rule)
        found = estimate_study(table, design)
        return find(found.estimates, "uplift", "d", benchmark="near1"), found.verdict

    (few, verdict), (many, other) = study(20), study(2000)
    assert (few.low, few.high, few.df) == (many.low, many.high, many.df)
    assert few.df == pytest.approx(19.0)
    assert few.high > 0.05
    assert verdict.probability_major == other.probability_major


def test_a_loss_is_no_gain_of_which_a_share_could_be_carried_over():
    """A student below its control on targeted benchmarks: no share of that is carried over, bound to it, or format."""
    lost = pl.col("arm").is_in(["distilled1"]) & pl.col("benchmark").str.starts_with("targeted")
    table = small_records().with_columns(score=pl.when(lost).then(0.0).otherwise("score"))
    estimates = estimate_study(table, small_design()).estimates
    shares = [e for e in estimates if e.arm == "distilled1" and e.estimand in ("carryover", "benchmark_bound_share")]
    assert {e.reason for e in shares} == {Reason.NO_UPLIFT}
    assert {e.over for e in shares} >= {"near", "far"}
    below = [e for e in estimates if e.arm == "distilled1" and e.estimand == "format_share" and e.over == "targeted"]
    assert [e.reason for e in below] == [Reason.NO_GAIN]
    assert find(estimates, "carryover", "leak", over="near").value is not None


def test_more_noise_between_replicates_gives_wider_intervals():
    def width(sd):
        study = estimate_study(small_records(replace(SMALL, items=300, replicate_sd=sd)), small_design())
        one = find(study.estimates, "uplift", "distilled1", over="near")
        return one.high - one.low

    assert width(0.6) > 1.5 * width(0.0)


def test_simultaneous_intervals_contain_the_pointwise_ones():
    study = estimate_study(small_records(), small_design())
    wider = 0
    for one in study.estimates:
        if one.simultaneous_low is not None and one.low is not None:
            assert one.simultaneous_low <= one.low + 1e-9
            assert one.simultaneous_high >= one.high - 1e-9
            wider += one.simultaneous_high > one.high + 1e-6
    assert wider > 100


def test_an_unbounded_ratio_is_said_in_words_and_has_no_ends_it_does_not_have():
    planted = replace(SMALL, uplift=0.0, forgetting=0.0)
    study = estimate_study(small_records(planted, seed=2), small_design(planted))
    one = find(study.estimates, "carryover", "distilled1", over="near")
    assert one.value is not None
    assert one.note is not None
    assert one.simultaneous_low is None


def test_a_level_further_out_gives_wider_intervals():
    narrow = estimate_study(small_records(), replace(small_design(), level=0.8)).estimates[0]
    wide = estimate_study(small_records(), replace(small_design(), level=0.99)).estimates[0]
    assert narrow.level == 0.8
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


@pytest.mark.parametrize("rows", [{"arm": "distilled1"}, {"arm": "base", "replicates": 1}])
def test_replicates_are_those_of_the_arm(rows):
    study = estimate_study(small_records(), small_design())
    one = find(study.estimates, "score", rows["arm"], over="near")
    assert one.n_replicates == rows.get("replicates", SMALL.replicates)
    assert one.n_items == SMALL.items * SMALL.benchmarks


def test_an_average_has_as_many_replicates_as_its_benchmark_with_the_fewest():
    table = small_records()
    last = pl.col("benchmark") == table["benchmark"].unique(maintain_order=True).last()
    lost = table.filter(~(last & (pl.col("arm") == "distilled1") & (pl.col("replicate") > 0)))
    role = next(name for name in small_design().roles if name == lost["benchmark"].unique(maintain_order=True).last())
    estimates = estimate_study(lost, small_design()).estimates
    own = [one for one in estimates if one.estimand == "uplift" and one.scale == "points" and one.arm == "distilled1"]
    counts = {one.benchmark: one.n_replicates for one in own if one.benchmark}
    assert counts[role] == 1
    assert {number for name, number in counts.items() if name != role} == {3}
    averaged = small_design().roles[role]
    assert {one.n_replicates for one in own if one.benchmark is None and one.over == averaged} == {1}


def test_every_interval_of_several_has_a_wider_one_that_holds_for_its_family():
    estimates = estimate_study(small_records(), small_design()).estimates
    families = {}
    for one in estimates:
        if one.kind == SetKind.INTERVAL and one.se and one.note is None:
            families.setdefault((one.estimand, one.scale), []).append(one)
    assert any(len(family) > 5 for family in families.values())
    for family in families.values():
        assert all(one.simultaneous_low <= one.low and one.high <= one.simultaneous_high for one in family)
        if len(family) > 1:
            wider = [(one.high - one.low) / (one.simultaneous_high - one.simultaneous_low) for one in family]
            assert max(wider) < 0.999, "the level of a family is not that of each of its members"


def test_an_arm_that_an_estimate_does_not_weigh_has_the_replicates_that_it_has():
    cells = small_cells()
    entry = next(one for one in plan_estimates(cells, ("uplift",)) if one.case.arm.name == "distilled1")
    counts = {name: replicates_of(entry, name) for name in cells.cube.arms}
    assert counts == {name: 1 if name in ("base", "teacher") else 3 for name in cells.cube.arms}
