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

import os
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gauger.errors import GaugerError
from gauger.execute import ProgramOrder, RunningProgram, environment_for, log_tail, output_of
from gauger.store import write_json, write_text
from gauger.train.external.outcome import find_output, take_over
from gauger.train.external.recipe import filled_command, filled_template, is_named, version_command
from gauger.train.external.reward_server import TOKEN, RewardServer
from gauger.train.external.stage_values import newest_checkpoint, stage_values
from gauger.train.external.trainers import ExternalTrainer, template_text
from gauger.train.external.training import ExternalTraining
from gauger.train.external.watch import LogWatch, reason_in, tells_of_signal
from gauger.train.loop import Used

LOG, DESCRIPTION = "trainer.log", "trainer.json"
TRIES = 3
POLL_S = 0.2
_SIGNALLED = 128
_SEARCHED_LINES = 200
"""Last lines of a log in which the reason of a failure is looked for: launchers print a page after it."""


@dataclass(frozen=True)
class ExternalResult:
    """What an external training gave."""

    losses: list[float]
    used: Used | None
    """How often each row was trained on; None where the student writes them."""


def train_elsewhere(
    trainer: ExternalTrainer, training: ExternalTraining, work: Path, out: Path, rewards: RewardServer | None = None
) -> ExternalResult:
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
    rewards : RewardServer, optional
        Running; told of every start of the program, which sees where it is and its token.

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
    drawn = training.material.drawn(training.start, training.draw_plan)
    values = stage_values(trainer, training, drawn.longest, work)
    drawn.write(trainer.format, Path(values["data"]))
    log = work / LOG
    watch = LogWatch(log, trainer.progress, trainer.failure, _seconds(training.silence_minutes))
    for attempt in range(TRIES):
        code = _run_once(trainer, training, {**values, "resume": newest_checkpoint(values)}, watch, rewards)
        if code == 0 or (code <= _SIGNALLED and not tells_of_signal(log_tail(log))):
            break
        print(f"the trainer was ended by a signal (exit code {code}), try {attempt + 1}", file=sys.stderr, flush=True)
    if code:
        reason = reason_in(log_tail(log, _SEARCHED_LINES))
        raise GaugerError(f"the trainer ended with exit code {code}, and said last: {reason}\n{log_tail(log)}")
    output = find_output(filled_command(trainer.output, values)[0])
    digests = take_over(output, training.start, out, may_stay=rewards is not None and rewards.taught_nothing)
    secrets = {name: os.environ.get(name, "") for name in training.environment}
    _keep_log(log, secrets | ({TOKEN: rewards.token} if rewards else {}), out / LOG)
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


def _run_once(
    trainer: ExternalTrainer,
    training: ExternalTraining,
    values: Mapping[str, Any],
    watch: LogWatch,
    rewards: RewardServer | None,
) -> int:
    """Run the program to its end; returns its exit code, 128 + n for signal n."""
    if trainer.template:
        write_text(Path(values["config"]), filled_template(trainer, values))
    for name in filter(None, (trainer.script, trainer.beside)):
        write_text(Path(values["work"]) / name, template_text(name))
    watch.begin(_steps_done(trainer, values["resume"]))
    given = _given(trainer, training, values)
    if rewards is not None:
        rewards.begin(anew=not any(any(Path(values[name]).iterdir()) for name in ("checkpoints", "out")))
        given |= rewards.environment
    environment = environment_for(training.environment, given)
    order = ProgramOrder(filled_command(trainer.command, values), Path(values["work"]), watch.log, environment)
    with RunningProgram(order) as program:
        while (code := program.code) is None:
            watch.look()
            time.sleep(POLL_S)
    watch.look()
    return code


def _given(trainer: ExternalTrainer, training: ExternalTraining, values: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that a program gets from us: seed, no GPU where it is to have none, and where things are."""
    defaults = {
        "DO_NOT_TRACK": "1",  # axolotl reports what it trains to its makers unless it is told not to
        "HF_DATASETS_CACHE": f"{values['work']}/cache",  # copies of the rows go with the folder
    }
    given = {name: value for name, value in defaults.items() if name not in training.environment}
    given |= (
        {} if values["gpus"] else {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "ACCELERATE_USE_CPU": "true"}
    )
    given |= {"GAUGER_SEED": str(training.seed)}
    if trainer.script:  # a configuration may name what is in it (torchtune)
        given["PYTHONPATH"] = os.pathsep.join(filter(None, (values["work"], os.environ.get("PYTHONPATH"))))
    return given


def _steps_done(trainer: ExternalTrainer, resume: str | None) -> int | None:
    """Return the steps of the checkpoint that is gone on from; None where a trainer looks for one by itself."""
    if resume is None:
        return 0
    return int(resume.rpartition("-")[2]) if is_named(trainer, "resume") else None


def _keep_log(log: Path, secrets: Mapping[str, str], out: Path) -> None:
    """Keep a log without the values of the variables that were named or given: they may be keys."""
    text = log.read_text("utf-8", "replace") if log.is_file() else ""
    for name, value in secrets.items():
        if value:
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
