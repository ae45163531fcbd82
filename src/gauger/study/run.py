"""Runs a study from start to end: freezes its rule, runs its jobs, estimates, and writes what it found."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from gauger.errors import MissingExtraError, Place, UserError
from gauger.execute import Cache, Execution, RunProgress, RunResult, execute
from gauger.jobs import REGISTRY
from gauger.records import Document
from gauger.spec import LoadedStudy
from gauger.store import (
    Content,
    RunDirectory,
    contents_digest,
    described_files,
    document_bytes,
    locked,
    parquet_bytes,
    read_json,
    write_manifest,
    write_pieces,
    write_together,
)
from gauger.study.costs import Costs, training_flops
from gauger.study.document import Material, make_document
from gauger.study.gpu_costs import require_memory
from gauger.study.history import begin, finish, look, require_last_start
from gauger.study.leftovers import computed_again
from gauger.study.load import plan_loaded
from gauger.study.results import READ, collect, sample_texts

NEEDED = {"train": ("torch", "safetensors"), "hf": ("torch", "safetensors", "transformers", "peft", "accelerate")}
"""Packages that an extra brings and a run cannot do without."""


@dataclass(frozen=True)
class Finished:
    """What a run ends with."""

    document: Document
    directory: RunDirectory
    result: RunResult
    start: int | None = None
    """Number of its start in the log."""


def run_study(
    loaded: LoadedStudy, out: Path, *, execution: Execution, progress: RunProgress, registered: str | None = None
) -> Finished:
    """Run or resume a study in a directory.

    Parameters
    ----------
    loaded : LoadedStudy
        The study.
    out : Path
        Directory of the run; what an earlier run of the same work left there is used.
    execution : Execution
        Where to run, with how many workers, and how far; it changes no estimate.
    progress : Progress
        The display.
    registered : str, optional
        The digest of `gauger plan --register` that the study is held to.

    Returns
    -------
    Finished
        With `estimates.json`, `records.parquet`, `ledger.parquet`, `corpora.parquet` and `study.resolved.json` written,
        whatever failed; the report is the caller's, and `seal` after it.

    Raises
    ------
    MissingExtraError
        Where the packages that train are not installed.
    UserError
        Where another process works in the directory, or began to while estimates were made, another study has run
        there, its log was edited, or the study is not the registered one.
    Interrupted
        On a signal; nothing but the running jobs is lost.
    """
    extra = loaded.study.world.extra
    if not all(find_spec(package) for package in NEEDED[extra]):
        raise MissingExtraError("training models", extra)
    run = RunDirectory(out)
    refuse_another_study(run, loaded.study.study)
    plan, world = plan_loaded(loaded)
    if execution.on == "local":
        require_memory(Costs(plan, world))
    with locked(run.jobs / "lock"):
        history = begin(run, loaded, plan, registered)
    for note in (*loaded.notes, *history.notes):
        progress.note(note)
    for change in history.changes:
        progress.note(f"changed with results in sight, and so post hoc: {change}")
    jobs, cache = list(plan.jobs.values()), Cache(run.jobs.resolve())
    for line in computed_again(run, jobs, cache):
        progress.note(line)
    result = execute(jobs, cache, execution, REGISTRY, training_flops(plan, world), progress, read=READ)
    collected = collect(plan, result)
    document = make_document(Material(loaded, plan, world, collected, history, sample_texts(plan, result), result.done))
    results: dict[str, Content] = {
        run.study.name: document_bytes(loaded.study.model_dump(mode="json")),
        run.records.name: parquet_bytes(run.records.name, collected.records),
        run.corpora.name: parquet_bytes(run.corpora.name, collected.ledger.uses),
        run.ledger.name: lambda path: write_pieces(path, collected.ledger.pieces()),
        run.estimates.name: document_bytes(document.to_dict()),
    }
    with locked(run.jobs / "lock"):
        require_last_start(run, history.start)
        look(run, document.verdict.outcome if document.verdict else None)
        write_together(run.root, results)
    return Finished(document, run, result, history.start)


def seal(finished: Finished) -> None:
    """Log that a run ended, and list every file it left; the last thing that is written."""
    run, verdict = finished.directory, finished.document.verdict
    with locked(run.jobs / "lock"):
        require_last_start(run, finished.start)
        others = contents_digest(described_files(run.root))
        finish(run, verdict.outcome if verdict else None, finished.result.stopped, others)
        write_manifest(run.root)


def refuse_another_study(run: RunDirectory, name: str) -> None:
    """Refuse a directory that holds the results of another study: they would be replaced, and called post hoc.

    Raises
    ------
    UserError
        With both names.
    """
    present = _study_there(run)
    if present not in (None, name):
        hint = "Choose another one with --out; what stands there would be replaced."
        raise UserError(f"a directory for study {name!r}", f"one that holds {present!r}", Place(str(run.root)), hint)


def _study_there(run: RunDirectory) -> str | None:
    """Name what a directory holds; runs of earlier versions named themselves only once they had ended."""
    if not run.root.is_dir():
        return None
    for path, keys in ((run.frozen, ("study",)), (run.study, ("study",)), (run.estimates, ("study", "name"))):
        value = read_json(path) if path.exists() else None
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str):
            return value
    return None
