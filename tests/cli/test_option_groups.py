"""Groups of options: for the command line as if each stood in the command itself, in the command as one record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from gauger.cli.option_groups import with_groups


@dataclass(frozen=True)
class Window:
    width: Annotated[int, typer.Option(help="How wide.")]
    colour: Annotated[str, typer.Option("--colour", help="Which colour.")] = "none"


def grouped(name: Annotated[str, typer.Option(help="Whose.")], *, window: Window, loud: bool = False) -> None:
    """Build."""
    typer.echo(f"{name} {window.width} {window.colour} {loud}")


def written_out(
    name: Annotated[str, typer.Option(help="Whose.")],
    *,
    width: Annotated[int, typer.Option(help="How wide.")],
    colour: Annotated[str, typer.Option("--colour", help="Which colour.")] = "none",
    loud: bool = False,
) -> None:
    """Build."""
    typer.echo(f"{name} {width} {colour} {loud}")


def answer(command, *arguments):
    app = typer.Typer(rich_markup_mode=None)
    app.command("build")(command)
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--name", "a", "--width", "3"),
        ("--name", "a", "--width", "3", "--colour", "red", "--loud"),
        ("--name", "a"),
        ("--name", "a", "--width", "wide"),
    ],
)
def test_a_group_is_read_as_if_its_options_were_written_out(arguments):
    assert answer(with_groups(grouped), *arguments) == answer(written_out, *arguments)


def test_a_command_without_groups_stays_as_it_is():
    assert answer(with_groups(written_out), "--name", "a", "--width", "3") == (0, "a 3 none False\n")
