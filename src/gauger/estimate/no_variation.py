"""Bounds what a contrast may hide where no answer differs from its arm's mean, so that there is no variance to go by.

With n items alike, a kind of item that makes up a share h of all stays unseen with probability (1 - h)^n. On such items
every arm may answer in any way: the mean of an arm that is always right falls by h, that of one that never is rises by
h, and the difference of the two falls by 2 h. Clopper and Pearson's bound for none of n, with that much at stake.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gauger.estimate.contrasts import PlannedBatch
from gauger.estimate.packed_weights import packed
from gauger.records import SetKind


@dataclass(frozen=True)
class HiddenShares:
    """What items that have not shown themselves can do to a contrast; G groups of benchmarks that share no item."""

    n_items: NDArray[np.float64]
    """(G,): different items, or clusters, that all arms were asked; of a group's benchmarks the fewest."""
    fall: NDArray[np.float64]
    """(G,): by how much the contrast falls where every item of the group is as bad for it as can be."""
    rise: NDArray[np.float64]
    """(G,): by how much it rises where every item is as good for it as can be."""

    def reach(self, stake: NDArray[np.float64], level: float) -> float:
        """Return the most of `stake` (G,) that may be hidden: sum c_g h_g where nothing hidden had shown itself.

        The largest sum over all shares h_g with ``prod (1 - h_g)^n_g >= (1 - level) / 2``: few items hide more than
        many, and a group with nothing at stake hides nothing. At the largest, 1 - h_g is n_g / c_g times one number.
        """
        groups = np.flatnonzero(stake > 0)
        log_ratio = np.log(self.n_items[groups]) - np.log(stake[groups])
        groups, log_ratio = groups[np.argsort(log_ratio)], np.sort(log_ratio)
        for last in range(len(groups), 0, -1):
            n = self.n_items[groups[:last]]
            common = (np.log((1 - level) / 2) - float(n @ log_ratio[:last])) / float(n.sum())
            if common + log_ratio[last - 1] <= 0:
                return float(stake[groups[:last]] @ -np.expm1(common + log_ratio[:last]))
        return 0.0


def hidden_shares(batch: PlannedBatch, p: int) -> HiddenShares:
    """Count the items behind a linear contrast of points, and what is at stake on them.

    Parameters
    ----------
    batch : PlannedBatch
        The estimated contrasts.
    p : int
        Position of a planned estimate with weights.

    Returns
    -------
    HiddenShares
        Of an arm with weight w and mean m the contrast can fall by w m and rise by w (1 - m), the other way round where
        w is negative. Benchmarks that share clusters are one group: what hides in one may hide in all at once.
    """
    weights = packed(batch.planned[p], "numerator")
    assert weights is not None  # noqa: S101 - an estimate without weights has a reason, and is not constant
    panel = batch.planned[p].case.cells.cube.panel
    arms, benchmarks = np.divmod(weights.cells, weights.shape[1])
    means = batch.means.ravel()[weights.cells]
    falls = np.where(weights.values > 0, weights.values * means, -weights.values * (1 - means))
    rises = np.abs(weights.values) - falls
    asked, counts, fall, rise = [], [], [], []
    for b in np.unique(benchmarks):
        here = benchmarks == b
        answered = np.isfinite(panel.scores[b][arms[here]]).any(axis=1).all(axis=0)
        asked.append(np.unique(panel.units[b][answered]))
        counts.append(max(len(asked[-1]), 1))
        fall.append(falls[here].sum())
        rise.append(rises[here].sum())
    if len(np.unique(np.concatenate(asked))) < sum(map(len, asked)):
        counts, fall, rise = [min(counts)], [sum(fall)], [sum(rise)]
    return HiddenShares(np.array(counts, dtype=float), np.array(fall), np.array(rise))


def nothing_varied(batch: PlannedBatch, p: int, value: float) -> dict[str, Any]:
    """Return the interval and the note of an estimate in which nothing varied.

    Parameters
    ----------
    batch : PlannedBatch
        The estimated contrasts; its level is that of the interval.
    p : int
        Position of the estimate in the plan.
    value : float
        Of the estimate.

    Returns
    -------
    dict
        `low`, `high`, `kind` and `note` of an `Estimate`: from the value as far down and up as what is hidden may move
        it, never beyond what the contrast can be. Of a ratio, and on other scales than points, the note alone.

    Notes
    -----
    By hand in tests/estimate/test_no_variation.py.
    """
    planned = batch.planned[p]
    shares = hidden_shares(batch, p)
    n = int(shares.n_items.sum())
    most = 100 * (1 - ((1 - batch.level) / 2) ** (1 / shares.n_items.min()))
    where = f"{most:.1f} % of items" if len(shares.n_items) == 1 else f"up to {most:.1f} % of a benchmark's items"
    note = f"No variation was seen: on {n} items every answer of an arm is alike. So few can hide {where}"
    note += " that behave otherwise."
    if planned.is_ratio or planned.linearised is not None:
        return {"kind": str(SetKind.NONE), "note": note}
    return {
        "low": value - shares.reach(shares.fall, batch.level),
        "high": value + shares.reach(shares.rise, batch.level),
        "kind": str(SetKind.INTERVAL),
        "note": f"{note} The interval is what they could do, and says nothing of training.",
    }
