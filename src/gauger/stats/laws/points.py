"""Holds points: what was trained at which scale and how well it did, one point per model (or mean of replicates).

Dimension letter: n points. Counts are plain numbers (parameters, tokens), losses are nats per token, accuracies 0-1.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

FLOPS_PER_PARAMETER_AND_TOKEN = 6.0
"""Training compute is about 6 N D (Kaplan et al. 2020, section 2.1)."""


@dataclass(frozen=True)
class Points:
    """n trained models; a column that was not given is None, a single missing cell is NaN."""

    n_params: FloatArray
    """(n,): parameters of the trained model, N."""
    n_tokens: FloatArray
    """(n,): training tokens with repeats, D."""
    loss: FloatArray | None = None
    """(n,): held-out cross-entropy, nats per token, above 0."""
    accuracy: FloatArray | None = None
    """(n,): score, 0-1."""
    teacher_loss: FloatArray | None = None
    """(n,): the teacher's held-out cross-entropy; NaN marks a model trained without a teacher."""
    unique_tokens: FloatArray | None = None
    """(n,): distinct tokens among `n_tokens`; None: nothing is repeated."""
    pretrained: FloatArray | None = None
    """(n,): 1 where training began from a pre-trained model, 0 from scratch; None: from a pre-trained model."""
    n_items: FloatArray | None = None
    """(n,): items behind an accuracy."""
    loss_se: FloatArray | None = None
    """(n,): standard error of the loss, nats."""
    accuracy_se: FloatArray | None = None
    """(n,): standard error of the accuracy: the crossed item x replicate one where it is known."""
    weight: FloatArray | None = None
    """(n,): weight of the point in the fit, at least 0."""
    group: IntArray | None = None
    """(n,): points that share their errors (one replicate, one cluster of runs) have one number."""
    run: IntArray | None = None
    """(n,): checkpoints of one training run have one number; only the last of each is a point of a law of scale."""
    shares: FloatArray | None = None
    """(n, K): shares of K domains in the training data, rows summing to 1."""
    share_names: tuple[str, ...] | None = None
    """(K,): names of the domains, in the order of `shares`; None: nobody named them."""

    def __len__(self) -> int:
        return len(self.n_params)

    @cached_property
    def log_n(self) -> FloatArray:
        """Natural logarithm of N, (n,)."""
        return np.log(self.n_params)

    @cached_property
    def log_d(self) -> FloatArray:
        """Natural logarithm of D, (n,)."""
        return np.log(self.n_tokens)

    @cached_property
    def log_unique(self) -> FloatArray:
        """Natural logarithm of the distinct tokens, (n,)."""
        return self.log_d if self.unique_tokens is None else np.log(self.unique_tokens)

    @cached_property
    def log_teacher(self) -> FloatArray:
        """Natural logarithm of the teacher's loss, (n,); NaN where there is no teacher."""
        return np.full(len(self), np.nan) if self.teacher_loss is None else np.log(self.teacher_loss)

    @cached_property
    def from_pretrained(self) -> FloatArray:
        """1 where training began from a pre-trained model, (n,)."""
        return np.ones(len(self)) if self.pretrained is None else self.pretrained

    @cached_property
    def log_flops(self) -> FloatArray:
        """Natural logarithm of 6 N D, (n,)."""
        return np.asarray(np.log(FLOPS_PER_PARAMETER_AND_TOKEN) + self.log_n + self.log_d)

    def weighted(self) -> Points:
        """Keep the points of weight above 0; all where none has a weight."""
        return self if self.weight is None else self.take(self.weight > 0)

    def finished(self) -> Points:
        """Keep the last checkpoint of each run, by tokens; all points where none says which run it is from.

        Within a run the learning rate has not yet come down, so an earlier checkpoint is worse than a model that was
        trained on that many tokens: as points of a law of scale they would bend it.
        """
        if self.run is None:
            return self
        order = np.lexsort((self.n_tokens, self.run))
        last = np.append(self.run[order][1:] != self.run[order][:-1], True)
        return replace(self.take(np.sort(order[last])), run=None)

    def take(self, index: IntArray | BoolArray) -> Points:
        """Return some of the points."""
        columns = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "share_names"}
        return replace(self, **{name: value[index] for name, value in columns.items() if value is not None})
