"""Preference optimisation: pairs of the student's own answers, one of them preferred (DPO, Rafailov 2023, eq. 7).

    loss = -log sigmoid(beta * ((log q(y+) - log r(y+)) - (log q(y-) - log r(y-))))

with q the student, r the reference (the student as it was), y+ the preferred answer and y- the other. It is log 2 where
the student is the reference; the gradient then raises y+ and lowers y- with weight beta / 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gauger.errors import GaugerError
from gauger.train.tiny.model import Decoder
from gauger.train.tiny.rollout import Rollout, Tokens, as_rollout, roll_out, row_sums, token_log_probabilities
from gauger.train.tiny.rows import shuffled


@dataclass(frozen=True)
class Pair:
    """Two answers to one prompt, as token ids with their end marks."""

    prompt: Tokens
    chosen: Tokens
    rejected: Tokens


@dataclass(frozen=True)
class PairBatch:
    """One step's pairs: the rows of the preferred answers, then those of the others in the same order."""

    tokens_BT: Tensor
    learnt: Tensor
    reference_B: Tensor
    """Log-probability of each answer under the reference, in nats."""


@dataclass(frozen=True)
class DpoLoss:
    """Mean loss of the pairs of a batch, in nats."""

    beta: float = 1.0
    """How strongly the student is held to the reference: smaller lets it move further for the same loss."""

    def __call__(self, model: Decoder, batch: PairBatch) -> Tensor:
        """Return the mean over pairs."""
        policy_B = row_sums(token_log_probabilities(model, batch.tokens_BT, batch.learnt), batch.learnt)
        return dpo_loss(policy_B - batch.reference_B, self.beta).mean()


def dpo_loss(log_ratio_B: Tensor, beta: float) -> Tensor:
    """Loss of each pair, (B / 2,).

    Parameters
    ----------
    log_ratio_B : Tensor
        log q(y) - log r(y) in nats: the preferred answers, then the others.
    beta : float
        0: every pair costs log 2 and nothing is learnt; large: a pair in the right order costs nothing, one in the
        wrong order beta x its margin.
    """
    chosen, rejected = log_ratio_B.chunk(2)
    return -F.logsigmoid(beta * (chosen - rejected))


class PairSource:
    """Batches of given pairs, in seeded order; the reference's log-probabilities are computed once.

    Parameters
    ----------
    pairs : sequence of Pair
        What is learnt from.
    reference : Decoder
        The student before the stage.
    per_batch : int
        Pairs in each batch.
    """

    def __init__(self, pairs: Sequence[Pair], reference: Decoder, per_batch: int) -> None:
        if not pairs:
            raise GaugerError("there is nothing to train on: no prompt has a right and a wrong answer")
        self.pairs, self.per_batch = pairs, per_batch
        self.drawn = np.zeros(len(pairs), dtype=np.int64)
        """How often each pair has been trained on."""
        self.reference_N2 = reference_log_probabilities(pairs, reference)

    def batches(self, steps: int, seed: int) -> Iterator[PairBatch]:
        """Yield `steps` batches, passing through fresh permutations of the pairs."""
        order = shuffled(len(self.pairs), self.per_batch, np.random.default_rng(seed))
        for _ in range(steps):
            index = next(order)
            np.add.at(self.drawn, index, 1)
            rows = rows_of_pairs([self.pairs[i] for i in index])
            yield PairBatch(rows.tokens_BT, rows.learnt, self.reference_N2[index].T.reshape(-1))


def rows_of_pairs(pairs: Sequence[Pair]) -> Rollout:
    """Put the preferred answers, then the others, into padded rows."""
    prompts = [pair.prompt for pair in pairs] * 2
    return as_rollout(prompts, [*(pair.chosen for pair in pairs), *(pair.rejected for pair in pairs)])


@torch.no_grad()
def reference_log_probabilities(pairs: Sequence[Pair], reference: Decoder, batch: int = 512) -> Tensor:
    """Return log r of both answers of each pair, (N, 2)."""
    found = []
    for start in range(0, len(pairs), batch):
        rows = rows_of_pairs(pairs[start : start + batch])
        log_B = row_sums(token_log_probabilities(reference, rows.tokens_BT, rows.learnt), rows.learnt)
        found.append(log_B.view(2, -1).T)
    return torch.cat(found)


def draw_answers(model: Decoder, prompts: Sequence[Tokens], each: int, seed: int) -> list[list[Tokens]]:
    """Draw `each` answers to every prompt from the model's own distribution."""
    generator = torch.Generator().manual_seed(seed)
    drawn = roll_out(model, [prompt for prompt in prompts for _ in range(each)], generator).answers if prompts else ()
    return [list(drawn[start : start + each]) for start in range(0, len(drawn), each)]


def judge(answers: Sequence[Tokens], right: Tokens, rng: np.random.Generator) -> tuple[Tokens, Tokens] | None:
    """Choose an answer that is right and one that is not, each at random among those drawn; None where one is lacking.

    Parameters
    ----------
    answers : sequence of Tokens
        Answers drawn to one prompt, end marks included.
    right : Tokens
        What the judge holds to be the answer, end mark included.
    """
    good = [answer for answer in answers if answer == right]
    bad = [answer for answer in answers if answer != right]
    if not good or not bad:
        return None
    return good[0], bad[int(rng.integers(len(bad)))]
