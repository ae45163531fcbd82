"""``gauger calibrate``: plants truths and counts bias, coverage, width, power and false verdicts."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gauger.cli.output import JsonFlag, print_json, print_text, say

if TYPE_CHECKING:
    from gauger.estimate import CalibrationDesign, CellScore, PipelineScore, Planted, PlantedPipeline


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

    A design is YAML: `draws`, `seed`, `base` (settings of every study), `grid` (setting: list of values; every
    combination is a cell), `cells` (a list of further studies, each with a `name` and what differs from the base) and
    `pipelines` (a list of factorials, each with a `name` and the `dividends` that its ingredients add). An unknown
    setting is answered with the known ones.
    """
    from dataclasses import replace

    from gauger.estimate import calibrate_pipelines, load_calibration, to_document
    from gauger.estimate.calibrate import calibrate as run_calibration

    planned = load_calibration(design)
    if draws is not None:
        planned = replace(planned, draws=draws)
    progress = _progress(planned)
    scores = run_calibration(planned, progress)
    pipelines = calibrate_pipelines(planned, progress)
    if as_json:
        print_json(to_document(planned, scores, pipelines))
    else:
        _print_tables(scores, pipelines, planned.draws)


def _progress(design: CalibrationDesign) -> Callable[[Planted | PlantedPipeline], None]:
    """Say which cell is drawn now, and how many there are."""
    numbers, total = count(1), len(design.cells) + len(design.pipelines)

    def announce(planted: Planted | PlantedPipeline) -> None:
        say(f"cell {next(numbers)} of {total}: {planted.name} ({design.draws} studies)")

    return announce


def _print_tables(scores: tuple[CellScore, ...], pipelines: tuple[PipelineScore, ...], draws: int) -> None:
    """Print one table of estimates and one of verdicts, a row per cell."""
    from gauger.cli.calibrate_tables import (
        checks_table,
        estimands_table,
        estimates_table,
        statements_table,
        verdicts_table,
    )

    tables = [estimates_table((*scores, *pipelines), draws), estimands_table((*scores, *pipelines), draws)]
    if scores:
        tables += [table(scores, draws) for table in (verdicts_table, checks_table, statements_table)]
    print_text("\n\n".join(tables))
