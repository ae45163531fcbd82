"""Computes the loss of preferences: DPO on pairs of answers, in nats.

Dimension letters: P learnt positions, D width, B rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from gauger.train.batches import PaddedRows
from gauger.train.head import Head
from gauger.train.losses import token_log_probabilities


@dataclass(frozen=True)
class PreferenceLoss:
    """Direct preference optimisation; rows come as better, worse, better, worse."""

    beta: float = 0.1
    """How strongly the student is held to the reference: smaller lets it move further for the same loss."""

    group = 2

    def size(self, n_rows: int, n_learnt: int) -> int:  # noqa: ARG002 - the protocol's signature
        """Return the number of pairs."""
        return n_rows // 2

    def __call__(self, hidden_PD: Tensor, head: Head, batch: PaddedRows) -> Tensor:
        """Return the sum over pairs."""
        log_P = token_log_probabilities(hidden_PD, head, batch.labels)
        return dpo_loss(batch.by_row(log_P - batch.targets["reference_log"]), self.beta).sum()


def dpo_loss(log_ratio_B: Tensor, beta: float) -> Tensor:
    """Loss of each pair (Rafailov et al. 2023, eq. 7).

    -log sigmoid(beta ((log q(y+) - log r(y+)) - (log q(y-) - log r(y-)))), q the student, r the reference, y+ the
    better and y- the worse answer to one prompt.

    Parameters
    ----------
    log_ratio_B : Tensor
        log q(y) - log r(y) in nats, summed over an answer's tokens: better, worse, better, worse.
    beta : float
        At least 0. 0: every pair costs log 2 and nothing is learnt; large: a pair in the right order costs nothing, one
        in the wrong order beta x its margin.

    Returns
    -------
    Tensor
        (B / 2,); log 2 where the student is the reference, and the gradient then raises y+ and lowers y- with weight
        beta / 2.

    Notes
    -----
    Proof: tests/train/test_losses.py.
    """
    return -F.logsigmoid(beta * (log_ratio_B[0::2] - log_ratio_B[1::2]))
