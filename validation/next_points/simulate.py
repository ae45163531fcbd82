"""Do proposed points narrow a forecast more than the same money spent without thought (see README.md)?

Run: OMP_NUM_THREADS=1 python validation/next_points/simulate.py [--draws 40] [--seed 1]
Prints one line per claim and exits with 1 if one fails.
"""

from __future__ import annotations

import argparse
import sys
from itertools import product

import numpy as np

from gauger.estimate.scaling.fit import choose_laws, common_points
from gauger.stats.laws import LAWS, Ensemble, Points, Search, fit_ensemble, predict
from gauger.stats.laws.next_points import candidates_of, next_points
from gauger.stats.laws.points import FloatArray, IntArray
from gauger.stats.laws.supervised import BESIROGLU_2024

NOISE = 0.005
SIZES, BUDGETS = np.geomspace(3e7, 4.8e8, 4), np.geomspace(1e9, 1.6e10, 4)
TARGET = Points(np.array([4.8e8 * 4]), np.array([1.6e10 * 4]))
FLOPS = 6.0
LAW = LAWS["hoffmann"]
INNER = LAW.inner(np.array([[BESIROGLU_2024[name] for name in LAW.names]]))


def main() -> int:
    """Simulate; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rows = np.array([one_study(np.random.default_rng([options.seed, k]), k) for k in range(options.draws)])
    before, foretold, chosen, blind = np.exp(np.log(rows[:, :4]).mean(axis=0))
    errors = np.sqrt(np.mean(rows[:, 4:7] ** 2, axis=0))
    inside = rows[:, 7:9].mean(axis=0)
    print(f"{options.draws} studies of {len(SIZES) * len(BUDGETS)} points; target 16 times their largest compute")
    print(f"half width of the forecast, geometric mean: {before:.2%} of the loss before;")
    print(f"  after spending half of the study's compute again: proposed {chosen:.2%}, at random {blind:.2%}")
    print(f"  narrowing foretold {foretold / before:.0%}, found {chosen / before:.0%} (random {blind / before:.0%})")
    print(f"root mean square error: before {errors[0]:.2%}, proposed {errors[1]:.2%}, at random {errors[2]:.2%}")
    claims = {
        "proposed points narrow the forecast": chosen < 0.9 * before,
        "they narrow it more than random ones for the same compute": chosen < blind,
        "they lower its error more than random ones": errors[1] < errors[2],
        "the narrowing that is foretold is no promise too much": chosen < foretold + 0.1 * before,
        f"the forecast still covers ({inside[1]:.0%}, before {inside[0]:.0%})": bool(inside[1] >= 0.9),
    }
    for text, holds in claims.items():
        print(f"{'ok  ' if holds else 'FAIL'} {text}")
    return 0 if all(claims.values()) else 1


def one_study(rng: np.random.Generator, seed: int) -> list[float]:
    """Half widths (before, foretold, proposed, random), errors (before, proposed, random), coverage (before, after)."""
    n, d = grid(SIZES, BUDGETS)
    outcome = observe(n, d, rng)
    first = fitted(n, d, outcome, seed)
    more_n, more_d = grid(np.append(SIZES, 2 * SIZES[-1]), np.append(BUDGETS, 2 * BUDGETS[-1]))
    cost, purse = FLOPS * more_n * more_d, 0.5 * FLOPS * float(n @ d)
    found = next_points([candidates_of(first, Points(more_n, more_d), TARGET, cost)], purse)
    proposed = np.array([choice.candidate for choice in found.choices], dtype=int)
    ensembles = [first]
    for picked in (proposed, at_random(cost, purse, rng)):
        added = observe(more_n[picked], more_d[picked], rng)
        both = np.append(n, more_n[picked]), np.append(d, more_d[picked]), np.append(outcome, added)
        ensembles.append(fitted(*both, seed))
    truth = LAW.evaluate(INNER, TARGET)[0][0, 0]
    new = truth + NOISE * rng.standard_normal()
    said = [predict(one, TARGET) for one in ensembles]
    widths = [float(one.high[0] - one.low[0]) / 2 for one in said]
    foretold = widths[0] * float(np.sqrt(found.after[0] / found.before))
    errors = [float(one.value[0] - truth) for one in said]
    inside = [float(one.low[0] <= new <= one.high[0]) for one in said[:2]]
    return [widths[0], foretold, *widths[1:], *errors, *inside]


def grid(sizes: FloatArray, budgets: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Cross sizes and budgets."""
    pairs = np.array(list(product(sizes, budgets)))
    return pairs[:, 0], pairs[:, 1]


def observe(n_params: FloatArray, n_tokens: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw losses."""
    value = LAW.evaluate(INNER, Points(n_params, n_tokens))[0][0]
    return np.exp(value + NOISE * rng.standard_normal(len(value)))


def fitted(n_params: FloatArray, n_tokens: FloatArray, loss: FloatArray, seed: int) -> Ensemble:
    """Let all laws compete."""
    points = Points(n_params, n_tokens, loss=loss)
    laws = choose_laws(points, "auto")
    return fit_ensemble(common_points(points, laws), laws, 300, Search(starts=40, seed=seed))


def at_random(cost: FloatArray, purse: float, rng: np.random.Generator) -> IntArray:
    """Spend the purse on candidates drawn at random, until none is affordable."""
    picked: list[int] = []
    while (affordable := np.flatnonzero(cost <= purse)).size:
        picked.append(int(rng.choice(affordable)))
        purse -= cost[picked[-1]]
    return np.array(picked, dtype=np.int64)


if __name__ == "__main__":
    sys.exit(main())
