"""Writes tables for the terminal: the one writer of all commands, as plain text that looks the same everywhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from io import StringIO
from textwrap import fill

from gauger.cli.output import printable

NOTE_WIDTH = 100
"""Characters of a line of notes."""
_UNBOUNDED = 100_000
"""More characters than any row has: Rich then never folds or cuts a cell, whatever the terminal's width."""


def table(header: Sequence[str], rows: Iterable[Sequence[str]], numeric: Collection[int] = ()) -> str:
    """Align rows under a header, two spaces between columns.

    Every cell stands whole and on one line, so a pipe gets what a terminal gets. Cells are shown literally: markup of
    Rich means nothing, and control characters, line ends among them, are written as escapes.

    Parameters
    ----------
    header : sequence of str
        Names of the columns; may be empty words.
    rows : iterable of sequences of str
        Cells, as many per row as the header has.
    numeric : collection of int
        0-based columns that are set to the right.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, show_edge=False, header_style="")
    for place, name in enumerate(header):
        grid.add_column(_cell(name), justify="right" if place in numeric else "left", no_wrap=True)
    for row in rows:
        grid.add_row(*(Text(_cell(cell)) for cell in row))
    out = StringIO()
    Console(file=out, width=_UNBOUNDED, color_system=None, markup=False, highlight=False, emoji=False).print(grid)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip("\n").split("\n"))


def titled(title: str, content: str, note: str = "") -> str:
    """Put a title above a table and, where there is one, a note below it."""
    return "\n".join([title, content, *([fill(note, NOTE_WIDTH)] if note else [])])


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Align rows that need no header."""
    header = ("",) * len(rows[0]) if rows else ()
    return table(header, rows).partition("\n")[2]


def _cell(text: str) -> str:
    return printable(text, line_ends=False)
