"""Are attributions unbiased, and do their intervals hold, in pipelines whose ingredient effects are known?

Run: python validation/attribution/simulate.py [--draws 2000] [--seed 1] [--only WORD]
Prints one table per kind of pipeline and one line per claim (see README.md); exits with 1 if a claim fails.
"""

from __future__ import annotations

import argparse
import sys
import time
import zlib
from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from gauger.estimate.attribution.plan import plan_attributions
from gauger.estimate.calibrate.estimate_score import DrawTally, Score
from gauger.estimate.calibrate.planted import Planted
from gauger.estimate.calibrate.planted_pipeline import PlantedPipeline, prepare_pipeline, true_values
from gauger.estimate.calibrate.score_pipelines import planted_means, score_pipeline
from gauger.estimate.cell_means import Cells
from gauger.estimate.contrasts import run_batch
from gauger.estimate.results import collect_estimates
from gauger.estimate.wanted import Planned
from gauger.stats.shapley import dividends

HOLDS = (0.93, 0.97)
TWO_CELLS = (0.93, 0.99)
"""For differences of two single cells, which borrow little and may be wider than need be."""
BIAS_Z = 4.5
"""Largest allowed |mean error| in Monte Carlo standard errors over some 300 estimates (chance: p < 0.003)."""
NAIVE_FAILS = 0.90
SINGLE = ("step_gain", "ablation_loss")
LINEAR = ("pipeline_gain", "shapley", "main_effect", "interaction", "shapley_interaction", *SINGLE)

PLANTED = PlantedPipeline(
    dividends={
        "web": 0.06, "human": 0.08, "distil": 0.15, "rl": 0.02,
        "web:distil": -0.05, "human:distil": -0.04, "human:rl": 0.06, "distil:rl": 0.03,
        "web:human:distil": 0.02, "human:distil:rl": 0.02,
    },
    noise=Planted(items=150, replicates=4, benchmarks=1),
)  # fmt: skip
"""Four ingredients: two that do part of the teacher's work, two that help each other, and groups of three."""
PAIRWISE = {group: added for group, added in PLANTED.dividends.items() if group.count(":") < 2}

PIPELINES = {
    "all 16 cells": PLANTED,
    "three replicates": replace(PLANTED, noise=replace(PLANTED.noise, replicates=3)),
    "nothing inherited": replace(PLANTED, inherited=0.0),
    "most inherited": replace(PLANTED, inherited=0.9),
    "not moderated": replace(PLANTED, noise=replace(PLANTED.noise, moderated=False, replicates=8)),
    "half fraction, pairs at most": replace(PLANTED, words=("web:human:distil:rl",), dividends=PAIRWISE),
}


@dataclass(frozen=True)
class Claim:
    """One line of the result."""

    text: str
    found: str
    holds: bool


def main() -> int:
    """Check every pipeline and print what was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    started, claims = time.process_time(), []
    for name, planted in PIPELINES.items():
        if options.only in name:
            claims += judge(name, draw_pipeline(name, planted, options.draws, options.seed))
    if options.only in "families hold together":
        claims += families_hold_together(options.draws // 4, options.seed)
    if options.only in "sampled cells":
        claims += sampled_cells(options.draws // 4, options.seed)
    print()
    for claim in claims:
        print(f"{'ok  ' if claim.holds else 'FAIL'} {claim.text}: {claim.found}")
    print(f"\n{time.process_time() - started:.0f} s of processor time")
    return 0 if all(claim.holds for claim in claims) else 1


def draw_pipeline(name: str, planted: PlantedPipeline, draws: int, seed: int) -> list[Score]:
    """Check the truths and score every attribution averaged over roles."""
    check_truths(planted, seed)
    return list(score_pipeline(planted, draws, np.random.default_rng([seed, zlib.crc32(name.encode())])).estimates)


def over_roles(planned: list[Planned]) -> list[Planned]:
    return [entry for entry in planned if entry.case.target.benchmark is None and entry.reason is None]


def check_truths(planted: PlantedPipeline, seed: int) -> None:
    """Compare the truths, which come through the weights, with formulas in the planted dividends."""
    generator = prepare_pipeline(planted, np.random.default_rng(seed))
    means = planted_means(planted, generator)
    cells = Cells(generator.draw(np.random.default_rng(seed)), generator.design)
    for tally in (DrawTally.of(entry, means) for entry in over_roles(plan_attributions(cells))):
        case = tally.planned.case
        added = dividends(true_values(planted, str(case.target.over)))
        group = sum(1 << planted.names.index(name) for name in case.arm.name.split(":") if name in planted.names)
        formula = {"shapley": _shapley, "main_effect": _average, "interaction": _average}.get(tally.planned.estimand)
        if planted.words and tally.planned.estimand == "interaction":
            continue  # aliased among themselves
        if formula is not None:
            assert abs(formula(added, group) - tally.numerator) < 1e-12, (tally.planned.estimand, case.arm.name)


def _shapley(added: np.ndarray, group: int) -> float:
    """Every dividend is divided equally among its members."""
    return sum(added[other] / other.bit_count() for other in range(len(added)) if other & group == group)


def _average(added: np.ndarray, group: int) -> float:
    """A dividend counts in half of the settings of each member that is not held fixed."""
    held = group.bit_count()
    return sum(added[other] / 2 ** (other.bit_count() - held) for other in range(len(added)) if other & group == group)


def extremes(scores: list[Score]) -> str:
    """Name the estimates that cover least and most."""
    order = sorted(scores, key=lambda score: score.coverage)
    return ", ".join(f"{one.estimand} {one.arm} {one.over} {one.coverage:.3f}" for one in (*order[:3], *order[-2:]))


def judge(name: str, scores: list[Score]) -> list[Claim]:
    """Print one table and say which claims hold."""
    print(
        f"\n{name}: {scores[0].draws} draws; lowest, mean and highest coverage; items only; largest |bias| / its error"
    )
    groups: dict[str, list[Score]] = defaultdict(list)
    for score in scores:
        groups[score.estimand].append(score)
    for estimand, found in groups.items():
        covered = [score.coverage for score in found]
        naive = np.mean([score.naive_coverage for score in found])
        print(
            f"  {estimand:20} n = {len(found):2}  {min(covered):.3f} {np.mean(covered):.3f} {max(covered):.3f}"
            f"  {naive:.3f}  {largest_bias(found):4.1f}  width {np.mean([score.width for score in found]):.4f}"
        )
    print(f"  lowest and highest: {extremes(scores)}")
    linear = [score for score in scores if score.estimand in LINEAR]
    single = np.array([score.coverage for score in scores if score.estimand in SINGLE])
    covered = np.array([score.coverage for score in scores if score.estimand not in SINGLE])
    naive = float(np.mean([score.naive_coverage for score in linear]))
    bias = largest_bias(linear)
    return [
        Claim(f"{name}: {len(linear)} attributions are unbiased", f"at most {bias:.1f} standard errors", bias < BIAS_Z),
        Claim(
            f"{name}: {len(covered)} intervals cover",
            f"{covered.min():.3f} to {covered.max():.3f}",
            bool(covered.min() >= HOLDS[0] and covered.max() <= HOLDS[1]),
        ),
        *(
            Claim(
                f"{name}: {len(single)} intervals of two single cells cover",
                f"{single.min():.3f} to {single.max():.3f}",
                bool(single.min() >= TWO_CELLS[0] and single.max() <= TWO_CELLS[1]),
            )
            for _ in range(1 if len(single) else 0)
        ),
        Claim(f"{name}: intervals over items alone do not", f"{naive:.3f}", naive < NAIVE_FAILS),
    ]


def largest_bias(scores: list[Score]) -> float:
    return max(abs(score.bias) / score.bias_error for score in scores)


def families_hold_together(draws: int, seed: int) -> list[Claim]:
    """How often do all Shapley values, and all interactions, cover at once?"""
    rng = np.random.default_rng([seed, 2])
    generator = prepare_pipeline(PLANTED, rng)
    means = planted_means(PLANTED, generator)
    together, pointwise = defaultdict(int), defaultdict(int)
    families = ("shapley", "interaction")
    for _ in range(draws):
        cells = Cells(generator.draw(rng), generator.design)
        planned = [entry for entry in over_roles(plan_attributions(cells)) if entry.estimand in families]
        truths = [float((entry.numerator * means).sum()) for entry in planned]
        found = list(zip(collect_estimates(run_batch(cells, planned)), truths, strict=True))
        for family in families:
            mine = [(one, truth) for one, truth in found if one.estimand == family]
            together[family] += all(one.simultaneous_low <= truth <= one.simultaneous_high for one, truth in mine)
            pointwise[family] += all(one.low <= truth <= one.high for one, truth in mine)
    return [
        claim
        for family in families
        for claim in (
            Claim(
                f"simultaneous intervals of all {family} estimates hold at once",
                f"{together[family] / draws:.3f}",
                together[family] / draws >= 0.92,
            ),
            Claim(
                f"their pointwise intervals do not ({family})",
                f"{pointwise[family] / draws:.3f}",
                pointwise[family] / draws < 0.85,
            ),
        )
    ]


def sampled_cells(draws: int, seed: int) -> list[Claim]:
    """Draw the cells anew in every study: are Shapley values unbiased over that too, and do their intervals hold?"""
    planted = replace(
        PLANTED, sample=20, names=("web", "human", "distil", "preference", "rl"),
        dividends={**PLANTED.dividends, "preference": 0.03, "web:human:rl": 0.06, "distil:preference:rl": -0.06},
    )  # fmt: skip
    rng, hits, naive, errors = np.random.default_rng([seed, 3]), [], [], []
    truth = {role: true_values(planted, role) for role in ("targeted", "near")}
    for _ in range(draws):
        generator = prepare_pipeline(planted, rng)
        cells = Cells(generator.draw(rng), generator.design)
        planned = [entry for entry in over_roles(plan_attributions(cells)) if entry.estimand == "shapley"]
        blind = [replace(entry, sampling=None) for entry in planned]
        pairs = zip(*(collect_estimates(run_batch(cells, entries)) for entries in (planned, blind)), strict=True)
        for one, other in pairs:
            wanted = _shapley(dividends(truth[one.over]), 1 << planted.names.index(one.arm))
            hits.append(one.low <= wanted <= one.high)
            naive.append(other.low <= wanted <= other.high)
            errors.append(one.value - wanted)
    by_ingredient = np.array(errors).reshape(draws, -1)
    z = np.abs(by_ingredient.mean(axis=0)) / (by_ingredient.std(axis=0, ddof=1) / np.sqrt(draws))
    held = float(np.mean(hits))
    return [
        Claim("sampled cells: Shapley values are unbiased over cells too", f"{z.max():.1f} errors", z.max() < BIAS_Z),
        Claim(
            "sampled cells: intervals with the sampling of cells cover, rather too often",
            f"{held:.3f}",
            held >= HOLDS[0],
        ),
        Claim("sampled cells: without it they cover less", f"{np.mean(naive):.3f}", np.mean(naive) < held - 0.005),
    ]


if __name__ == "__main__":
    sys.exit(main())
