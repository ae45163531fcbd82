"""Students that answer as their teacher does, or alike throughout: verdict, interval and figure say the same."""

from dataclasses import asdict, replace

import numpy as np
import polars as pl
import pytest

from gauger.estimate.cell_means import Cells
from gauger.estimate.contrasts import run_batch
from gauger.estimate.design import Design, FixedRule
from gauger.estimate.estimator import estimate_study
from gauger.estimate.no_variation import HiddenShares
from gauger.estimate.results import collect_estimates
from gauger.estimate.score_arrays import Cube, build_cube, replicate_ids
from gauger.estimate.table import complete_table
from gauger.estimate.verdict import NO_VARIATION, judge_study, plan_judging
from gauger.estimate.wanted import plan_estimates
from gauger.records import ArmInfo
from gauger.report.conclusion import lines
from gauger.report.findings import verdict as finding
from gauger.stats.crossed.panel import Panel

from .studies import find

N = 80
RULE = FixedRule(arm="distilled")
ARMS = (
    ArmInfo("distilled", "distilled", "", matched="control"),
    ArmInfo("control", "matched", ""),
    ArmInfo("teacher", "teacher", ""),
)


def design(threshold, estimand="gap_recovered"):
    return Design(arms=ARMS, roles={"b": "near"}, rule=replace(RULE, threshold=threshold, estimand=estimand))


def cells(student, control, teacher, own):
    """Scores (R, N) of the arms of one benchmark."""
    block = np.full((3, 2, N), np.nan)
    block[0], block[1], block[2, 0] = student, control, teacher
    seen = np.isfinite(block).all(axis=2)
    once = own.trained & (seen.sum(axis=1) == 1)
    panel = Panel((block,), (np.arange(N),), replicate_ids(seen, paired=True), trained_once=once)
    items = (tuple(f"{i:03d}" for i in range(N)),)
    names = tuple(arm.name for arm in ARMS)
    return Cells(Cube(panel, names, ("b",), ("near",), items, np.ones((3, 1), dtype=bool)), own)


def judged(scores, threshold, estimand="gap_recovered"):
    own = design(threshold, estimand)
    judging = plan_judging(held := cells(*scores, own), own.rule)
    batch = run_batch(held, judging.entries)
    return judge_study(batch, 0, judging, own)[0], batch


CONTROL = (np.random.default_rng(3).random((2, N)) < 0.3).astype(float)


@pytest.mark.parametrize("control", [CONTROL, CONTROL[[0, 0]]], ids=["trainings differ", "items alone differ"])
def test_a_student_like_its_teacher_has_the_interval_that_the_engine_gives_their_difference(control):
    """Covariances of n and d cancel in n - d and would give 100 to 100; the difference of the two arms has a floor."""
    verdict, batch = judged((np.ones((2, N)), control, np.ones(N)), 0.25)
    one, d = verdict.estimate, batch.contrasts.value[batch.denominator[0]]
    own = batch.contrasts.se[batch.judged_row(0)]
    assert own > 0.005
    assert one.se == pytest.approx(own / d, rel=1e-6)
    assert one.low < 1 - one.se < 1 < 1 + one.se < one.high
    assert one.kind == "interval"


@pytest.mark.parametrize(("threshold", "outcome"), [(0.25, "major"), (0.98, "undetermined"), (1.5, "minor")])
def test_verdict_and_figure_agree_about_a_student_like_its_teacher(threshold, outcome):
    verdict, _ = judged((np.ones((2, N)), CONTROL, np.ones(N)), threshold)
    words = {"major": "lies above", "undetermined": "is not told apart from", "minor": "lies below"}
    reached = {"minor": "not_powered"}  # without a reference arm minor is never said
    assert verdict.outcome == reached.get(outcome, outcome)
    assert words[outcome] in finding(asdict(verdict.estimate), verdict.rule, verdict.outcome)


@pytest.mark.parametrize(("estimand", "threshold"), [("uplift", 0.05), ("gap_recovered", 0.25)])
def test_where_nothing_varies_at_all_the_figure_claims_no_more_than_the_verdict(estimand, threshold):
    verdict, _ = judged((np.ones((2, N)), np.zeros((2, N)), np.ones(N)), threshold, estimand)
    one = verdict.estimate
    assert (verdict.outcome, verdict.probability_major, one.value, one.se) == ("undetermined", None, 1.0, None)
    assert verdict.settled_by == NO_VARIATION
    # On hidden items both arms may be the reverse of what they are on the others; above 1 no difference is possible.
    ends = (pytest.approx(1 - 2 * (1 - 0.025 ** (1 / N))), 1.0) if estimand == "uplift" else (None, None)
    assert (one.low, one.high) == ends
    assert "is not told apart" in finding(asdict(one), verdict.rule, verdict.outcome)
    assert lines({**vars(verdict), "estimate": asdict(one)})[0].startswith("No answer varied")


def test_what_so_few_items_can_hide_is_of_the_rules_level():
    """The bound of Clopper and Pearson for none of N, by hand, at a level that is not the batch's."""
    own = replace(design(0.25, "uplift"), level=0.95)
    own = replace(own, rule=replace(own.rule, level=0.8))
    judging = plan_judging(held := cells(np.ones((2, N)), np.zeros((2, N)), np.ones(N), own), own.rule)
    estimate = judge_study(run_batch(held, judging.entries), 0, judging, own)[0].estimate
    assert estimate.level == 0.8
    assert estimate.low == pytest.approx(1 - 2 * (1 - 0.1 ** (1 / N)))
    assert f"hide {100 * (1 - 0.1 ** (1 / N)):.1f} %" in estimate.note


def records(scores):
    """Scores (R, I) by arm and benchmark, as a table of records."""
    return pl.concat(
        pl.DataFrame({"arm": arm, "replicate": r, "benchmark": b, "item": [f"{i:04d}" for i in range(len(row))],
                      "score": np.asarray(row, dtype=float)})
        for (arm, b), block in scores.items()
        for r, row in enumerate(block)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("student", "control", "falls", "rises"),
    [(1, 1, 1, 1), (0, 0, 1, 1), (1, 0, 2, 0), (0, 1, 0, 2), (0.5, 0.5, 1, 1), (0.5, 0, 1.5, 0.5)],
)
def test_hidden_items_may_be_the_reverse_on_either_side_and_no_more_than_that(student, control, falls, rises):
    """By hand: from a mean m a hidden share h takes away h m at most, and adds h (1 - m) at most."""
    verdict, _ = judged((np.full((2, N), student), np.full((2, N), control), np.ones(N)), 0.05, "uplift")
    h, value = 1 - 0.025 ** (1 / N), student - control
    one = verdict.estimate
    assert (one.value, one.low, one.high) == pytest.approx((value, value - falls * h, value + rises * h))


def test_a_benchmark_of_few_items_hides_more_than_one_of_many():
    """Five items and two thousand, one average: the pooled bound of 2005 items would be .2 points."""
    scores = {(arm, b): np.ones((2, n)) for arm in ("distilled", "control") for b, n in (("few", 5), ("many", 2000))}
    own = Design(arms=ARMS[:2], roles={"few": "near", "many": "near"})
    one = find(estimate_study(records(scores), own).estimates, "uplift", "distilled", over="near")
    share = np.linspace(0, 1 - 0.025 ** (1 / 5), 100_001)
    rest = 1 - (0.025 / (1 - share) ** 5) ** (1 / 2000)
    assert one.high == pytest.approx(float((share + rest).max()) / 2, rel=1e-6)
    assert (one.low, one.value) == (-one.high, 0.0)
    assert one.high > 0.25
    assert "up to 52.2 % of a benchmark's items" in one.note


def test_what_may_be_hidden_is_the_most_that_any_shares_can_hide():
    """Two groups of items with unequal stakes, against a search over every pair of shares; and at a corner of it."""
    for stake in ([0.5, 0.5], [0.1, 0.9], [0.001, 1.0], [0.0, 1.0]):
        shares = HiddenShares(np.array([40.0, 7.0]), np.array(stake), np.zeros(2))
        first = np.linspace(0, 1 - 0.025 ** (1 / 40), 200_001)
        second = 1 - (0.025 / (1 - first) ** 40) ** (1 / 7)
        assert shares.reach(shares.fall, 0.95) == pytest.approx(float((stake[0] * first + stake[1] * second).max()))
        assert shares.reach(shares.rise, 0.95) == 0


def test_what_hides_in_one_benchmark_may_hide_in_all_that_share_its_clusters():
    clusters = pl.col("item").alias("cluster")
    scores = {(arm, b): np.ones((2, 20)) for arm in ("distilled", "control") for b in ("a", "b")}
    own = Design(arms=ARMS[:2], roles={"a": "near", "b": "near"})
    reaches = {}
    for name, table in (("apart", records(scores)), ("shared", records(scores).with_columns(clusters))):
        reaches[name] = find(estimate_study(table, own).estimates, "uplift", "distilled", over="near").high
    assert reaches == pytest.approx({"apart": 1 - 0.025 ** (1 / 40), "shared": 1 - 0.025 ** (1 / 20)})
    fewer = {key: block[:, : 8 if key[1] == "a" else 20] for key, block in scores.items()}
    estimates = estimate_study(records(fewer).with_columns(clusters), own).estimates
    assert find(estimates, "uplift", "distilled", over="near").high == pytest.approx(1 - 0.025 ** (1 / 8))


NUMBERS = ("value", "se", "low", "high", "simultaneous_low", "simultaneous_high")
RNG = np.random.default_rng(5)
SCORES = {
    (arm, b): (RNG.random((3, 60)) < level).astype(float) if b != "top" else np.ones((3, 60))
    for arm, level in (("distilled", 0.65), ("other", 0.5), ("control", 0.35))
    for b in ("near1", "near2", "top")
}
TABLE = records(SCORES)


def per_dollar(usd, other_usd):
    """Uplift per dollar of two arms on three benchmarks, one of which both are at the top of."""
    other = ArmInfo("other", "distilled", "", matched="control", usd=other_usd)
    arms = (replace(ARMS[0], usd=usd), other, ARMS[1])
    own = Design(arms=arms, roles={"near1": "near", "near2": "near", "top": "far"})
    held = Cells(build_cube(complete_table(TABLE, own), own), own)
    return collect_estimates(run_batch(held, plan_estimates(held, ["uplift_per_dollar"])))


@pytest.mark.parametrize("powers", [(0, 0), (-9, 24), (7, 0), (24, 24), (12, -3), (9, 11)])
def test_a_unit_scales_value_error_and_limits_and_nothing_else(powers):
    """At 5e9 tokens of the teacher the spread of training was taken for rounding, and the interval was of nothing."""
    usd = dict(zip(("distilled", "other"), (10.0**power for power in powers), strict=True))
    plain, scaled = per_dollar(1.0, 1.0), per_dollar(*usd.values())
    assert [one.note is not None for one in plain if one.benchmark == "top"] == [True, True]
    assert all(one.se for one in scaled if one.role == "near")
    for one, other in zip(plain, scaled, strict=True):
        numbers = {name: getattr(one, name) for name in NUMBERS}
        expected = {name: x / usd[one.arm] for name, x in numbers.items() if x is not None}
        got = {name: x for name in NUMBERS if (x := getattr(other, name)) is not None}
        assert got == pytest.approx(expected, rel=2e-9, abs=0)
        assert replace(other, **numbers) == replace(one, df=other.df)
        assert other.df == pytest.approx(one.df, rel=1e-6) if one.df else other.df is None
