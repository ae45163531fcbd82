"""Sets apart what rests on a single training run although its arm was trained more often.

A benchmark may have been scored for one run of an arm alone, or for another run on every item. Nothing then shows how
much that mean owes to the run, whatever the arm shows elsewhere: on this benchmark it was trained once.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gauger.stats.crossed.contrast_rows import ContrastRows
from gauger.stats.crossed.panel import ABSENT, BoolArray, FloatArray, IntArray, Panel


def set_apart_lone_runs(panel: Panel, rows: ContrastRows) -> tuple[Panel, ContrastRows]:
    """Make arms of their own, trained once, of the cells whose replicates cannot be told from their items.

    A cell of an arm with several replicates is moved where no item was answered by two of them. Cells of one arm that
    rest on the same runs move together; such runs are averaged, so that what is borrowed for them is that of one run.

    Parameters
    ----------
    panel : Panel
        A arms.
    rows : ContrastRows
        C contrasts of its cells.

    Returns
    -------
    tuple
        Panel of A + n arms and the same contrasts on it; both as given where there is no such cell.

    Tested in tests/stats/test_lone_runs.py.
    """
    answers = [np.isfinite(scores) & (panel.replicates != ABSENT)[:, :, None] for scores in panel.scores]
    seen = np.stack([answered.any(axis=2) for answered in answers], axis=2)
    twice = np.stack([(answered.sum(axis=1) > 1).any(axis=1) for answered in answers], axis=1)
    lone = seen.any(axis=1) & ~twice & (seen.any(axis=2).sum(axis=1) > 1)[:, None]
    if not lone.any():
        return panel, rows
    kept = {(int(a), seen[a, :, b].tobytes()) for a, b in np.argwhere(lone)}
    place = {key: panel.n_arms + n for n, key in enumerate(sorted(kept))}
    home = np.where(lone, 0, np.arange(panel.n_arms)[:, None])
    for a, b in np.argwhere(lone):
        home[a, b] = place[int(a), seen[a, :, b].tobytes()]
    cells = home[rows.arm, rows.benchmark] * rows.shape[1] + rows.benchmark
    moved = ContrastRows(rows.starts, cells, rows.values, (panel.n_arms + len(place), rows.shape[1]))
    return _with_own_arms(panel, answers, lone, home, len(place)), moved


def _with_own_arms(panel: Panel, answers: list[BoolArray], lone: BoolArray, home: IntArray, n: int) -> Panel:
    """Return the panel with n arms more, which hold the cells that are alone."""
    n_arms, n_rows = panel.replicates.shape
    scores = []
    for b, (before, answered) in enumerate(zip(panel.scores, answers, strict=True)):
        after = np.full((n_arms + n, n_rows, before.shape[2]), np.nan)
        after[:n_arms] = np.where(lone[:, b, None, None], np.nan, before)
        for a in np.flatnonzero(lone[:, b]):
            after[home[a, b], 0] = _only(before[a], answered[a])
        scores.append(after)
    own = np.full((n, n_rows), ABSENT)
    own[:, 0] = panel.replicates.max() + 1 + np.arange(n)
    marked = np.zeros(n_arms, dtype=bool) if panel.trained_once is None else panel.trained_once
    kinship = None if panel.kinship is None else np.pad(panel.kinship, (0, n))
    return replace(
        panel,
        scores=tuple(scores),
        replicates=np.concatenate([panel.replicates, own]),
        kinship=kinship,
        trained_once=np.concatenate([marked, np.ones(n, dtype=bool)]),
    )


def _only(scores: FloatArray, answered: BoolArray) -> FloatArray:
    """(I,): the one answer of each item; NaN where there is none."""
    return np.where(answered.any(axis=0), np.where(answered, scores, 0.0).sum(axis=0), np.nan)
