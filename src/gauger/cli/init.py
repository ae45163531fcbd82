"""``gauger init``: writes a commented study file to start from."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from gauger.cli.output import JsonFlag, print_json, print_text


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(init)


def init(
    path: Annotated[Path, typer.Argument(metavar="[STUDY.yaml]", help="The file to write.")] = Path("study.yaml"),
    recipe: Annotated[
        str, typer.Option("--recipe", metavar="NAME", help="What to start from: first, or a study that comes along.")
    ] = "first",
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Write a commented study that runs as it stands, in minutes, with the schema for editors beside it."""
    from gauger.api import init_study

    written = init_study(path, recipe=recipe, force=force)
    if as_json:
        print_json({"study": str(written[0]), "schema": str(written[1])})
    else:
        print_text(f"wrote {written[0]} (and {written[1].name}, for editors)")
        name = shlex.quote(str(path))
        print_text(f"next: gauger validate {name}, gauger plan {name} (what it costs), gauger run {name}")
