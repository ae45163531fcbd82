"""Decodes in batches: greedy or sampled, prompts of equal length together, so that no padding enters attention."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gauger.train.draws import keys_of, next_tokens
from gauger.train.engine import Completion, Continuation
from gauger.train.rows import Prompt
from gauger.train.tiny.model import Decoder
from gauger.train.tiny.tokens import END, Words

BATCH = 512


def complete(
    model: Decoder,
    words: Words,
    prompts: Sequence[Prompt],
    decoding: Continuation,
    seeds: Sequence[int],
    stops: Sequence[tuple[str, ...]],
) -> list[Completion]:
    """Continue each prompt: `Model.complete` of this engine.

    Parameters
    ----------
    model : Decoder
        Small, on the CPU.
    words : Words
        The model's vocabulary.
    prompts : sequence of Prompt
        Of its words; one that fills the context gets an empty answer that has not ended.
    decoding : Decoding
        Most new tokens, temperature, and prompts of a batch (None: 512).
    seeds : sequence of int
        One per prompt; without effect at temperature 0.
    stops : sequence of tuple of str
        Words that end an answer, one tuple per prompt; what is not in the vocabulary ends nothing.

    Returns
    -------
    list of Completion
        In the order of `prompts`.

    Raises
    ------
    UserError
        Where a prompt has a word that is not in the vocabulary.

    Notes
    -----
    Proof: tests/train/tiny/test_decode.py (against one token at a time).
    """
    ids = [words.prompt_ids(prompt) for prompt in prompts]
    keys_N = keys_of(ids, seeds) if decoding.temperature > 0 else np.zeros(len(ids), dtype=np.uint64)
    kinds = {own: number for number, own in enumerate(dict.fromkeys(stops))}
    stops_UV = _stop_table(words, list(kinds))
    kind_N = np.array([kinds[own] for own in stops], dtype=np.int64)
    answers: list[list[int]] = [[] for _ in prompts]
    ended = [False] * len(prompts)
    for index in _groups([len(prompt) for prompt in ids], decoding.batch or BATCH):
        tokens_BT = torch.tensor([ids[i] for i in index])
        stops_BV = stops_UV[torch.from_numpy(kind_N[index])]
        new_BT, length_B = _continue(model, tokens_BT, decoding, stops_BV, keys_N[index])
        for i, row, length in zip(index, new_BT.tolist(), length_B.tolist(), strict=True):
            ended[i] = length <= len(row)
            answers[i] = row[:length]
    return [
        _completion(words, prompt, len(own), answer, done)
        for prompt, own, answer, done in zip(prompts, ids, answers, ended, strict=True)
    ]


def _completion(words: Words, prompt: Prompt, tokens_in: int, ids: list[int], ended: bool) -> Completion:
    written = ids[:-1] if ended else ids
    stop = words.words[ids[-1]] if ended and ids[-1] != END else None
    return Completion(words.text(written, prompt), ended, stop, tokens_in, len(ids), tuple(ids))


def _stop_table(words: Words, kinds: Sequence[tuple[str, ...]]) -> Tensor:
    """Return which tokens end an answer for each set of stops, (U, V); a word that nobody can write ends nothing."""
    stops_UV = torch.zeros(len(kinds), len(words), dtype=torch.bool)
    stops_UV[:, END] = True
    for number, own in enumerate(kinds):
        stops_UV[number, [words.numbers[word] for word in own if word in words.numbers]] = True
    return stops_UV


def _groups(lengths: Sequence[int], batch: int) -> Iterator[list[int]]:
    """Yield the indices of prompts of one length, at most `batch` at a time."""
    by_length: dict[int, list[int]] = {}
    for index, length in enumerate(lengths):
        by_length.setdefault(length, []).append(index)
    for length in sorted(by_length):
        for start in range(0, len(by_length[length]), batch):
            yield by_length[length][start : start + batch]


@torch.inference_mode()
def _continue(
    model: Decoder, tokens_BT: Tensor, decoding: Continuation, stops_BV: Tensor, keys_B: NDArray[np.uint64]
) -> tuple[Tensor, Tensor]:
    """Return the new tokens, and of each prompt how many up to its stop: one more than there are where none came."""
    room = max(0, min(decoding.max_new_tokens, model.config.context - tokens_BT.shape[1]))
    new_BT = torch.full((len(tokens_BT), room), END)
    length_B, alive = torch.full((len(tokens_BT),), room + 1), torch.arange(len(tokens_BT))
    for place in range(room):
        logits_AV = model.logits(model.hidden(tokens_BT)[:, -1])
        if decoding.steer is not None:
            logits_AV = decoding.steer(logits_AV, tokens_BT.tolist())
        next_A = next_tokens(logits_AV, decoding.temperature, keys_B[alive.numpy()], place)
        new_BT[alive, place] = next_A
        stopped_A = stops_BV[alive, next_A]
        length_B[alive[stopped_A]] = place + 1
        alive = alive[~stopped_A]
        if not len(alive):
            break
        tokens_BT = torch.cat([tokens_BT, next_A[:, None]], dim=1)[~stopped_A]
    return new_BT, length_B
