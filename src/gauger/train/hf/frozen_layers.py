"""Layers that no training changes: what they make of a row is the same in every epoch, so it is computed once.

With an adapter on the top k of L layers, the L - k layers below cost most of a step. Their states are kept for every
row that the training will draw (D float32 numbers a token), made in an order that does not depend on where a training
was interrupted, and every step starts from them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from gauger.train.hf.rows import Example, micro_batches

if TYPE_CHECKING:
    from transformers import PreTrainedModel

SPLITTABLE = ("llama",)
"""Architectures whose layers are a plain list, all with the same mask (Llama, SmolLM2, Yi, ...)."""
MOST_BYTES = 1 << 30
LEAST_EPOCHS = 1.3
"""Rows must come so often on average for the states to pay."""
_MICRO_TOKENS = 1024


def pays(model: PreTrainedModel, lowest: int, drawn: Sequence[Example]) -> bool:
    """Say whether keeping states saves time and fits: `drawn` lists every row as often as it will be drawn."""
    unique = {id(example): len(example.ids) for example in drawn}
    n_tokens = sum(unique.values())
    return (
        lowest > 0
        and model.config.model_type in SPLITTABLE
        and sum(len(example.ids) for example in drawn) >= LEAST_EPOCHS * n_tokens
        and n_tokens * int(model.config.hidden_size) * 4 <= MOST_BYTES
    )


@torch.no_grad()
def with_states(model: PreTrainedModel, lowest: int, examples: Iterable[Example]) -> dict[int, Example]:
    """Return each row (by its `id`) with the states that enter layer `lowest`, (T - 1, D) on the CPU."""
    found: dict[int, Example] = {}
    unique = list({id(example): example for example in examples}.values())
    decoder = part(model, 0, lowest)
    for batch in micro_batches([(example,) for example in unique], _MICRO_TOKENS):
        there = batch.to(model.device)
        states_BTD = decoder(input_ids=there.tokens_BT[:, :-1], use_cache=False).last_hidden_state.cpu()
        for example, states_TD in zip(batch.examples, states_BTD, strict=True):
            kept = states_TD[: len(example.ids) - 1].clone()
            found[id(example)] = replace(example, states_TD=kept, from_layer=lowest)
    return found


def part(model: PreTrainedModel, first: int, last: int | None) -> Any:
    """Return the decoder with its layers from `first` up to `last` alone, on the same weights.

    Below the top, the final normalisation is left out, so that one part's output is the next part's `inputs_embeds`.
    """
    whole: Any = model.get_decoder()  # type: ignore[no-untyped-call]
    decoder = copy.copy(whole)
    decoder._modules = dict(whole._modules)
    decoder.layers = nn.ModuleList(list(whole.layers)[first:last])
    if last is not None:
        decoder.norm = nn.Identity()
    return decoder


def stacked(examples: Sequence[Example], length: int) -> Tensor:
    """Put the kept states of rows into one tensor (B, length, D), padded with 0 at the right."""
    rows = [example.states_TD for example in examples if example.states_TD is not None]
    states_BTD = rows[0].new_zeros(len(rows), length, rows[0].shape[-1])
    for place, states_TD in enumerate(rows):
        states_BTD[place, : len(states_TD)] = states_TD
    return states_BTD
