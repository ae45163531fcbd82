"""Says which rows of `gauger.fit` no law was fitted to, because their outcome is empty, and which runs went too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gauger.api.table_input import PointTable

SHOWN = 10


def left_out_warnings(table: PointTable, outcome: str) -> list[str]:
    """Say which rows have no outcome; of runs, which have none at their last checkpoint.

    Parameters
    ----------
    table : PointTable
        As fitted.
    outcome : {"loss", "accuracy"}
        Of the laws that were fitted.

    Returns
    -------
    list of str
        At most one sentence. An earlier checkpoint of a run that has its last one is no loss to a law of scale.

    Notes
    -----
    Tested in tests/api/test_left_out.py.
    """
    points = table.points
    measured = getattr(points, outcome)
    empty = np.ones(len(points), dtype=bool) if measured is None else ~np.isfinite(measured)
    if points.weight is not None:
        empty &= points.weight > 0
    if points.run is None:
        lines = [str(table.rows.lines[row]) for row in np.flatnonzero(empty)]
        return [f"{len(lines)} rows left out for an empty {outcome} (lines {_some(lines)})"] if lines else []
    lost = [row for row in last_rows(points.run, points.n_tokens) if empty[row]]
    if not lost:
        return []
    names = [table.rows.columns["run"][row] or f"that of line {table.rows.lines[row]}" for row in lost]
    return [
        f"{len(lost)} of {len(np.unique(points.run))} runs left out, for their last checkpoint has no {outcome} "
        f"({_some(names)})"
    ]


def last_rows(run: np.ndarray, n_tokens: np.ndarray) -> list[int]:
    """List the row of most tokens of every run, as `Points.finished` takes it, in the order of the rows."""
    order = np.lexsort((n_tokens, run))
    return sorted(order[np.append(run[order][1:] != run[order][:-1], True)].tolist())


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
