"""``gauger run STUDY.yaml``: plan, run or resume, estimate, report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gauger.cli.output import JsonFlag, print_json, print_text, say

SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the study file; repeatable.")
]
StudyArgument = Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="The study file.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(run)


def run(
    study: StudyArgument,
    out: Annotated[Path | None, typer.Option(help="Directory of the run [default: runs/NAME].")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Worker processes; 0: one per core.")] = 0,
    overrides: SetOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Run a study, or go on with one that was stopped, and write estimates.json and report.html."""
    from gauger.report import headline, write
    from gauger.run.progress import make_progress
    from gauger.run.study import open_study, run_study

    loaded = open_study(study, tuple(overrides or ()))
    directory = out or Path("runs") / loaded.study.study
    progress = make_progress()
    finished = run_study(loaded, directory, workers=workers, progress=progress)
    document = finished.document.to_dict()
    page = write(document, directory)
    for failure in finished.document.failures:
        say(f"missing: {failure.arm}, replicate {failure.replicate}: {failure.stage}: {failure.reason}")
    if as_json:
        print_json(document)
    else:
        print_text(f"{headline(document)}\nReport: {page}")
    if finished.document.failures:
        raise typer.Exit(1)
