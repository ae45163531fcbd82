"""Uplift by item difficulty: is the teacher worth more where it is easy, or where it is hard?

Difficulty is known in advance (the embedded world, generated tasks) or estimated by a Rasch model from control arms. An
estimate that shares answers with the uplift invents a pattern: items on which the control happened to fail look hard,
and the arm, which had no such luck, looks better there (regression to the mean). So replicate r's items are sorted by
the answers of other replicates only; every replicate is measured on items that it had no part in choosing.

The quartiles enter as benchmarks of their own in a panel where a replicate's other items are missing, so that estimates
and crossed intervals are those of any contrast (`stats.contrast`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from gauger.stats.contrast import Contrasts, estimate_contrasts
from gauger.stats.irt import fit_item_response
from gauger.stats.panel import ABSENT, FloatArray, IntArray, Panel

QUARTILES = 4
HARDEST = 3


@dataclass(frozen=True)
class ByDifficulty:
    """Uplift of one arm on the quartiles of difficulty, easiest first."""

    quartiles: Contrasts
    """Four uplifts, then the hardest minus the easiest quartile: C = 5."""
    difficulty: FloatArray
    """(4,): mean difficulty of the items of each quartile; NaN where a quartile is empty."""
    source: str
    """`known`, or which answers difficulty was estimated from, in words."""

    @property
    def hardest(self) -> int:
        """Position of the hardest quartile among the contrasts."""
        return HARDEST


def uplift_by_difficulty(
    panel: Panel, arms: tuple[int, int], difficulty_RI: FloatArray, source: str = "known", level: float = 0.95
) -> ByDifficulty:
    """Estimate an arm's uplift over its control on each quartile of difficulty.

    Parameters
    ----------
    panel : Panel
        One or more benchmarks; their items are pooled and sorted together.
    arms : (int, int)
        Positions of the arm and of its control.
    difficulty_RI : (R, I) or (I,) array
        Difficulty of every item (all benchmarks one after another), higher is harder; one row per replicate where it
        differs between them (`difficulty_from_others`). NaN leaves an item out.
    source : str
        Where the difficulties are from, in words.
    level : float

    Returns
    -------
    ByDifficulty
        A quartile may be empty where many items have one difficulty (ties stay together): its uplift is undefined.
    """
    pooled = pool(panel)
    given = np.broadcast_to(difficulty_RI, pooled.scores[0].shape[1:])
    quartile = np.stack([_quartiles(row) for row in given])
    split = Panel(
        tuple(np.where(quartile == q, pooled.scores[0], np.nan) for q in range(QUARTILES)),
        pooled.units * QUARTILES,
        pooled.replicates,
    )
    weights = np.zeros((QUARTILES + 1, panel.n_arms, QUARTILES))
    for q in range(QUARTILES):
        weights[q, arms[0], q], weights[q, arms[1], q] = 1.0, -1.0
    weights[QUARTILES] = weights[HARDEST] - weights[0]
    mean = [np.nan if not (quartile == q).any() else float(given[quartile == q].mean()) for q in range(QUARTILES)]
    return ByDifficulty(estimate_contrasts(split, weights, level=level), np.array(mean), source)


def pool(panel: Panel) -> Panel:
    """Put the items of all benchmarks into one."""
    return Panel((np.concatenate(panel.scores, axis=2),), (np.concatenate(panel.units),), panel.replicates)


def difficulty_from_others(panel: Panel, controls: tuple[int, ...], model: str = "rasch") -> FloatArray:
    """Estimate each item's difficulty for every replicate row, from control arms' answers of other replicates.

    Parameters
    ----------
    panel : Panel
    controls : positions of control arms
        Arms without a teacher: base, format, matched. A base (one model) is never the replicate in question.
    model : str
        `rasch` or `2pl`.

    Returns
    -------
    (R, I) array
        Row r rests on every answer of the controls but those of replicates that any arm holds in row r; NaN rows where
        no other answers are left (one replicate and no base).
    """
    pooled = pool(panel)
    scores, ids = pooled.scores[0], pooled.replicates
    rows = []
    for r in range(ids.shape[1]):
        own = set(ids[:, r][ids[:, r] != ABSENT].tolist())
        others = [
            scores[arm, other]
            for arm in controls
            for other in range(ids.shape[1])
            if _usable(ids, arm, other) and (_is_single(ids, arm) or ids[arm, other] not in own)
        ]
        if not others:
            rows.append(np.full(scores.shape[2], np.nan))
            continue
        answers = np.stack(others)
        found = fit_item_response(answers, model=model).difficulty
        rows.append(np.where(np.isfinite(answers).any(axis=0), found, np.nan))
    return np.stack(rows)


def difficulty_from_own(panel: Panel, controls: tuple[int, ...]) -> FloatArray:
    """Estimate difficulty from all answers of the controls, their own replicates among them: the mistake, for tests.

    An uplift over a control by this difficulty shows regression to the mean; nothing that is reported uses it.
    """
    pooled = pool(panel)
    answers = pooled.scores[0][list(controls)].reshape(-1, pooled.scores[0].shape[2])
    return fit_item_response(answers[np.isfinite(answers).any(axis=1)]).difficulty


def _usable(ids: IntArray, arm: int, row: int) -> bool:
    return bool(ids[arm, row] != ABSENT)


def _is_single(ids: IntArray, arm: int) -> bool:
    """An arm with one row is one fixed model (a base), not a replicate of the training that is measured."""
    return int((ids[arm] != ABSENT).sum()) == 1


def _quartiles(difficulty: FloatArray) -> IntArray:
    """Quartile 0-3 of each item by mid-rank, so that ties stay together; -1 where the difficulty is unknown."""
    known = np.isfinite(difficulty)
    ranks = rankdata(difficulty[known])
    found = np.full(len(difficulty), -1)
    found[known] = np.minimum((QUARTILES * (ranks - 0.5) / max(known.sum(), 1)).astype(int), QUARTILES - 1)
    return found
