"""From what the user typed to log files, and from a file to the importer that reads it."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from gauger.errors import InputError, Place
from gauger.measure.importers.inspect_log import read_inspect
from gauger.measure.importers.lm_eval import read_lm_eval
from gauger.measure.importers.log import Log
from gauger.measure.importers.table import read_table, table_logs

FORMATS: Mapping[str, str] = {
    ".jsonl": "lm-eval samples",
    ".eval": "Inspect log",
    ".json": "Inspect log",
    ".csv": "records table",
    ".parquet": "records table",
}
"""File ending -> what it is read as."""
NOT_LOGS = ("results", "logs.json", "manifest", "eval-set", "estimates")
"""Beginnings of the names of JSON files that stand beside logs and are none."""

_WANTED = "lm-eval samples (.jsonl), Inspect logs (.eval, .json) or records tables (.csv, .parquet)"


def find_logs(argument: str) -> list[Path]:
    """Return the log files that a path, a folder or a glob pattern names, sorted by path.

    A folder is searched with everything below it.

    Raises
    ------
    InputError
        Nothing there, a file of no known format, or a folder with logs of several formats.
    """
    path = Path(argument)
    if path.is_dir():
        return _in_folder(path)
    if path.is_file():
        return [_known(path)]
    matches = _matches(argument) if glob.has_magic(argument) else []
    if not matches:
        raise InputError("an existing file, folder or pattern", "nothing there", Place(argument))
    return [found for match in matches for found in (_in_folder(match) if match.is_dir() else [_known(match)])]


def _matches(pattern: str) -> list[Path]:
    return sorted(Path(match) for match in glob.glob(pattern, recursive=True))  # noqa: PTH207 - absolute patterns too


def read_logs(path: Path, arm: str) -> list[Log]:
    """Read one file as what its ending says; of a records table with several arms, the rows of `arm`."""
    kind = FORMATS[_known(path).suffix]
    if kind == "lm-eval samples":
        return [read_lm_eval(path)]
    if kind == "Inspect log":
        return [read_inspect(path)]
    table = read_table(path)
    names = table["arm"].unique(maintain_order=True).to_list()
    if len(names) == 1:
        return table_logs(path, table)
    if arm not in names:
        hint = f"Give the whole table and name its arms: gauger compare {path.name} --distilled ARM --control ARM."
        given = f"the arms {', '.join(str(name) for name in names)}"
        raise InputError(f"a table with one arm, or with one named {arm!r}", given, Place(str(path)), hint)
    return table_logs(path, table.filter(table["arm"] == arm))


def _known(path: Path) -> Path:
    if path.suffix not in FORMATS or _is_beside(path):
        hint = f"Give {_WANTED}."
        if path.suffix == ".json" and path.name.startswith("results"):
            hint = (
                "It holds averages only. Give the samples_*.jsonl beside it (lm-eval writes them under --log_samples)."
            )
        raise InputError("an evaluation log", f"{path.suffix or 'no'} file", Place(str(path)), hint)
    if not os.access(path, os.R_OK):
        raise InputError("a file that may be read", "one whose permissions forbid it", Place(str(path)))
    return path


def _is_beside(path: Path) -> bool:
    return path.suffix == ".json" and path.name.startswith(NOT_LOGS)


def _in_folder(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in FORMATS)
    logs = [path for path in files if not _is_beside(path)]
    kinds = sorted({FORMATS[path.suffix] for path in logs})
    if len(kinds) > 1:
        raise InputError("a folder with logs of one format", " and ".join(kinds), Place(str(folder)), "Give the files.")
    if not logs:
        raise InputError(_WANTED, _instead(files), Place(str(folder)), "lm-eval writes samples under --log_samples.")
    return logs


def _instead(files: Sequence[Path]) -> str:
    return "only averages (results_*.json)" if files else "none of them"
