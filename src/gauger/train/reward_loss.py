"""Computes the loss of rewards: a clipped surrogate, with a penalty for leaving the reference, and advantages.

Dimension letters: P learnt positions, D width, B prompts, G answers to each.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gauger.train.batches import PaddedRows
from gauger.train.head import Head
from gauger.train.losses import token_log_probabilities


@dataclass(frozen=True)
class GrpoLoss:
    """Group-relative policy optimisation without a critic (Shao et al. 2024, section 4.1).

    -sum_i sum_t [ min(rho A_i, clip(rho, 1 - eps, 1 + eps) A_i) - w k3 ],  rho = q(y_t) / q_drawn(y_t)

    Tokens are summed, not averaged per answer, so that at rho = 1 the gradient is exactly the policy gradient
    -sum_i A_i grad log q(y_i) whatever the lengths (Liu et al. 2025). Proof: tests/train/test_losses.py,
    test_rewards.py (the gradient of the expected reward over all answers).
    """

    clip: float = 0.2
    """eps: beyond a ratio of 1 +- eps a token adds no gradient in the direction it has already gone."""
    kl_weight: float = 0.04
    """w."""

    group = 1

    def size(self, n_rows: int, n_learnt: int) -> int:  # noqa: ARG002 - the protocol's signature
        """Return the number of answers."""
        return n_rows

    def __call__(self, hidden_PD: Tensor, head: Head, batch: PaddedRows) -> Tensor:
        """Return the sum over answers of the sum over their tokens."""
        log_P, targets = token_log_probabilities(hidden_PD, head, batch.labels), batch.targets
        gain_P = surrogate(log_P - targets["drawn_log"], targets["advantage"], self.clip)
        return (self.kl_weight * kl_k3(log_P, targets["reference_log"]) - gain_P).sum()


def surrogate(log_ratio_P: Tensor, advantage_P: Tensor, clip: float) -> Tensor:
    """Return what PPO maximises at each token (Schulman et al. 2017, eq. 7): min(rho A, clip(rho, 1 - eps, 1 + eps) A).

    Parameters
    ----------
    log_ratio_P : float tensor, (P,)
        log rho = log q(token) - log q_drawn(token), in nats.
    advantage_P : float tensor, (P,)
        A of each token's answer.
    clip : float
        eps, between 0 and 1.

    Returns
    -------
    float tensor, (P,)
        A gain, not a loss. At rho = 1 its gradient is A times that of log q; outside the bounds it is 0 on the side to
        which A pushes, and as before on the other.

    Notes
    -----
    Proof: tests/train/test_losses.py (gradients inside and outside of the bounds).
    """
    ratio = log_ratio_P.exp()
    return torch.minimum(ratio * advantage_P, ratio.clamp(1 - clip, 1 + clip) * advantage_P)


def kl_k3(log_P: Tensor, reference_log_P: Tensor) -> Tensor:
    """Estimate KL(student || reference) at every token that the student drew (Schulman 2020).

    k3 = r/q - log(r/q) - 1, in nats; never below 0, and its mean under q is the divergence. Tokens that somebody else
    drew give no such mean.

    Parameters
    ----------
    log_P, reference_log_P : float tensor, (P,)
        log q and log r of the tokens drawn, in nats.

    Returns
    -------
    float tensor, (P,)
        0 where the two agree.

    Notes
    -----
    Use `divergence.full_divergence` where whole distributions are at hand. Proof: tests/train/test_losses.py.
    """
    left = reference_log_P - log_P
    # expm1 keeps the digits that exp(x) - 1 loses near 0; what rounding still leaves below 0 is cut
    return (left.expm1() - left).clamp_min(0.0)


def advantages(reward_BG: Tensor) -> Tensor:
    """Compare rewards with those of their group: A = (r - mean(r)) / std(r), std of the population; 0 where all equal.

    Parameters
    ----------
    reward_BG : Tensor
        Rewards of G answers to each of B prompts, all known. One answer alone has advantage 0.
    """
    centred = reward_BG - reward_BG.mean(dim=1, keepdim=True)
    # asked of the rewards, not of their spread: a rounded mean leaves equal rewards a spread that is tiny but not 0
    equal = reward_BG.amin(dim=1, keepdim=True) == reward_BG.amax(dim=1, keepdim=True)
    spread = reward_BG.std(dim=1, correction=0, keepdim=True)
    return torch.where(equal, 0.0, centred / torch.where(equal, 1.0, spread))
