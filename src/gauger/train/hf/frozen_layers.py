"""Keeps the states that layers below an adapter make of rows: no training changes them, so they are computed once.

With an adapter on the top k of L layers, the L - k layers below cost most of a step. Their states are kept for every
row that the training will draw (D numbers a token), made in an order that does not depend on where a training
was interrupted, and every step starts from them. Rows are known by their tokens.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from gauger.train.batches import PaddedRows, by_length, collate
from gauger.train.rows import IntArray, TokenRows

if TYPE_CHECKING:
    from transformers import PreTrainedModel

SPLITTABLE = ("llama",)
"""Architectures whose layers are a plain list, all with the same mask (Llama, SmolLM2, Yi, ...)."""
MOST_BYTES = 1 << 30
LEAST_EPOCHS = 1.3
"""Rows must come so often on average for the states to pay."""
_MICRO_TOKENS = 1024


def pays(model: PreTrainedModel, lowest: int, coming: Sequence[tuple[TokenRows, IntArray]]) -> bool:
    """Say whether keeping states saves time and fits.

    They do where some layers lie below the adapter, the architecture can be split, rows come `LEAST_EPOCHS` times on
    average (weighted by their tokens), and all states take at most `MOST_BYTES`.

    Parameters
    ----------
    model : PreTrainedModel
        The plain model.
    lowest : int
        Layers below the first one that is trained; 0: nothing can be kept.
    coming : sequence of (TokenRows, int array (N,))
        Rows of each source, and how often each of them will be trained on.
    """
    kept = sum(int(rows.length_N[count_N > 0].sum()) for rows, count_N in coming)
    drawn = sum(int(rows.length_N @ count_N) for rows, count_N in coming)
    return (
        lowest > 0
        and model.config.model_type in SPLITTABLE
        and drawn >= LEAST_EPOCHS * kept
        and kept * int(model.config.hidden_size) * 4 <= MOST_BYTES
    )


class FrozenStates:
    """The states that enter layer `lowest`, (T - 1, D) on the CPU for each row that will come."""

    def __init__(self, model: PreTrainedModel, lowest: int, coming: Sequence[tuple[TokenRows, IntArray]]) -> None:
        self._model, self._lowest = model, lowest
        self._states: dict[bytes, Tensor] = {}
        for rows, count_N in coming:
            self._add(rows.take(np.flatnonzero(count_N)))

    @torch.no_grad()
    def _add(self, rows: TokenRows) -> None:
        decoder = part(self._model, 0, self._lowest)
        for index in by_length(rows.length_N, _MICRO_TOKENS):
            batch = collate([(rows, index)])
            tokens_BT = batch.tokens_BT.to(self._model.device)
            states_BTD = decoder(input_ids=tokens_BT[:, :-1], use_cache=False).last_hidden_state.cpu()
            for key, length, states_TD in zip(_keys(batch), batch.length_B.tolist(), states_BTD, strict=True):
                self._states[key] = states_TD[: length - 1].clone()

    def entering(self, batch: PaddedRows) -> Tensor | None:
        """Return what enters layer `lowest`, (B, T - 1, D); None where one of the rows is not known."""
        states = [self._states.get(key) for key in _keys(batch)]
        known = [states_TD for states_TD in states if states_TD is not None]
        if len(known) < len(states):
            return None
        stacked_BTD = known[0].new_zeros(*batch.learnt.shape, known[0].shape[-1])
        for place, states_TD in enumerate(known):
            stacked_BTD[place, : len(states_TD)] = states_TD
        return stacked_BTD.to(self._model.device)

    def upper(self) -> Any:
        """Return the layers above, which make the last hidden states of what enters them."""
        return part(self._model, self._lowest, None)


def _keys(batch: PaddedRows) -> list[bytes]:
    tokens_BT = batch.tokens_BT.cpu().numpy()
    return [row[:length].tobytes() for row, length in zip(tokens_BT, batch.length_B.tolist(), strict=True)]


def part(model: PreTrainedModel, first: int, last: int | None) -> Any:
    """Return the decoder with its layers from `first` up to `last` alone, on the same weights.

    Below the top, the final normalisation is left out, so that one part's output is the next part's `inputs_embeds`.

    Parameters
    ----------
    model : PreTrainedModel
        Of an architecture in `SPLITTABLE`; not changed.
    first : int
        First layer, from 0. Above 0 the part wants `inputs_embeds`, not tokens.
    last : int, optional
        Layer after the last; None: up to the top, with the final normalisation.
    """
    whole: Any = model.get_decoder()  # type: ignore[no-untyped-call]
    decoder = copy.copy(whole)
    decoder._modules = dict(whole._modules)
    decoder.layers = nn.ModuleList(list(whole.layers)[first:last])
    if last is not None:
        decoder.norm = nn.Identity()
    return decoder
