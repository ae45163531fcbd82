"""Do fitted laws find planted parameters, do intervals hold, and does extrapolation own up to not knowing the law?

Run: OMP_NUM_THREADS=1 python validation/laws/simulate.py [--draws 60] [--seed 1] [--part PART]
Prints one line per claim (see README.md) and exits with 1 if one fails.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from planted import NOISE, PLANTED, Planted

from gauger.stats.laws import LAWS, Ensemble, Points, Search, fit_ensemble, fit_law, predict
from gauger.stats.laws.bootstrap import draw, unit_weights
from gauger.stats.laws.intervals import parameter_estimates
from gauger.stats.laws.points import FloatArray

IDENTIFIED = ("hoffmann", "kaplan", "power", "repeated", "transfer")
"""Laws whose grids determine every parameter."""
COMPETING = ("hoffmann", "interaction", "kaplan")
REFITS = 300
FURTHER = (4.0, 16.0)
"""Compute beyond the data: parameters and tokens each grow by its square root."""
BIAS = 0.45
"""Largest median error of a parameter, in standard deviations between draws. By chance alone one median of 60 draws
strays by 0.16, and the largest of 24 stays below 0.45 nine times in ten."""
HOLD, WORST = (0.92, 0.98), 0.85
PREDICT, PREDICT_WORST = (0.90, 0.98), 0.82


@dataclass(frozen=True)
class Claim:
    """One line of the result."""

    text: str
    found: str
    holds: bool


def main() -> int:
    """Check every claim and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--part", choices=PARTS)
    options = parser.parse_args()
    parts = PARTS.values() if options.part is None else [PARTS[options.part]]
    failed = 0
    for claim in chain.from_iterable(part(options.draws, options.seed) for part in parts):
        print(f"{'ok  ' if claim.holds else 'FAIL'} {claim.text}: {claim.found}", flush=True)
        failed += not claim.holds
    return 1 if failed else 0


def parameters_are_found(draws: int, seed: int) -> Iterator[Claim]:
    """Fit each planted law to its own draws: bias and coverage of every parameter."""
    hits, worst = [], (1.0, "")
    for name in IDENTIFIED:
        planted = PLANTED[name]
        error, hit = (np.array(one) for one in zip(*(_one_fit(planted, [seed, k]) for k in range(draws)), strict=True))
        bias = np.abs(np.median(error, axis=0)) / error.std(axis=0)
        shown = ", ".join(f"{p} {h:.0%}" for p, h in zip(planted.law.names, hit.mean(axis=0), strict=True))
        text = f"{name}: every parameter unbiased ({len(planted.grid)} points); its intervals cover"
        yield Claim(text, f"largest median error {bias.max():.2f} sd; {shown}", bool(bias.max() < BIAS))
        hits.append(hit.mean())
        at = int(hit.mean(axis=0).argmin())
        worst = min(worst, (float(hit.mean(axis=0)[at]), f"{planted.law.names[at]} of {name}"))
    mean = float(np.mean(hits))
    text = "95 % intervals of parameters cover 92-98 %"
    held = HOLD[0] <= mean <= HOLD[1] and worst[0] >= WORST
    yield Claim(text, f"{mean:.1%} on average, worst {worst[0]:.0%} ({worst[1]})", held)


def _one_fit(planted: Planted, seed: list[int]) -> tuple[FloatArray, FloatArray]:
    """Errors of the inner parameters, and whether each interval holds the truth."""
    rng = np.random.default_rng(seed)
    fitted = fit_law(planted.draw(rng), planted.law, Search(starts=40, seed=seed[1]))
    refits = draw(fitted, unit_weights(fitted.points, REFITS, rng))
    estimates, _ = parameter_estimates(fitted, refits)
    truth = [planted.truth[name] for name in planted.law.names]
    hit = [
        (one.low is None or one.low <= t) and (one.high is None or t <= one.high)
        for one, t in zip(estimates, truth, strict=True)
    ]
    return fitted.theta - planted.inner[0], np.array(hit, dtype=float)


def extrapolations_hold(draws: int, seed: int) -> Iterator[Claim]:
    """Let three laws compete on draws of each, and predict a new model at 4 and 16 times the compute."""
    auto, alone = np.zeros((3, draws, 2)), np.zeros((3, draws, 2))
    weight = np.zeros((3, draws))
    for t, name in enumerate(COMPETING):
        for k in range(draws):
            auto[t, k], alone[t, k], weights = _one_forecast(PLANTED[name], [seed, 100 + t, k])
            weight[t, k] = weights[t]
    for d, factor in enumerate(FURTHER):
        rates = auto[:, :, d].mean(axis=1)
        shown = ", ".join(f"{name} {rate:.0%}" for name, rate in zip(COMPETING, rates, strict=True))
        held = PREDICT[0] <= rates.mean() <= PREDICT[1] and rates.min() >= PREDICT_WORST
        text = f"prediction intervals at {factor:g} times the compute cover 90-98 % whatever law is planted"
        yield Claim(text, f"{rates.mean():.1%} ({shown})", bool(held))
    shown = ", ".join(f"{name} {w:.2f}" for name, w in zip(COMPETING, weight.mean(axis=1), strict=True))
    yield Claim("the planted law gets the largest weight", shown, bool((weight.mean(axis=1) > 0.5).all()))
    rate = float(alone[2, :, 1].mean())
    text = "hoffmann alone, without the back-test, on kaplan's law at 16 times the compute fails"
    yield Claim(text, f"covers {rate:.0%} where the competition covers {auto[2, :, 1].mean():.0%}", rate < 0.8)


def the_capacity_gap_is_found(draws: int, seed: int) -> Iterator[Claim]:
    """Fit the distillation law: the curve on the grid, and the teacher that is best for a small student."""
    planted = PLANTED["distillation"]
    truth = planted.law.evaluate(planted.inner, planted.grid)[0][0]
    teachers = np.linspace(1.7, 3.2, 151)
    small = Points(np.full(151, 1.5e8), np.full(151, 2.5e11), teacher_loss=teachers)
    best = teachers[planted.law.evaluate(planted.inner, small)[0][0].argmin()]
    error, found = [], []
    for k in range(max(draws // 6, 2)):
        rng = np.random.default_rng([seed, 200, k])
        fitted = fit_law(planted.draw(rng), planted.law, Search(starts=100, seed=k))
        value = fitted.law.evaluate(fitted.theta[None], planted.grid)[0][0]
        error.append(np.sqrt(np.mean((value - truth) ** 2)))
        found.append(teachers[fitted.law.evaluate(fitted.theta[None], small)[0][0].argmin()])
    text = f"distillation: the curve is found to half of the noise of one point ({len(planted.grid)} points)"
    yield Claim(text, f"largest root mean square error {max(error):.2%}", max(error) < NOISE / 2)
    text = "distillation: the best teacher of a small student is found within 0.15 nats"
    off = np.abs(np.array(found) - best).max()
    yield Claim(text, f"{min(found):.2f} to {max(found):.2f}, planted {best:.2f}", bool(off < 0.15))


def _one_forecast(planted: Planted, seed: list[int]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Whether a new model falls into the competition's interval and into hoffmann's alone, and the laws' weights."""
    rng = np.random.default_rng(seed)
    ensemble = fit_ensemble(planted.draw(rng), [LAWS[name] for name in COMPETING], REFITS, Search(30, seed=seed[-1]))
    root = np.sqrt(np.array(FURTHER))
    far = Points(planted.grid.n_params.max() * root, planted.grid.n_tokens.max() * root)
    new = planted.outcome(far, rng)
    single = replace(ensemble, fits=ensemble.fits[:1], draws=ensemble.draws[:1], weights=np.ones(1), test=None)
    return _inside(ensemble, far, new), _inside(single, far, new), ensemble.weights


def _inside(ensemble: Ensemble, far: Points, new: FloatArray) -> FloatArray:
    forecast = predict(ensemble, far)
    return np.asarray((new >= forecast.low) & (new <= forecast.high), dtype=float)


PARTS = {
    "parameters": parameters_are_found,
    "extrapolation": extrapolations_hold,
    "distillation": the_capacity_gap_is_found,
}

if __name__ == "__main__":
    sys.exit(main())
