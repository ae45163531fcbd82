"""Runs one training by somebody else's program: files in, the program watched, a checked model out.

1. What the program sees: its files, the seed, its devices, and of this process's environment where things are, with the
   variables that the study names. No other variable, so no key or token that is not named.
2. Its folder for work outlives a killed job: checkpoints there are gone on from; one that was cut off is dropped.
3. However this process ends, the program and all that it started end too (`execute.program`).
4. A program that a signal ended (no memory, a machine that is let go) is started again, `TRIES` times in all; every
   other failure is raised with the last lines of its log.
5. Its log is kept with the result, without the values of the variables that were named.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gauger.errors import GaugerError
from gauger.execute import ProgramOrder, RunningProgram, environment_for, log_tail, output_of, visible_gpus
from gauger.spec import TooLong
from gauger.store import write_json, write_text
from gauger.train.context_limit import held_to_context
from gauger.train.engine import Adapter
from gauger.train.external.outcome import find_output, take_over
from gauger.train.external.recipe import PlainNumber, filled_command, filled_template, launch_arguments, version_command
from gauger.train.external.rows_file import DrawnRows, draw_order, write_rows
from gauger.train.external.trainers import ExternalTrainer, template_text
from gauger.train.external.watch import LogWatch
from gauger.train.hf.checkpoint_files import read_config
from gauger.train.hf.tokens import encode, tokenizer_of
from gauger.train.loop import Used
from gauger.train.rows import TrainingRow

LOG, DESCRIPTION = "trainer.log", "trainer.json"
TRIES = 3
POLL_S = 0.2
SPARE_TOKENS = 64
"""What another chat template may add to a row."""
WARMUP = 0.05
_SIGNALLED = 128


@dataclass(frozen=True)
class ExternalTraining:
    """What is trained, and how."""

    start: Path
    """Checkpoint that it starts from."""
    rows: tuple[TrainingRow, ...]
    steps: int
    batch: int
    learning_rate: float
    seed: int
    adapter: Adapter | None = None
    too_long: TooLong = "refuse"
    """What becomes of rows that are longer than the model's context."""
    gpus: int = 1
    """GPUs that it gets, where the machine has any."""
    processes: int = 1
    """Where there are no GPUs."""
    checkpoint_steps: int | None = None
    """Steps between checkpoints; None: a fifth of all."""
    environment: tuple[str, ...] = ()
    """Variables of this process that it sees besides."""
    version: str = ""
    """What the trainer said of its version when the study was planned."""
    silence_minutes: float | None = None
    """How long it may print nothing."""


@dataclass(frozen=True)
class ExternalResult:
    """What an external training gave."""

    losses: list[float]
    used: Used


def train_elsewhere(trainer: ExternalTrainer, training: ExternalTraining, work: Path, out: Path) -> ExternalResult:
    """Run a training by somebody else's program, or go on with it.

    Parameters
    ----------
    trainer : ExternalTrainer
        Checked (`recipe.check_trainer`).
    training : ExternalTraining
        What is trained, and how.
    work : Path
        Folder for its files and checkpoints; left by a killed one, it is gone on from. Removed at the end.
    out : Path
        Where the model goes, with its log and `trainer.json`.

    Returns
    -------
    ExternalResult
        One loss per step, as far as the log tells them; how often each row was trained on.

    Raises
    ------
    UserError
        A program that is not there, fewer GPUs than wanted, a variable that is not set.
    GaugerError
        Where the program fails, or is of another version than when the study was planned.
    InputError
        Where what it left is not the model that was to be trained.

    Notes
    -----
    Proof: tests/train/external/test_stage_run.py, validation/external.
    """
    require_version(trainer, training.version)
    work.mkdir(parents=True, exist_ok=True)
    drawn = drawn_rows(training)
    values = stage_values(trainer, training, drawn, work)
    write_rows(drawn, trainer.format, Path(values["data"]))
    log = work / LOG
    watch = LogWatch(log, trainer.progress, trainer.failure, _seconds(training.silence_minutes))
    for attempt in range(TRIES):
        code = _run_once(trainer, training, {**values, "resume": newest_checkpoint(values)}, watch)
        if code <= _SIGNALLED:
            break
        print(f"the trainer was ended by signal {code - _SIGNALLED}, try {attempt + 1}", file=sys.stderr, flush=True)
    if code:
        last = log_tail(log).splitlines() or ["nothing"]
        lines = "\n".join(last)
        raise GaugerError(f"the trainer ended with exit code {code}, and said last: {last[-1]}\n{lines}")
    output = find_output(filled_command(trainer.output, values)[0])
    digests = take_over(output, training.start, out)
    _keep_log(log, training.environment, out / LOG)
    write_json(out / DESCRIPTION, _description(trainer, training, digests, watch.curve))
    shutil.rmtree(work)
    return ExternalResult(watch.curve, drawn.used)


def require_version(trainer: ExternalTrainer, planned: str) -> None:
    """Refuse a trainer of another version than the study was planned with.

    Parameters
    ----------
    trainer : ExternalTrainer
        With the command that says its version; where there is none nothing is checked.
    planned : str
        What it said then.
    """
    command = version_command(trainer)
    installed = output_of(command, environment_for()) if command else ""
    if installed != planned:
        raise GaugerError(f"the study was planned with the trainer's version {planned!r}, here it says {installed!r}")


def drawn_rows(training: ExternalTraining) -> DrawnRows:
    """Return the rows as tokens of the model, and their order; no weights are read for it."""
    tokenizer = tokenizer_of(training.start)
    config = read_config(training.start / "config.json")
    context = int(config.get("max_position_embeddings", 1 << 20))
    tokens = encode(tokenizer, training.rows, context)
    if training.too_long == "refuse":  # by `cut` every row stays: a trainer cuts its end off by itself
        tokens = held_to_context(tokens, training.too_long, context)
    order = draw_order(len(training.rows), training.steps, training.batch, training.seed)
    return DrawnRows(training.rows, tokens, order)


def stage_values(trainer: ExternalTrainer, training: ExternalTraining, drawn: DrawnRows, work: Path) -> dict[str, Any]:
    """Return everything that a command or a template may name (`recipe.NAMES`); folders among it are made.

    Parameters
    ----------
    trainer : ExternalTrainer
        Whose script and configuration are named.
    training : ExternalTraining
        What is trained, and how.
    drawn : DrawnRows
        Its rows.
    work : Path
        Its folder.
    """
    gpus, config = _gpus(training.gpus), read_config(training.start / "config.json")
    processes, precision = gpus or training.processes, "bfloat16" if gpus else "float32"
    folders = {name: work / name for name in ("data", "out", "checkpoints")}
    for folder in folders.values():
        folder.mkdir(exist_ok=True)
    context = int(config.get("max_position_embeddings", 1 << 20))
    adapter = training.adapter
    lora = {"rank": adapter.rank, "alpha": adapter.alpha, "layers": adapter.layers} if adapter else None
    return {
        "batch": training.batch,
        "checkpoint_steps": training.checkpoint_steps or max(1, training.steps // 5),
        "checkpoints": str(folders["checkpoints"]),
        "config": str(work / trainer.config),
        "data": str(folders["data"] / "rows.jsonl"),
        "data_folder": str(folders["data"]),
        "format": trainer.format,
        "gpus": gpus,
        "launch": launch_arguments(gpus, processes, precision),
        "layers": config.get("num_hidden_layers"),
        "learning_rate": PlainNumber(training.learning_rate),
        "longest": min(context, drawn.longest + SPARE_TOKENS),
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


def _gpus(wanted: int) -> int:
    """Return how many GPUs are used: as wanted, or none where the machine has none."""
    there = len(visible_gpus())
    if 0 < there < wanted:
        raise GaugerError(f"the stage wants {wanted} GPUs, and this job may use {there}")
    return wanted if there else 0


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


def _run_once(trainer: ExternalTrainer, training: ExternalTraining, values: Mapping[str, Any], watch: LogWatch) -> int:
    """Run the program to its end; returns its exit code, 128 + n for signal n."""
    if trainer.template:
        write_text(Path(values["config"]), filled_template(trainer, values))
    if trainer.script:
        write_text(Path(values["script"]), template_text(trainer.script))
    threads = {} if values["gpus"] else {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    environment = environment_for(training.environment, {**threads, "GAUGER_SEED": str(training.seed)})
    order = ProgramOrder(filled_command(trainer.command, values), Path(values["work"]), watch.log, environment)
    with RunningProgram(order) as program:
        while (code := program.code) is None:
            watch.look()
            time.sleep(POLL_S)
    watch.look()
    return code


def _keep_log(log: Path, named: tuple[str, ...], out: Path) -> None:
    """Keep a log without the values of the variables that were named: they may be keys."""
    text = log.read_text("utf-8", "replace") if log.is_file() else ""
    for name in named:
        if value := os.environ.get(name):
            text = text.replace(value, f"${name}")
    write_text(out, text)


def _description(
    trainer: ExternalTrainer, training: ExternalTraining, digests: Mapping[str, str], losses: list[float]
) -> dict[str, Any]:
    return {
        "command": trainer.command,
        "version": training.version,
        "format": trainer.format,
        "options": dict(trainer.options),
        "weights": dict(digests),
        "losses": losses,
    }


def _seconds(minutes: float | None) -> float | None:
    return None if minutes is None else 60 * minutes
