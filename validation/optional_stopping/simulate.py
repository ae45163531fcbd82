"""Does looking again and again, with replicates added in between, find differences that are not there?

Run: python validation/optional_stopping/simulate.py [--draws 900] [--first-looks 16000] [--seed 1] > results.txt
A planted study whose true effect lies exactly on the threshold is judged with 2, 4, 6 and 8 replicates, and stopped at
the first decision. Three ways: each look at 95 % (what is not allowed), undeclared (what Gauger does: undetermined at
best after the first look, which is therefore all that can err, and is drawn more often), and four declared looks, each
at 1 - 0.05 / 4. Exits with 1 where a promise is broken, or where the first way does not break it: the check would then
show nothing.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

from gauger.stats import t_quantile
from gauger.stats.crossed.contrast_rows import ContrastRows
from gauger.stats.crossed.crossed import crossed_components
from gauger.stats.crossed.panel import panel_of
from gauger.stats.crossed.replicate_part import replicate_part

LOOKS = (2, 4, 6, 8)
ITEMS, ARMS = 200, 6
PROMISED = 0.05


def scores(generator: np.random.Generator) -> np.ndarray:
    """Draw (A, R, I) right and wrong answers; no arm differs from another but by training noise and items."""
    item = generator.normal(0, 1, ITEMS)
    seed = generator.normal(0, 0.35, (ARMS, max(LOOKS), 1))
    p = 1 / (1 + np.exp(-(item + seed)))
    return (generator.random(p.shape) < p).astype(float)


def decides(drawn: np.ndarray, replicates: int, level: float) -> bool:
    """Judge the first arm against the second, as a verdict does: whether the interval excludes the true difference."""
    components = crossed_components(panel_of([drawn[:, :replicates]]))
    weights = np.zeros((1, ARMS, 1))
    weights[0, :2, 0] = 1.0, -1.0
    rows = ContrastRows.of(weights)
    found = replicate_part(components, rows, moderated=True)
    (item,) = (float(part[0]) for part in rows.squares(components.item.minus(components.shared)))
    se = np.sqrt(max(float(found.variance[0]) + max(item, 0.0), 1e-12))
    difference = abs(float((weights[0] * components.mean).sum()))
    return bool(difference > t_quantile((1 + level) / 2, float(found.df[0])) * se)


def main() -> int:
    """Draw, look, count."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=900)
    parser.add_argument("--first-looks", type=int, default=16_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    generator = np.random.default_rng(options.seed)
    false = dict.fromkeys(("every look at 95 %", "undeclared", "four declared looks"), 0)
    draws = {way: options.first_looks if way == "undeclared" else options.draws for way in false}
    first = np.random.default_rng(options.seed + 10)
    false["undeclared"] = sum(decides(scores(first), LOOKS[0], 0.95) for _ in range(options.first_looks))
    for _ in range(options.draws):
        drawn = scores(generator)
        plain = [decides(drawn, looked, 0.95) for looked in LOOKS]
        split = [decides(drawn, looked, 1 - PROMISED / len(LOOKS)) for looked in LOOKS]
        false["every look at 95 %"] += any(plain)
        false["four declared looks"] += any(split)
    broken = False
    for way, count in false.items():
        share = count / draws[way]
        error = 1.96 * (share * (1 - share) / draws[way]) ** 0.5
        print(f"{way}: {count} of {draws[way]} false decisions, {share:.1%} ± {error:.1%}")
        broken |= (share - error > PROMISED) == (way != "every look at 95 %")
    print("broken" if broken else f"kept: at most {PROMISED:.0%} where it is promised, and more where it is not")
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
