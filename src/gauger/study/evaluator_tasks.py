"""Reads what an evaluator's task is run with: its settings, the user's files behind it, and the version installed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from gauger.errors import GaugerError, UserError
from gauger.measure import PROGRAMS, evaluator_version
from gauger.spec import EvaluatorTask
from gauger.study.external_stages import NOT_HERE

ASSUMED_ITEMS = 500
"""Items of a task that states no limit: only the evaluator knows how many it has."""
_MODULES = {"lm-eval": "lm_eval", "inspect": "inspect_ai"}


def evaluator_settings(task: EvaluatorTask, folder: Path) -> dict[str, Any]:
    """Return the part of a job's parameters that says what is evaluated.

    Parameters
    ----------
    task : EvaluatorTask
        As the study has it; its role is no part of what is measured.
    folder : Path
        Where the study file lies.

    Raises
    ------
    UserError
        Where the user's files are not there, or the user's own program does not tell its version: it would be found out
        when every model is trained.
    """
    files = _named(PROGRAMS.load(task.kind).files(task, folder), folder.resolve())
    return {
        "task": task.model_dump(mode="json", exclude={"role"}),
        "folder": str(folder.resolve()),
        "files": {name: _digest(path) for name, path in files.items()},
        "version": _version(task.kind, task.program),
    }


def _named(files: Sequence[Path], folder: Path) -> dict[str, Path]:
    """Name files relative to the study's folder, or to their own where it is elsewhere: the same wherever both lie."""
    if all(path.is_relative_to(folder) for path in files):
        return {path.relative_to(folder).as_posix(): path for path in files}
    own = os.path.commonpath([path.parent for path in files])
    return {path.relative_to(own).as_posix(): path for path in files}


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


@cache
def _version(kind: str, program: str | None) -> str:
    try:
        return evaluator_version(kind, program)
    except GaugerError as error:
        if program is None:
            return NOT_HERE
        hint = f"Name the program itself, or a Python that has it: /path/to/python -m {_MODULES.get(kind, kind)}"
        raise UserError(f"a program of {kind} that tells its version", f"{program!r}: {error}", hint=hint) from error
