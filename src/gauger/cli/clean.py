"""``gauger clean DIR``: names the results and broken-off trainings that a plan no longer needs, and removes them."""

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
    """Name what the last plan of a run does not need: results of older code or other settings, damaged ones, and what
    killed trainings left (checkpoints, rows, logs) that no job goes on from any more.

    They are kept unless --remove is given: to go back to an earlier study or version then costs nothing.
    """
    from gauger.study import find_leftovers, remove_leftovers

    leftovers = find_leftovers(directory)
    if remove:
        remove_leftovers(leftovers)
    if as_json:
        print_json(leftovers.to_dict() | {"removed": remove})
        return
    if not leftovers.paths:
        print_text(f"{directory}: every result belongs to the last plan")
        return
    results = _counted(len(leftovers.results) + len(leftovers.damaged), "result")
    trainings = _counted(len(leftovers.unfinished), "unfinished training")
    what = " and ".join(filter(None, (results, trainings)))
    what = f"{what} ({leftovers.bytes / 1e6:.1f} MB) that the last plan does not need"
    print_text(f"{directory}: {'removed' if remove else 'kept'} {what}{'' if remove else '; --remove removes them'}")


def _counted(number: int, what: str) -> str:
    """Say how many; nothing where there are none."""
    return f"{number} {what}{'' if number == 1 else 's'}" if number else ""
