"""Do the estimands estimate what they are defined as, and do their sets hold where a simple interval fails?

Run: python validation/estimands/simulate.py [--draws 1000] [--seed 1]
Prints one line per claim (see README.md) and exits with 1 if one fails.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace

import numpy as np

from gauger.estimate.calibrate.estimate_score import DrawTally
from gauger.estimate.calibrate.planted import Planted, true_means
from gauger.estimate.calibrate.simulate import prepare
from gauger.estimate.cell_means import Cells
from gauger.estimate.contrasts import run_batch
from gauger.estimate.estimands import REGISTRY
from gauger.estimate.results import collect_estimates
from gauger.estimate.verdict_inputs import judged
from gauger.estimate.wanted import Planned, plan_estimates
from gauger.stats.student import t_quantile

PLANTED = Planted(items=150, replicates=4, benchmarks=1, distilled_arms=3)
WEAK = replace(PLANTED, uplift=0.1, bound_share=0.0, items=100)
"""A denominator (uplift on targeted) of two to three standard errors: where a simple interval of a ratio breaks."""
BIAS_Z = 4.5
"""Largest allowed |mean error| in Monte Carlo standard errors over some 100 estimates (chance: p < 0.001)."""
HOLDS = (0.93, 0.97)


@dataclass(frozen=True)
class Claim:
    """One line of the result."""

    text: str
    found: str
    holds: bool


def main() -> int:
    """Check every claim and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    claims = [
        *_said(truths_follow_the_definitions()),
        *_said(linear_estimates_are_unbiased_and_telescope(options.draws, options.seed)),
        *_said(ratios_close_in_on_the_truth(options.draws // 4, options.seed)),
        *_said(sets_hold_where_simple_intervals_fail(options.draws, options.seed)),
        *_said(families_hold_together(options.draws // 2, options.seed)),
    ]
    return 0 if all(claim.holds for claim in claims) else 1


def _said(claims: list[Claim]) -> list[Claim]:
    """Print claims as they are settled."""
    for claim in claims:
        print(f"{'ok  ' if claim.holds else 'FAIL'} {claim.text}: {claim.found}", flush=True)
    return claims


def truths_follow_the_definitions() -> list[Claim]:
    """Compare each planted truth, got through the registry's weights, with a formula in the planted numbers."""
    p = PLANTED
    near, lead = p.uplift * (1 - p.bound_share), p.teacher_lead
    gain = p.format_effect + p.training_effect + p.uplift
    expected = {
        ("gain", "distilled1", "targeted"): gain,
        ("gain", "distilled1", "far"): p.training_effect - p.forgetting,
        ("uplift", "distilled1", "near"): near,
        ("gap_recovered", "distilled1", "near"): near / lead,
        ("carryover", "distilled1", "near"): 1 - p.bound_share,
        ("carryover", "distilled1", "far"): -p.forgetting / p.uplift,
        ("carryover", "leak", "near"): 0.0,
        ("benchmark_bound_share", "distilled1", "near"): p.bound_share,
        ("memorisation", "distilled1", "targeted"): 0.0,
        ("memorisation", "leak", "targeted"): p.leaked,
        ("format_effect", "format", "targeted"): p.format_effect,
        ("format_effect", "format", "near"): 0.0,
        ("training_effect", "matched", "near"): p.training_effect,
        ("format_share", "distilled1", "targeted"): p.format_effect / gain,
    }
    found = {_key(tally.planned): tally.truth for tally in _tallies(p)}
    error = max(abs((found[key] or 0.0) - value) for key, value in expected.items())
    return [Claim("planted truths follow the definitions", f"largest difference {error:.1e}", error < 1e-12)]


def linear_estimates_are_unbiased_and_telescope(draws: int, seed: int) -> list[Claim]:
    """Average every linear estimate over draws; check the identity of the raw gain in each."""
    tallies = [tally for tally in _tallies(PLANTED) if not tally.planned.is_ratio]
    where = {_key(tally.planned): row for row, tally in enumerate(tallies)}
    values = np.array([batch.contrasts.value[batch.numerator] for batch in _batches(PLANTED, tallies, draws, seed)])
    truths = np.array([tally.numerator for tally in tallies])
    z = (values.mean(axis=0) - truths) / (values.std(axis=0, ddof=1) / np.sqrt(draws))
    gaps = []
    for role in ("targeted", "parallel", "near", "far"):
        gain, uplift = values[:, where["gain", "distilled1", role]], values[:, where["uplift", "distilled1", role]]
        form, training = (
            values[:, where["format_effect", "format", role]],
            values[:, where["training_effect", "matched", role]],
        )
        gaps.append(np.abs(gain - form - training - uplift).max())
    worst = float(np.abs(z).max())
    return [
        Claim(
            f"{len(tallies)} linear estimates are unbiased",
            f"largest |bias| {worst:.1f} standard errors",
            worst < BIAS_Z,
        ),
        Claim("gain = format + training + uplift in every draw", f"within {max(gaps):.1e}", max(gaps) < 1e-12),
    ]


def ratios_close_in_on_the_truth(draws: int, seed: int) -> list[Claim]:
    """The median error of ratios shrinks towards 0 as items and replicates grow."""
    errors = []
    for planted in (PLANTED, replace(PLANTED, items=600, replicates=16)):
        tallies = [tally for tally in _tallies(planted) if tally.planned.is_ratio and tally.truth is not None]
        values = []
        for batch in _batches(planted, tallies, draws, seed):
            n, d = batch.contrasts.value[batch.numerator], batch.contrasts.value[batch.denominator]
            values.append(n / d)
        truths = np.array([tally.truth for tally in tallies])
        strong = np.array([abs(tally.denominator) > 0.1 for tally in tallies])
        errors.append(np.median(np.abs(np.array(values) - truths), axis=0)[strong])
    shrink = float(np.median(errors[1] / errors[0]))
    found = f"median error of {len(errors[0])} ratios falls to {shrink:.2f} of itself (16 times the data)"
    return [Claim("ratios close in on the truth", found, shrink < 0.6)]


def sets_hold_where_simple_intervals_fail(draws: int, seed: int) -> list[Claim]:
    """Compare Fieller sets with estimate +- t se for carry-over with an uncertain denominator."""
    tallies = [
        tally
        for tally in _tallies(WEAK)
        if tally.planned.estimand == "carryover"
        and tally.planned.case.arm.kind == "distilled"
        and tally.planned.case.target.over == "near"
    ]
    hits, above, unbounded, n = 0, 0, 0, 0
    for batch in _batches(WEAK, tallies, draws, seed):
        for p, tally in enumerate(tallies):
            piece = judged(batch, p)
            if piece is None or tally.truth is None:
                continue
            t = float(t_quantile(0.975, piece.df))
            n += 1
            hits += abs(piece.numerator - tally.truth * piece.denominator) <= t * piece.se_at(tally.truth)
            above += tally.truth > piece.value + t * piece.se
            unbounded += piece.interval(0.95).kind != "bounded"
    found = f"{100 * hits / n:.1f} % ({100 * unbounded / n:.0f} % of the sets unbounded)"
    return [
        Claim("Fieller sets cover where the denominator is weak", found, HOLDS[0] <= hits / n <= HOLDS[1]),
        Claim(
            "estimate +- t se lies below the truth more often than 2.5 %",
            f"{100 * above / n:.1f} %",
            above / n > 2 * 0.025,
        ),
    ]


def families_hold_together(draws: int, seed: int) -> list[Claim]:
    """How often does every interval of a family cover, pointwise and simultaneously?"""
    tallies = [tally for tally in _tallies(PLANTED) if tally.planned.estimand == "uplift"]
    together, pointwise = 0, 0
    for batch in _batches(PLANTED, tallies, draws, seed):
        estimates = collect_estimates(batch)
        pairs = [(one, tally.truth) for one, tally in zip(estimates, tallies, strict=True)]
        together += all(one.simultaneous_low <= truth <= one.simultaneous_high for one, truth in pairs)
        pointwise += all(one.low <= truth <= one.high for one, truth in pairs)
    return [
        Claim(
            f"simultaneous intervals of {len(tallies)} uplifts all hold at once",
            f"{100 * together / draws:.1f} %",
            together / draws >= 0.92,
        ),
        Claim("their pointwise intervals do not", f"{100 * pointwise / draws:.1f} %", pointwise / draws < 0.85),
    ]


def _tallies(planted: Planted) -> list[DrawTally]:
    """Plan every estimate over roles, with its planted truth."""
    generator = prepare(planted)
    cells = Cells(generator.draw(np.random.default_rng(0)), generator.design)
    planned = [entry for entry in plan_estimates(cells, REGISTRY) if entry.case.target.benchmark is None]
    return [DrawTally.of(entry, true_means(planted)) for entry in planned]


def _batches(planted: Planted, tallies: list[DrawTally], draws: int, seed: int):
    """Draw studies and estimate what the tallies ask."""
    generator, rng = prepare(planted), np.random.default_rng(seed)
    planned = [tally.planned for tally in tallies]
    for _ in range(draws):
        yield run_batch(Cells(generator.draw(rng), generator.design), planned)


def _key(planned: Planned) -> tuple[str, str, str]:
    """Name an estimate by estimand, arm and role."""
    return planned.estimand, planned.case.arm.name, str(planned.case.target.over)


if __name__ == "__main__":
    sys.exit(main())
