"""Is an undetermined study settled with the stated chance once it is enlarged as proposed?

Run by hand: python validation/verdict/settling.py [--studies N]. A large study is drawn and its first items and
replicates are judged; where the outcome is undetermined, the proposed items or replicates of the same large study are
judged again. Truths are drawn evenly about the threshold, as nothing is known of them. Prints what settling.txt holds.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gauger.estimate.cell_means import Cells
from gauger.estimate.contrasts import PlannedBatch, run_batch
from gauger.estimate.design import Design, FixedRule
from gauger.estimate.score_arrays import Cube, replicate_ids
from gauger.estimate.settle import CHANCE, MOST_ITEM_FACTOR, MOST_REPLICATES, needed
from gauger.estimate.verdict import decide, plan_verdict
from gauger.estimate.verdict_inputs import JudgedContrast, judged
from gauger.records import ArmInfo
from gauger.stats.crossed.panel import Panel
from gauger.stats.power import design_variance, half_width

RULE = FixedRule(arm="distilled")
DESIGN = Design(
    arms=(
        ArmInfo("distilled", "distilled", "", matched="control"),
        ArmInfo("control", "matched", ""),
        ArmInfo("teacher", "teacher", ""),
    ),
    roles={"b": "near"},
    paired=False,
    rule=RULE,
)
LEAD = 0.3


@dataclass(frozen=True)
class Pilot:
    """How a first study is made."""

    items: int
    replicates: int
    noise: float
    """Standard deviation of training, points."""


PILOTS = {
    "items": Pilot(items=80, replicates=6, noise=0.0),
    "replicates": Pilot(items=400, replicates=3, noise=0.05),
}


def draw(pilot: Pilot, what: str, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw the large study (3, R, I): distilled, control, teacher."""
    n_items = pilot.items * (MOST_ITEM_FACTOR if what == "items" else 1)
    n_rows = MOST_REPLICATES if what == "replicates" else pilot.replicates
    theta = rng.uniform(-0.15, 0.65)
    level = np.array([0.45 + theta * LEAD, 0.45, 0.45 + LEAD])[:, None, None]
    item, own = rng.uniform(-0.15, 0.15, n_items), rng.uniform(-0.1, 0.1, (3, 1, n_items))
    seed = pilot.noise * rng.standard_normal((3, n_rows, 1)) * np.array([1, 1, 0])[:, None, None]
    scores = (rng.random((3, n_rows, n_items)) < level + item + own + seed).astype(float)
    scores[2, 1:] = np.nan
    return scores


def judge(scores: NDArray[np.float64]) -> tuple[PlannedBatch, JudgedContrast]:
    """Estimate the rule's contrast."""
    n_arms, n_rows, n_items = scores.shape
    seen = np.isfinite(scores).all(axis=2)
    panel = Panel((scores,), (np.arange(n_items),), replicate_ids(seen, paired=False))
    names = tuple(arm.name for arm in DESIGN.arms)
    cube = Cube(panel, names, ("b",), ("near",), (tuple(map(str, range(n_items))),), np.ones((n_arms, 1), dtype=bool))
    cells = Cells(cube, DESIGN)
    batch = run_batch(cells, [plan_verdict(cells, RULE)])
    piece = judged(batch, 0)
    assert piece is not None, f"{n_rows} replicates of a complete study"
    return batch, piece


def naive_size(batch: PlannedBatch, piece: JudgedContrast, pilot: Pilot, what: str) -> int | None:
    """Plan as if the estimate were the truth: the first size whose half width reaches the threshold."""
    from gauger.estimate.settle import _question

    question = _question(batch, 0, piece, RULE.threshold, RULE.level, CHANCE)
    sizes = (
        [(n, pilot.replicates) for n in range(pilot.items, pilot.items * MOST_ITEM_FACTOR + 1, pilot.items // 4)]
        if what == "items"
        else [(pilot.items, n) for n in range(pilot.replicates + 1, MOST_REPLICATES + 1)]
    )
    assert design_variance(question.components, *sizes[0])[0] > 0
    fits = (size for size in sizes if half_width(question.components, *size) <= question.distance)
    found = next(fits, None)
    return None if found is None else found[0 if what == "items" else 1]


def run(what: str, studies: int) -> None:
    """Print how often the proposal settles the study, and how often the naive plan does."""
    pilot, rng = PILOTS[what], np.random.default_rng(11)
    settled: list[bool] = []
    naive: list[bool] = []
    undetermined = 0
    for _ in range(studies):
        whole = draw(pilot, what, rng)
        batch, piece = judge(whole[:, : pilot.replicates, : pilot.items])
        if decide(piece, RULE.threshold, RULE.level) != "undetermined":
            continue
        undetermined += 1
        found = needed(batch, 0, piece, RULE.threshold, RULE.level)
        for size, tally in ((getattr(found, what), settled), (naive_size(batch, piece, pilot, what), naive)):
            if size is not None:
                larger = whole[:, :, :size] if what == "items" else whole[:, :size]
                tally.append(decide(judge(larger)[1], RULE.threshold, RULE.level) != "undetermined")
    share, plain = np.mean(settled), np.mean(naive)
    error = 1.96 * np.sqrt(share * (1 - share) / len(settled))
    print(
        f"{what:10} {studies} studies, {undetermined} undetermined, {len(settled)} with a proposal: settled in "
        f"{100 * share:.0f} % (+-{100 * error:.0f}), stated {100 * CHANCE:.0f} %; planned as if the estimate were the "
        f"truth: {100 * plain:.0f} % of {len(naive)}"
    )


def main() -> None:
    """Run both kinds of addition."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=600)
    asked = parser.parse_args()
    started = time.process_time()
    for what in PILOTS:
        run(what, asked.studies)
    print(f"{time.process_time() - started:.0f} s of processor time")


if __name__ == "__main__":
    main()
