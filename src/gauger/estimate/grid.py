"""Calibration design files: which planted studies to draw, and how often.

A design is YAML with four keys: `draws` and `seed`, `base` (settings common to all cells), `grid` (setting -> values:
every combination becomes a cell) and `cells` (further cells by name, each with the settings in which it differs from
the base). Settings are the fields of `planted.Planted`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from gauger.errors import InputError, Place, nearest
from gauger.estimate.planted import Planted

_TYPES = {field.name: type(getattr(Planted(), field.name)) for field in fields(Planted)}
_KEYS = ("draws", "seed", "base", "grid", "cells")


@dataclass(frozen=True)
class CalibrationDesign:
    """Planted studies to be drawn."""

    cells: tuple[Planted, ...]
    """In the order of the file: the grid first, then the named cells."""
    draws: int
    """Studies per cell."""
    seed: int


def load_calibration(path: Path | None = None) -> CalibrationDesign:
    """Read a calibration design; without a path, the one that comes with the package.

    Raises
    ------
    InputError
        Not YAML, an unknown key or setting (with the nearest known one), a value of the wrong type or out of range.
    """
    try:
        text = (
            files("gauger.estimate").joinpath("calibration.yaml").read_text("utf-8")
            if path is None
            else path.read_text("utf-8")
        )
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("a calibration design file", str(error), Place(str(path))) from error
    return parse_calibration(text, str(path or "calibration.yaml"))


def parse_calibration(text: str, file: str) -> CalibrationDesign:
    """Read a calibration design from its text; `file` names it in messages."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = None if mark is None else mark.line + 1
        raise InputError("YAML", str(getattr(error, "problem", error)), Place(file, line)) from error
    document = _mapping(document, Place(file))
    for key in document:
        if key not in _KEYS:
            raise InputError("a known key", repr(key), Place(file), nearest(str(key), _KEYS))
    base = _mapping(document.get("base") or {}, Place(file, key="base"))
    grid = _mapping(document.get("grid") or {}, Place(file, key="grid"))
    cells = [_planted({**base, **cell}, Place(file, key="grid")) for cell in _combinations(grid, Place(file))]
    named = document.get("cells") or []
    if not isinstance(named, list):
        raise InputError("a list", repr(named), Place(file, key="cells"))
    for number, cell in enumerate(named):
        place = Place(file, key=f"cells[{number}]")
        cells.append(_planted({**base, **_mapping(cell, place)}, place))
    names = [cell.name for cell in cells]
    if len(set(names)) < len(names):
        raise InputError("cells with different names", f"{max(names, key=names.count)!r} twice", Place(file))
    if not cells:
        cells = [_planted(base, Place(file, key="base"))]
    draws, seed = document.get("draws", 200), document.get("seed", 1)
    return CalibrationDesign(tuple(cells), _count(draws, 1, Place(file, key="draws")), _count(seed, 0, Place(file)))


def _combinations(grid: Mapping[str, Any], place: Place) -> list[dict[str, Any]]:
    """List every combination of the grid's values, each named by its values; none for an empty grid."""
    if not grid:
        return []
    for key, values in grid.items():
        if not isinstance(values, list) or not values:
            raise InputError("a list of values", repr(values), Place(place.file, key=f"grid.{key}"))
    found = []
    for values in product(*grid.values()):
        cell = dict(zip(grid, values, strict=True))
        found.append({**cell, "name": ", ".join(f"{key} {value}" for key, value in cell.items())})
    return found


def _planted(settings: Mapping[str, Any], place: Place) -> Planted:
    """Build one cell; every setting is checked for its name and type, then for its range."""
    for key, value in settings.items():
        if key not in _TYPES:
            raise InputError("a known setting", repr(key), place, nearest(str(key), _TYPES))
        wanted = _TYPES[key]
        fits = isinstance(value, wanted) or (wanted is float and isinstance(value, int))
        if not fits or (isinstance(value, bool) and wanted is not bool):
            raise InputError(f"{key} as {wanted.__name__}", repr(value), place)
    return Planted(**settings)


def _mapping(value: object, place: Place) -> dict[str, Any]:
    """Refuse everything but a mapping."""
    if not isinstance(value, dict):
        raise InputError("a mapping", repr(value), place)
    return value


def _count(value: object, least: int, place: Place) -> int:
    """Refuse everything but a whole number of at least `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InputError(f"a whole number of at least {least}", repr(value), place)
    return value
