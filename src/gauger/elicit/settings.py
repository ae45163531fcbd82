"""Keeps what a corpus' directory was made with, so that it is gone on with the same settings and no others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gauger.errors import Place, UserError
from gauger.store import canonical_bytes, read_json, write_json

FILE_NAME = "settings.json"
SCHEMA = "gauger.elicit.settings/1"
_MOST_SHOWN = 60
_MODELS = ("teacher", "student")
"""Settings that name a model, as `URL#MODEL` where it is asked over an interface."""


def claim(directory: Path, settings: Mapping[str, Any]) -> bool:
    """Take a directory for a collection with these settings; True where one with the same was begun there before.

    Raises
    ------
    UserError
        Where it holds something else, or was made with other settings (the message names each that differs).
    """
    path = directory / FILE_NAME
    if directory.exists() and not directory.is_dir():
        raise UserError("a folder for --out", "an existing file", Place(str(directory)))
    if path.is_file():
        _compare(read_json(path), {"schema": SCHEMA, **settings}, directory)
        return True
    if directory.is_dir() and any(directory.iterdir()):
        raise UserError(
            "a new or empty folder, or one that gauger elicit made",
            "a folder with other files in it",
            Place(str(directory)),
            "Choose another one with --out.",
        )
    write_json(path, {"schema": SCHEMA, **settings})
    return False


def _compare(before: Mapping[str, Any], now: Mapping[str, Any], directory: Path) -> None:
    if differing := list(_differences(before, now)):
        raise UserError(
            "the settings that this folder was begun with",
            "; ".join(differing),
            Place(str(directory)),
            "Choose another folder with --out, or give the same settings; budgets, prices, rates, terms and addresses "
            "may change.",
        )


def _differences(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name in dict.fromkeys((*before, *now)):
        old, new = before.get(name), now.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _differences(old, new, f"{prefix}{name}.")
        elif canonical_bytes(_without_address(name, old)) != canonical_bytes(_without_address(name, new)):
            yield f"{prefix}{name} {_short(new)} instead of {_short(old)}"


def _without_address(name: str, value: object) -> object:
    """Return a model without the address that it is asked at: it may move, as to another port, and stays the same."""
    moves = name in _MODELS and isinstance(value, str) and "://" in value
    return f"#{value.partition('#')[2]}" if moves and isinstance(value, str) else value


def _short(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 3]}..."
