"""Draws pairs of runs with a planted difference, and counts how often its interval covers it; see README.md."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
import polars as pl

from gauger.estimate import ComparedRun, Design, compare_runs
from gauger.records import ArmInfo

ARMS = (ArmInfo("student", "distilled", "", matched="plain"), ArmInfo("plain", "matched", ""))
DESIGN = Design(arms=ARMS, roles={"quiz": "near"})
N_ITEMS = 200
LEVELS = {"student": 0.6, "plain": 0.45}


@dataclass(frozen=True)
class Pair:
    """A kind of pair of runs."""

    name: str
    seeds: bool = True
    """Replicates of one number share their seed: half of the noise of training is common."""
    items: bool = True
    shared_control: bool = False
    """The control is the same model in both runs."""
    replicates: int = 4
    noise: float = 0.04
    """Standard deviation of a training replicate's mean score."""


PAIRS = (
    Pair("same items and seeds"),
    Pair("same items and seeds, one control", shared_control=True),
    Pair("same items, other seeds", seeds=False),
    Pair("other items and seeds", seeds=False, items=False),
    Pair("two replicates", replicates=2),
    Pair("no noise of training", noise=0.0),
)


def draw_pair(pair: Pair, effect: float, draw: np.random.Generator) -> tuple[ComparedRun, ComparedRun]:
    """Draw two runs; in the second the student's expected score is higher by `effect`."""
    hard = [draw.normal(0, 0.12, N_ITEMS) for _ in range(2)]
    liked = draw.normal(0, 0.05, (2, N_ITEMS))  # what an arm makes of an item, alike in both runs
    common = draw.normal(0, pair.noise * np.sqrt(0.5), (2, pair.replicates))
    runs: list[ComparedRun] = []
    controls: dict[int, np.ndarray] = {}
    for k in (0, 1):
        rows = []
        for a, arm in enumerate(LEVELS):
            own = draw.normal(0, pair.noise * np.sqrt(0.5), pair.replicates)
            shared = common[a] if pair.seeds else draw.normal(0, pair.noise * np.sqrt(0.5), pair.replicates)
            level = LEVELS[arm] + (effect if k and arm == "student" else 0.0)
            chance = level + hard[k if not pair.items else 0] + liked[a] + (own + shared)[:, None]
            right = draw.random(chance.shape) < np.clip(chance, 0, 1)
            if arm == "plain" and pair.shared_control:
                right = controls.setdefault(0, right)
            rows += [
                (arm, r, "quiz", f"i{i:03}", float(right[r, i])) for r in range(len(right)) for i in range(N_ITEMS)
            ]
        table = pl.DataFrame(rows, ["arm", "replicate", "benchmark", "item", "score"], orient="row")
        seeds, items = ("s" if pair.seeds else f"s{k}"), ("w" if pair.items else f"w{k}")
        runs.append(ComparedRun("AB"[k], table, DESIGN, seeds, items))
    return runs[0], runs[1]


def main() -> None:
    """Print the coverage of both intervals and their widths, one line a kind of pair."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=400)
    draws, effect = parser.parse_args().draws, 0.08
    print(
        f"{draws} draws each; planted difference {effect}; one standard error of a coverage {50 / np.sqrt(draws):.1f}"
    )
    print(f"{'':36}{'paired':>8}{'as if unrelated':>17}{'width, paired / unrelated':>27}")
    for number, pair in enumerate(PAIRS):
        draw = np.random.default_rng(100 + number)
        inside, alone, widths = 0, 0, []
        for _ in range(draws):
            row = compare_runs(*draw_pair(pair, effect, draw)).estimates[0]
            inside += row["low"] <= effect <= row["high"]
            alone += row["unpaired_low"] <= effect <= row["unpaired_high"]
            widths.append((row["high"] - row["low"]) / (row["unpaired_high"] - row["unpaired_low"]))
        shares = f"{100 * inside / draws:7.1f}%{100 * alone / draws:16.1f}%{np.median(widths):27.2f}"
        print(f"{pair.name:36}{shares}", flush=True)


if __name__ == "__main__":
    main()
