"""Coverage of nominal 95 % intervals over a grid of simulated studies.

Run by hand: python validation/crossed/simulate.py. With --draws N (2000), --only WORD (cells whose name holds it) and
--shared-seed (the cells of two_replicates.txt in which seeds are good everywhere or nowhere).
Prints the table that results.txt holds and exits with 1 where a cell leaves its limits. Each cell has a seed of its
own, made from its name, so that cells err independently.
"""

from __future__ import annotations

import argparse
import sys
import time
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))
from panels import Panel, World, draw_panel, truth_of

from gauger.stats.bootstrap import items_only
from gauger.stats.crossed.contrast import estimate_contrasts

LIMITS = (0.93, 0.97)
LIMITS_TWO = (0.92, 0.98)
"""With two replicates."""
FEW = {"arms": 2, "benchmarks": 1}
MANY = {"arms": 8, "benchmarks": 6}


def grid() -> dict[str, World]:
    """Name every cell."""
    cells = {
        f"replicates {r}, items {i}, {'noise' if noise else 'no noise'}": World(
            replicates=r, items=i, noise=noise, lift=0.5
        )
        for r in (2, 3, 4, 8)
        for i in (50, 500, 2000)
        for noise in (0.25, 0.0)
        if not (i == 2000 and r == 4)
    }
    for r in (2, 3, 4):
        for paired in (False, True):
            for noise in (0.25, 0.07, 0.0):
                name = f"two arms, one benchmark, replicates {r}, {'paired' if paired else 'unpaired'}, noise {noise}"
                cells[name] = World(**FEW, replicates=r, paired=paired, noise=noise, items=300)
    three = World(items=300, lift=0.5)
    cells |= {
        "null": replace(three, lift=0.0),
        "graded": replace(three, graded=True),
        "graded, items 50": replace(three, graded=True, items=50),
        "graded, no noise": replace(three, graded=True, noise=0.0),
        "graded, ceiling": replace(three, graded=True, score=0.95),
        "ceiling": replace(three, score=0.95),
        "ceiling, items 50": replace(three, score=0.95, items=50),
        "ceiling, null, items 50": replace(three, score=0.95, items=50, lift=0.0),
        "ceiling, no noise": replace(three, score=0.95, noise=0.0),
        "floor": replace(three, score=0.05),
        "floor, items 50": replace(three, score=0.05, items=50),
        "floor, no noise": replace(three, score=0.05, noise=0.0),
        "ceiling, two replicates": replace(three, score=0.95, replicates=2),
        "clusters of 10": replace(three, cluster=10),
        "clusters of 10, 20 of them": replace(three, cluster=10, items=200),
        "clusters shared by all benchmarks": replace(three, cluster=5, shared_clusters=True),
        "heavy tails": replace(three, tail=3.0),
        "heavy tails, two replicates": replace(three, tail=3.0, replicates=2),
        "heavy tails, two arms, one benchmark": replace(three, tail=3.0, **FEW),
        "paired": replace(three, paired=True),
        "paired, null": replace(three, paired=True, lift=0.0),
        "paired, no noise": replace(three, paired=True, noise=0.0),
        "paired, two replicates": replace(three, paired=True, replicates=2),
        "large noise": replace(three, noise=0.6),
        "noise unequal between benchmarks": replace(three, benchmark_spread=0.7),
        "noise unequal between benchmarks, many": replace(three, benchmark_spread=0.7, **MANY),
        "noise unequal between arms, 2 : 1": replace(three, arm_spread=0.35),
        "noise unequal between arms, 4 : 1": replace(three, arm_spread=0.7),
        "noise unrelated between benchmarks": replace(three, one_skill=0.0),
        "noise the same on all benchmarks": replace(three, one_skill=0.95),
        "many arms and benchmarks": replace(three, **MANY),
        "many, two replicates": replace(three, replicates=2, **MANY),
        "fixed base, replicates 4": replace(three, fixed_base=True, replicates=4),
        "fixed base, replicates 4, no noise": replace(three, fixed_base=True, replicates=4, noise=0.0),
        "fixed base, two arms, replicates 4": replace(three, fixed_base=True, replicates=4, **FEW),
        "fixed base near the ceiling, items 50": replace(three, fixed_base=True, replicates=4, score=0.9, items=50),
        "missing answers and a lost replicate": replace(three, missing=0.1, replicates=4),
        "missing answers, paired": replace(three, missing=0.1, replicates=4, paired=True),
    }
    return cells


def shared_seed_grid() -> dict[str, World]:
    """Name the cells of two_replicates.txt in which a seed that is good on one benchmark is good on all."""
    return {
        f"one seed good everywhere, replicates {r}, {'paired' if paired else 'unpaired'}": World(
            arms=2, benchmarks=6, replicates=r, paired=paired, one_skill=1.0
        )
        for r in (2, 3, 4)
        for paired in (False, True)
    }


@dataclass(frozen=True)
class Result:
    """Coverage and mean width by kind of contrast: single benchmarks, their average, double difference, noisiest."""

    coverage: NDArray[np.float64]
    width: NDArray[np.float64]
    naive: float
    """Coverage of the items-only interval on single benchmarks."""


def contrasts(world: World) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Weights (C, A, B) of second arm minus first, and each one's kind (`Result`)."""
    n = world.benchmarks
    rows = [np.eye(n)[b] for b in range(n)]
    rows += [np.full(n, 1 / n), np.eye(n)[0] - np.eye(n)[-1]] if n > 1 else []
    rows += [np.eye(n)[-1]] if world.benchmark_spread else []
    weights = np.zeros((len(rows), world.arms, n))
    weights[:, 1], weights[:, 0] = rows, -np.array(rows)
    return weights, np.array([0] * n + [1, 2, 3][: len(rows) - n])


def run(world: World, draws: int, seed: int) -> Result:
    """Draw studies and count."""
    rng = np.random.default_rng(seed)
    truth, (weights, kind) = truth_of(world), contrasts(world)
    wanted = (weights * truth.mean).sum(axis=(1, 2))
    hits, widths, naive = np.zeros(len(kind)), np.zeros(len(kind)), 0.0
    for _ in range(draws):
        panel = draw_panel(world, truth, rng)
        found = estimate_contrasts(panel, weights)
        hits += (found.low <= wanted) & (wanted <= found.high)
        widths += found.high - found.low
        naive += naive_hits(panel, wanted)
    kinds = range(kind.max() + 1)
    coverage, width = (np.array([total[kind == k].mean() / draws for k in kinds]) for total in (hits, widths))
    return Result(coverage, width, naive / draws)


def naive_hits(panel: Panel, wanted: NDArray[np.float64]) -> float:
    """Share of single benchmarks whose items-only interval covers."""
    found = [items_only(scores[1], scores[0]) for scores in panel.scores]
    return float(np.mean([one.low <= w <= one.high for one, w in zip(found, wanted, strict=False)]))


def main() -> int:
    """Run the grid and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--only", default="")
    parser.add_argument("--shared-seed", action="store_true")
    asked = parser.parse_args()
    started, misses = time.process_time(), []
    print(f"{asked.draws} draws a cell; coverage of nominal 95 % intervals (mean width)")
    print(f"{'cell':58} {'one benchmark':>15} {'average':>15} {'difference':>15} {'noisiest':>15} {'items only':>10}")
    for name, world in (shared_seed_grid() if asked.shared_seed else grid()).items():
        if asked.only not in name:
            continue
        result = run(world, asked.draws, zlib.crc32(name.encode()))
        low, high = LIMITS_TWO if world.replicates == 2 else LIMITS
        inside = bool(((result.coverage >= low) & (result.coverage <= high)).all())
        misses += [] if inside else [name]
        columns = [f"{c:.3f} ({w:.4f})" for c, w in zip(result.coverage, result.width, strict=True)]
        columns += [""] * (4 - len(columns))
        print(f"{name:58} " + " ".join(f"{c:>15}" for c in columns) + f" {result.naive:10.3f}", flush=True)
    print(f"outside the limits: {misses or 'none'}; {time.process_time() - started:.0f} s of CPU")
    return 1 if misses else 0


if __name__ == "__main__":
    raise SystemExit(main())
