"""How fast is a scaling-law fit: 245 points, 4,500 starting points and 4,000 refits under random weights?

Hoffmann's law is planted with the coefficients of Besiroglu et al. (2024) on as many points as they had, and fitted as
they did: Huber's loss on log losses, delta 1e-3, the grid of 6 x 6 x 5 x 5 x 5 starting points of Hoffmann et al.
(2022). Beside it stands SciPy's L-BFGS-B with the same analytic gradient in a plain loop, on a sample of the starts and
refits, extrapolated. Target: 30 s.

Processor time, one thread, so that other work on the machine does not decide.

Run: python benchmarks/laws.py [--sample 60]
"""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
import time
from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

from gauger.stats.laws import LAWS, Points
from gauger.stats.laws.fit import DELTA_LOG_LOSS, problem_of
from gauger.stats.laws.minimise import FitProblem, Minima, huber, minimise
from gauger.stats.laws.points import FloatArray
from gauger.stats.laws.supervised import BESIROGLU_2024

N_POINTS, N_REFITS, TARGET_S = 245, 4000, 30.0
LAW = LAWS["hoffmann"]


def planted() -> FitProblem:
    """Draw 245 points: 44M to 16B parameters, 0.4B to 500B tokens, heavy-tailed noise of half a percent."""
    rng = np.random.default_rng(245)
    n_params, n_tokens = np.exp(rng.uniform(np.log([4.4e7, 4e8]), np.log([1.6e10, 5e11]), (N_POINTS, 2))).T
    truth = LAW.inner(np.array([[BESIROGLU_2024[name] for name in LAW.names]]))
    loss = np.exp(LAW.evaluate(truth, Points(n_params, n_tokens))[0][0] + 0.005 * rng.standard_t(4, N_POINTS))
    return problem_of(LAW, Points(n_params, n_tokens, loss=loss), DELTA_LOG_LOSS)[0]


def grid() -> FloatArray:
    """Starting points of Hoffmann et al. 2022, appendix D.3, as inner parameters (E, A, B, alpha, beta)."""
    exponents = np.log([0.01, 0.5, 1.0, 1.5, 2.0])
    axes = np.meshgrid([-1, -0.5, 0, 0.5, 1], [0, 5, 10, 15, 20, 25], [0, 5, 10, 15, 20, 25], exponents, exponents)
    return np.stack([axis.ravel() for axis in axes], axis=1).astype(float)


def timed(work: Callable[[], Minima]) -> tuple[Minima, float]:
    """Run and return the processor time."""
    began = time.process_time()
    found = work()
    return found, time.process_time() - began


def by_scipy(problem: FitProblem, starts: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Minimise one start after another; returns parameters, objectives and processor time."""
    low, high = LAW.bounds

    def objective(theta: FloatArray, weight: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = LAW.evaluate(theta[None], problem.points)
        residual = value[0] - problem.observed
        slope = gradient[0] @ (weight * np.clip(residual, -problem.delta, problem.delta))
        return float((weight * huber(residual, problem.delta)).sum()), slope

    began = time.process_time()
    found = [
        minimize(
            objective, start, args=(weight,), jac=True, method="L-BFGS-B", bounds=list(zip(low, high, strict=True)),
            options={"maxiter": 2000, "ftol": 1e-13, "gtol": 1e-10},
        )
        for start, weight in zip(starts, weights, strict=True)
    ]  # fmt: skip
    spent = time.process_time() - began
    return np.array([one.x for one in found]), np.array([one.fun for one in found]), spent


def main() -> None:
    """Time both and print what they found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sample", type=int, default=60)
    sample = parser.parse_args().sample
    problem, starts, rng = planted(), grid(), np.random.default_rng(1)
    even = np.ones((1, N_POINTS))
    best, searched = timed(lambda: minimise(problem, starts, even))
    polished = minimise(problem, best.theta[best.objective.argmin()][None], even, tolerance=1e-13, steps=1000)
    theta, least = polished.theta[0], polished.objective[0]
    weights = rng.exponential(1.0, (N_REFITS, N_POINTS))
    refits, refitted = timed(lambda: minimise(problem, np.tile(theta, (N_REFITS, 1)), weights, steps=300))
    some = rng.permutation(len(starts))[:sample]
    _, reached, scipy_search = by_scipy(problem, starts[some], np.broadcast_to(even, (sample, N_POINTS)))
    again, lowest, scipy_refit = by_scipy(problem, np.tile(theta, (sample, 1)), weights[:sample])
    search_loop, refit_loop = scipy_search / sample * len(starts), scipy_refit / sample * N_REFITS
    total, loop = searched + refitted, search_loop + refit_loop
    se = LAW.natural(refits.theta).std(axis=0)
    print(f"{N_POINTS} points, {len(starts)} starts, {N_REFITS} refits; processor seconds, one thread")
    print(f"{'':24}{'gauger':>10}{'scipy loop':>14}{'times':>8}")
    for name, ours, theirs in (("search", searched, search_loop), ("refits", refitted, refit_loop)):
        print(f"{name:24}{ours:10.1f}{theirs:14.1f}{theirs / ours:8.1f}")
    print(f"{'all':24}{total:10.1f}{loop:14.1f}{loop / total:8.1f}   target {TARGET_S:g} s: {total < TARGET_S}")
    print(f"scipy: extrapolated from {sample} starts and {sample} refits")
    print(f"least objective: gauger {least:.9g}, best of the scipy sample {reached.min():.9g}")
    ours = (best.objective <= least * (1 + 1e-4)).mean()
    print(f"starts that reached it: gauger {ours:.1%}, scipy {(reached <= least * (1 + 1e-4)).mean():.1%}")
    gap = np.abs(refits.theta[:sample] - again).max(axis=0) / refits.theta.std(axis=0)
    above = (refits.objective[:sample] / lowest - 1).max()
    print(
        f"refits against scipy: largest difference {gap.max():.3f} standard errors; objective at most {above:.1e} above"
    )
    for name, value, spread, truth in zip(
        LAW.names, LAW.natural(theta), se, (BESIROGLU_2024[name] for name in LAW.names), strict=True
    ):
        print(f"  {name:6} {value:10.5g}  se {spread:8.3g}  planted {truth:g}")


if __name__ == "__main__":
    main()
