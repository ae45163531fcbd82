"""Attaches low-rank adapters to matrices, and makes them part of the weights again (Hu et al. 2022).

W' = W + (alpha / rank) B A with A (rank, in) drawn and B (out, rank) zero, so a fresh adapter changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import torch
from torch import nn

from gauger.errors import UserError
from gauger.train.engine import Adapter
from gauger.train.hf.models import quiet

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

_ATTENTION = re.compile(r"attn|attention", re.IGNORECASE)
_LAYER = re.compile(r"\.(\d+)\.")


def targets(model: PreTrainedModel, adapter: Adapter) -> list[str]:
    """Return the full names of the matrices that get an adapter.

    Parameters
    ----------
    model : PreTrainedModel
        Its linear layers inside numbered blocks may be chosen; the output head never, nor what looks at images.
    adapter : Adapter
        Which modules, and how many of the top layers (None: all).

    Raises
    ------
    UserError
        Where no matrix has a wanted name, or more layers are wanted than there are.

    Notes
    -----
    Proof: tests/train/hf/test_lora.py.
    """
    decoder: nn.Module = model.get_decoder()  # type: ignore[no-untyped-call]
    of_text = set(decoder.modules())  # neither the head nor what looks at images
    linear = [
        (int(match.group(1)), name)
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and module in of_text and (match := _LAYER.search(name))
    ]
    depth = 1 + max((layer for layer, _ in linear), default=-1)
    lowest = 0 if adapter.layers is None else depth - adapter.layers
    chosen = [name for layer, name in linear if layer >= lowest and _wanted(name, adapter.modules)]
    if not chosen or lowest < 0:
        known = sorted({name.rpartition(".")[2] for _, name in linear})
        raise UserError(
            "adapter modules that the model has, in at most all of its layers",
            f"modules {adapter.modules!r}, layers {adapter.layers}",
            hint=f"The model has {depth} layers with {', '.join(known)}.",
        )
    return chosen


def lowest_layer(model: PreTrainedModel, adapter: Adapter) -> int:
    """Return the number of layers below the first one that gets an adapter.

    Parameters
    ----------
    model : PreTrainedModel
        Without an adapter.
    adapter : Adapter
        As for `targets`, whose errors are raised here too.
    """
    return min(int(match.group(1)) for name in targets(model, adapter) if (match := _LAYER.search(name)))


def _wanted(name: str, modules: str | Sequence[str]) -> bool:
    if modules == "all":
        return True
    if modules == "attention":
        return _ATTENTION.search(name) is not None
    return name.rpartition(".")[2] in ((modules,) if isinstance(modules, str) else modules)


def attach(model: PreTrainedModel, adapter: Adapter, seed: int) -> PeftModel:
    """Put a fresh adapter around a model; only its weights need gradients afterwards.

    Parameters
    ----------
    model : PreTrainedModel
        Without an adapter (`merge` first); its layers are wrapped in place.
    adapter : Adapter
        Rank, alpha, modules and layers. A fresh adapter changes no answer, because its B is zero.
    seed : int
        Decides its A; torch's global CPU generator is left as it was.

    Raises
    ------
    UserError
        Where the model has no such modules or layers.

    Notes
    -----
    Source: Hu et al. 2022. Proof: tests/train/hf/test_lora.py.
    """
    from peft import LoraConfig, get_peft_model

    alpha = cast("int", adapter.alpha)  # any number serves: it is only divided by the rank
    modules = targets(model, adapter)
    config = LoraConfig(r=adapter.rank, lora_alpha=alpha, target_modules=modules, task_type="CAUSAL_LM")
    with quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return get_peft_model(model, config)


def merge(model: PreTrainedModel | PeftModel) -> PreTrainedModel:
    """Add the adapter to the weights and return the plain model; a plain model is returned as it is."""
    from peft import PeftModel

    if not isinstance(model, PeftModel):
        return model
    with torch.no_grad():
        merged: PreTrainedModel = model.merge_and_unload()
    return merged.requires_grad_(True)
