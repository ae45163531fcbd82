"""Estimates uplift by item difficulty: is the teacher worth more where it is easy, or where it is hard?

Difficulty is known in advance (the embedded world, generated tasks) or estimated by a Rasch model from control arms. An
estimate that shares answers with the uplift invents a pattern: items on which the control happened to fail look hard,
and the arm, which had no such luck, looks better there (regression to the mean). So replicate r's items are sorted by
the answers of other replicates only; every replicate is measured on items that it had no part in choosing.

Two ways to the intervals of `stats.contrast`:

- known: the items of a quartile are the same in every replicate and enter as a benchmark of their own;
- estimated: they differ, and every replicate must count alike. (An average over items of averages over the replicates
  for which an item is hard would give an item the more weight the fewer they are, and that hangs on its answers.) So a
  quartile's mean is T = mean_r sum_i w_ri y_ri / W_r, with weights w_ri, 0-1, that sum to a quarter of the items, and
  scores are replaced by T + w_ri (I / W_r) (y_ri - T): their plain mean is T, and their influences are those of T.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl

from gauger.stats import ABSENT, Contrasts, IntArray, Panel, estimate_contrasts, fit_item_response
from gauger.stats.crossed import FloatArray

QUARTILES = 4
HARDEST = 3


@dataclass(frozen=True)
class ByDifficulty:
    """Uplift of one arm on the quartiles of difficulty, easiest first."""

    quartiles: Contrasts
    """Four uplifts, then the hardest minus the easiest quartile: C = 5."""
    difficulty: FloatArray
    """(4,): mean difficulty of the items of each quartile; NaN where a quartile is empty."""
    n_items: IntArray
    """(4,): items that belong to each quartile, for some replicate at least."""
    source: str
    """`known`, or which answers difficulty was estimated from, in words."""

    @property
    def hardest(self) -> int:
        """Position of the hardest quartile among the contrasts."""
        return HARDEST


def uplift_by_difficulty(
    panel: Panel, arms: tuple[int, int], difficulty: FloatArray, source: str = "known", level: float = 0.95
) -> ByDifficulty:
    """Estimate an arm's uplift over its control on each quartile of difficulty.

    Parameters
    ----------
    panel : Panel
        One or more benchmarks; their items are pooled and sorted together.
    arms : (int, int)
        Positions of the arm and of its control.
    difficulty : (I,) or (R, I) array
        Difficulty of every item (all benchmarks one after another), higher is harder: known, one row; or one row per
        replicate, from `difficulty_from_others`. NaN leaves an item out.
    source : str
        Where the difficulties are from, in words.
    level : float

    Returns
    -------
    ByDifficulty
        Known difficulties often come in levels: items of one level stay together, so a quartile may hold more or fewer
        than a quarter of the items, and a middle one none (undefined). Estimated ones are cut exactly.

    Notes
    -----
    Replicate variances of the estimated way are not moderated (its replaced scores leave the range 0-1), so intervals
    of few replicates are wide.
    """
    pooled = pool(panel)
    weights = np.zeros((QUARTILES + 1, panel.n_arms, QUARTILES))
    for q in range(QUARTILES):
        weights[q, arms[0], q], weights[q, arms[1], q] = 1.0, -1.0
    weights[QUARTILES] = weights[HARDEST] - weights[0]
    share = _levels(difficulty) if difficulty.ndim == 1 else _quarters(difficulty)
    scores = pooled.scores[0]
    if difficulty.ndim == 1:
        shown = tuple(np.where(part > 0, scores, np.nan) for part in share)
    else:
        shown = tuple(_replaced(scores, part) for part in share)
    # The tuple repeated, not the ids multiplied: an item shared by two quartiles is one and the same cluster in both.
    split = replace(pooled, scores=shown, units=pooled.units * QUARTILES)
    return ByDifficulty(
        estimate_contrasts(split, weights, moderated=difficulty.ndim == 1, level=level),
        np.array([_mean_difficulty(difficulty, part) for part in share]),
        np.array([(part > 0).any(axis=tuple(range(part.ndim - 1))).sum() for part in share]),
        source,
    )


def _replaced(scores: FloatArray, weight: FloatArray) -> FloatArray:
    """Scores (A, R, I) whose plain mean is the weighted one, with its influences; weights (R, I).

    Items that weigh nothing in any replicate are none of the quartile's: they stay out, and count for no degree of
    freedom.
    """
    known = np.isfinite(scores) & (weight > 0).any(axis=0)
    used = np.where(known, weight, 0.0)
    total = used.sum(axis=2, keepdims=True)
    rows = np.divide((used * np.nan_to_num(scores)).sum(axis=2, keepdims=True), total, where=total > 0, out=0 * total)
    counted = (total > 0).sum(axis=1, keepdims=True)
    mean = np.divide(rows.sum(axis=1, keepdims=True), counted, where=counted > 0, out=np.zeros((len(scores), 1, 1)))
    scale = np.divide(known.sum(axis=2, keepdims=True), total, where=total > 0, out=0 * total)
    return np.asarray(np.where(known & (total > 0), mean + used * scale * (scores - mean), np.nan))


def _mean_difficulty(difficulty: FloatArray, weight: FloatArray) -> float:
    """Mean difficulty under the weights; NaN where they are all 0."""
    total = weight.sum()
    return float((weight * np.nan_to_num(difficulty)).sum() / total) if total > 0 else float("nan")


def pool(panel: Panel) -> Panel:
    """Put the items of all benchmarks into one."""
    scores, units = (np.concatenate(panel.scores, axis=2),), (np.concatenate(panel.units),)
    return replace(panel, scores=scores, units=units)


def difficulty_from_others(
    panel: Panel, controls: tuple[int, ...], fixed: tuple[int, ...], model: str = "rasch"
) -> FloatArray:
    """Estimate each item's difficulty for every replicate row, from control arms' answers of other replicates.

    Parameters
    ----------
    panel : Panel
    controls : positions of control arms
        Arms without a teacher: base, format, matched.
    fixed : positions of those among them that are one model
        A base, which is nobody's replicate: its answers are in every row.
    model : str
        `rasch` or `2pl`.

    Returns
    -------
    (R, I) array
        Row r rests on every answer of the controls but those of replicates that any arm holds in row r; NaN rows where
        no other answers are left (one replicate and no base).

    Notes
    -----
    A control that was trained once is not used. Where it is also what the uplift is taken over, items would be sorted
    by its own answers in every row, the mistake of `difficulty_from_own`: hard minus easy +0.7 where the truth is 0.

    Tested in tests/estimate/test_difficulty.py.
    """
    pooled = pool(panel)
    scores, ids = pooled.scores[0], pooled.replicates
    rows = []
    for r in range(ids.shape[1]):
        own = set(ids[:, r][ids[:, r] != ABSENT].tolist())
        others = [
            scores[arm, other]
            for arm in controls
            if arm in fixed or not _is_single(ids, arm)
            for other in range(ids.shape[1])
            if _usable(ids, arm, other) and (arm in fixed or ids[arm, other] not in own)
        ]
        if not others:
            rows.append(np.full(scores.shape[2], np.nan))
            continue
        answers = np.stack(others)
        difficulty = fit_item_response(answers, model=model).difficulty
        rows.append(np.where(np.isfinite(answers).any(axis=0), difficulty, np.nan))
    return np.stack(rows)


def difficulty_from_own(panel: Panel, controls: tuple[int, ...]) -> FloatArray:
    """Estimate difficulty from all answers of the controls, their own replicates among them: the mistake, for tests.

    An uplift over a control by this difficulty shows regression to the mean; nothing that is reported uses it. Use
    `difficulty_from_others`.

    Parameters
    ----------
    panel : Panel
        Scores (arms, replicates, items) per benchmark; the benchmarks are pooled.
    controls : tuple of int
        Positions of the control arms.

    Returns
    -------
    float array, (I,)
        Rasch difficulty in logits, higher is harder, items of all benchmarks one after another.

    Notes
    -----
    tests/estimate/test_difficulty.py shows the pattern that it invents.
    """
    pooled = pool(panel)
    answers = pooled.scores[0][list(controls)].reshape(-1, pooled.scores[0].shape[2])
    return fit_item_response(answers[np.isfinite(answers).any(axis=1)]).difficulty


def _usable(ids: IntArray, arm: int, row: int) -> bool:
    return bool(ids[arm, row] != ABSENT)


def _is_single(ids: IntArray, arm: int) -> bool:
    return int((ids[arm] != ABSENT).sum()) == 1


def ranks(values: FloatArray, ties: Literal["average", "min"] = "average") -> FloatArray:
    """Rank numbers, the smallest 1.

    Parameters
    ----------
    values : float array, (n,)
        Without NaN: callers leave unknown ones out first.
    ties : "average" or "min"
        Equal numbers share their average rank, or the lowest of their ranks.

    Returns
    -------
    float array, (n,)
        Ranks from 1 to n.
    """
    return pl.Series(values).rank(ties).cast(pl.Float64).to_numpy()


def _levels(difficulty: FloatArray) -> FloatArray:
    """Membership (4, I) in quartiles of known difficulties, 0 or 1: by mid-rank, so that ties stay together.

    The easiest level is always in the first quartile and the hardest in the last.
    """
    known = np.isfinite(difficulty)
    levels = np.full(len(difficulty), -1)
    if known.any():
        values = difficulty[known]
        quartile = np.minimum((QUARTILES * (ranks(values) - 0.5) / len(values)).astype(int), HARDEST)
        # Where a level holds half of the items or more, mid-ranks would leave the first or the last quartile empty, and
        # the hardest minus the easiest undefined.
        quartile = np.where(values == values.max(), HARDEST, np.where(values == values.min(), 0, quartile))
        levels[known] = quartile
    return np.stack([(levels == q).astype(float) for q in range(QUARTILES)])


def _quarters(difficulty: FloatArray) -> FloatArray:
    """Weights (4, R, I) of items in exact quarters of each row; items tied at a cut are shared by both sides."""
    weights = np.zeros((QUARTILES, *difficulty.shape))
    for r, row in enumerate(difficulty):
        known = np.flatnonzero(np.isfinite(row))
        if not len(known):
            continue
        below, n = ranks(row[known], "min") - 1.0, len(known)
        top = n - (ranks(-row[known], "min") - 1.0)
        for q in range(QUARTILES):
            low, high = n * q / QUARTILES, n * (q + 1) / QUARTILES
            inside = np.clip(np.minimum(top, high) - np.maximum(below, low), 0.0, None)
            weights[q, r, known] = inside / (top - below)
    return weights
