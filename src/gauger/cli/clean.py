"""``gauger clean DIR``: names the results that a run's plan no longer needs, and removes them on request."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gauger.cli.output import JsonFlag, print_json, print_text


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(clean)


def clean(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Directory of a run.")],
    remove: Annotated[bool, typer.Option("--remove", help="Remove them; without it they are named and kept.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Name the results that the last plan of a run does not need (older code, other settings, damaged ones).

    They are kept unless --remove is given: to go back to an earlier study or version then costs nothing.
    """
    from gauger.study import find_leftovers, remove_leftovers

    leftovers = find_leftovers(directory)
    if remove:
        remove_leftovers(leftovers)
    if as_json:
        print_json(leftovers.to_dict() | {"removed": remove})
        return
    n = len(leftovers.results) + len(leftovers.damaged)
    if not n:
        print_text(f"{directory}: every result belongs to the last plan")
        return
    what = f"{n} {'result' if n == 1 else 'results'} ({leftovers.bytes / 1e6:.1f} MB) that the last plan does not need"
    print_text(f"{directory}: {'removed' if remove else 'kept'} {what}{'' if remove else '; --remove removes them'}")
