"""Asks a model every item of a benchmark, and reads its answers as the world reads them: one score for each reading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import polars as pl

from gauger.elicit import Message, Reply, ReplyOutcome, Request, Teacher
from gauger.errors import UserError
from gauger.measure.importers.log import Measure
from gauger.measure.importers.measures import MeasuresOfBenchmark
from gauger.records import Outcome
from gauger.worlds import STRICT, Benchmark, Item, World

SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "benchmark": pl.String,
    "item": pl.String,
    "cluster": pl.String,
    "sample": pl.Int64,
    "outcome": pl.String,
    "score": pl.Float64,
    "tokens_in": pl.Int64,
    "tokens_out": pl.Int64,
    "said": pl.String,
}
"""Columns of the records of one model. `outcome` and `score` rest on the world's first reading; each further reading
adds `READING_outcome` and `READING_score`. `said` is the model's text, untrusted. The run adds study, arm, replicate
and role."""
METRIC = "verified"
"""What is computed from an extracted answer: the task's own verifier."""
_LOST = {
    ReplyOutcome.FAILED: Outcome.FAILED,
    ReplyOutcome.EMPTY: Outcome.FAILED,
    ReplyOutcome.REFUSED: Outcome.REFUSED,
}
_NO_REPLY = Reply(ReplyOutcome.FAILED, error="the budget is spent")


@dataclass(frozen=True)
class Answering:
    """How models answer benchmark items."""

    max_new_tokens: int = 32
    """Longest answer, in tokens."""
    temperature: float = 0.0
    """0: the most likely token each time."""
    samples: int = 1
    """Answers per item; more than one only where answers are drawn."""
    seed: int = 0
    """Decides what is drawn."""

    def __post_init__(self) -> None:
        if self.samples > 1 and self.temperature == 0:
            hint = "Set a temperature above 0, or ask once."
            raise UserError("one sample per item where decoding is greedy", f"{self.samples}", hint=hint)


def measure(teacher: Teacher, benchmarks: Sequence[Benchmark], answering: Answering, world: World) -> pl.DataFrame:
    """Return one row per item and sample.

    What the budget did not allow, what failed for good and what came empty is `failed`; what the model declined is
    `refused`; every other answer is judged by the world (`World.judge`). Only what is `scored` has a score.

    Parameters
    ----------
    teacher : Teacher
        The model, of any kind.
    benchmarks : sequence of Benchmark
    answering : Answering
    world : World
        The world that the benchmarks are from.
    """
    asked = [
        (benchmark, item, sample)
        for benchmark in benchmarks
        for sample in range(answering.samples)
        for item in benchmark.items
    ]
    requests = [_request(benchmark, item, sample, answering, world) for benchmark, item, sample in asked]
    replies = dict(teacher.ask(requests))
    rows = [
        _row(benchmark, item, sample, replies.get(place, _NO_REPLY), world)
        for place, (benchmark, item, sample) in enumerate(asked)
    ]
    return pl.DataFrame(rows, schema=schema_of(world), orient="row")


def schema_of(world: World) -> dict[str, pl.DataType | type[pl.DataType]]:
    """Return the columns of the records of one model in a world."""
    further = {f"{name}_{what}": kind for name in world.readings[1:] for what, kind in _JUDGED.items()}
    return {**SCHEMA, **further}


def as_records_of(world: World, records: pl.DataFrame) -> pl.DataFrame:
    """Return an evaluator's records with the columns that the world's have: every reading is the evaluator's own.

    Parameters
    ----------
    world : World
        Whose records they stand beside.
    records : polars.DataFrame
        Columns of `SCHEMA`.
    """
    further = {f"{name}_{what}": pl.col(what) for name in world.readings[1:] for what in _JUDGED}
    return records.with_columns(**further).select(*schema_of(world))


_JUDGED: dict[str, pl.DataType | type[pl.DataType]] = {"outcome": pl.String, "score": pl.Float64}


def _request(benchmark: Benchmark, item: Item, sample: int, answering: Answering, world: World) -> Request:
    drawn = sample_seed(answering.seed, benchmark.name, sample) if answering.temperature else 0
    turns, stops = (Message("user", item.prompt),), world.forms[item.form].stops
    return Request(turns, answering.max_new_tokens, answering.temperature, drawn, stops)


def sample_seed(seed: int, benchmark: str, sample: int) -> int:
    """Return the seed below 2^31 of one sample of one benchmark's items."""
    digest = sha256(f"{seed}\0{benchmark}\0{sample}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def _row(benchmark: Benchmark, item: Item, sample: int, reply: Reply, world: World) -> tuple[object, ...]:
    judged = list(_judged(item, reply, world))
    identity = (benchmark.name, item.id, item.cluster, sample)
    (outcome, score), *further = judged
    others = [value for pair in further for value in pair]
    return (*identity, outcome, score, reply.tokens_in, reply.tokens_out, reply.text, *others)


def _judged(item: Item, reply: Reply, world: World) -> Iterator[tuple[str, float | None]]:
    # steps without an answer are an answer that cannot be read, in a world in which they are written
    steps_alone = world.writes_steps and reply.outcome is ReplyOutcome.EMPTY and reply.reasoning is not None
    lost = None if steps_alone else _LOST.get(reply.outcome)
    ended = steps_alone or reply.outcome is ReplyOutcome.ANSWERED
    for reading in world.readings:
        if lost is not None:
            yield str(lost), None
            continue
        written = world.put_steps(reply.reasoning, reply.text)
        outcome, score = world.judge(reading, item, written, ended=ended)
        yield str(outcome), score


def further_readings(columns: Iterable[str]) -> tuple[str, ...]:
    """Return the readings that stand beside the primary one in a records table, in the table's order.

    Parameters
    ----------
    columns : iterable of str
        Its columns. Reading `x` stands there as `x_outcome` and `x_score`; half of a pair is no reading.
    """
    names = list(columns)
    return tuple(
        name.removesuffix("_score")
        for name in names
        if name.endswith("_score") and f"{name.removesuffix('_score')}_outcome" in names
    )


def read_as(records: pl.DataFrame, reading: str) -> pl.DataFrame:
    """Return the records with another reading's outcome and score in the primary one's place.

    Parameters
    ----------
    records : polars.DataFrame
        A records table that holds the reading.
    reading : str
        Its name, one of `further_readings`.
    """
    return records.with_columns(outcome=f"{reading}_outcome", score=f"{reading}_score")


def readings(benchmarks: Sequence[str], further: Sequence[str] = ()) -> Mapping[str, MeasuresOfBenchmark]:
    """Name the readings as `estimate.sensitivity` wants them: strict is primary, the others stand beside it.

    Parameters
    ----------
    benchmarks : sequence of str
        Names of the benchmarks.
    further : sequence of str
        The readings that the world offers beside the strict one (`World.readings`).
    """
    primary, others = Measure(STRICT, METRIC), tuple(Measure(name, METRIC) for name in further)
    return {name: MeasuresOfBenchmark(name, primary, others) for name in benchmarks}
