"""Averages beside the plain one: by items, and over benchmarks that the study has not asked."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from gauger.estimate.design import Design
from gauger.estimate.estimator import estimate_study

from .studies import arm, find, small_design, small_records

DESIGN = Design((arm("d", "distilled", matched="m"), arm("m", "matched")), {f"b{k}": "near" for k in range(6)})


def drawn(rng, between, items=300):
    """Six benchmarks whose true uplifts differ by `between` (standard deviation) about .1."""
    frames = []
    for k in range(6):
        lift = 0.1 + between * rng.standard_normal()
        for name, p in (("d", 0.45 + lift), ("m", 0.45)):
            score = (rng.random((3, items)) < np.clip(p, 0.02, 0.98)).astype(float)
            frames += [
                pl.DataFrame({"arm": name, "replicate": r, "benchmark": f"b{k}", "item": np.arange(items).astype(str),
                              "score": row})
                for r, row in enumerate(score)
            ]  # fmt: skip
    return pl.concat(frames)


def test_by_items_a_benchmark_counts_for_what_it_has():
    records = small_records()
    kept = (pl.col("benchmark") != "near1") | (pl.col("item").cast(pl.Int64) < 10)
    study = estimate_study(records.filter(kept), small_design())
    single = {b: find(study.estimates, "uplift", "distilled1", benchmark=b).value for b in ("near1", "near2")}
    plain = find(study.estimates, "uplift", "distilled1", over="near").value
    by_items = find(study.estimates, "uplift", "distilled1", over="near, weighted by items").value
    assert plain == pytest.approx((single["near1"] + single["near2"]) / 2)
    assert by_items == pytest.approx((10 * single["near1"] + 30 * single["near2"]) / 40)


def test_with_equal_numbers_of_items_it_is_not_said_twice():
    overs = {one.over for one in estimate_study(small_records(), small_design()).estimates}
    assert not any("weighted by items" in str(over) for over in overs)


def test_other_benchmarks_are_not_the_studys_own():
    """40 draws, uplifts that differ by 10 points: the mean over all benchmarks is covered by one of the two only."""
    rng, own, other = np.random.default_rng(1), 0, 0
    for _ in range(40):
        study = estimate_study(drawn(rng, 0.1), DESIGN)
        here = find(study.estimates, "uplift", "d", over="near")
        there = find(study.estimates, "uplift", "d", over="other near benchmarks")
        own += here.low <= 0.1 <= here.high
        other += there.low <= 0.1 <= there.high
        assert "One further benchmark would lie between" in there.note
    assert other >= 34
    assert own <= 30


def test_without_differences_it_is_no_narrower_than_the_model_allows():
    """Knapp and Hartung's factor falls below 1 by chance; a seed that is good everywhere does not show in residuals."""
    study = estimate_study(drawn(np.random.default_rng(2), 0.0), DESIGN)
    here = find(study.estimates, "uplift", "d", over="near")
    there = find(study.estimates, "uplift", "d", over="other near benchmarks")
    assert there.value == pytest.approx(here.value, abs=0.02)
    assert there.se >= here.se
    assert there.df == 5


def test_a_benchmark_where_both_arms_are_at_a_bound_takes_no_statement_away():
    """It counts with what its items can hide: an uplift of 0, known to a few points, and not for certain."""
    table = drawn(np.random.default_rng(4), 0.02)
    full = estimate_study(
        table.with_columns(pl.when(pl.col("benchmark") == "b5").then(1.0).otherwise("score").alias("score")), DESIGN
    )
    at_bound = find(full.estimates, "uplift", "d", benchmark="b5")
    assert (at_bound.value, at_bound.se) == (0.0, None)
    others = find(full.estimates, "uplift", "d", over="other near benchmarks")
    fewer = replace(DESIGN, roles={**DESIGN.roles, "b5": "far"})
    without = find(estimate_study(table, fewer).estimates, "uplift", "d", over="other near benchmarks")
    assert without.value == pytest.approx(0.1, abs=0.04)
    assert 0 < others.value < without.value
    assert others.low < others.value < others.high
    assert others.df == 5


def test_where_nothing_varies_anywhere_nothing_is_said_of_other_benchmarks():
    table = drawn(np.random.default_rng(4), 0.0, items=20).with_columns(pl.lit(1.0).alias("score"))
    others = find(estimate_study(table, DESIGN).estimates, "uplift", "d", over="other near benchmarks")
    assert (others.value, others.reason) == (None, "not estimable from these data")


def test_two_benchmarks_say_nothing_of_others():
    overs = {one.over for one in estimate_study(small_records(), small_design()).estimates}
    assert not any(str(over).startswith("other") for over in overs)
    fewer = replace(DESIGN, roles={name: "near" if name in ("b0", "b1") else "far" for name in DESIGN.roles})
    found = {one.over for one in estimate_study(drawn(np.random.default_rng(3), 0.0), fewer).estimates}
    assert "other far benchmarks" in found
    assert "other near benchmarks" not in found
