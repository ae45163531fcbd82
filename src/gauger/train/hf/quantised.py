"""Holds the frozen weights of a training in 4 bits (QLoRA; Dettmers et al. 2023), and puts them back as they were.

The matrices inside a model's numbered layers become NF4 with quantised constants, about 0.52 bytes a weight;
embeddings, head and norms stay. The whole matrices wait in main memory: the student is the adapter on them, not on the
rounded ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_LAYER = re.compile(r"\.(\d+)\.")
MakeQuantised = Callable[[nn.Linear], nn.Linear]
"""A matrix -> the same in 4 bits, on the CPU still where the library quantises on the way to the device."""


def nf4(whole: nn.Linear) -> nn.Linear:
    """Return a matrix in 4-bit NormalFloat, by bitsandbytes; products are made in bfloat16.

    Parameters
    ----------
    whole : Linear
        Kept as it is.
    """
    import bitsandbytes as bnb  # type: ignore[import-not-found]

    settings = {"compress_statistics": True, "quant_type": "nf4"}
    layer: nn.Linear = bnb.nn.Linear4bit(
        whole.in_features, whole.out_features, whole.bias is not None, compute_dtype=torch.bfloat16, **settings
    )
    layer.weight = bnb.nn.Params4bit(whole.weight.data, requires_grad=False, module=layer, **settings)
    if whole.bias is not None:
        layer.bias = nn.Parameter(whole.bias.data.clone(), requires_grad=False)
    return layer


def quantise(model: PreTrainedModel, make: MakeQuantised = nf4) -> dict[str, nn.Linear]:
    """Replace the matrices of a model's layers by quantised ones, and return the whole ones by name.

    Parameters
    ----------
    model : PreTrainedModel
        Plain, without an adapter, on the CPU; changed in place. Moving it to a GPU quantises.
    make : callable
        Makes one quantised matrix.

    Returns
    -------
    dict of str to Linear
        What `restore` takes.

    Notes
    -----
    Proof: tests/train/hf/test_quantised.py.
    """
    head = model.get_output_embeddings()  # type: ignore[no-untyped-call]
    whole = {
        name: module
        for name, module in model.named_modules()
        if type(module) is nn.Linear and module is not head and _LAYER.search(name)
    }
    for name, module in whole.items():
        model.set_submodule(name, make(module))
    cast("Any", model).is_loaded_in_4bit = True  # PEFT asks this before it puts an adapter around such a matrix
    return whole


def restore(model: PreTrainedModel, whole: dict[str, nn.Linear]) -> PreTrainedModel:
    """Put whole matrices back in the place of quantised ones, with what an adapter adds to them.

    Parameters
    ----------
    model : PreTrainedModel
        That `quantise` has changed; with or without an adapter in its layers. Goes to the CPU, where there is room.
    whole : dict of str to Linear
        What `quantise` returned; the adapter's part is added in place.

    Notes
    -----
    W' = W + (alpha / rank) B A with the W that the checkpoint has, as `lora.merge` does it.
    """
    nn.Module.to(model, torch.device("cpu"))
    for name, module in whole.items():
        around: Any = model.get_submodule(name)
        if hasattr(around, "base_layer"):
            module.weight.data += around.get_delta_weight("default").to(module.weight)
        model.set_submodule(name, module)
    cast("Any", model).is_loaded_in_4bit = False
    return model.requires_grad_(True)
