"""Reads what an evaluator's task is run with: its settings, the user's files behind it, and the version installed."""

from __future__ import annotations

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
        Where the user's files are not there.
    """
    files = PROGRAMS.load(task.kind).files(task, folder)
    return {
        "task": task.model_dump(mode="json", exclude={"role"}),
        "folder": str(folder.resolve()),
        "files": {str(path.relative_to(folder.resolve())): _digest(path) for path in files},
        "version": _version(task.kind, task.program),
    }


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


@cache
def _version(kind: str, program: str | None) -> str:
    try:
        return evaluator_version(kind, program)
    except (UserError, GaugerError):
        return NOT_HERE
