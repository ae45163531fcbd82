"""Several samples of an item as one score: each reducer by a literal loop, and pass@k without bias."""

from __future__ import annotations

from itertools import combinations
from statistics import median

import numpy as np
import polars as pl
import pytest

from gauger.api import compare
from gauger.errors import InputError, UserError
from gauger.estimate.compare.reducers import (
    common_samples,
    cut_to_common,
    most_samples,
    offered,
    pass_at_k,
    reduce_samples,
    reducer_of,
)


def records(scores: dict[str, list[float | None]], outcome: str = "scored") -> pl.DataFrame:
    rows = [
        ("a", 0, "b", None, item, None, k, "scored" if score is not None else outcome, score)
        for item, found in scores.items()
        for k, score in enumerate(found)
    ]
    names = ("arm", "replicate", "benchmark", "role", "item", "cluster", "sample", "outcome", "score")
    kinds = (pl.String, pl.Int64, pl.String, pl.String, pl.String, pl.String, pl.Int64, pl.String, pl.Float64)
    return pl.DataFrame(rows, schema=dict(zip(names, kinds, strict=True)), orient="row")


SCORES = {"x": [1.0, 0.0, 0.0, 1.0], "y": [0.0, 0.0, 0.0, 1.0], "z": [0.0, 0.0, 0.0, 0.0], "w": [1.0, 1.0, 1.0, 0.0]}


@pytest.mark.parametrize(
    ("name", "literal"),
    [
        ("mean", lambda s: sum(s) / len(s)),
        ("median", median),
        ("max", max),
        ("mode", lambda s: max(s, key=lambda v: (s.count(v), -s.index(v)))),
        ("at_least_2", lambda s: float(sum(v >= 1 for v in s) >= 2)),
        ("pass@2", lambda s: np.mean([max(pair) for pair in combinations(s, 2)])),
        ("pass_at_3", lambda s: np.mean([max(three) for three in combinations(s, 3)])),
    ],
)
def test_each_reducer_is_a_literal_loop(name: str, literal: object) -> None:
    reduced = reduce_samples(records(SCORES), name, unparsed_wrong=True)
    assert dict(reduced.select("item", "score").iter_rows()) == pytest.approx(
        {item: literal(found) for item, found in SCORES.items()},  # type: ignore[operator]
        abs=1e-12,
    )
    assert reduced["sample"].to_list() == [0] * 4


def test_pass_at_k_has_no_bias_and_the_naive_estimator_has() -> None:
    """Over all draws of 6 samples at success rate p, the mean is 1 - (1 - p)^k exactly; the naive one lies below."""
    p, n, k = 0.3, 6, 3
    chance = [float(np.prod([p if bit else 1 - p for bit in bits])) for bits in np.ndindex(*(2,) * n)]
    right = [sum(bits) for bits in np.ndindex(*(2,) * n)]
    truth = 1 - (1 - p) ** k
    assert sum(w * pass_at_k(n, c, k) for w, c in zip(chance, right, strict=True)) == pytest.approx(truth, abs=1e-12)
    naive = sum(w * (1 - (1 - c / n) ** k) for w, c in zip(chance, right, strict=True))
    assert abs(naive - truth) > 0.05


def test_unparsed_samples_count_as_wrong_or_are_none() -> None:
    some = records({"x": [1.0, None], "y": [None, None]}, outcome="unparsed")
    counted = reduce_samples(some, "mean", unparsed_wrong=True)
    assert dict(counted.select("item", "score").iter_rows()) == {"x": 0.5, "y": 0.0}
    left = reduce_samples(some, "mean", unparsed_wrong=False)
    assert dict(left.select("item", "score").iter_rows()) == {"x": 1.0}
    failed = reduce_samples(records({"x": [1.0, None]}, outcome="failed"), "mean", unparsed_wrong=True)
    assert failed["score"].to_list() == [1.0]


def test_what_cannot_be_reduced_is_said() -> None:
    with pytest.raises(InputError, match=r"scores of 0 and 1 for pass@2, got 0\.5"):
        reduce_samples(records({"x": [0.5, 1.0]}), "pass@2", unparsed_wrong=True)
    with pytest.raises(InputError, match="at least 3 samples of every item"):
        reduce_samples(records({"x": [0.0, 1.0]}), "pass@3", unparsed_wrong=True)
    with pytest.raises(UserError, match="Did you mean 'median'"):
        reducer_of("medain")


@pytest.mark.parametrize("name", ["max", "at_least_1", "at_least_2", "median", "mode"])
def test_reducers_that_grow_with_samples_take_as_many_on_every_side(name: str) -> None:
    """Of one model asked twice in one arm and eight times in the other, the difference is noise around 0.

    500 items of a chance that is drawn anew: an item's difference has a standard deviation below 1, so the mean lies
    within 4 / sqrt(500) = 0.18 of 0 at four standard errors; with all samples at_least_2 differs by 0.5.
    """
    draw = np.random.default_rng(3)
    rows = [(arm, str(i), k, float(draw.random() < chance)) for i, chance in enumerate(draw.random(500))
            for arm, n in (("a", 8), ("b", 2)) for k in range(n)]  # fmt: skip
    some = pl.DataFrame(rows, schema=["arm", "item", "sample", "score"], orient="row").with_columns(
        replicate=pl.lit(0), benchmark=pl.lit("b"), role=pl.lit(None, pl.String), cluster=pl.lit(None, pl.String),
        outcome=pl.lit("scored"),
    )  # fmt: skip
    reduced = reduce_samples(some, name, unparsed_wrong=True)
    means = {arm: reduced.filter(arm=arm)["score"].mean() for arm in "ab"}
    assert abs(means["a"] - means["b"]) < 0.18
    two = reduce_samples(some.filter(pl.col("sample") < 2), name, unparsed_wrong=True)
    assert two.sort(two.columns).equals(reduced.sort(reduced.columns))
    assert cut_to_common(some, name) == (
        f"{name} is over at most 2 samples of an item on every side, where some have 8"
    )
    assert cut_to_common(some, "mean") is cut_to_common(some, "pass@2") is None
    assert (most_samples(some), common_samples(some)) == (8, 2)


def test_nobody_is_shown_a_maximum_where_one_side_has_one_sample() -> None:
    rows = [(arm, "b", str(i), k, float((i + k) % 3 == 0)) for arm, n in (("student", 4), ("plain", 1))
            for i in range(60) for k in range(n)]  # fmt: skip
    table = pl.DataFrame(rows, schema=["arm", "benchmark", "item", "sample", "score"], orient="row")
    compared = compare(table, distilled="student", control="plain")
    assert "b: not shown under other reducers: some side has one sample of every item, others 4" in compared.warnings
    asked = compare(table, distilled="student", control="plain", reduce="max")
    assert "b: max is over at most 1 sample of an item on every side, where some have 4" in asked.warnings


def test_items_won_and_lost_are_those_of_the_estimate() -> None:
    """As many rights in both arms; every other answer of the control to 15 items was not extracted."""
    rows: list[tuple[str, str, int, float | None, str]] = []
    for i in range(40):
        right = float(i % 2)
        rows += [
            ("d", str(i), 0, right, "scored"),
            ("d", str(i), 1, right, "scored"),
            ("c", str(i), 0, right, "scored"),
        ]
        rows += [("c", str(i), 1, None, "unparsed") if i < 30 else ("c", str(i), 1, right, "scored")]
    table = pl.DataFrame(rows, schema=["arm", "item", "sample", "score", "outcome"], orient="row").with_columns(
        benchmark=pl.lit("b")
    )
    for options, won in (({}, 15), ({"unparsed": "missing"}, 0), ({"reduce": "max"}, 0)):
        compared = compare(table, distilled="d", control="c", **options)
        study = compared.to_dict()["study"]
        uplift = next(e["value"] for e in compared.to_dict()["estimates"] if e["estimand"] == "uplift")
        (flips,), (counts,) = study["flips"], study["items"]["counts"]
        assert (flips["won"], flips["lost"], counts["won"], counts["lost"]) == (won, 0, won, 0)
        change = compared.items["score d"] - compared.items["score c"]
        assert change.mean() == pytest.approx(uplift, abs=1e-9)
        assert len(study["items"]["rows"]) == min(won, 8)


def test_the_logs_own_reducer_is_offered_first() -> None:
    assert most_samples(records(SCORES)) == 4
    assert offered(4, ("pass_at_2",), binary=True) == ["pass@2", "max", "mode"]
    assert offered(2, ("mean",), binary=True) == ["max", "mode"]
    assert offered(1, ("max",), binary=True) == []
