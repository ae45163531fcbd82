"""Two runs side by side: every number recomputed by loops, and what is shared between runs used exactly once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from gauger.estimate import ComparedRun, Design, compare_runs
from gauger.estimate.compare.runs import DELTA, SAME_MODELS
from gauger.records import ArmInfo, Reason
from gauger.stats import fieller, t_quantile

R, N = 4, 30
Scores = dict[str, NDArray[np.float64]]
ARMS = (ArmInfo("student", "distilled", "", matched="plain"), ArmInfo("plain", "matched", ""))
LEVEL = {"student": 0.55, "plain": 0.4, "boss": 0.8}


def draw(seed: int, arms: tuple[str, ...] = ("student", "plain"), lift: float = 0.0) -> Scores:
    """Draw scores (R, N); the items are equally hard in every run."""
    made, hard = np.random.default_rng(seed), 0.15 * np.random.default_rng(7).normal(size=N)
    scores = {}
    for arm in arms:
        one = (
            LEVEL[arm]
            + lift * (arm == "student")
            + hard
            + 0.05 * made.normal(size=(R, 1))
            + 0.1 * made.normal(size=(R, N))
        )
        scores[arm] = np.clip(one, 0, 1)
    return scores


def table(scores: Scores) -> pl.DataFrame:
    cells = [(arm, r, i) for arm, one in scores.items() for r in range(len(one)) for i in range(N)]
    rows = [(arm, r, "quiz", "near", f"item {i:02}", float(scores[arm][r, i])) for arm, r, i in cells]
    return pl.DataFrame(rows, ["arm", "replicate", "benchmark", "role", "item", "score"], orient="row")


def run(label: str, scores: Scores, seeds: str | None = "s", items: str | None = "w", **more: Any) -> ComparedRun:
    teacher = (ArmInfo("boss", "teacher", ""),) if "boss" in scores else ()
    design = Design(arms=(*ARMS, *teacher), roles={"quiz": "near"}, moderated=False, **more)
    return ComparedRun(label, table(scores), design, seeds, items)


def row(found: Any, estimand: str = "uplift_difference", benchmark: str | None = "quiz") -> dict[str, Any]:
    (one,) = (
        dict(r)
        for r in found.estimates
        if (r["estimand"], r["benchmark"], r["arm"]) == (estimand, benchmark, "student")
    )
    return one


def parts(y: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the variance of the mean of y (R, N) by items, by replicates, and their shared residual, by loops."""
    n_r, n_i = y.shape
    grand = sum(y[r, i] for r in range(n_r) for i in range(n_i)) / (n_r * n_i)
    items = [sum(y[r, i] for r in range(n_r)) / n_r for i in range(n_i)]
    replicates = [sum(y[r, i] for i in range(n_i)) / n_i for r in range(n_r)]
    rest = 0.0
    for r in range(n_r):
        for i in range(n_i):
            rest += (y[r, i] - items[i] - replicates[r] + grand) ** 2
    rest /= (n_r - 1) * (n_i - 1)
    by_items = sum((one - grand) ** 2 for one in items) / (n_i - 1) / n_i
    by_replicates = sum((one - grand) ** 2 for one in replicates) / (n_r - 1) / n_r
    return by_items, by_replicates, rest / (n_r * n_i)


def together(items: float, replicates: float, rest: float) -> float:
    """Return item part + replicate part - shared residual, which is never below either part alone."""
    return max(items + replicates - rest, items, replicates)


def crossed(y: NDArray[np.float64]) -> float:
    return together(*parts(y))


def test_shared_seeds_and_items_are_paired() -> None:
    one, other = draw(1), draw(2, lift=0.1)
    found = row(compare_runs(run("A", one), run("B", other)))
    y = (other["student"] - other["plain"]) - (one["student"] - one["plain"])
    assert found["value"] == pytest.approx(y.mean(), rel=1e-9)
    assert found["se"] == pytest.approx(np.sqrt(crossed(y)), rel=1e-9)
    assert (found["run"], found["against"], found["control"]) == ("B", "A", "plain")
    assert found["value_run"] - found["value_against"] == pytest.approx(found["value"], abs=1e-9)


def test_other_seeds_pair_items_alone() -> None:
    one, other = draw(1), draw(2)
    found = row(compare_runs(run("A", one), run("B", other, seeds="t")))
    uplifts = [scores["student"] - scores["plain"] for scores in (one, other)]
    by_items = parts(uplifts[1] - uplifts[0])[0]
    by_replicates, rest = (sum(parts(y)[k] for y in uplifts) for k in (1, 2))
    assert found["se"] == pytest.approx(np.sqrt(together(by_items, by_replicates, rest)), rel=1e-9)
    assert found["se"] != pytest.approx(row(compare_runs(run("A", one), run("B", other)))["se"], rel=0.01)


def test_other_items_pair_nothing() -> None:
    one, other = draw(1), draw(2)
    found = row(compare_runs(run("A", one), run("B", other, seeds="t", items="other")))
    apart = [parts(scores["student"] - scores["plain"]) for scores in (one, other)]
    summed = [sum(part) for part in zip(*apart, strict=True)]
    assert found["se"] == pytest.approx(np.sqrt(together(*summed)), rel=1e-9)
    # But for parts that fall below the residual in one run alone, that is the sum of the runs' own variances.
    assert found["se"] == pytest.approx(found["unpaired_se"], rel=0.01)
    assert found["value"] == row(compare_runs(run("A", one), run("B", other)))["value"]


def test_the_interval_that_ignores_what_is_shared() -> None:
    one, other = draw(1), draw(2)
    found = row(compare_runs(run("A", one), run("B", other)))
    alone = [crossed(scores["student"] - scores["plain"]) for scores in (one, other)]
    assert found["unpaired_se"] == pytest.approx(np.sqrt(sum(alone)), rel=1e-9)
    # Welch and Satterthwaite from the two runs' own degrees of freedom, which each run's own estimate states.
    own = [row(compare_runs(run("A", scores), run("Z", draw(9), items="x", seeds="y"))) for scores in (one, other)]
    assert [one["value_against"] for one in own] == [found["value_against"], found["value_run"]]
    half = (found["unpaired_high"] - found["unpaired_low"]) / 2
    assert t_quantile(0.975, 1e6) * found["unpaired_se"] < half < t_quantile(0.975, R - 1) * found["unpaired_se"]
    assert (found["unpaired_high"] + found["unpaired_low"]) / 2 == pytest.approx(found["value"], abs=1e-9)


def test_models_that_stand_in_both_runs_cancel() -> None:
    one, other = draw(1), draw(2, lift=0.1)
    other["plain"] = one["plain"]
    compared = compare_runs(run("A", one), run("B", other))
    assert compared.shared_arms == ("plain",)
    y = other["student"] - one["student"]
    assert row(compared)["se"] == pytest.approx(np.sqrt(crossed(y)), rel=1e-9)


def test_a_run_beside_its_copy_differs_in_nothing() -> None:
    one = draw(1, ("student", "plain", "boss"))
    compared = compare_runs(run("A", one), run("B", one))
    assert compared.shared_arms == ("student", "plain", "boss")
    known = [found for found in compared.estimates if found["value"] is not None]
    assert {found["estimand"] for found in known} == {"uplift_difference", "gap_recovered_difference"}
    for found in known:
        assert (found["value"], found["se"], found["low"], found["high"]) == (0.0, 0.0, 0.0, 0.0)
        assert found["note"] == SAME_MODELS


def test_the_other_way_round_is_the_opposite() -> None:
    one, other = draw(1), draw(2)
    there = row(compare_runs(run("A", one), run("B", other)))
    back = row(compare_runs(run("B", other), run("A", one)))
    assert there["value"] == -back["value"]
    assert (there["low"], there["high"]) == (-back["high"], -back["low"])
    assert (there["se"], there["df"]) == (back["se"], back["df"])


def with_one_teacher(scores: Scores, boss: NDArray[np.float64]) -> Scores:
    return {**scores, "boss": boss[:1]}


def test_ratios_with_one_denominator_have_fiellers_set() -> None:
    boss = draw(3, ("boss",))["boss"]
    one, other = with_one_teacher(draw(1), boss), with_one_teacher(draw(2, lift=0.1), boss)
    other["plain"] = one["plain"]
    found = row(compare_runs(run("A", one), run("B", other)), "gap_recovered_difference")
    y, gap = other["student"] - one["student"], boss[0].mean() - one["plain"].mean()
    assert found["value"] == pytest.approx(y.mean() / gap, rel=1e-8)
    assert found["note"] is None
    # The set is Fieller's: the same as from numerator and denominator estimated apart, at the df that the row states.
    single = Design(arms=(*ARMS, ArmInfo("boss", "teacher", "")), roles={"quiz": "near"}, moderated=False)
    assert single.paired
    at = fieller(float(y.mean()), float(gap), crossed(y), 1e-12, 0.0, found["df"], 0.95)
    assert (found["high"] - found["low"]) > 0.9 * (at.high - at.low)


def test_ratios_with_two_denominators_are_linearised() -> None:
    one, other = draw(1, ("student", "plain", "boss")), draw(2, ("student", "plain", "boss"), lift=0.1)
    found = row(compare_runs(run("A", one), run("B", other)), "gap_recovered_difference")
    theta, slopes = [], []
    for scores in (one, other):
        n, d = (scores[arm] - scores["plain"] for arm in ("student", "boss"))
        theta.append(n.mean() / d.mean())
        slopes.append((n - theta[-1] * d) / d.mean())
    assert found["value"] == pytest.approx(theta[1] - theta[0], rel=1e-8)
    assert found["se"] == pytest.approx(np.sqrt(crossed(slopes[1] - slopes[0])), rel=1e-8)
    assert DELTA in found["note"]


def test_a_ratio_whose_denominator_may_be_zero_has_no_difference() -> None:
    one, other = draw(1, ("student", "plain", "boss")), draw(2, ("student", "plain", "boss"))
    weak = np.clip(other["plain"] + 0.02 + 0.3 * np.random.default_rng(5).normal(size=(R, N)), 0, 1)
    compared = compare_runs(run("A", one), run("B", {**other, "boss": weak}))
    assert row(compared, "gap_recovered_difference")["reason"] in (Reason.DENOMINATOR_UNCERTAIN, Reason.NO_LEAD)
    assert row(compared, "gap_recovered_difference")["value"] is None


def test_an_arm_of_one_run_alone_is_not_compared() -> None:
    one, other = draw(1, ("student", "plain", "boss")), draw(2)
    known = [found for found in compare_runs(run("A", one), run("B", other)).estimates if found["value"] is not None]
    assert {found["estimand"] for found in known} == {"uplift_difference"}


def test_names_with_the_separator_in_them_stay_apart() -> None:
    names = {"student": "B: plain", "plain": "plain"}
    scores = {names[arm]: one for arm, one in draw(1).items()}
    arms = (ArmInfo("B: plain", "distilled", "", matched="plain"), ArmInfo("plain", "matched", ""))
    design = Design(arms=arms, roles={"quiz": "near"}, moderated=False)
    runs = [replace(run(label, draw(1)), records=table(scores), design=design) for label in ("A", "B")]
    other = {names[arm]: one for arm, one in draw(2).items()}
    found = compare_runs(runs[0], replace(runs[1], records=table(other))).estimates
    assert {(one["arm"], one["control"]) for one in found} == {("B: plain", "plain")}
