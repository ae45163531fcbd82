"""``gauger report DIR``: writes a run's report again, and its numbers in the forms that others read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gauger.cli.export_options import TableFiles
from gauger.cli.option_groups import with_groups
from gauger.cli.output import JsonFlag, print_json, print_text, say

if TYPE_CHECKING:
    from gauger.api import Result


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_groups(report))


def report(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Directory of a finished run or comparison.")],
    printed: Annotated[
        bool, typer.Option("--print", help="Also write report-print.html, with nothing folded, for paper and PDF.")
    ] = False,
    *,
    tables: TableFiles,
    card: Annotated[
        Path | None, typer.Option("--card", metavar="FILE", help="Write a section for the model card of an arm.")
    ] = None,
    eval_results: Annotated[
        Path | None,
        typer.Option("--eval-results", metavar="FILE", help="Write an arm's scores as a card's model-index, in YAML."),
    ] = None,
    arm: Annotated[
        str | None, typer.Option("--arm", metavar="ARM", help="The arm of --card and --eval-results.")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="wandb:PROJECT|mlflow:EXPERIMENT", help="Send the estimates to a tracker."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Write report.html and its figures again from estimates.json, and the numbers for papers, cards and trackers.

    Results that were edited since the run are refused.
    """
    from gauger.api import check_file, open_result, track
    from gauger.store import RunDirectory

    tables.check()
    for place, option in ((card, "--card"), (eval_results, "--eval-results")):
        if place is not None:
            check_file(place, option)
    run = open_result(directory)
    page = run.report(directory)
    if printed:
        say(f"wrote {run.print_report(directory / 'report-print.html')}")
    tables.write(run)
    _write_cards(run, card, eval_results, arm)
    if to is not None:
        say(f"sent to {to}: {track(run, to)}")
    if as_json:
        print_json({"report": str(page), "estimates": str(RunDirectory(directory).estimates)})
    else:
        print_text(str(page))


def _write_cards(run: Result, card: Path | None, results: Path | None, arm: str | None) -> None:
    """Write what a model card says of an arm."""
    from gauger.api import eval_results, model_card
    from gauger.store import write_bytes

    for path, text in ((card, model_card), (results, eval_results)):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(path, text(run, arm).encode())
            say(f"wrote {path}")
