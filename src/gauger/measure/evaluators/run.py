"""Runs an evaluator on one model and one task, and returns records."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from gauger.errors import GaugerError
from gauger.execute import ProgramOrder, RunningProgram, environment_for, output_of, require_program
from gauger.measure.evaluators.logged_records import WantedScore, records_of_logs
from gauger.measure.evaluators.target import PROGRAMS, EvaluationTarget, EvaluatorProgram
from gauger.spec import EvaluatorTask
from gauger.store import write_text

LOG, LOGS = "evaluator.log", "logs"
POLL_S = 0.2
_KEYS = ("GAUGER_API_KEY", "OPENAI_API_KEY")


@dataclass(frozen=True)
class ModelEvaluation:
    """One task for one model."""

    benchmark: str
    """What the study calls it."""
    task: EvaluatorTask
    target: EvaluationTarget
    folder: Path
    """Where the study file lies."""
    keyed: bool = False
    """Whether the model is behind the user's endpoint, which gets the user's key."""
    is_there: Callable[[], bool] = lambda: True
    """Whether what is asked can still be asked; where it cannot, the evaluator is stopped instead of left to retry."""


class LostModelError(GaugerError):
    """What an evaluator asked has ended while it was asked."""


def evaluate(evaluation: ModelEvaluation, work: Path, out: Path) -> pl.DataFrame:
    """Run the evaluator and read its logs.

    Parameters
    ----------
    evaluation : ModelEvaluation
        Task and model.
    work : Path
        A folder for what it writes.
    out : Path
        Where its log, and the logs of its samples, stay.

    Returns
    -------
    polars.DataFrame
        Columns of `answers.SCHEMA`.

    Raises
    ------
    UserError
        A program that is not there, a variable that is not set.
    LostModelError
        Where what it asks has ended; what it had measured is not kept.
    GaugerError
        Where it fails, with the last lines of its log, or where its logs have no such score.

    Notes
    -----
    Proof: tests/measure/evaluators, validation/external.
    """
    program: EvaluatorProgram = PROGRAMS.load(evaluation.task.kind)
    logs = work / LOGS
    logs.mkdir(parents=True)
    command = program.command(evaluation.task, evaluation.target, evaluation.folder, logs)
    given = dict(program.environment(evaluation.target))
    if evaluation.keyed:
        keys = [key for name in _KEYS if (key := os.environ.get(name, "").strip())]
        given |= {program.key: keys[0]} if keys else {}
    environment = environment_for(evaluation.task.environment, given)
    log = work / LOG
    code = _run(ProgramOrder(command, _place(evaluation), log, environment), evaluation.is_there)
    _keep(log, out / LOG, given.get(program.key, ""))
    if code is None or (code and not evaluation.is_there()):
        raise LostModelError(f"the model ended while {evaluation.task.kind} asked it")
    if code:
        lines = log.read_text("utf-8", "replace").strip().splitlines()[-20:]
        last = lines[-1] if lines else "nothing"
        told = f"{evaluation.task.kind} ended with exit code {code}, and said last: {last}"
        raise GaugerError("\n".join([told, *lines]))
    records = records_of_logs(logs, evaluation.benchmark, WantedScore(evaluation.task.metric, evaluation.task.filter))
    shutil.copytree(logs, out / LOGS)
    return records


def _place(evaluation: ModelEvaluation) -> Path:
    """Run where the user's tasks are: their data files are named relative to that."""
    include = getattr(evaluation.task, "include", None)
    return (evaluation.folder / include).resolve() if include else evaluation.folder.resolve()


def _run(order: ProgramOrder, is_there: Callable[[], bool]) -> int | None:
    """Return its exit code; None where it was stopped, for there was nobody left to be asked."""
    with RunningProgram(order) as running:
        while (code := running.code) is None:
            if not is_there():
                return None
            time.sleep(POLL_S)
    return code


def _keep(log: Path, out: Path, secret: str) -> None:
    text = log.read_text("utf-8", "replace") if log.is_file() else ""
    write_text(out, text.replace(secret, "[key removed]") if len(secret) > len("none") else text)


def evaluator_version(kind: str, program: str | None) -> str:
    """Return what an evaluator says of its version.

    Parameters
    ----------
    kind : str
        Of `target.PROGRAMS`.
    program : str, optional
        Another one than Gauger's own Python has. The Python that runs it is asked, as its first line names it; a
        program without one is asked with `--version`, and else the Python that lies beside it.

    Raises
    ------
    UserError, GaugerError
        Where it cannot be run.
    """
    known: EvaluatorProgram = PROGRAMS.load(kind)
    if program is None:
        return output_of([sys.executable, "-c", known.version], environment_for())
    words, environment = shlex.split(program), environment_for()
    require_program(words, environment)
    place = Path(str(shutil.which(words[0], path=environment.get("PATH"))))
    own, beside = _python_of(place), place.with_name("python")
    ways = [[own, "-c", known.version]] if own else []
    ways += [[*words, "--version"], *([[str(beside), "-c", known.version]] if beside.exists() and not own else [])]
    reasons = []
    for way in ways:
        try:
            return output_of(way, environment)
        except GaugerError as error:
            reasons.append(str(error))
    raise GaugerError("; ".join(reasons))


def _python_of(program: Path) -> str | None:
    """Return the Python that runs a program: itself, or what a script's first line names; None: another language."""
    if program.name.startswith("python"):
        return str(program)
    with program.open("rb") as file:
        first = file.readline(4096)
    command = first[2:].decode("utf-8", "replace").strip() if first.startswith(b"#!") else ""
    return command if Path(command).name.startswith("python") and Path(command).exists() else None
