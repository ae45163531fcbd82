"""Computes the loss of distillation across tokenizers: cross-entropy of the text, and L1 of sorted probabilities.

Dimension letters: P learnt positions, C those of a chunk, K shown tokens, V vocabulary, D width.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from gauger.train.batches import PaddedRows
from gauger.train.divergence import sorted_distance
from gauger.train.head import Head, chunked_losses
from gauger.train.losses import SOFT_CHUNK, NextToken


@dataclass(frozen=True)
class SortedLoss:
    """Universal logit distillation (Boizard et al. 2024, eq. 7): what the teacher wrote, and how sure it was.

    -sum_t log q(y_t | y before t) + weight * sum over aligned t of sorted_distance_t

    The targets `sorted_log` are (P, K) shown log-probabilities; `aligned` is (P,), 1 where the teacher has a
    distribution after the same text, else 0 (`alignment.py`). Proof: tests/train/test_sorted_loss.py.
    """

    weight: float = 1.5
    """Above 0; the authors' lambda."""
    temperature: float = 1.0

    group = 1

    def size(self, n_rows: int, n_learnt: int) -> int:  # noqa: ARG002 - the protocol's signature
        """Return the number of learnt positions."""
        return n_learnt

    def __call__(self, hidden_PD: Tensor, head: Head, batch: PaddedRows) -> Tensor:
        """Return the sum over learnt positions."""
        written = NextToken()(hidden_PD, head, batch)
        if not batch.targets:
            return written
        log_PK, aligned_P = batch.targets["sorted_log"], batch.targets["aligned"]

        def losses_of(logits_CV: Tensor, part: slice) -> Tensor:
            return aligned_P[part] * sorted_distance(logits_CV, log_PK[part], self.temperature)

        has_P = batch.has_targets_P
        compared = hidden_PD if has_P is None else hidden_PD[has_P]
        return written + self.weight * chunked_losses(compared, head, losses_of, SOFT_CHUNK).sum()
