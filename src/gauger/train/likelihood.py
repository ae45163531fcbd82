"""Asks models how likely texts are: the log-probability of each learnt token, its alternatives, the mean loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from gauger.train.batches import PaddedRows, by_length, collate
from gauger.train.engine import Model
from gauger.train.head import chunks
from gauger.train.losses import token_log_probabilities
from gauger.train.rows import TokenRows, TrainingRow, positions
from gauger.train.soft_targets import Shown

MICRO = 2
"""Without gradients so many times an engine's micro-batch fits."""


@torch.no_grad()
def hidden_states(model: Model, rows: TokenRows) -> Tensor:
    """Return the hidden states that predict the learnt tokens of all rows, row after row, on the CPU.

    With the model's head they hold its full distribution in D numbers a token. Use `top_tokens` to make that of them.

    Parameters
    ----------
    model : Model
        Of any engine; asked without gradients, rows of similar length together.
    rows : TokenRows
        N rows with P learnt positions in all.

    Returns
    -------
    float tensor, (P, D)
        In the model's precision; (0,) without rows.

    Notes
    -----
    Proof: tests/train/test_engines.py (a hidden state holds the full distribution; small batches change only rounding).
    """
    return _along(model, rows, lambda hidden_PD, _: hidden_PD)


@torch.no_grad()
def token_logs(model: Model, rows: TokenRows) -> Tensor:
    """Return log p(token | everything before it) of the learnt tokens of all rows, row after row, on the CPU.

    Parameters
    ----------
    model : Model
        Of any engine; asked without gradients, rows of similar length together.
    rows : TokenRows
        N rows with P learnt positions in all.

    Returns
    -------
    float32 tensor, (P,)
        In nats, at most 0; (0,) where nothing is learnt.

    Notes
    -----
    Proof: tests/train/test_engines.py (against one row at a time).
    """
    head = model.head()
    return _along(model, rows, lambda hidden_PD, batch: token_log_probabilities(hidden_PD, head, batch.labels))


def _along(model: Model, rows: TokenRows, values_of: Callable[[Tensor, PaddedRows], Tensor]) -> Tensor:
    """Compute values of learnt positions, rows of similar length together, and put them back in the rows' order."""
    joined = torch.empty(0)
    for index in by_length(rows.length_N, MICRO * model.defaults.micro_tokens):
        batch = collate([(rows, index)]).to(model.device)
        values = values_of(model.hidden(batch), batch).cpu()
        if not len(joined):
            joined = values.new_empty(int(rows.n_learnt.sum()), *values.shape[1:])
        joined[torch.from_numpy(positions(rows, index))] = values
    return joined


def log_probabilities(model: Model, rows: Sequence[TrainingRow], top_k: int | None) -> list[Shown]:
    """Say how likely a model finds each learnt token of a text, and what else it would have written there.

    Parameters
    ----------
    model : Model
        Of any engine; what `Model.log_probabilities` does.
    rows : sequence of Row
        Texts; what is learnt of them is shown: the completion and its end mark, or the whole text.
    top_k : int, optional
        Tokens shown at each position; None: the whole vocabulary, 590 kB a token at 49k. For a full distribution of
        such a size keep `hidden_states` instead.

    Returns
    -------
    list of Shown
        Per row, (T, top_k) tokens and log-probabilities in nats, most likely first.
    """
    encoded = model.encode(rows)
    tokens, values = top_tokens(model, hidden_states(model, encoded), top_k)
    ends = np.cumsum(encoded.n_learnt)
    return [Shown(tokens[a:b], values[a:b]) for a, b in zip(ends - encoded.n_learnt, ends, strict=True)]


@torch.no_grad()
def top_tokens(model: Model, hidden_PD: Tensor, top_k: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the most likely tokens at each position and their log-probabilities.

    Parameters
    ----------
    model : Model
        Whose head makes logits of the states.
    hidden_PD : float tensor, (P, D)
        From `hidden_states` of the same model; P may be 0.
    top_k : int, optional
        K; None, or more than the head has rows: all V of them.

    Returns
    -------
    tokens : array of int64, (P, K)
        Most likely first.
    log_probabilities : array of float32, (P, K)
        In nats, against the whole vocabulary: they add up to 1 at K = V alone.
    """
    head = model.head()
    most = len(head.weight_VD)
    k = most if top_k is None else min(top_k, most)
    tokens, values = [np.empty((0, k), dtype=np.int64)], [np.empty((0, k), dtype=np.float32)]
    for part in chunks(len(hidden_PD)):
        value_CK, token_CK = head.logits(hidden_PD[part].to(head.weight_VD.device)).log_softmax(dim=-1).topk(k, dim=-1)
        tokens.append(token_CK.cpu().numpy())
        values.append(value_CK.cpu().numpy().astype(np.float32))
    return np.concatenate(tokens), np.concatenate(values)


def mean_loss(model: Model, rows: Sequence[TrainingRow]) -> float | None:
    """Return the cross-entropy of what is learnt of texts, in nats per token.

    -(1 / P) sum over learnt tokens of log p(token | everything before it): long texts weigh more than short ones.

    Parameters
    ----------
    model : Model
        Of any engine.
    rows : sequence of Row
        What is learnt of them counts: the completion and its end mark, or the whole text.

    Returns
    -------
    float or None
        None where nothing is learnt, as without rows or where prompts fill the context.
    """
    logs_P = token_logs(model, model.encode(rows))
    return -float(logs_P.mean()) if len(logs_P) else None
