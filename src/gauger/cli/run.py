"""``gauger run STUDY.yaml``: takes a study file to a verdict and its report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from gauger.cli.execution_options import (
    MaxFlopsOption,
    MaxHoursOption,
    NeedOption,
    OnOption,
    RayAddressOption,
    RunPlace,
    StoreOption,
    TriesOption,
    WorkersOption,
)
from gauger.cli.export_options import TableFiles
from gauger.cli.option_groups import with_groups
from gauger.cli.output import JsonFlag, print_json, print_text, say

if TYPE_CHECKING:
    from gauger.execute import RunResult
    from gauger.records import Failure

SetOption: TypeAlias = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the study file; repeatable.")
]
StudyArgument: TypeAlias = Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="The study file.")]
OutOption: TypeAlias = Annotated[Path | None, typer.Option(help="Directory of the run.", show_default="runs/NAME")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_groups(run))


def run(
    study: StudyArgument,
    out: OutOption = None,
    workers: WorkersOption = 0,
    overrides: SetOption = None,
    on: OnOption = RunPlace.LOCAL,
    ray_address: RayAddressOption = None,
    store: StoreOption = None,
    need: NeedOption = None,
    max_hours: MaxHoursOption = None,
    max_flops: MaxFlopsOption = None,
    tries: TriesOption = 3,
    registered: Annotated[
        str | None, typer.Option(metavar="DIGEST", help="Hold the study to what gauger plan --register printed.")
    ] = None,
    *,
    tables: TableFiles,
    as_json: JsonFlag = False,
) -> None:
    """Run a study, or go on with one that was stopped, and write estimates.json and report.html."""
    from gauger.api import run as run_study
    from gauger.report import summary

    tables.check()
    study_run = run_study(
        study,
        out=out,
        overrides=overrides or (),
        workers=workers,
        on=on.value,
        ray_address=ray_address,
        store=store,
        need=need or (),
        max_hours=max_hours,
        max_flops=max_flops,
        tries=tries,
        registered=registered,
    )
    failures = study_run.document.failures
    tables.write(study_run)
    for line in missing(failures):
        say(line)
    if as_json:
        print_json(study_run.to_dict())
    else:
        print_text(f"{summary(study_run.to_dict())}\nReport: {study_run.directory.report}")
    if failures and study_run.result is not None:
        say(f"details: gauger status {study_run.directory.root}; {_what_next(study_run.result)}")
        raise typer.Exit(1)


def _what_next(result: RunResult) -> str:
    """Say what the same command would do."""
    done = ["goes on with what is left"] if result.left else []
    done += ["tries again what failed"] if result.failed or not done else []
    return f"the same command {' and '.join(done)}"


def missing(failures: Sequence[Failure]) -> Iterator[str]:
    """Say what the estimates lack, one line per arm and reason."""
    replicates: dict[tuple[str, str, str], list[str]] = {}
    for failure in failures:
        listed = replicates.setdefault((failure.arm, failure.stage, failure.reason), [])
        listed += [] if failure.replicate is None else [str(failure.replicate)]
    for (arm, stage, reason), numbers in replicates.items():
        which = f" (replicate{'s' if len(numbers) > 1 else ''} {', '.join(numbers)})" if numbers else ""
        yield f"missing: {arm}{which}: {stage}: {reason.strip().splitlines()[0]}"
