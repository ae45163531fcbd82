"""Runs a study from start to end: freezes its rule, runs its jobs, estimates, and writes what it found."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import polars as pl

from gauger.errors import MissingExtraError, Place, UserError
from gauger.execute import Cache, Execution, RunProgress, RunResult, execute
from gauger.jobs import REGISTRY
from gauger.records import Document
from gauger.spec import LoadedStudy, Study, compare_frozen, frozen_rule
from gauger.store import RunDirectory, read_json, write_document, write_json, write_parquet
from gauger.study.costs import training_flops
from gauger.study.description import EXAMPLES_EACH
from gauger.study.document import Material, Texts, make_document
from gauger.study.load import plan_loaded
from gauger.study.plan import Plan
from gauger.study.results import collect

NEEDED = {"train": ("torch", "safetensors"), "hf": ("torch", "safetensors", "transformers", "peft", "accelerate")}
"""Packages that an extra brings and a run cannot do without."""


@dataclass(frozen=True)
class Finished:
    """What a run ends with."""

    document: Document
    directory: RunDirectory
    result: RunResult


def run_study(loaded: LoadedStudy, out: Path, *, execution: Execution, progress: RunProgress) -> Finished:
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

    Returns
    -------
    Finished
        With `estimates.json`, `records.parquet`, `ledger.parquet` and `study.resolved.json` written, whatever failed;
        the report is the caller's.

    Raises
    ------
    MissingExtraError
        Where the packages that train are not installed.
    UserError
        Where another process works in the directory, or another study has run there.
    Interrupted
        On a signal; nothing but the running jobs is lost.
    """
    extra = loaded.study.world.extra
    if not all(find_spec(package) for package in NEEDED[extra]):
        raise MissingExtraError("training models", extra)
    run = RunDirectory(out)
    refuse_another_study(run, loaded.study.study)
    plan, world = plan_loaded(loaded)
    changes = freeze(run, loaded.study)
    for change in changes:
        progress.note(f"changed since the run was first started, and so post hoc: {change}")
    jobs, cache = list(plan.jobs.values()), Cache(run.jobs.resolve())
    result = execute(jobs, cache, execution, REGISTRY, training_flops(plan, world), progress)
    collected = collect(plan, result)
    document = make_document(Material(loaded, plan, world, collected, changes, sample_texts(plan, result), result.done))
    write_json(run.study, loaded.study.model_dump(mode="json"))
    write_parquet(run.records, collected.records)
    write_parquet(run.ledger, collected.ledger)
    write_document(run.estimates, document)
    return Finished(document, run, result)


def freeze(run: RunDirectory, study: Study) -> tuple[str, ...]:
    """Store the verdict rule at the first start; later, say what has changed since."""
    if run.frozen.exists():
        return compare_frozen(read_json(run.frozen), study).changes
    write_json(run.frozen, frozen_rule(study) | {"study": study.study})
    return ()


def refuse_another_study(run: RunDirectory, name: str) -> None:
    """Refuse a directory that holds the results of another study: they would be replaced, and called post hoc.

    Raises
    ------
    UserError
        With both names.
    """
    there = _study_there(run)
    if there not in (None, name):
        hint = "Choose another one with --out; what stands there would be replaced."
        raise UserError(f"a directory for study {name!r}", f"one that holds {there!r}", Place(str(run.root)), hint)


def _study_there(run: RunDirectory) -> str | None:
    """Name what a directory holds; runs of earlier versions named themselves only once they had ended."""
    if not run.root.is_dir():
        return None
    for path, keys in ((run.frozen, ("study",)), (run.study, ("study",)), (run.estimates, ("study", "name"))):
        found = read_json(path) if path.exists() else None
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, str):
            return found
    return None


def sample_texts(plan: Plan, result: RunResult) -> Texts:
    """Read the first few texts of every arm's last corpus."""
    texts: dict[str, list[tuple[str, str]]] = {}
    for cell in plan.cells:
        if cell.corpora and cell.replicate == 0 and cell.corpora[-1] in result.done:
            table = pl.read_parquet(result.done[cell.corpora[-1]] / "corpus.parquet", n_rows=EXAMPLES_EACH)
            texts[cell.arm] = list(table.select("prompt", "answer").iter_rows())
    return texts
