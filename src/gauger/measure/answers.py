"""Ask a language model every item of a benchmark, and read its answers strictly and flexibly: two scores per answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

import polars as pl

from gauger.errors import UserError
from gauger.measure.decoder import Completion, Decoder
from gauger.measure.extraction import FLEXIBLE, STRICT, flexible, strict
from gauger.measure.importers.log import Measure
from gauger.measure.importers.measures import Choice
from gauger.records import Outcome
from gauger.worlds.language.forms import FORMS
from gauger.worlds.language.items import TextBenchmark, TextItem
from gauger.worlds.language.questions import Question
from gauger.worlds.language.sources import VerifierError

SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "benchmark": pl.String,
    "item": pl.String,
    "cluster": pl.String,
    "sample": pl.Int64,
    "outcome": pl.String,
    "score": pl.Float64,
    "tokens_in": pl.Int64,
    "tokens_out": pl.Int64,
    "flexible_outcome": pl.String,
    "flexible_score": pl.Float64,
    "said": pl.String,
}
"""Columns of the records of one model. `outcome` and `score` rest on the strict reading, `flexible_*` on the other;
`said` is the model's text, untrusted. The run adds study, arm, replicate and role."""
METRIC = "verified"
"""What is computed from an extracted answer: the task's own verifier."""


class Verifier(Protocol):
    """What checks answers: a `TextWorld`."""

    def verify(self, question: Question, answer: str) -> float:
        """Score an extracted answer, 0-1; `VerifierError` where it has no score."""
        ...


@dataclass(frozen=True)
class Decoding:
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


def measure(
    decoder: Decoder, benchmarks: Sequence[TextBenchmark], decoding: Decoding, verifier: Verifier
) -> pl.DataFrame:
    """Return one row per item and sample.

    An answer that can be read is `scored` by the task's verifier. Where none can be read the outcome is `truncated` if
    the token limit cut the text off, else `unparsed`; a verifier that breaks on an answer gives `failed`. None of these
    has a score.

    Parameters
    ----------
    decoder : Decoder
        The model.
    benchmarks : sequence of TextBenchmark
    decoding : Decoding
    verifier : Verifier
        The world that the benchmarks are from.
    """
    rows = [row for benchmark in benchmarks for row in _rows(decoder, benchmark, decoding, verifier)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _rows(
    decoder: Decoder, benchmark: TextBenchmark, decoding: Decoding, verifier: Verifier
) -> Iterator[tuple[object, ...]]:
    """Ask the items of one benchmark, sample by sample."""
    prompts = [item.prompt for item in benchmark.items]
    stops = FORMS[benchmark.form].stops
    for sample in range(decoding.samples):
        seed = sample_seed(decoding.seed, benchmark.name, sample)
        said = decoder.complete(prompts, decoding.max_new_tokens, decoding.temperature, seed, stops)
        for item, one in zip(benchmark.items, said, strict=True):
            yield _row(benchmark, item, sample, one, verifier)


def sample_seed(seed: int, benchmark: str, sample: int) -> int:
    """Return the seed below 2^31 of one sample of one benchmark's items."""
    digest = sha256(f"{seed}\0{benchmark}\0{sample}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def _row(
    benchmark: TextBenchmark, item: TextItem, sample: int, said: Completion, verifier: Verifier
) -> tuple[object, ...]:
    outcome, score = _scored(strict(said.text, benchmark.form), item, said, verifier)
    other_outcome, other_score = _scored(flexible(said.text, item.question), item, said, verifier)
    identity = (benchmark.name, item.id, item.cluster, sample)
    return (*identity, outcome, score, said.tokens_in, said.tokens_out, other_outcome, other_score, said.text)


def _scored(answer: str | None, item: TextItem, said: Completion, verifier: Verifier) -> tuple[str, float | None]:
    if answer is None:
        return str(Outcome.UNPARSED if said.ended else Outcome.TRUNCATED), None
    try:
        return str(Outcome.SCORED), verifier.verify(item.question, answer)
    except VerifierError:
        return str(Outcome.FAILED), None


def flexible_records(records: pl.DataFrame) -> pl.DataFrame:
    """Return records with the flexible reading in the place of the strict one, for the sensitivity check."""
    exchanged = records.with_columns(outcome="flexible_outcome", score="flexible_score")
    return exchanged.drop("flexible_outcome", "flexible_score")


def readings(benchmarks: Sequence[str]) -> Mapping[str, Choice]:
    """Name the two readings as `estimate.sensitivity` wants them: strict is primary, flexible stands beside it."""
    primary, other = Measure(STRICT, METRIC), Measure(FLEXIBLE, METRIC)
    return {name: Choice(name, primary, (other,)) for name in benchmarks}
