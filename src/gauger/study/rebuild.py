"""Builds a finished run's document and tables once more, from its log and the results of its jobs; runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from gauger.errors import InputError, Place
from gauger.execute import Cache, Job, RunResult, State, read_plan
from gauger.records import Document
from gauger.spec import LoadedStudy, Study
from gauger.store import RunDirectory, read_failures
from gauger.study.document import Material, make_document
from gauger.study.history import END, history, starts_of
from gauger.study.job_parts import without_places
from gauger.study.load import plan_loaded
from gauger.study.plan import ArmReplicate, Plan
from gauger.study.results import collect, sample_texts
from gauger.study.run_ledger import RunLedger


@dataclass(frozen=True)
class Rebuilt:
    """What a run says, made anew."""

    document: Document
    records: pl.DataFrame
    ledger: RunLedger


def rebuild(run: RunDirectory, entries: Sequence[Mapping[str, Any]]) -> Rebuilt:
    """Estimate again what a finished run found.

    Parameters
    ----------
    run : RunDirectory
        Its results, plan and failures are read; nothing is written.
    entries : sequence of mapping
        Of its log (`history.read_log`).

    Raises
    ------
    UserError
        Where the study cannot be planned here (its files are missing), or its plan is not the one that was run.
    """
    start = starts_of(entries)[-1]
    loaded = loaded_again(run, start)
    plan, world = plan_loaded(loaded)
    plan = with_keys_of(plan, read_plan(run.root))
    result = _result(run, plan, entries)
    collected = collect(plan, result)
    material = Material(loaded, plan, world, collected, history(entries), sample_texts(plan, result), result.done)
    document = make_document(material)
    # The programs that made the run, for those that rebuild it may be others.
    versions = {name: start["versions"].get(name) for name in document.study["versions"]}
    study = {**document.study, "versions": versions}
    return Rebuilt(replace(document, study=study), collected.records, collected.ledger)


def loaded_again(run: RunDirectory, start: Mapping[str, Any]) -> LoadedStudy:
    """Return the study as a start of the log holds it."""
    about = start["study"]
    study = Study.model_validate_json(about["resolved"])
    return LoadedStudy(study, run.root / about["folder"] / about["file"], about["text"], tuple(about["overrides"]))


def with_keys_of(plan: Plan, jobs: Sequence[Job]) -> Plan:
    """Give a plan the addresses under which its jobs were run: other code gives the same job another address.

    Raises
    ------
    InputError
        Where the jobs differ in more than their addresses.
    """
    new = list(plan.jobs.values())
    if [(job.kind, job.name) for job in new] != [(job.kind, job.name) for job in jobs]:
        hint = "It was run by a version of Gauger that plans otherwise: verify it with that one."
        raise InputError("the plan of this study", "another one", Place("jobs/jobs.json"), hint)
    keys = {job.key: stored.key for job, stored in zip(new, jobs, strict=True)}
    for job, stored in zip(new, jobs, strict=True):
        moved = {role: keys[key] for role, key in job.inputs.items()}
        if (without_places(job.params), moved) != (without_places(stored.params), dict(stored.inputs)):
            raise InputError(f"the job {job.name!r} of this study", "another one", Place("jobs/jobs.json"))
    return replace(
        plan,
        jobs={job.key: job for job in jobs},
        parameters={keys[key]: value for key, value in plan.parameters.items()},
        cells=[_moved(cell, keys) for cell in plan.cells],
    )


def _moved(cell: ArmReplicate, keys: Mapping[str, str]) -> ArmReplicate:
    corpora, stages = (tuple(keys.get(key, key) for key in part) for part in (cell.corpora, cell.stages))
    drawn = None if cell.drawn is None else keys.get(cell.drawn, cell.drawn)
    return replace(cell, corpora=corpora, stages=stages, records=keys.get(cell.records, cell.records), drawn=drawn)


def _result(run: RunDirectory, plan: Plan, entries: Sequence[Mapping[str, Any]]) -> RunResult:
    """Say what became of each job, as the driver did."""
    cache = Cache(run.jobs.resolve())
    done = {key: cache.path(key) for key in plan.jobs if cache.inspect(key).state is State.DONE}
    failures = {failure.key: failure.reason for failure in read_failures(run.jobs / "failures")}
    failed = [(job, failures[key]) for key, job in plan.jobs.items() if key in failures]
    stopped = next((entry["stopped"] for entry in reversed(entries) if entry["kind"] == END), "")
    return RunResult(done=done, failed=failed, stopped=stopped)
