"""Checks a stranger's checkpoint before and after transformers reads it: whole, numbers throughout, with its tokenizer.

A library that is handed a cut file raises what it likes, and one without a tokenizer may go on in silence. So files are
checked here first; what the library then raises becomes one message, and weights it had to make up are an error.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gauger.errors import InputError, Place
from gauger.store import parse_json

MOST_HEADER_BYTES, MOST_CONFIG_BYTES = 100 << 20, 10 << 20
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model", "sentencepiece.bpe.model")
"""Files of which one holds the words of a tokenizer."""
INDEX = "model.safetensors.index.json"
_COPY = "The file is damaged or was not copied whole: copy it again."


def text_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration with its language model's settings on top: beside an encoder of images they lie below.

    Parameters
    ----------
    config : mapping
        Of a checkpoint.
    """
    inner = config.get("text_config")
    return {**config, **inner, "model_type": config.get("model_type")} if isinstance(inner, dict) else dict(config)


def read_config(path: Path) -> dict[str, Any]:
    """Read a JSON object beside the weights.

    Raises
    ------
    InputError
        Too large, not JSON, or no object.
    """
    if path.stat().st_size > MOST_CONFIG_BYTES:
        raise InputError(f"at most {MOST_CONFIG_BYTES >> 20} MiB", "more", Place(str(path)))
    try:
        value = parse_json(path.read_bytes())
    except ValueError as error:
        raise InputError("JSON", str(error)[:80], Place(str(path)), _COPY) from None
    if not isinstance(value, dict):
        raise InputError("a JSON object", type(value).__name__, Place(str(path)), _COPY)
    return value


def check_files(directory: Path) -> None:
    """Refuse a checkpoint that lacks its tokenizer, a part of its weights, or the end of a file.

    Raises
    ------
    InputError
        Naming the file.
    """
    if not any((directory / name).is_file() for name in TOKENIZERS):
        hint = "Copy the tokenizer's files too: without them no text can be read."
        raise InputError(f"a tokenizer ({', '.join(TOKENIZERS[:3])}, ...)", "none", Place(str(directory)), hint)
    if (directory / INDEX).is_file():
        parts = read_config(directory / INDEX).get("weight_map", {})
        for name in sorted(set(parts.values())) if isinstance(parts, dict) else ():
            if not (directory / str(name)).is_file():
                raise InputError(f"the weights {name}, which {INDEX} names", "none", Place(str(directory)), _COPY)
    for path in sorted(directory.glob("*.safetensors")):
        check_weights(path)


def check_weights(path: Path) -> None:
    """Check the layout of a safetensors file: its header is whole, and its tensors end where the file does.

    Raises
    ------
    InputError
        Where they do not.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else size
        if length > min(size - 8, MOST_HEADER_BYTES):
            raise InputError("a whole file of safetensors", f"{size} bytes", Place(str(path)), _COPY)
        header = file.read(length)
    try:
        tensors = parse_json(header)
        ends = [value["data_offsets"][1] for name, value in tensors.items() if name != "__metadata__"]
        whole = 8 + length + max(ends, default=0)
    except (ValueError, AttributeError, KeyError, TypeError, IndexError):
        raise InputError("a header of safetensors", "none", Place(str(path)), _COPY) from None
    if whole != size:
        raise InputError(f"a file of {whole} bytes", f"one of {size}", Place(str(path)), _COPY)


@contextmanager
def read_by_library(directory: Path) -> Iterator[None]:
    """Turn what libraries raise over a checkpoint into one message."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        message = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise InputError("a checkpoint that transformers reads", message, Place(str(directory)), _COPY) from error


def check_loaded(directory: Path, model: nn.Module, loading: Mapping[str, Any]) -> None:
    """Refuse weights that were not in the files, and weights that are no numbers.

    Raises
    ------
    InputError
        Naming the first of them.
    """
    for what in ("missing_keys", "mismatched_keys"):
        lacking = sorted(map(str, loading.get(what) or ()))
        if lacking:
            given = f"{lacking[0]}{f' and {len(lacking) - 1} more' if len(lacking) > 1 else ''} {what.split('_')[0]}"
            raise InputError("all weights of the model", given, Place(str(directory)), _COPY)
    for name, weight in model.named_parameters():
        if not bool(torch.isfinite(weight).all()):
            raise InputError("weights that are numbers", f"NaN or an infinity in {name}", Place(str(directory)), _COPY)
