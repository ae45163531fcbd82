"""Reads calibration design files: which planted studies to draw, and how often.

A design is YAML with six keys, each of which may be left out: `draws` and `seed`, `base` (settings common to all
cells), `grid` (setting -> values: every combination becomes a cell), `cells` (further cells by name, each with the
settings in which it differs from the base) and `pipelines` (planted factorials, `grid_pipelines`). Settings are the
fields of `planted.Planted`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.resources import files
from itertools import product
from math import isfinite
from pathlib import Path
from typing import Any

from gauger.errors import InputError, Place, StudyError, UserError, nearest
from gauger.estimate.calibrate.pipeline_designs import read_pipelines
from gauger.estimate.calibrate.planted import Planted
from gauger.estimate.calibrate.planted_pipeline import PlantedPipeline
from gauger.spec import YamlTree, read_tree

_TYPES = {field.name: type(getattr(Planted(), field.name)) for field in fields(Planted)}
_WANTED = {int: "a whole number", float: "a finite number", bool: "true or false", str: "text"}
_KEYS = ("draws", "seed", "base", "grid", "cells", "pipelines")


@dataclass(frozen=True)
class CalibrationDesign:
    """Planted studies to be drawn."""

    cells: tuple[Planted, ...]
    """In the order of the file: the grid first, then the named cells."""
    draws: int
    """Studies per cell."""
    seed: int
    pipelines: tuple[PlantedPipeline, ...] = ()
    """Planted factorials, drawn after the cells."""


def load_calibration(path: Path | None = None) -> CalibrationDesign:
    """Read a calibration design; without a path, the one that comes with the package.

    Raises
    ------
    UserError
        No such file, not YAML, an unknown key or setting (with the nearest known one), a value of the wrong type or
        out of range: with file, line and key.
    """
    if path is None:
        return parse_calibration(
            files("gauger.estimate.calibrate").joinpath("calibration.yaml").read_text("utf-8"), "built-in"
        )
    try:
        return parse_calibration(path.read_text("utf-8"), str(path))
    except OSError as error:
        raise InputError("a calibration design file", error.strerror or str(error), Place(str(path))) from error
    except UnicodeDecodeError as error:
        raise InputError("a calibration design file in UTF-8", str(error), Place(str(path))) from error


def parse_calibration(text: str, file: str) -> CalibrationDesign:
    """Read a calibration design from its text.

    Parameters
    ----------
    text : str
        YAML, with keys as at the head of this file.
    file : str
        Names the text in messages.

    Returns
    -------
    CalibrationDesign
        200 draws and seed 1 unless stated. No cells where the text has pipelines alone; the base alone where it has
        neither grid nor cells.

    Raises
    ------
    StudyError
        Not YAML.
    InputError
        Empty, an unknown key or setting (with the nearest known one), a value of the wrong type or out of range, two
        cells of one name: with file, line and key.

    Notes
    -----
    Tested in tests/estimate/test_calibrate_pipelines.py and tests/estimate/test_grid.py.
    """
    tree = read_tree(text, file)
    if tree.problems:
        raise StudyError(tree.problems)
    if tree.data is None:
        raise InputError("a design is missing: the file is empty", where=Place(file), hint=f"Keys: {', '.join(_KEYS)}.")
    document = _mapping(tree, (), tree.data)
    for key in document:
        if key not in _KEYS:
            raise InputError("a known key", repr(key), tree.place((key,)), nearest(key, _KEYS))
    pipelines = read_pipelines(tree, document.get("pipelines") or [], _settings)
    cells = () if pipelines and not document.keys() & {"base", "grid", "cells"} else _cells(tree, document)
    return CalibrationDesign(cells, _count(tree, "draws", 200, 1), _count(tree, "seed", 1, 0), pipelines)


def _cells(tree: YamlTree, document: Mapping[str, Any]) -> tuple[Planted, ...]:
    """List the cells: the grid, then the named ones; the base alone where there are neither."""
    base = _settings(tree, ("base",), document.get("base") or {})
    grid = _grid(tree, document.get("grid") or {})
    cells = [_planted({**base, **cell}, tree.place(("grid",))) for cell in _combinations(grid)]
    named = document.get("cells") or []
    if not isinstance(named, list):
        raise InputError("a list of cells", repr(named), tree.place(("cells",)))
    taken = {cell.name for cell in cells}
    for number, cell in enumerate(named):
        where = ("cells", number)
        planted = _planted({**base, **_settings(tree, where, cell)}, tree.place(where))
        if planted.name in taken:
            raise InputError("cells with different names", f"a second {planted.name!r}", tree.place(where))
        taken.add(planted.name)
        cells.append(planted)
    return tuple(cells) or (_planted(base, tree.place(("base",))),)


def _settings(tree: YamlTree, path: tuple[str | int, ...], value: object) -> dict[str, Any]:
    """Check the settings of a base or a cell for their names and types."""
    settings = _mapping(tree, path, value)
    for key, given in settings.items():
        _check(key, given, tree.place((*path, key)))
    return settings


def _grid(tree: YamlTree, value: object) -> dict[str, list[Any]]:
    """Check the grid: a list of different values for each setting, but no names, which are made from the values."""
    grid = _mapping(tree, ("grid",), value)
    for key, values in grid.items():
        place = tree.place(("grid", key))
        if key == "name":
            raise InputError("no names in the grid", repr(values), place, "Its cells are named by their values.")
        if not isinstance(values, list) or not values:
            raise InputError("a list of values", repr(values), place)
        for element in values:
            _check(key, element, place)
        if len(set(values)) < len(values):
            raise InputError("each value once", repr(values), place)
    return grid


def _check(key: str, value: object, place: Place) -> None:
    """Refuse an unknown setting and a value of another type."""
    if key not in _TYPES:
        raise InputError("a known setting", repr(key), place, nearest(key, _TYPES))
    wanted = _TYPES[key]
    fits = isinstance(value, wanted) or (wanted is float and isinstance(value, int))
    fits = fits and (isinstance(value, bool) is (wanted is bool))
    if not fits or (isinstance(value, float) and not isfinite(value)):
        raise InputError(_WANTED[wanted], repr(value), place)


def _combinations(grid: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """List every combination of the grid's values, each named by its values; none for an empty grid."""
    if not grid:
        return []
    cells = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    return [{**cell, "name": ", ".join(f"{key} {value}" for key, value in cell.items())} for cell in cells]


def _planted(settings: Mapping[str, Any], place: Place) -> Planted:
    """Build one cell; what is out of range is said with the cell's name and place."""
    try:
        return Planted(**settings)
    except UserError as error:
        name = settings.get("name")
        given = f"{error.given} in cell {name!r}" if name else error.given
        raise InputError(error.wanted, given, place, error.hint) from error


def _mapping(tree: YamlTree, path: tuple[str | int, ...], value: object) -> dict[str, Any]:
    """Refuse everything but a mapping."""
    if not isinstance(value, dict):
        raise InputError("a mapping (key: value)", repr(value), tree.place(path))
    return value


def _count(tree: YamlTree, key: str, default: int, least: int) -> int:
    """Read a whole number of at least `least`."""
    value = tree.data.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InputError(f"a whole number of at least {least}", repr(value), tree.place((key,)))
    return value
