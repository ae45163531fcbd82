"""On-policy distillation: the student writes, the teacher says how likely every token was, the student moves there.

At each step the student draws answers y ~ q from its own distribution, and the loss is the reverse KL at every token of
them, with no gradient through the drawing (Agarwal et al. 2024, GKD with lambda = 1):

    (1 / P) sum over tokens of KL(q(. | y before) || p(. | y before))

Summed over an answer its expectation is KL(q(y) || p(y)) over whole answers, by the chain rule of the divergence. It is
0 with gradient 0 where student and teacher agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gauger.errors import GaugerError
from gauger.train.tiny.losses import SoftLoss
from gauger.train.tiny.model import Decoder
from gauger.train.tiny.rollout import Rollout, Tokens, as_rollout, roll_out
from gauger.train.tiny.rows import Batch, Mixture, shuffled

ON_POLICY_LOSS = SoftLoss("reverse-kl")
_DRAWS = 7
"""Keeps the order of prompts apart from the order of kept-in rows, which has its own streams of the same seed."""


class Scorer(Protocol):
    """A teacher that says how likely each token of a given text was."""

    def admit(self, lengths: Sequence[int]) -> int:
        """Take texts of these lengths in tokens; returns how many of them, from the first, will be scored."""
        ...

    def score(self, tokens_BT: Tensor, learnt: Tensor) -> tuple[Tensor, Tensor]:
        """Return the shown tokens and their log-probabilities at every learnt position, each (P, K)."""
        ...


@dataclass(frozen=True)
class DecoderScorer:
    """A decoder as scorer, without a budget."""

    model: Decoder
    top_k: int | None = None
    """Show only the k most likely tokens; None: all."""

    def admit(self, lengths: Sequence[int]) -> int:
        """Take all."""
        return len(lengths)

    @torch.no_grad()
    def score(self, tokens_BT: Tensor, learnt: Tensor) -> tuple[Tensor, Tensor]:
        """Return what it shows."""
        log_PV = self.model.logits(self.model.hidden(tokens_BT[:, :-1])[learnt]).log_softmax(dim=-1)
        values, tokens = log_PV.topk(min(self.top_k or log_PV.shape[-1], log_PV.shape[-1]), dim=-1)
        return tokens, values


@dataclass(frozen=True)
class OnPolicy:
    """Batches of the student's own answers with the teacher's log-probabilities, and kept-in rows beside them."""

    model: Decoder
    """The student in training: every batch is drawn from it as it is then."""
    prompts: Sequence[Tokens]
    scorer: Scorer
    per_batch: int
    """Answers in each batch."""
    kept_in: Mixture | None = None
    """Rows learnt as text in every batch."""
    drawn: Counter[tuple[Tokens, Tokens]] = field(default_factory=Counter)
    """(prompt, answer) -> how often it was drawn and scored; filled as batches are made."""

    def batches(self, steps: int, seed: int) -> Iterator[Batch]:
        """Yield `steps` batches, fewer where the scorer takes no more texts."""
        if not self.prompts:
            raise GaugerError("there is nothing to train on: there are no prompts")
        generator = torch.Generator().manual_seed(seed)
        order = shuffled(len(self.prompts), self.per_batch, np.random.default_rng([seed, _DRAWS]))
        kept_in = None if self.kept_in is None else self.kept_in.batches(steps, seed)
        for _ in range(steps):
            prompts = [self.prompts[i] for i in next(order)]
            rollout = roll_out(self.model, prompts, generator)
            taken = self.scorer.admit([len(p) + len(a) for p, a in zip(prompts, rollout.answers, strict=True)])
            if not taken:
                return
            if taken < len(prompts):
                rollout = as_rollout(prompts[:taken], rollout.answers[:taken])
            self.drawn.update(zip(prompts, rollout.answers, strict=False))
            tokens_PK, log_PK = self.scorer.score(rollout.tokens_BT, rollout.learnt)
            yield with_kept_in(rollout, tokens_PK, log_PK, None if kept_in is None else next(kept_in))


def with_kept_in(rollout: Rollout, tokens_PK: Tensor, log_PK: Tensor, kept_in: Batch | None) -> Batch:
    """Put scored answers and kept-in rows into one batch, the answers first."""
    tokens_BT, learnt, n_soft = rollout.tokens_BT, rollout.learnt, len(tokens_PK)
    n_hard = 0
    if kept_in is not None:
        longest = max(tokens_BT.shape[1], kept_in.tokens_BT.shape[1])
        tokens_BT = torch.cat([_widen(tokens_BT, longest), _widen(kept_in.tokens_BT, longest)])
        learnt = torch.cat([_widen(learnt, longest - 1), _widen(kept_in.learnt, longest - 1)])
        n_hard = int(kept_in.learnt.sum())
    soft_P = torch.arange(n_soft + n_hard) < n_soft
    return Batch(tokens_BT, learnt, soft_P, tokens_PK, log_PK)


def _widen(rows: Tensor, width: int) -> Tensor:
    return F.pad(rows, (0, width - rows.shape[1]))
