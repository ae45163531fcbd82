"""Checks what an external trainer left, and takes over the files of the model and nothing else."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import file_digest
from pathlib import Path

import torch
from safetensors import safe_open

from gauger.errors import GaugerError, InputError, Place
from gauger.train.hf.checkpoint_files import TOKENIZERS, check_files, check_weights, read_config, text_settings
from gauger.train.hf.models import check
from gauger.train.hf.saving import ADAPTER

_KEPT = (".safetensors", ".json", ".jinja", ".model", ".txt")
_LEFT_OUT = ("trainer_state.json", "training_args.json", "all_results.json", "train_results.json", "README.txt")
_TOKENIZER_FILES = (*TOKENIZERS, "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt")
_SAME = ("model_type", "hidden_size", "num_hidden_layers", "num_attention_heads")
"""Of a configuration: what another size or kind of model differs in."""


def find_output(pattern: str) -> Path:
    """Return the directory that a trainer left.

    Parameters
    ----------
    pattern : str
        Its path; `*` stands for anything, and the last name that fits counts.

    Raises
    ------
    GaugerError
        Where there is none.
    """
    path = Path(pattern)
    stem = Path(*path.parts[: _first_star(path)])
    fits = sorted(stem.glob(str(path.relative_to(stem))), key=_by_number) if stem != path else [path]
    there = [folder for folder in fits if folder.is_dir() and any(folder.glob("*.safetensors"))]
    if not there:
        hint = "the trainer ended well, but no model in safetensors lies where the study's `output` says"
        raise GaugerError(f"{hint}: {pattern}")
    return there[-1]


def _by_number(path: Path) -> list[tuple[int, str]]:
    """Order names by the numbers in them: epoch_10 comes after epoch_9."""
    return [(int(part) if part.isdigit() else -1, part) for part in re.split(r"(\d+)", str(path))]


def _first_star(path: Path) -> int:
    return next((place for place, part in enumerate(path.parts) if "*" in part), len(path.parts))


def take_over(output: Path, start: Path, out: Path, *, may_stay: bool = False) -> dict[str, str]:
    """Check a trained model and copy its files; a tokenizer that the trainer did not write is the start's.

    Parameters
    ----------
    output : Path
        What the trainer left: all weights, or an adapter (`adapter_config.json`).
    start : Path
        The checkpoint that it started from.
    out : Path
        Where to.
    may_stay : bool
        Whether the model may be the start unchanged, for nothing could be learnt: a reward that was always the same.

    Returns
    -------
    dict
        Name of every weights file -> SHA-256.

    Raises
    ------
    InputError
        Where a file is damaged, pickled, of another model, holds what is no number, or is the start unchanged although
        it may not be.
    """
    is_adapter = (output / ADAPTER).exists()
    for path in sorted(output.iterdir()):
        if path.is_file() and path.suffix in _KEPT and path.name not in _LEFT_OUT:
            shutil.copyfile(path, out / path.name)
    if not is_adapter:
        _lend_tokenizer(start, out)
        check_files(check(out))
        _require_same_model(out, start)
    for path in sorted(out.glob("*.safetensors")):
        check_weights(path)
    _require_trained(out, None if is_adapter else start, may_stay)
    return {path.name: _digest(path) for path in sorted(out.glob("*.safetensors"))}


def _lend_tokenizer(start: Path, out: Path) -> None:
    if any((out / name).is_file() for name in TOKENIZERS):
        return
    for name in (*_TOKENIZER_FILES, "chat_template.jinja"):
        if (start / name).is_file():
            shutil.copyfile(start / name, out / name)


def _require_same_model(out: Path, start: Path) -> None:
    ours, theirs = (text_settings(read_config(place / "config.json")) for place in (start, out))
    for name in _SAME:
        if ours.get(name) != theirs.get(name):
            given = f"{name} {theirs.get(name)} in place of {ours.get(name)}"
            raise InputError("the model that was to be trained", given, Place(str(out / "config.json")))


def _require_trained(out: Path, start: Path | None, may_stay: bool) -> None:
    """Refuse weights that are no numbers, and those of a training that changed none of them, where it should have.

    An adapter (`start` None) is changed where any of its B matrices is: they begin at zero.
    """
    before = dict(_tensors(start)) if start is not None else {}
    changed = False
    for name, load in _tensors(out):
        weight = load()
        if not bool(torch.isfinite(weight).all()):
            raise InputError("weights that are numbers", f"NaN or an infinity in {name}", Place(str(out)))
        if changed:
            continue
        if start is None:
            changed = "lora_B" in name and bool(weight.any())
        elif name in before:
            old = before[name]().to(weight.dtype)
            changed = old.shape != weight.shape or not torch.equal(old, weight)
    if not changed and not may_stay:
        hint = "The trainer left every weight as it was: see its log for the steps that it took."
        raise InputError("a model that was trained", "the one that it started from", Place(str(out)), hint)


def _tensors(directory: Path) -> Iterator[tuple[str, Callable[[], torch.Tensor]]]:
    """Yield the name of every tensor with what reads it: a large model is never in memory as a whole."""
    for path in sorted(directory.glob("*.safetensors")):
        with safe_open(str(path), framework="pt") as file:
            names = list(file.keys())
        for name in names:
            yield name, partial(_read, path, name)


def _read(path: Path, name: str) -> torch.Tensor:
    with safe_open(str(path), framework="pt") as file:
        tensor: torch.Tensor = file.get_tensor(name)
    return tensor


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
