"""Reading the points of ``gauger fit``: every mistake is named by its file, line and column."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from gauger.cli.meta_table import Rows, read_rows
from gauger.errors import InputError, Place
from gauger.stats.laws.points import Points

SCALE = ("n_params", "n_tokens")
OUTCOMES = ("loss", "accuracy")
ABOVE_ZERO = (*SCALE, "loss", "teacher_loss", "unique_tokens", "loss_se", "accuracy_se")
OPTIONAL = ("teacher_loss", "unique_tokens", "pretrained", "n_items", "loss_se", "accuracy_se", "weight", "group")
LARGEST = 1e30


@dataclass(frozen=True)
class PointTable:
    """The points of a file and what its reader must know."""

    points: Points
    warnings: list[str]


def read_points(path: Path, *, outcome: bool = True) -> PointTable:
    """Read a CSV of trained models (or, without outcomes, of models to predict).

    Raises
    ------
    InputError
        A missing column, or a cell that is not a number or lies outside its range, with file, line and column.
    """
    header = _header(path)
    known = [name for name in (*SCALE, *OUTCOMES, *OPTIONAL) if name in header]
    if outcome and not any(name in header for name in OUTCOMES):
        raise InputError("a column 'loss' or 'accuracy'", f"columns {', '.join(header)}", Place(str(path), 1))
    rows = read_rows(path, SCALE, [name for name in known if name not in SCALE])
    if not rows.lines:
        raise InputError("at least one row with n_params and n_tokens", "none", Place(str(path)))
    columns: dict[str, Any] = {name: _column(rows, name) for name in known if name != "group"}
    _check_rows(rows, columns, outcome)
    if "group" in known:
        labels = [label or f"\0{line}" for label, line in zip(rows.columns["group"], rows.lines, strict=True)]
        columns["group"] = np.unique(labels, return_inverse=True)[1]
    return PointTable(Points(**columns), _warnings(rows, header))


def _header(path: Path) -> list[str]:
    if not path.is_file():
        raise InputError("a CSV file", "a folder" if path.is_dir() else "no such file", Place(str(path)))
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = next(csv.reader(file, delimiter="\t" if path.suffix == ".tsv" else ","), [])
    except UnicodeDecodeError:
        raise InputError("a CSV file in UTF-8", "other bytes", Place(str(path))) from None
    except csv.Error as error:
        raise InputError("CSV", str(error), Place(str(path), 1)) from None
    return [name.strip() for name in first]


def _column(rows: Rows, name: str) -> Any:
    """Read a column; empty cells are NaN."""
    return np.array([_cell(rows, name, row, cell) for row, cell in enumerate(rows.columns[name])])


def _cell(rows: Rows, name: str, row: int, cell: str) -> float:
    if cell == "":
        return math.nan
    try:
        value = float(cell)
    except ValueError:
        raise InputError("a number", repr(cell), rows.place(row, name)) from None
    wanted = _range(name)
    if not math.isfinite(value) or not wanted[1] <= value <= wanted[2] or (name in ABOVE_ZERO and value == 0.0):
        raise InputError(wanted[0], cell, rows.place(row, name))
    if name == "pretrained" and value not in (0.0, 1.0):
        raise InputError(wanted[0], cell, rows.place(row, name))
    return value


def _range(name: str) -> tuple[str, float, float]:
    if name == "accuracy":
        return "an accuracy between 0 and 1", 0.0, 1.0
    if name == "pretrained":
        return "0 (from scratch) or 1", 0.0, 1.0
    if name == "n_items":
        return "a number of items of at least 1", 1.0, LARGEST
    if name in ABOVE_ZERO:
        return "a number above 0", 0.0, LARGEST
    return "a number of at least 0", 0.0, LARGEST


def _check_rows(rows: Rows, columns: dict[str, Any], outcome: bool) -> None:
    """Refuse rows that contradict themselves; fill in empty optional cells."""
    if outcome:
        seen = [np.isfinite(columns[name]) for name in OUTCOMES if name in columns]
        if not np.any(seen):
            raise InputError("a loss or an accuracy in some row", "none", Place(str(rows.path)))
    fill = {"unique_tokens": columns["n_tokens"], "pretrained": 1.0, "weight": 1.0}
    for name, usual in fill.items():
        if name in columns:
            columns[name] = np.where(np.isfinite(columns[name]), columns[name], usual)
    if "unique_tokens" in columns:
        for row in np.flatnonzero(columns["unique_tokens"] > columns["n_tokens"] * (1.0 + 1e-9)):
            given = f"{columns['unique_tokens'][row]:g}"
            raise InputError("unique_tokens of at most n_tokens", given, rows.place(int(row), "unique_tokens"))
    if "weight" in columns and not (columns["weight"] > 0).any():
        raise InputError("a weight above 0 in some row", "none", Place(str(rows.path), key="weight"))
    for name in ("loss", "accuracy", "teacher_loss", "n_items", "loss_se", "accuracy_se"):
        if name in columns and not np.isfinite(columns[name]).any():
            del columns[name]


def _warnings(rows: Rows, header: list[str]) -> list[str]:
    warnings = []
    if rows.left_out:
        shown = ", ".join(str(line) for line in rows.left_out[:10]) + (", …" if len(rows.left_out) > 10 else "")
        warnings.append(f"{len(rows.left_out)} rows left out for an empty n_params or n_tokens (lines {shown})")
    everything = (*SCALE, *OUTCOMES, *OPTIONAL)
    for name in header:
        if name not in everything and (close := get_close_matches(name, everything, n=1, cutoff=0.8)):
            warnings.append(f"column {name!r} is not read; did you mean {close[0]!r}?")
    return warnings
