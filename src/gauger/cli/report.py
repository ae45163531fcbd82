"""``gauger report DIR``: writes the report again, from `estimates.json`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gauger.cli.output import JsonFlag, print_json, print_text


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(report)


def report(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Directory of a finished run.")],
    as_json: JsonFlag = False,
) -> None:
    """Write report.html and its figures again, from the run's estimates.json; refuse results that were edited."""
    from gauger.api import load_run

    run = load_run(directory)
    page = run.report()
    if as_json:
        print_json({"report": str(page), "estimates": str(run.directory.estimates)})
    else:
        print_text(str(page))
