"""Prints results: text for people, JSON for programs, both on standard output."""

from __future__ import annotations

import json
import sys
from typing import Annotated, TypeAlias
from unicodedata import category

import typer

from gauger.store import document_bytes

JsonFlag: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
"""The ``--json`` option of every command; its default is False."""


def print_json(value: object) -> None:
    """Print a value as JSON: order kept, NaN refused, UTF-8 whatever the locale.

    What could steer the terminal is written as JSON's own escapes: the value that a program reads is the same.
    """
    sys.stdout.flush()
    text = document_bytes(value).decode()
    if not text.replace("\n", "").isprintable():
        text = "".join(c if c == "\n" else _shown_in_json(c) for c in text)
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def printable(text: str, *, line_ends: bool = True) -> str:
    """Escape what a file could use to steer the terminal: control and other unprintable characters, but no spaces.

    Parameters
    ----------
    text : str
        What is to be shown.
    line_ends : bool
        Whether line ends stay as they are.
    """
    return "".join(_shown(c) if c != "\n" or not line_ends else c for c in text)


def _shown(character: str) -> str:
    # Spaces that do not break, and thin ones, are not "printable" in Python's sense, and harmless.
    if character.isprintable() or category(character) == "Zs":
        return character
    return character.encode("unicode_escape").decode()


def _shown_in_json(character: str) -> str:
    return character if _shown(character) == character else json.dumps(character)[1:-1]


def print_text(text: str) -> None:
    """Print text; unprintable characters, and those that the terminal's encoding lacks, are escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(printable(text).encode(encoding, "backslashreplace").decode(encoding) + "\n")
    sys.stdout.flush()


def say(message: str) -> None:
    """Say something that is not a result, on standard error."""
    typer.echo(printable(message), err=True)
