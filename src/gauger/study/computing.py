"""Checks at plan what `computing` wants: an engine that knows it, a GPU and packages where needed, an adapter."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from gauger.errors import Place, UserError
from gauger.execute import visible_gpus
from gauger.spec import CheckpointStudent, CheckpointTeacher, Computing
from gauger.study.checkpoints import described_checkpoint

_COMPUTES = "hf"
"""The engine that lets it be chosen how it computes."""
_SEES_ALL_AT_ONCE = frozenset({"full_attention", "sliding_attention", "chunked_attention"})
"""Kinds of layers, as the library names them, that read a sequence by attention alone: a mask keeps rows apart."""
_PACKAGES = {"flash_attention_2": ("flash_attn", "flash-attn"), "nf4": ("bitsandbytes", "bitsandbytes")}
"""Choice -> the module that does it, and the package that has it."""


def require_computing(settings: CheckpointStudent | CheckpointTeacher, place: str, whose: str) -> None:
    """Refuse a `computing` that could not run here, or would change nothing.

    Parameters
    ----------
    settings : CheckpointStudent or CheckpointTeacher
        With the choices.
    place : str
        Where its checkpoint lies.
    whose : str
        `student` or `teacher`, for the message.

    Raises
    ------
    UserError
        Another engine than `hf`; `flash_attention_2` or `nf4` without a GPU or without their package;
        `flash_attention_2` in float32; `nf4` without an adapter; `pack_rows` for a model whose layers carry a state
        along a sequence.
    """
    chosen = settings.computing
    if chosen is None:
        return
    where = f"{whose}.computing"
    if settings.engine != _COMPUTES:
        hint = "Leave computing out, or take that engine."
        raise UserError(f"the engine {_COMPUTES}, which lets it be chosen how it computes", settings.engine,
                        Place(key=where), hint)  # fmt: skip
    if chosen.attention == "flash_attention_2":
        _require_gpu(chosen.attention, f"{where}.attention", "Take sdpa.")
        if chosen.precision == "float32":
            raise UserError("bfloat16 for flash_attention_2", "float32", Place(key=f"{where}.precision"), "Take sdpa.")
    if chosen.quantise_base is not None:
        if settings.lora is None:
            hint = "Frozen weights alone can be held in 4 bits: set lora, or leave quantise_base out."
            raise UserError("an adapter to train", "lora: null", Place(key=f"{where}.quantise_base"), hint)
        _require_gpu(chosen.quantise_base, f"{where}.quantise_base", "Leave quantise_base out.")
    if chosen.pack_rows:
        _require_apart(described_checkpoint(place) or {}, chosen, where)


def _require_gpu(choice: str, where: str, hint: str) -> None:
    module, package = _PACKAGES[choice]
    missing = [] if visible_gpus() else ["no GPU here"]
    missing += [] if find_spec(module) else [f"{package} not installed"]
    if missing:
        raise UserError(f"a GPU and the package {package} for {choice}", " and ".join(missing), Place(key=where), hint)


def _require_apart(config: Mapping[str, Any], chosen: Computing, where: str) -> None:
    others = sorted(set(config.get("layer_types") or ()) - _SEES_ALL_AT_ONCE)
    if chosen.pack_rows and others:
        hint = "Leave pack_rows out: rows are then padded."
        given = f"{config.get('model_type', 'one')} with {', '.join(others)}"
        raise UserError("a model that reads rows by attention alone", given, Place(key=f"{where}.pack_rows"), hint)
