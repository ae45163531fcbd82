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
from gauger.cli.output import JsonFlag, print_json, print_text, say
from gauger.cli.places import check_folder

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
    app.command()(run)


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
    as_json: JsonFlag = False,
) -> None:
    """Run a study, or go on with one that was stopped, and write estimates.json and report.html."""
    from gauger.execute import Execution, RunLimits, make_progress, read_needs
    from gauger.jobs import REGISTRY
    from gauger.report import headline, write
    from gauger.study import open_study, run_study

    limits = RunLimits(max_hours, max_flops)
    execution = Execution(on.value, workers, tries, limits, ray_address, store, read_needs(need or (), REGISTRY))
    loaded = open_study(study, tuple(overrides or ()))
    directory = directory_of(loaded.study.study, out)
    finished = run_study(loaded, directory, execution=execution, progress=make_progress())
    document = finished.document.to_dict()
    page = write(document, directory)
    for line in missing(finished.document.failures):
        say(line)
    if as_json:
        print_json(document)
    else:
        print_text(f"{headline(document)}\nReport: {page}")
    if finished.document.failures:
        say(f"details: gauger status {directory}; {_what_next(finished.result)}")
        raise typer.Exit(1)


def _what_next(result: RunResult) -> str:
    """Say what the same command would do."""
    done = ["goes on with what is left"] if result.left else []
    done += ["tries again what failed"] if result.failed or not done else []
    return f"the same command {' and '.join(done)}"


def directory_of(name: str, out: Path | None) -> Path:
    """Say where a study runs: `out`, or ``runs/NAME``.

    Raises
    ------
    UserError
        Where a file stands in the way.
    """
    directory = out or Path("runs") / name
    check_folder(directory, "the run", "Choose another one with --out.")
    return directory


def missing(failures: Sequence[Failure]) -> Iterator[str]:
    """Say what the estimates lack, one line per arm and reason."""
    replicates: dict[tuple[str, str, str], list[str]] = {}
    for failure in failures:
        said = replicates.setdefault((failure.arm, failure.stage, failure.reason), [])
        said += [] if failure.replicate is None else [str(failure.replicate)]
    for (arm, stage, reason), numbers in replicates.items():
        which = f" (replicate{'s' if len(numbers) > 1 else ''} {', '.join(numbers)})" if numbers else ""
        yield f"missing: {arm}{which}: {stage}: {reason.strip().splitlines()[0]}"
