"""Fills in what replicates would have shown of arms that were trained once, from the arms that were replicated.

A single training run shows neither its training noise nor how much of the spread of its items is the luck of that run.
Both are borrowed: the net noise of training from the pooled prior (`replicate_prior`), and here, cell by cell, the two
numbers that the prior needs to reach such a cell.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gauger.stats.crossed.crossed import Components
from gauger.stats.crossed.panel import BoolArray, FloatArray

ONCE_VARIANCE = 4.0
"""Net training variance that an arm trained once is taken to have, as a multiple of what the replicated arms show:
twice their noise. One run cannot show how noisy its training is. Taken to be as noisy as the others, an arm that is
twice as noisy was decided on its threshold in 16 to 25 % of studies (validation/verdict)."""


def fill_in_trained_once(components: Components) -> Components:
    """Give every cell that rests on one training run a sensitivity and an item x replicate residual, as others have.

    With m the cell's mean, g its sensitivity (mean of p (1 - p)), e the residual variance of one replicate's mean and I
    its items, and sums over the replicated cells l of the same benchmark:

    - ``g = m (1 - m) sum g_l / sum m_l (1 - m_l)``: how much of p (1 - p) the spread of the items takes away is a
      property of the benchmark. Where no arm was replicated on it, ``g = m (1 - m)``, which no spread can exceed.
    - ``e = (g / I) sum e_l I_l / sum g_l``; ``g / I``, that of right or wrong answers, where nothing was replicated.

    The residual changes no variance, as it is added to the replicate part and taken off as shared with the items; it
    says how well the borrowed noise is known, which is never better than the replicated arms knew theirs.

    Returns
    -------
    Components
        The same object where no arm was trained once, or where nothing tells of training noise (there is nothing to
        borrow then): no arm was replicated, or those that were are at a bound or answered alike.

    Proven in validation/verdict/ and tests/stats/test_trained_once.py.
    """
    filled = components.rests_on_one_run
    if not filled.any() or not components.tells_of_training.any():
        return components
    mean = np.nan_to_num(components.mean)
    room = mean * (1 - mean)
    lent = components.n_replicates > 1
    sensitivity = room * _ratio(components.sensitivity, room, lent)
    own = components.shared.diagonal() * components.n_replicates * components.n_items
    residual = sensitivity / np.maximum(components.n_items, 1) * _ratio(own, components.sensitivity, lent)
    shared = components.shared.with_diagonal(np.where(filled, residual, components.shared.diagonal()))
    return replace(components, sensitivity=np.where(filled, sensitivity, components.sensitivity), shared=shared)


def _ratio(part: FloatArray, whole: FloatArray, lent: BoolArray) -> FloatArray:
    """(B,): sum of `part` over that of `whole`, over the cells that lend; 1 where none does."""
    top, bottom = (np.where(lent, values, 0.0).sum(axis=0) for values in (part, whole))
    return np.asarray(np.divide(top, bottom, out=np.ones_like(top), where=bottom > 0))
