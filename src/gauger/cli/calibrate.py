"""``gauger calibrate``: planted truths in; bias, coverage, width, power and false verdicts out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gauger.cli.output import JsonFlag, print_json, say

if TYPE_CHECKING:
    from gauger.estimate.calibrate import CellScore
    from gauger.estimate.planted import Planted


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(calibrate)


def calibrate(
    design: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Calibration design (YAML); without it, the built-in one.")
    ] = None,
    draws: Annotated[int | None, typer.Option(min=1, help="Simulated studies per cell; overrides the design.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Test the instrument itself: simulated studies with planted truths, and how well each estimate finds them.

    Beside every interval stands the field's habit, an interval over items alone, on the same data.
    """
    from dataclasses import replace

    from gauger.estimate.calibrate import calibrate as run_calibration
    from gauger.estimate.calibrate import to_document
    from gauger.estimate.grid import load_calibration

    planned = load_calibration(design)
    if draws is not None:
        planned = replace(planned, draws=draws)
    scores = run_calibration(planned, _announce)
    if as_json:
        print_json(to_document(planned, scores))
    else:
        _print_tables(scores, planned.draws)


def _announce(planted: Planted) -> None:
    """Say which cell is drawn now."""
    say(f"drawing: {planted.name}")


def _print_tables(scores: tuple[CellScore, ...], draws: int) -> None:
    """Print one table of estimates and one of verdicts, a row per cell."""
    from rich.console import Console

    from gauger.cli.calibrate_tables import estimands_table, estimates_table, verdicts_table

    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 140)
    console.print(estimates_table(scores, draws))
    console.print(estimands_table(scores, draws))
    console.print(verdicts_table(scores, draws))
