"""Names the options that write estimates as tables, the same on every command that estimates, and writes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from gauger.cli.output import say

if TYPE_CHECKING:
    from gauger.api import Result

CsvOption: TypeAlias = Annotated[
    Path | None, typer.Option("--csv", metavar="FILE", help="Also write the estimates as CSV, with every column.")
]
LatexOption: TypeAlias = Annotated[
    Path | None, typer.Option("--latex", metavar="FILE", help="Also write the estimates as a LaTeX table.")
]
MarkdownOption: TypeAlias = Annotated[
    Path | None, typer.Option("--markdown", metavar="FILE", help="Also write the estimates as a Markdown table.")
]


def check_table_places(csv: Path | None, latex: Path | None, markdown: Path | None) -> None:
    """Refuse places where no file can be, before anything is estimated.

    Parameters
    ----------
    csv, latex, markdown : Path, optional
        As asked.
    """
    from gauger.api import check_file

    for path, option in ((csv, "--csv"), (latex, "--latex"), (markdown, "--markdown")):
        if path is not None:
            check_file(path, option)


def write_asked_tables(result: Result, csv: Path | None, latex: Path | None, markdown: Path | None) -> None:
    """Write the estimates in the asked forms, and say where.

    Parameters
    ----------
    result : Result
    csv, latex, markdown : Path, optional
        As asked.
    """
    from gauger.api import write_tables

    for path in write_tables(result, csv=csv, latex=latex, markdown=markdown):
        say(f"wrote {path}")
