"""Printing results: text for people, JSON for programs, both on standard output."""

from __future__ import annotations

import sys
from typing import Annotated, TypeAlias

import typer

from gauger.store.canonical import document_bytes

JsonFlag: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
"""The ``--json`` option of every command; its default is False."""


def print_json(value: object) -> None:
    """Print a value as JSON: order kept, NaN refused, UTF-8 whatever the locale."""
    sys.stdout.flush()
    sys.stdout.buffer.write(document_bytes(value))
    sys.stdout.buffer.flush()


def printable(text: str, *, line_ends: bool = True) -> str:
    """Escape what a file could use to steer the terminal: control and other unprintable characters.

    Parameters
    ----------
    text : str
        What is to be shown.
    line_ends : bool
        Whether line ends stay as they are.
    """
    kept = "\n" if line_ends else ""
    return "".join(c if c.isprintable() or c == kept else c.encode("unicode_escape").decode() for c in text)


def print_text(text: str) -> None:
    """Print text; unprintable characters, and those that the terminal's encoding lacks, are escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(printable(text).encode(encoding, "backslashreplace").decode(encoding) + "\n")
    sys.stdout.flush()


def say(message: str) -> None:
    """Say something that is not a result, on standard error."""
    typer.echo(printable(message), err=True)
