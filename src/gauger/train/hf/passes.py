"""Sends rows through a decoder: padded or packed, with what layers compute kept for the way back or made again.

Packed, the rows of a batch stand behind each other in one sequence without padding, and positions begin at 0 in each.
The library makes of such positions an attention that is block-diagonal (`flash_attention_2` by the rows' lengths, the
others by a mask); not every model has one, so the first pack of a training begins with a look (`require_apart`).

Made again (Chen et al. 2016, section 4): of each layer what enters it is kept alone. Nothing is drawn at random in a
layer here, so the second pass gives the same numbers.

Dimension letters: B rows, T tokens of the longest, F tokens of all rows one after the other, D width.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from gauger.errors import UserError
from gauger.train.batches import PaddedRows

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_LOOKED_AT = 8
"""Tokens of each row of the look."""
_LEAK = 1e-4
"""How far a state may move with the row before it, relative to the largest: arrays of one shape are multiplied alike,
so a dense model moves nothing at all, in whatever precision."""
_ROUNDING = {torch.bfloat16: 0.05, torch.float32: 1e-3}
"""How far a state in a pack may be from what it is alone, relative to the largest."""


def learnt_states(decoder: Any, batch: PaddedRows, entering_BTD: Tensor | None, *, packed: bool) -> Tensor:
    """Return the last hidden states that predict a batch's learnt tokens, (P, D), row after row.

    Parameters
    ----------
    decoder : Module
        Of a model, or its upper layers alone.
    batch : PaddedRows
        On the decoder's device; the last token of each row predicts nothing and is not read.
    entering_BTD : float tensor (B, T - 1, D), optional
        What enters the decoder instead of the tokens: the states that the layers below have made.
    packed : bool
        True: the rows as one sequence. False: padded at the right.

    Notes
    -----
    Proof: tests/train/hf/test_passes.py (packed as padded, in loss and gradient; nothing reaches the row beside it).
    """
    inside_BT = _inside(batch)
    if not packed or not bool(inside_BT.any()):
        padded_BTD: Tensor = decoder(**_given(batch.tokens_BT[:, :-1], entering_BTD), use_cache=False).last_hidden_state
        return padded_BTD[batch.learnt]
    position_BT = torch.arange(inside_BT.shape[1], device=inside_BT.device).expand_as(inside_BT)
    entering = None if entering_BTD is None else entering_BTD[inside_BT][None]
    given = _given(batch.tokens_BT[:, :-1][inside_BT][None], entering)
    states_FD: Tensor = decoder(**given, position_ids=position_BT[inside_BT][None], use_cache=False).last_hidden_state[
        0
    ]
    return states_FD[batch.learnt[inside_BT]]


def _inside(batch: PaddedRows) -> Tensor:
    """Return which places hold a token that is read, (B, T - 1)."""
    read_B = torch.from_numpy(batch.length_B - 1).to(batch.tokens_BT.device)
    place_T = torch.arange(batch.tokens_BT.shape[1] - 1, device=batch.tokens_BT.device)
    return place_T < read_B[:, None]


def _given(tokens: Tensor, entering: Tensor | None) -> dict[str, Tensor]:
    return {"input_ids": tokens} if entering is None else {"inputs_embeds": entering}


@torch.no_grad()
def require_apart(model: PreTrainedModel) -> None:
    """Refuse a model that lets rows of a pack see each other, or counts positions through.

    Two rows are sent packed, twice, with another first row the second time: the second row's states must stay, and be
    those that it has alone. A few tokens, so it costs next to nothing.

    Parameters
    ----------
    model : PreTrainedModel
        Without dropout, as it is trained.

    Raises
    ------
    UserError
        Where they are not.

    Notes
    -----
    Proof: tests/train/hf/test_passes.py (a model with a state that runs through a sequence, and one that takes its
    positions from their places, are refused).
    """
    vocabulary = int(model.config.get_text_config().vocab_size)
    decoder = model.get_decoder()  # type: ignore[no-untyped-call]
    ids_3T = torch.arange(3 * _LOOKED_AT, device=model.device).reshape(3, -1) * 7 % max(2, vocabulary - 1)
    first, other, row = ids_3T.unbind()
    alone_TD, after_TD, after_other_TD = (_last_states(decoder, rows) for rows in ([row], [first, row], [other, row]))
    largest = float(alone_TD.abs().max())
    moved, apart = (float((after_TD - states_TD).abs().max()) / largest for states_TD in (after_other_TD, alone_TD))
    if not (moved <= _LEAK and apart <= _ROUNDING.get(alone_TD.dtype, _LEAK)):
        wanted = "a model in which a row of a pack sees itself alone (computing.pack_rows)"
        given = (
            f"{model.config.model_type}: another row before it moves its states by {moved:.2g} of the largest, "
            f"and any by {apart:.2g}"
        )
        raise UserError(wanted, given, hint="Leave pack_rows out: rows are then padded.")


def _last_states(decoder: Any, rows: list[Tensor]) -> Tensor:
    """Return the states of the last of some rows, all of them as long, sent as one pack."""
    length = len(rows[0])
    positions = torch.arange(length, device=rows[0].device).repeat(len(rows))
    states: Tensor = decoder(input_ids=torch.cat(rows)[None], position_ids=positions[None], use_cache=False)[0]
    return states[0, -length:]


@contextmanager
def activations_made_again(decoder: nn.Module) -> Iterator[None]:
    """Within, layers keep for the way back what enters them alone; without gradients nothing changes.

    Parameters
    ----------
    decoder : Module
        Its layers are those that the library itself would make again.

    Raises
    ------
    UserError
        Where the library knows none.
    """
    from transformers.modeling_layers import GradientCheckpointingLayer

    layers = [module for module in decoder.modules() if isinstance(module, GradientCheckpointingLayer)]
    if not layers:
        wanted = "a model whose layers can be computed again (computing.checkpoint_activations)"
        raise UserError(wanted, type(decoder).__name__, hint="Leave checkpoint_activations out.")
    if not torch.is_grad_enabled():
        yield
        return
    for layer in layers:  # on the layer itself, over its class's: the way back calls what stood there before
        layer.forward = partial(checkpoint, layer.forward, use_reentrant=False, preserve_rng_state=False)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward
