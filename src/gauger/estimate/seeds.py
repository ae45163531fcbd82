"""Lists every training seed's own score, and warns where the seeds of an arm fall into groups.

An arm of which one seed in three learns has no typical score: three seeds that learned say little about the share that
would, and no interval about their mean repairs that. So the scores of single seeds are reported, and a gap between them
that neither the other gaps nor the items explain is said aloud.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gauger.estimate.cell_means import Cells
from gauger.estimate.results import tidy

LEAST_GAP = 0.15
"""Gaps below 15 points are never called a split."""
GAP_TO_SPREAD = 3.0
"""A split is a gap this many times what the seeds on either side of it, and the items, spread by."""


def seed_scores(cells: Cells) -> tuple[Mapping[str, Any], ...]:
    """List the mean score of every training seed: rows arm, benchmark, replicate, score, n_items.

    Arms with a single row have one entry; `replicate` numbers an arm's rows from 0 in the order of the records.
    """
    rows = []
    for a, arm in enumerate(cells.cube.arms):
        for b, benchmark in enumerate(cells.cube.benchmarks):
            block = cells.cube.panel.scores[b][a]
            for r in np.flatnonzero(np.isfinite(block).any(axis=1)):
                known = block[r][np.isfinite(block[r])]
                rows.append(
                    {
                        "arm": arm,
                        "benchmark": benchmark,
                        "replicate": int(r),
                        "score": tidy(float(known.mean())),
                        "n_items": len(known),
                    }
                )
    return tuple(rows)


def seed_warnings(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Warn of every arm and benchmark on which the seeds split, with their scores."""
    cells: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        cells.setdefault((row["arm"], row["benchmark"]), []).append(row)
    warnings = []
    for (arm, benchmark), own in cells.items():
        scores = np.array([row["score"] for row in own])
        if splits(scores, min(row["n_items"] for row in own)):
            listed = ", ".join(f"{100 * score:.0f}" for score in scores)
            warnings.append(
                f"{arm} on {benchmark}: the seeds disagree ({listed} % right). A mean over such seeds is that of no "
                "model, and its interval does not say how often a seed learns"
            )
    return warnings


def splits(scores: NDArray[np.float64], n_items: int) -> bool:
    """Tell whether the seeds of one arm fall into two groups.

    The widest gap g between neighbours must exceed `LEAST_GAP`, and `GAP_TO_SPREAD` times both the spread of either
    group and the standard error of a difference between two seeds' scores, ``sqrt(2 p (1 - p) / I)``. Of two seeds, the
    gap must exceed twice `LEAST_GAP`, as nothing else says how far seeds usually lie apart.

    Parameters
    ----------
    scores : float array, (R,)
        Mean score of every seed on one benchmark, in [0, 1].
    n_items : int
        Items I behind a score, the fewest of any seed.

    Returns
    -------
    bool
        False for fewer than two seeds. A sign to look at the seeds, not a test with a stated error rate.

    Notes
    -----
    Tested in tests/estimate/test_seeds.py.
    """
    if len(scores) < 2:
        return False
    ordered = np.sort(scores)
    gaps = np.diff(ordered)
    place = int(gaps.argmax())
    # The spread of a group is its range, not a standard deviation: of two or three seeds that is all there is to see.
    spread = max(ordered[place] - ordered[0], ordered[-1] - ordered[place + 1])
    mean = float(ordered.mean())
    items = float(np.sqrt(2 * mean * (1 - mean) / max(n_items, 1)))
    least = LEAST_GAP if len(scores) > 2 else 2 * LEAST_GAP
    return bool(gaps[place] > max(least, GAP_TO_SPREAD * spread, GAP_TO_SPREAD * items))
