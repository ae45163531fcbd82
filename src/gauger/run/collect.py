"""Results of jobs become a run's tables: the records, the ledger, and what each arm was trained on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from gauger.records import Failure
from gauger.run.job import Job
from gauger.run.local import RunResult
from gauger.run.plan import Cell, Plan
from gauger.store.atomic import read_json

TEACHER_ASKED = "teacher"


@dataclass(frozen=True)
class Collected:
    """What a run has produced."""

    records: pl.DataFrame
    ledger: pl.DataFrame
    training: pl.DataFrame
    """One row per arm, replicate, stage and source of rows: tokens trained on."""
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]


def collect(plan: Plan, result: RunResult) -> Collected:
    """Read what is there; cells whose records are missing become failures, with the job that is to blame."""
    done = [cell for cell in plan.cells if cell.records in result.done]
    return Collected(
        records=_records(plan, done, result.done),
        ledger=_stages(done, result.done, "ledger.parquet"),
        training=pl.DataFrame(list(_training(done, result.done)), _TRAINING, orient="row"),
        failures=tuple(_failures(plan, result)),
        notes=tuple(dict.fromkeys(_notes(done, result.done))),
    )


def _records(plan: Plan, cells: Sequence[Cell], done: Mapping[str, Path]) -> pl.DataFrame:
    roles = {name: str(benchmark.role) for name, benchmark in plan.study.benchmarks.items()}
    tables = [
        pl.read_parquet(done[cell.records] / "records.parquet").with_columns(
            study=pl.lit(plan.study.study), arm=pl.lit(cell.arm), replicate=pl.lit(cell.replicate, pl.Int64)
        )
        for cell in cells
    ]
    if not tables:
        return pl.DataFrame()
    table = pl.concat(tables).with_columns(role=pl.col("benchmark").replace_strict(roles, return_dtype=pl.String))
    first = ["study", "arm", "replicate", "benchmark", "role", "item", "cluster", "sample", "outcome", "score"]
    return table.select(*first, "tokens_in", "tokens_out")


def _stages(cells: Sequence[Cell], done: Mapping[str, Path], file: str) -> pl.DataFrame:
    tables = [
        pl.read_parquet(done[key] / file).with_columns(
            arm=pl.lit(cell.arm), replicate=pl.lit(cell.replicate, pl.Int64), stage=pl.lit(number, pl.Int64)
        )
        for cell in cells
        for number, key in enumerate(cell.corpora)
    ]
    return pl.concat(tables) if tables else pl.DataFrame()


_TRAINING = {
    "arm": pl.String,
    "replicate": pl.Int64,
    "stage": pl.Int64,
    "source": pl.String,
    "tokens": pl.Float64,
    "unique_tokens": pl.Float64,
}


def _training(cells: Sequence[Cell], done: Mapping[str, Path]) -> Iterator[tuple[Any, ...]]:
    for cell in cells:
        for number, key in enumerate(cell.stages):
            for place, source in enumerate(read_json(done[key] / "training.json")["sources"]):
                name = "corpus" if place == 0 else "web (kept in)"
                tokens = [source[count] * source["mean_tokens"] for count in ("rows", "unique_rows")]
                yield (cell.arm, cell.replicate, number, name, *tokens)


def _notes(cells: Sequence[Cell], done: Mapping[str, Path]) -> Iterator[str]:
    for cell in cells:
        for key in cell.corpora:
            path = done[key] / "notes.json"
            if path.exists():
                yield from (f"{cell.arm}: {note}" for note in read_json(path))


def _failures(plan: Plan, result: RunResult) -> Iterator[Failure]:
    reasons = {job.key: (job, reason) for job, reason in result.failed}
    for cell in plan.cells:
        if cell.records not in result.done:
            job, reason = _blame(plan, cell.records, reasons)
            yield Failure(cell.arm, cell.replicate, job.stage, reason)


def _blame(plan: Plan, key: str, reasons: Mapping[str, tuple[Job, str]]) -> tuple[Job, str]:
    """Find the failed job that a missing result goes back to."""
    waiting = [key]
    while waiting:
        job = plan.jobs[waiting.pop()]
        if job.key in reasons:
            return reasons[job.key]
        waiting += job.inputs.values()
    return plan.jobs[key], "not run"
