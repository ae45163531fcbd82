"""Says what a command or a template may name of one training: its files, its sizes, its devices, its checkpoints."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import Any

from gauger.execute import granted_gpus
from gauger.train.external.material import context_of_checkpoint
from gauger.train.external.recipe import NEEDED_TOO, PlainNumber, launch_arguments
from gauger.train.external.trainers import ExternalTrainer
from gauger.train.external.training import ExternalTraining
from gauger.train.hf.checkpoint_files import read_config, text_settings

SPARE_TOKENS = 64
"""What another chat template may add to a row."""
WARMUP = 0.05


def stage_values(trainer: ExternalTrainer, training: ExternalTraining, longest: int, work: Path) -> dict[str, Any]:
    """Return everything that a command or a template may name (`recipe.NAMES`); folders among it are made.

    Parameters
    ----------
    trainer : ExternalTrainer
        Whose script and configuration are named.
    training : ExternalTraining
        What is trained, and how.
    longest : int
        Tokens of its longest row.
    work : Path
        Its folder.
    """
    gpus, config = granted_gpus(training.gpus, "the stage"), text_settings(read_config(training.start / "config.json"))
    processes, precision = gpus or training.processes, "bfloat16" if gpus else "float32"
    folders = {name: work / name for name in ("data", "out", "checkpoints")}
    for folder in folders.values():
        folder.mkdir(exist_ok=True)
    adapter = training.adapter
    lora = {"rank": adapter.rank, "alpha": adapter.alpha, "layers": adapter.layers} if adapter else None
    steps, whole = training.checkpoint_steps or max(1, training.steps // 5), training.material.whole_steps
    return {
        **{name: None for names in NEEDED_TOO.values() for name in names},
        **training.material.values,
        "batch": training.batch,
        "checkpoint_steps": whole * ceil(steps / whole),
        "checkpoints": str(folders["checkpoints"]),
        "config": str(work / trainer.config),
        "data": str(folders["data"] / "rows.jsonl"),
        "data_folder": str(folders["data"]),
        "format": trainer.format,
        "gpus": gpus,
        "launch": launch_arguments(gpus, processes, precision, shared=bool(trainer.options.get("fsdp"))),
        "layers": config.get("num_hidden_layers"),
        "learning_rate": PlainNumber(training.learning_rate),
        "longest": min(context_of_checkpoint(training.start), longest + SPARE_TOKENS),
        "lora": lora,
        "model": str(training.start),
        "out": str(folders["out"]),
        "precision": precision,
        "processes": processes,
        "python": sys.executable,
        "script": str(work / trainer.script) if trainer.script else "",
        "seed": training.seed,
        "steps": training.steps,
        "warmup_steps": max(1, round(WARMUP * training.steps)),
        "weights": sorted(path.name for path in training.start.glob("*.safetensors")),
        "work": str(work),
    }


def newest_checkpoint(values: Mapping[str, Any]) -> str | None:
    """Return the newest whole `checkpoint-N` of the Hugging Face Trainer; newer ones that were cut off are removed.

    The Trainer writes `trainer_state.json` last, so a folder without it is not whole.

    Parameters
    ----------
    values : mapping
        `checkpoints` and `out`, below which they are looked for.
    """
    folders = [Path(values[name]) for name in ("checkpoints", "out")]
    checkpoints = [place for folder in folders for place in folder.glob("checkpoint-*") if place.name[11:].isdigit()]
    for place in sorted(checkpoints, key=lambda checkpoint: int(checkpoint.name[11:]), reverse=True):
        if _is_whole(place):
            return str(place)
        shutil.rmtree(place)
    return None


def _is_whole(checkpoint: Path) -> bool:
    state = checkpoint / "trainer_state.json"
    try:
        return isinstance(json.loads(state.read_text(encoding="utf-8")), dict)
    except (OSError, ValueError):
        return False
