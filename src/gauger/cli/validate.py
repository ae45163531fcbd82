"""``gauger validate STUDY.yaml``: checks study files, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gauger.cli.output import JsonFlag, print_json, print_text, say
from gauger.cli.run import SetOption


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(validate)


def validate(
    studies: Annotated[list[Path], typer.Argument(metavar="STUDY.yaml...", help="Study files.")],
    overrides: SetOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Check study files: every mistake at once, with its line. Nothing runs and nothing is written."""
    checked = [_checked(path, tuple(overrides or ())) for path in studies]
    if as_json:
        print_json({"studies": checked})
    for study in checked:
        if not study["problems"] and not as_json:
            print_text(f"{study['file']}: no mistakes ({study['arms']} arms, {study['benchmarks']} benchmarks)")
        for line in (*study["notes"], *study["problems"]):
            say(line)
    wrong = [study for study in checked if study["problems"]]
    if wrong:
        raise typer.Exit(2)


def _checked(path: Path, overrides: tuple[str, ...]) -> dict[str, Any]:
    """Check one study, planning included, and say what it holds."""
    from gauger.errors import StudyError, UserError
    from gauger.study import open_study, plan_loaded

    counted: dict[str, Any] = {"arms": None, "benchmarks": None, "jobs": None}
    empty: dict[str, Any] = {"file": str(path), "study": None, **counted, "notes": []}
    try:
        loaded = open_study(path, overrides)
        plan, _ = plan_loaded(loaded)
    except StudyError as error:
        return {**empty, "problems": [str(problem) for problem in error.problems]}
    except UserError as error:
        return {**empty, "problems": [str(error)]}
    study = loaded.study
    counts = {"arms": len(plan.arms), "benchmarks": len(study.benchmarks), "jobs": len(plan.jobs)}
    return {**empty, "study": study.study, **counts, "notes": list(loaded.notes), "problems": []}
