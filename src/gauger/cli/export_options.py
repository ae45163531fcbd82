"""Names the options that write estimates as tables, the same on every command that estimates, and writes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gauger.cli.output import say

if TYPE_CHECKING:
    from gauger.api import Result


@dataclass(frozen=True)
class TableFiles:
    """Files that the estimates are also written to, as asked."""

    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Also write the estimates as CSV, with every column.")
    ] = None
    latex: Annotated[
        Path | None, typer.Option("--latex", metavar="FILE", help="Also write the estimates as a LaTeX table.")
    ] = None
    markdown: Annotated[
        Path | None, typer.Option("--markdown", metavar="FILE", help="Also write the estimates as a Markdown table.")
    ] = None

    def check(self) -> None:
        """Refuse places where no file can be, before anything is estimated."""
        from gauger.api import check_file

        for path, option in ((self.csv, "--csv"), (self.latex, "--latex"), (self.markdown, "--markdown")):
            if path is not None:
                check_file(path, option)

    def write(self, result: Result) -> None:
        """Write the estimates in the asked forms, and say where."""
        from gauger.api import write_tables

        for path in write_tables(result, csv=self.csv, latex=self.latex, markdown=self.markdown):
            say(f"wrote {path}")
