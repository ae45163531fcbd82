"""Batched decoding: greedy or sampled, many prompts at once, with the log-probabilities of what was written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gauger.train.tiny.model import Decoder

END = 2


@dataclass(frozen=True)
class Decoding:
    """How to continue prompts."""

    max_new_tokens: int
    """Most new tokens, end mark included; the model's context is a limit too."""
    temperature: float = 0.0
    """0 takes the most likely token; otherwise softmax(logits / temperature) is sampled."""
    stops: frozenset[int] = frozenset({END})
    """Tokens after which a text has ended; they stay in the answer."""
    batch: int = 512
    """Prompts decoded together."""


def complete(
    model: Decoder, prompts: Sequence[Sequence[int]], decoding: Decoding, generator: torch.Generator | None = None
) -> list[list[int]]:
    """Continue each prompt.

    Parameters
    ----------
    model : Decoder
        The model that answers.
    prompts : sequence of sequences of int
        Token ids, begin mark included; lengths may differ. Prompts of equal length are decoded together, so that no
        padding enters attention.
    decoding : Decoding
        Length, temperature and stops.
    generator : torch.Generator, optional
        Source of randomness; needed when sampling.

    Returns
    -------
    list of list of int
        The new tokens of each prompt up to its first stop, in the order of `prompts`; without a stop it was cut off.
    """
    answers: list[list[int]] = [[] for _ in prompts]
    for indices in _groups([len(prompt) for prompt in prompts], decoding.batch):
        tokens = torch.tensor([list(prompts[i]) for i in indices])
        for index, row in zip(indices, _continue(model, tokens, decoding, generator).tolist(), strict=True):
            stop = next((place for place, token in enumerate(row) if token in decoding.stops), len(row))
            answers[index] = row[: stop + 1]
    return answers


def _groups(lengths: Sequence[int], batch: int) -> Iterator[list[int]]:
    """Yield the indices of prompts of one length, at most `batch` at a time."""
    by_length: dict[int, list[int]] = {}
    for index, length in enumerate(lengths):
        by_length.setdefault(length, []).append(index)
    for length in sorted(by_length):
        for start in range(0, len(by_length[length]), batch):
            yield by_length[length][start : start + batch]


@torch.inference_mode()
def _continue(model: Decoder, tokens_BT: Tensor, decoding: Decoding, generator: torch.Generator | None) -> Tensor:
    length = tokens_BT.shape[1]
    stops = torch.tensor(sorted(decoding.stops))
    ended = torch.zeros(len(tokens_BT), dtype=torch.bool)
    for _ in range(min(decoding.max_new_tokens, model.config.context - length)):
        logits_BV = model.logits(model.hidden(tokens_BT)[:, -1])
        if decoding.temperature > 0:
            chances = (logits_BV / decoding.temperature).softmax(dim=-1)
            next_B1 = torch.multinomial(chances, 1, generator=generator)
        else:
            next_B1 = logits_BV.argmax(dim=-1, keepdim=True)
        tokens_BT = torch.cat([tokens_BT, next_B1], dim=1)
        ended |= torch.isin(next_B1[:, 0], stops)
        if bool(ended.all()):
            break
    return tokens_BT[:, length:]


@torch.inference_mode()
def log_probabilities(
    model: Decoder, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]], top_k: int
) -> list[tuple[Tensor, Tensor]]:
    """Return, for each answer, the `top_k` most likely tokens at each of its positions and their log-probabilities.

    Returns
    -------
    list of (Tensor, Tensor)
        Tokens and log-probabilities in nats, each (length of the answer, top_k).
    """
    shown: list[tuple[Tensor, Tensor]] = [(torch.empty(0), torch.empty(0))] * len(prompts)
    whole = [[*prompt, *answer] for prompt, answer in zip(prompts, answers, strict=True)]
    for indices in _groups([len(row) for row in whole], 512):
        log_BTV = model(torch.tensor([whole[i] for i in indices])[:, :-1]).log_softmax(dim=-1)
        values, tokens = log_BTV.topk(min(top_k, log_BTV.shape[-1]), dim=-1)
        for place, index in enumerate(indices):
            first = len(prompts[index]) - 1
            shown[index] = (tokens[place, first:], values[place, first:])
    return shown
