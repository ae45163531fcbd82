"""Takes all cell means of a study to item logits, each benchmark with its own spread of difficulty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gauger.stats import ItemSpread, Panel, item_spread, to_item_logits


@dataclass(frozen=True)
class LogitScale:
    """All cell means of a study as item logits, (A, B) each."""

    eta: NDArray[np.float64]
    slope: NDArray[np.float64]
    by_spread: NDArray[np.float64]
    spreads: tuple[ItemSpread, ...]
    """One per benchmark."""


def logit_scale(panel: Panel, means: NDArray[np.float64]) -> LogitScale:
    """Estimate every benchmark's spread of difficulty, and take every cell mean to item logits.

    ``m = E expit(eta + sigma z)``, z standard normal, solved for eta (`stats.item_logits`). A mean at a bound has no
    logit; it is taken half an item off it, ``(m I + 1/2) / (I + 1)`` of I items, and what so few items can hide is in
    its variance (`stats.crossed.item_part`, least).

    Parameters
    ----------
    panel : Panel
        Scores (arms, replicates, items) per benchmark, in [0, 1]; sigma is estimated from them.
    means : float array, (A, B)
        Cell means in [0, 1]; NaN where nothing was scored.

    Returns
    -------
    LogitScale
        Logits with their derivatives; NaN where a mean is missing, or where no two rows of answers share items, so that
        the spread is unknown.

    Notes
    -----
    docs/methods.md, section 15. Not uniform where items discriminate unequally: validation/verdict shows by how much.
    """
    n_items = np.array([scores.shape[2] for scores in panel.scores])
    means = np.where((means == 0) | (means == 1), (means * n_items + 0.5) / (n_items + 1), means)
    spreads = tuple(item_spread(scores, units) for scores, units in zip(panel.scores, panel.units, strict=True))
    logits = [to_item_logits(means[:, b], spread.sd) for b, spread in enumerate(spreads)]
    eta, slope, by_spread = (
        np.stack([getattr(logit, name) for logit in logits], axis=1) for name in ("eta", "slope", "by_spread")
    )
    return LogitScale(eta, slope, by_spread, spreads)
