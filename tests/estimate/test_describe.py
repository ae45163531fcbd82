"""Counts of outcomes and mean scores by difficulty are what loops over the rows give."""

import polars as pl
import pytest

from gauger.errors import InputError
from gauger.estimate.estimator import estimate_study

from .studies import small_design, small_records

RECORDS = small_records().with_columns(
    outcome=pl.when((pl.col("arm") == "matched") & (pl.col("item") < "00005"))
    .then(pl.lit("unparsed"))
    .otherwise("outcome")
)
RECORDS = RECORDS.with_columns(score=pl.when(pl.col("outcome") == "scored").then("score"))


def difficulties():
    items = RECORDS.select("benchmark", "item").unique()
    return items.with_columns(difficulty=pl.col("item").cast(pl.Int64) % 3)


def test_outcomes_are_counted_per_arm_and_benchmark():
    study = estimate_study(RECORDS, small_design())
    rows = {(row["arm"], row["benchmark"]): row for row in study.outcomes}
    assert rows["matched", "near1"]["unparsed"] == 15
    assert rows["matched", "near1"]["scored"] == 75
    assert rows["distilled1", "near1"]["unparsed"] == 0
    total = sum(row[outcome] for row in study.outcomes for outcome in ("scored", "unparsed", "failed", "refused"))
    assert total == RECORDS.height


def test_scores_by_difficulty_average_items_of_each_level():
    study = estimate_study(RECORDS, small_design(), difficulties())
    for row in study.difficulty:
        if row["arm"] != "matched" or row["benchmark"] != "near1":
            continue
        rows = [
            one
            for one in RECORDS.filter(pl.col("score").is_not_null()).iter_rows(named=True)
            if (one["arm"], one["benchmark"]) == ("matched", "near1") and int(one["item"]) % 3 == row["difficulty"]
        ]
        by_item = {}
        for one in rows:
            by_item.setdefault(one["item"], []).append(one["score"])
        means = [sum(scores) / len(scores) for scores in by_item.values()]
        assert row["score"] == pytest.approx(sum(means) / len(means))
        assert row["n_items"] == len(means)
    assert {row["difficulty"] for row in study.difficulty} == {0, 1, 2}


def test_without_difficulties_there_are_no_rows():
    assert estimate_study(RECORDS, small_design()).difficulty == ()


def test_a_broken_difficulty_table_is_refused():
    with pytest.raises(InputError, match="a column 'difficulty'"):
        estimate_study(RECORDS, small_design(), difficulties().drop("difficulty"))
    twice = pl.concat([difficulties(), difficulties()])
    with pytest.raises(InputError, match="one difficulty per benchmark and item"):
        estimate_study(RECORDS, small_design(), twice)
