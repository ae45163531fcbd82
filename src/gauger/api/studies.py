"""Runs studies and opens finished runs (`gauger.run`, `gauger.load_run`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gauger.api.places import check_folder
from gauger.api.result import Result

if TYPE_CHECKING:
    import polars as pl

    from gauger.execute import RunResult
    from gauger.records import Document
    from gauger.store import RunDirectory


class StudyRun(Result):
    """A study that has run: its document, and the directory with its records.

    Parameters
    ----------
    document : Document
        What it found.
    directory : RunDirectory
        Where it stands.
    result : RunResult, optional
        What this process did of it; None where it was only opened.
    """

    def __init__(self, document: Document, directory: RunDirectory, result: RunResult | None = None) -> None:
        super().__init__(document.to_dict())
        self.document, self.directory, self.result = document, directory, result

    @cached_property
    def records(self) -> pl.DataFrame:
        """One row per arm, replicate, item and sample (`gauger.records.RECORD_COLUMNS`)."""
        from gauger.store import read_parquet

        return read_parquet(self.directory.records)

    def report(self, path: Path | str | None = None) -> Path:
        """Write the report, by default again into the run's own directory, if nobody edited it. See `Result.report`."""
        from gauger.report import report_files
        from gauger.store import update_manifest, write_together
        from gauger.study import require_unedited

        root = self.directory.root
        if path is not None and Path(path).resolve() != root.resolve():
            return super().report(path)
        require_unedited(root)
        drawn = report_files(self.to_dict(), root)
        write_together(root, drawn)
        update_manifest(root, drawn)
        return self.directory.report

    def print_report(self, path: Path | str | None = None) -> Path:
        """Write the unfolded page, by default as ``report-print.html`` into the run's own directory, if unedited."""
        from gauger.report import PRINTED
        from gauger.store import update_manifest
        from gauger.study import require_unedited

        own = self.directory.root / PRINTED
        if path is not None and Path(path).resolve() != own.resolve():
            return super().print_report(path)
        require_unedited(self.directory.root)
        page = super().print_report(own)
        update_manifest(self.directory.root, (PRINTED,))
        return page


def run(
    study: Path | str,
    *,
    out: Path | str | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    workers: int = 0,
    on: Literal["local", "ray"] = "local",
    ray_address: str | None = None,
    store: str | None = None,
    need: Sequence[str] = (),
    max_hours: float | None = None,
    max_flops: float | None = None,
    tries: int = 3,
    registered: str | None = None,
) -> StudyRun:
    """Run a study, or go on with one that was stopped, and write estimates.json and report.html.

    Parameters
    ----------
    study : path
        The study file.
    out : path, optional
        Directory of the run; by default ``runs/NAME``.
    overrides : mapping or sequence of "KEY=VALUE"
        Keys of the study file with other values: ``{"world.seed": 11}``.
    workers : int
        Worker processes; 0: one per GPU, and where there are none one per core.
    on : {"local", "ray"}
        Where jobs run; estimates are the same.
    ray_address, store : str, optional
        A running Ray cluster, and where results travel if its nodes share no disk.
    need : sequence of "KIND.WHAT=NUMBER"
        What jobs of a kind need of a node.
    max_hours, max_flops : float, optional
        No job starts after this time, or beyond this many training FLOPs.
    tries : int
        A job is given up when this many workers were lost with it.
    registered : str, optional
        The digest of ``gauger plan --register`` that the study is held to.

    Returns
    -------
    StudyRun
        What failed stands in its `document.failures`; it is no exception.

    Raises
    ------
    UserError
        Any mistake in what was given, in the words of `gauger run`.
    """
    from gauger.execute import Execution, RunLimits, make_progress, read_needs
    from gauger.jobs import REGISTRY
    from gauger.report import write
    from gauger.study import open_study, run_study, seal

    limits = RunLimits(max_hours, max_flops)
    execution = Execution(on, workers, tries, limits, ray_address, store, read_needs(need, REGISTRY))
    loaded = open_study(study, override_texts(overrides))
    directory = directory_of(loaded.study.study, None if out is None else Path(out))
    finished = run_study(loaded, directory, execution=execution, progress=make_progress(), registered=registered)
    study_run = StudyRun(finished.document, finished.directory, finished.result)
    write(study_run.to_dict(), directory)
    seal(finished)
    return study_run


def override_texts(overrides: Mapping[str, Any] | Sequence[str]) -> tuple[str, ...]:
    """Return overrides as the command line writes them: KEY=VALUE, the value in YAML (JSON is YAML)."""
    if not isinstance(overrides, Mapping):
        return tuple(overrides)
    import json

    return tuple(f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in overrides.items())


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


def load_run(path: Path | str) -> StudyRun:
    """Open a finished run.

    Parameters
    ----------
    path : path
        The run's directory.

    Raises
    ------
    InputError
        Where no estimates are there yet, they cannot be read, or they are not what the run wrote.
    """
    from gauger.store import RunDirectory, read_document
    from gauger.study import require_unedited

    directory = RunDirectory(Path(path))
    require_unedited(directory.root)
    return StudyRun(read_document(directory.estimates), directory)
