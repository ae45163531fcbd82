"""Gathers results of jobs into a run's tables: the records, the ledger, and what each arm was trained on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from gauger.execute import Job, RunResult
from gauger.measure import further_readings, read_as
from gauger.records import Failure
from gauger.store import read_json
from gauger.study.plan import ArmReplicate, Plan
from gauger.study.run_ledger import CELL, RunLedger, run_ledger

READ = (
    "records.parquet",
    "ledger.parquet",
    "training.json",
    "notes.json",
    "corpus.parquet",
    "loss.json",
    "drawn.parquet",
)
"""Files of results that a run's tables, report and scaling chapter are made of; weights are not among them."""
EXAMPLES_EACH = 3
"""Samples of an arm's last corpus that are shown."""
CORPUS = "corpus"
"""Name of a stage's corpus as a source of training rows, whoever wrote its texts."""
KEPT_IN = "web (kept in)"
"""Name of the base's own web text that a stage mixes into every batch, as a source of training rows."""
RECORDS: dict[str, pl.DataType | type[pl.DataType]] = {
    "study": pl.String,
    "arm": pl.String,
    "replicate": pl.Int64,
    "benchmark": pl.String,
    "role": pl.String,
    "item": pl.String,
    "cluster": pl.String,
    "sample": pl.Int64,
    "outcome": pl.String,
    "score": pl.Float64,
    "tokens_in": pl.Int64,
    "tokens_out": pl.Int64,
}
"""Columns of `records.parquet`."""
_COUNT_AND_REST = re.compile(r"(\d+)( of .*)", re.DOTALL)
TRAINING = CELL | {"source": pl.String, "tokens": pl.Float64, "unique_tokens": pl.Float64}
"""Columns of `Collected.training`."""


@dataclass(frozen=True)
class Collected:
    """What a run has produced; every table has its columns even where it has no rows."""

    records: pl.DataFrame
    ledger: RunLedger
    """What was asked for, by corpus, and which arms' stages used it."""
    training: pl.DataFrame
    """One row per arm, replicate, stage and source of rows: tokens trained on (with repeats), and distinct ones."""
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]
    unfinished: str = ""
    """How much of the plan a limit kept from being measured; empty where it kept nothing of it, or the scale alone."""
    readings: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    """Further reading -> the records once more, read so; empty where the world reads answers in one way only."""


def collect(plan: Plan, result: RunResult) -> Collected:
    """Read what is there.

    A cell (arm x replicate) of which anything is missing becomes a failure, with the job that is to blame; what there
    is of it is read all the same, and what was asked for it stands in the ledger.
    """
    cells, done = [cell for cell in plan.cells if cell.records in result.done], result.done
    return Collected(
        records=_records(plan, cells, done),
        ledger=_ledger(plan.cells, done),
        training=pl.DataFrame(list(_training(cells, done)), TRAINING, orient="row"),
        failures=tuple(_failures(plan, result)),
        unfinished=_unfinished(plan, result),
        readings=_readings(plan, cells, done),
        notes=_told_once(
            (cell.arm, note) for cell in plan.cells for note in (*_notes(cell.corpora, done), *_cut(cell.stages, done))
        ),
    )


def _records(plan: Plan, cells: Sequence[ArmReplicate], done: Mapping[str, Path]) -> pl.DataFrame:
    tables = [_cell_records(plan, cell, done) for cell in cells]
    return pl.concat([table.select(*RECORDS) for table in tables] or [pl.DataFrame(schema=RECORDS)])


def _readings(plan: Plan, cells: Sequence[ArmReplicate], done: Mapping[str, Path]) -> dict[str, pl.DataFrame]:
    tables = [_cell_records(plan, cell, done) for cell in cells]
    held = [further_readings(table.columns) for table in tables]
    shared = [name for name in held[0] if all(name in names for names in held)] if held else []
    return {name: pl.concat([read_as(table, name).select(*RECORDS) for table in tables]) for name in shared}


def _cell_records(plan: Plan, cell: ArmReplicate, done: Mapping[str, Path]) -> pl.DataFrame:
    roles = {name: str(role) for name, role in plan.study.roles.items()}
    return pl.read_parquet(done[cell.records] / "records.parquet").with_columns(
        study=pl.lit(plan.study.study),
        arm=pl.lit(cell.arm),
        replicate=pl.lit(cell.replicate, pl.Int64),
        role=pl.col("benchmark").replace_strict(roles, return_dtype=pl.String),
    )


def _ledger(cells: Sequence[ArmReplicate], done: Mapping[str, Path]) -> RunLedger:
    """Sum up the ledgers of all corpora and of stages in which the student writes, by what each of them served."""
    uses = [
        (cell.arm, cell.replicate, number, key)
        for cell in cells
        for keys in (cell.corpora, cell.stages)
        for number, key in enumerate(keys)
        if key in done and (done[key] / "ledger.parquet").exists()
    ]
    return run_ledger(uses, {key: done[key] / "ledger.parquet" for *_, key in uses})


def _training(cells: Sequence[ArmReplicate], done: Mapping[str, Path]) -> Iterator[tuple[Any, ...]]:
    """Yield the tokens of each source of rows of every stage, as `run.trained` counts them.

    A source without a name is the stage's corpus, or the web beside it; without a count of tokens, rows drawn x mean
    length, and distinct rows x it.
    """
    for cell in cells:
        for number, key in enumerate(cell.stages):
            sources = read_json(done[key] / "training.json")["sources"] if key in done else []
            for place, source in enumerate(sources):
                name = source.get("name") or (KEPT_IN if place else CORPUS)
                tokens = [source[count] * source["mean_tokens"] for count in ("rows", "unique_rows")]
                yield (
                    cell.arm,
                    cell.replicate,
                    number,
                    name,
                    source.get("tokens", tokens[0]),
                    source.get("unique_tokens", tokens[1]),
                )


def _notes(keys: Sequence[str], done: Mapping[str, Path]) -> Iterator[str]:
    """Yield what the corpora say of themselves: samples that could not be had, and why."""
    for key in keys:
        path = done[key] / "notes.json" if key in done else None
        if path is not None and path.exists():
            yield from read_json(path)


def _cut(keys: Sequence[str], done: Mapping[str, Path]) -> Iterator[str]:
    """Yield what a student's context took of its training rows (`student.too_long: cut`)."""
    sources = [source for key in keys if key in done for source in read_json(done[key] / "training.json")["sources"]]
    for what, told in (("cut_rows", "lost their end"), ("left_out_rows", "taught nothing and were left out")):
        if n_rows := sum(source.get(what, 0) for source in sources):
            yield f"{n_rows} of its distinct rows were longer than the student's context: they {told}"


def _told_once(notes: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Join what differs between an arm's replicates in one number alone, and arms of which the same is said.

    `a, b: 1929 to 2002 of 3200 samples: ...`.
    """
    counts: dict[tuple[str, str], list[int]] = {}
    for arm, note in notes:
        counted = _COUNT_AND_REST.fullmatch(note)
        numbers = counts.setdefault((arm, counted[2] if counted else note), [])
        numbers += [int(counted[1])] if counted else []
    arms: dict[str, list[str]] = {}
    for (arm, rest), numbers in counts.items():
        arms.setdefault(f"{_span(numbers)}{rest}", []).append(arm)
    return tuple(f"{', '.join(names)}: {note}" for note, names in arms.items())


def _span(numbers: Sequence[int]) -> str:
    if not numbers:
        return ""
    low, high = min(numbers), max(numbers)
    return f"{low}" if low == high else f"{low} to {high}"


def _failures(plan: Plan, result: RunResult) -> Iterator[Failure]:
    reasons = {job.key: (job, reason) for job, reason in result.failed}
    for cell in plan.cells:
        missing = [key for key in cell.keys if key not in result.done]
        if missing:
            job, reason = _blame(plan, missing[0], reasons, result.stopped)
            notes = "; ".join(_notes(list(job.inputs.values()), result.done)) if "train" in job.kind else ""
            yield Failure(cell.arm, cell.replicate, job.stage, f"{reason} ({notes})" if notes else reason)


def _unfinished(plan: Plan, result: RunResult) -> str:
    """Say how much of what is judged a limit left for later.

    A verdict before the plan is done would be one look more than was declared: who stops where it pleases him errs more
    often than the level says (Armitage, McPherson and Rowe 1969). What failed is not left for later.
    """
    scaled = {cell.name for cell in plan.scaled}
    cells = [cell for cell in plan.cells if cell.arm not in scaled]
    reasons = {job.key: (job, reason) for job, reason in result.failed}
    missing = [cell.records for cell in cells if cell.records not in result.done]
    if not result.stopped or all(_blame(plan, key, reasons, "")[0].key in reasons for key in missing):
        return ""
    judged = [cell for cell in cells if cell.arm == plan.study.verdict.arm]
    n_judged = sum(cell.records in result.done for cell in judged)
    return (
        f"The rest of the plan, which the same command runs. {result.stopped[:1].upper()}{result.stopped[1:]} was "
        f"reached with {n_judged} of {len(judged)} replicates of {plan.study.verdict.arm} measured, and "
        f"{len(cells) - len(missing)} of {len(cells)} models in all. What is judged now and again at the end errs more "
        "often than the level says, so the outcome is undetermined until then; the interval shown is the nominal one."
    )


def _blame(plan: Plan, key: str, reasons: Mapping[str, tuple[Job, str]], limit: str) -> tuple[Job, str]:
    """Find the failed job that a missing result goes back to, or say that it was not run."""
    waiting = [key]
    while waiting:
        job = plan.jobs[waiting.pop()]
        if job.key in reasons:
            return reasons[job.key]
        waiting += job.inputs.values()
    return plan.jobs[key], f"not run: {limit} was reached" if limit else "not run"


def sample_texts(plan: Plan, result: RunResult) -> Mapping[str, Sequence[tuple[str, str]]]:
    """Read the first few texts of every arm's last corpus."""
    texts: dict[str, list[tuple[str, str]]] = {}
    for cell in plan.cells:
        if cell.corpora and cell.replicate == 0 and cell.corpora[-1] in result.done:
            table = pl.read_parquet(result.done[cell.corpora[-1]] / "corpus.parquet", n_rows=EXAMPLES_EACH)
            texts[cell.arm] = list(table.select("prompt", "answer").iter_rows())
    return texts
