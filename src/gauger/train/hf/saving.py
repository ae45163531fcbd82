"""Writes and reads what training leaves: full weights, or an adapter beside a reference to its base.

An adapter lies in PEFT's own layout (`adapter_config.json`, `adapter_model.safetensors`), which transformers, vLLM and
others read; `gauger.json` adds the digest of the weights it belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from gauger.errors import InputError, Place
from gauger.spec import Computing
from gauger.store import read_json, write_json
from gauger.train.hf.lora import merge
from gauger.train.hf.models import check, load_checkpoint, quiet, write_checkpoint
from gauger.train.state import weights_digest

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

ADAPTER = "adapter_config.json"
_WEIGHTS = "adapter_model.safetensors"
_BESIDE = "gauger.json"
DIGEST, ROUNDED = "base_digest", "base_digest_bfloat16"
"""Keys of an adapter's digest of its base: of the weights as they were loaded, and of the same in bfloat16."""


def base_digest(model: nn.Module, precision: torch.dtype | None = None) -> str:
    """Return 32 hexadecimal digits over all weights but an adapter's, rounded to a precision first where one is named.

    Parameters
    ----------
    model : Module
        With or without an adapter in its layers.
    precision : dtype, optional
        bfloat16 says the same of one checkpoint in whatever precision it was loaded; None: of the weights as they are.
    """
    weights = {name.replace(".base_layer", ""): weight for name, weight in model.state_dict().items()}
    own = {name: weight for name, weight in weights.items() if "lora_" not in name}
    return weights_digest({name: weight.to(precision or weight.dtype) for name, weight in own.items()})


def digests_beside(model: PreTrainedModel, computing: Computing) -> dict[str, str]:
    """Return what is written of a base beside an adapter: where a precision was chosen, something that outlives it.

    Parameters
    ----------
    model : PreTrainedModel
        The base, with or without an adapter in its layers.
    computing : Computing
        How it was loaded.
    """
    chosen = {} if computing.precision is None else {ROUNDED: base_digest(model, torch.bfloat16)}
    return {DIGEST: base_digest(model), **chosen}


def save(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    directory: Path,
    base: str | Path = "",
    digests: Mapping[str, str] | None = None,
) -> None:
    """Write an adapter alone where the model has one, else the full weights and the tokenizer.

    Parameters
    ----------
    model : PreTrainedModel or PeftModel
        With or without an adapter.
    tokenizer : PreTrainedTokenizerBase
        The model's; kept with full weights.
    directory : Path
        Where to.
    base : str or Path
        What an adapter refers to: a checkpoint directory, or one that itself holds an adapter; a relative path counts
        from `directory`.
    digests : mapping of str to str, optional
        What is written of the base; None: `base_digest` of it as it is.
    """
    from peft import PeftModel

    if not isinstance(model, PeftModel):
        write_checkpoint(model, tokenizer, directory)
        return
    directory.mkdir(parents=True, exist_ok=True)
    described: Any = model.peft_config["default"]
    described.base_model_name_or_path = str(base)
    described.target_modules = sorted(described.target_modules)  # a set has another order in every process
    with quiet():  # without the setting, PEFT looks for the base on a hub, to see whether its vocabulary has grown
        model.save_pretrained(str(directory), save_embedding_layers=False)
    known = {DIGEST: base_digest(model.get_base_model())} if digests is None else digests
    write_json(directory / _BESIDE, {"base": str(base), **known})


def load_model(
    reference: str | Path, directory: str | Path | None = None, computing: Computing | None = None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Read a model: a checkpoint directory, or an adapter merged into its base.

    Parameters
    ----------
    reference : str or Path
        A checkpoint directory (`models.materialise` makes one of a packaged model), or a directory with an adapter,
        which then names its base itself.
    directory : str or Path, optional
        What a training that started from `reference` left: full weights or an adapter. None: `reference` as it is.
    computing : Computing, optional
        In what precision, by which attention, and whether it will be held in 4 bits; None: as nobody chose.

    Returns
    -------
    model, tokenizer
        In evaluation mode on the GPU if there is one.

    Raises
    ------
    InputError
        Not a checkpoint, pickled weights, code beside it, or an adapter made for other weights.
    """
    place = Path(reference if directory is None else directory)
    if not (place / ADAPTER).exists():
        return load_checkpoint(check(place), computing)
    described = read_json(place / _BESIDE) if (place / _BESIDE).exists() else {}
    base = Path(reference) if directory is not None else _named_base(place, described)
    model, tokenizer = load_model(base, computing=computing)
    if described.get(DIGEST) not in (None, base_digest(model)) and not _is_rounded_alike(model, described):
        raise InputError("an adapter made for this base", f"one made for other weights than {base}", Place(str(place)))
    return _with_adapter(model, place), tokenizer


def _is_rounded_alike(model: PreTrainedModel, described: Mapping[str, str]) -> bool:
    return ROUNDED in described and described[ROUNDED] == base_digest(model, torch.bfloat16)


def _named_base(place: Path, described: dict[str, str]) -> Path:
    if not described.get("base"):
        raise InputError("the base of the adapter", "none named", Place(str(place)), hint="Give it as `reference`.")
    return (place / described["base"]).resolve()


def _with_adapter(model: PreTrainedModel, place: Path) -> PreTrainedModel:
    from peft import PeftModel

    if not (place / _WEIGHTS).exists():
        raise InputError(f"an adapter as {_WEIGHTS}", "none", Place(str(place)))
    with quiet():
        adapted = PeftModel.from_pretrained(model, str(place), local_files_only=True, use_safetensors=True)
    return merge(adapted)
