"""Writes and reads what training leaves: full weights, or an adapter beside a reference to its base.

An adapter lies in PEFT's own layout (`adapter_config.json`, `adapter_model.safetensors`), which transformers, vLLM and
others read; `gauger.json` adds the digest of the weights it belongs to.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from gauger.errors import InputError, Place
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


def base_digest(model: nn.Module) -> str:
    """Return 32 hexadecimal digits over all weights but an adapter's."""
    weights = {name.replace(".base_layer", ""): weight for name, weight in model.state_dict().items()}
    return weights_digest({name: weight for name, weight in weights.items() if "lora_" not in name})


def save(
    model: PreTrainedModel | PeftModel, tokenizer: PreTrainedTokenizerBase, directory: Path, base: str | Path = ""
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
    write_json(directory / _BESIDE, {"base": str(base), "base_digest": base_digest(model.get_base_model())})


def load_model(
    reference: str | Path, directory: str | Path | None = None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Read a model: a checkpoint directory, or an adapter merged into its base.

    Parameters
    ----------
    reference : str or Path
        A checkpoint directory (`models.materialise` makes one of a packaged model), or a directory with an adapter,
        which then names its base itself.
    directory : str or Path, optional
        What a training that started from `reference` left: full weights or an adapter. None: `reference` as it is.

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
        return load_checkpoint(check(place))
    described = read_json(place / _BESIDE) if (place / _BESIDE).exists() else {}
    base = Path(reference) if directory is not None else _named_base(place, described)
    model, tokenizer = load_model(base)
    if described.get("base_digest") not in (None, base_digest(model)):
        raise InputError("an adapter made for this base", f"one made for other weights than {base}", Place(str(place)))
    return _with_adapter(model, place), tokenizer


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
