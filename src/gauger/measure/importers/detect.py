"""Finds the files that the user may have meant: a path, a folder with all that it holds, or a pattern."""

from __future__ import annotations

import glob
from pathlib import Path

from gauger.errors import InputError, Place

BESIDE = ("results", "logs.json", "manifest", "eval-set", "estimates", "run_spec", "scenario")
"""Beginnings of the names of JSON files that stand beside logs and are none."""


def find_logs(argument: str) -> list[tuple[Path, Path]]:
    """Return (file, folder that the user named) of everything that a path, a folder or a glob pattern may mean.

    A folder is searched with everything below it but hidden files; what a file holds is not looked at here.

    Raises
    ------
    InputError
        Nothing there, or a folder without files.
    """
    path = Path(argument)
    if path.is_dir():
        return _in_folder(path)
    if path.is_file():
        return [(path, path)]
    matches = _matches(argument) if glob.has_magic(argument) else []
    if not matches:
        raise InputError("an existing file, folder or pattern", "nothing there", Place(argument))
    return [entry for match in matches for entry in (_in_folder(match) if match.is_dir() else [(match, match.parent)])]


def _matches(pattern: str) -> list[Path]:
    return sorted(Path(match) for match in glob.glob(pattern, recursive=True))  # noqa: PTH207 - absolute patterns too


def _in_folder(folder: Path) -> list[tuple[Path, Path]]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not _hidden(path.relative_to(folder)))
    logs = [path for path in files if not (path.suffix == ".json" and path.name.startswith(BESIDE))]
    if not logs:
        given = "averages alone (results_*.json)" if files else "an empty folder"
        raise InputError("evaluation logs", given, Place(str(folder)), "lm-eval writes samples under --log_samples.")
    return [(path, folder) for path in logs]


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
