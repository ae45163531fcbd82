"""``gauger forecast [SCENARIO.yaml]``: forecasts what a scenario would give, and decides under stated losses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gauger.cli.output import JsonFlag, print_json, print_text, say


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(forecast)


def forecast(
    scenario: Annotated[
        str | None,
        typer.Argument(metavar="[SCENARIO.yaml]", help="A scenario file, or api-campaign (the default) or small-lab."),
    ] = None,
    study: Annotated[
        list[Path] | None, typer.Option("--study", metavar="RUN", help="A finished run that enters as a further study.")
    ] = None,
    back_test: Annotated[
        bool, typer.Option("--back-test", help="Score forecasts on studies and years left out, instead of forecasting.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write both pages and the experiment's study file here.")
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option("--table", metavar="DIR", help="Another table: a folder with results.csv and studies.csv."),
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option("--scores", metavar="FILE", help="Scores by date, for months and compute equivalents."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Forecast what a scenario would give from the published literature, and decide under its losses.

    Every number comes with what the literature cannot say. --back-test tells how such forecasts did on studies and
    years that they had not seen: kept for the shipped table, computed in minutes for any other.
    """
    from gauger.api import back_test as test
    from gauger.api import check_folder
    from gauger.api import forecast as foretell
    from gauger.cli.forecast_text import back_test_text, forecast_text

    if out is not None:
        check_folder(out, "--out")
    if back_test:
        tested = test(table, workers=2)
        print_json({"back_test": tested}) if as_json else print_text(back_test_text(tested))
        return
    result = foretell(scenario, studies=tuple(study or ()), table=table, progress=scores)
    document = result.to_dict()
    if out is not None:
        say(f"Wrote {result.report(out)}")
    if as_json:
        print_json(document)
    else:
        print_text(forecast_text(document))
