"""One sample with its ledger row, and corpora on disk.

`corpus.parquet` holds what is trained on, `ledger.parquet` one row per sample asked for, kept or not, and
`soft.safetensors` the teacher's log-probabilities where the surface showed them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from gauger.elicit.twin_teacher import Words
from gauger.store.atomic import write_parquet


@dataclass(frozen=True)
class Sample:
    """One training text and where it comes from."""

    prompt: Words
    answer: Words
    strategy: str
    """How the prompt was made."""
    source: str
    """Who wrote the answer: teacher, self, web, shuffled, test-items or truth."""
    teacher: str | None = None
    """Name of the model that was asked; None where nobody was."""
    seed_ids: tuple[str, ...] = ()
    """Content keys of the seed questions that the prompt was made from."""
    parents: tuple[str, ...] = ()
    """Ids of the samples that this one was made from."""
    queries: int = 0
    """Requests that the sample took."""
    tokens_in: int = 0
    tokens_out: int = 0
    filters: tuple[str, ...] = ()
    """Filters that it passed."""
    dropped: str | None = None
    """The filter that it did not pass; None where it is kept."""
    overlaps: tuple[str, ...] = ()
    """Held-out benchmark contents that it touches."""
    whole: bool = False
    """Whether the prompt is learnt too (running text) or the answer alone."""

    @property
    def words(self) -> Words:
        """Prompt and answer as one text."""
        return (*self.prompt, *self.answer)

    @property
    def id(self) -> str:
        """16 hexadecimal digits of the text's hash: the same text has the same id everywhere."""
        return _digest(" ".join(self.words))

    def spend(self, tokens_in: int, tokens_out: int) -> Sample:
        """Add one request to what the sample took."""
        return replace(
            self,
            queries=self.queries + 1,
            tokens_in=self.tokens_in + tokens_in,
            tokens_out=self.tokens_out + tokens_out,
        )


@dataclass(frozen=True)
class Corpus:
    """All samples of one stage, those that were dropped included."""

    samples: tuple[Sample, ...]
    notes: tuple[str, ...] = field(default=())
    """What a reader must know: seeds or budget exhausted."""

    @property
    def kept(self) -> list[Sample]:
        """Return the samples that are trained on."""
        return [sample for sample in self.samples if sample.dropped is None]

    def write(self, directory: Path) -> None:
        """Write `corpus.parquet` and `ledger.parquet`."""
        texts = [
            {"id": s.id, "prompt": " ".join(s.prompt), "answer": " ".join(s.answer), "whole": s.whole}
            for s in self.kept
        ]
        schema = {"id": pl.String, "prompt": pl.String, "answer": pl.String, "whole": pl.Boolean}
        write_parquet(directory / "corpus.parquet", pl.DataFrame(texts, schema=schema))
        write_parquet(directory / "ledger.parquet", ledger_of(self.samples))


LEDGER: dict[str, pl.DataType | type[pl.DataType]] = {
    "id": pl.String,
    "prompt_hash": pl.String,
    "strategy": pl.String,
    "source": pl.String,
    "teacher": pl.String,
    "seed_ids": pl.List(pl.String),
    "parents": pl.List(pl.String),
    "queries": pl.Int64,
    "tokens_in": pl.Int64,
    "tokens_out": pl.Int64,
    "filters": pl.List(pl.String),
    "dropped": pl.String,
    "overlaps": pl.List(pl.String),
    "length": pl.Int64,
}
"""Columns of `ledger.parquet`; `length` is the text's own number of tokens, begin and end marks included."""


def ledger_of(samples: Sequence[Sample]) -> pl.DataFrame:
    """Return the ledger of samples, one row each."""
    return pl.DataFrame([_ledger_row(sample) for sample in samples], LEDGER)


def _ledger_row(sample: Sample) -> dict[str, object]:
    derived = {"id": sample.id, "prompt_hash": _digest(" ".join(sample.prompt)), "length": len(sample.words) + 2}
    return {name: derived[name] if name in derived else getattr(sample, name) for name in LEDGER}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_texts(directory: Path) -> list[tuple[Words, Words, bool]]:
    """Read a corpus back as (prompt, answer, whole)."""
    table = pl.read_parquet(directory / "corpus.parquet")
    return [
        (tuple(prompt.split()), tuple(answer.split()), whole)
        for _, prompt, answer, whole in table.select("id", "prompt", "answer", "whole").iter_rows()
    ]


def as_samples(texts: Sequence[tuple[Words, Words, bool]], strategy: str, source: str) -> list[Sample]:
    """Turn texts read back into samples of another source."""
    return [Sample(prompt, answer, strategy, source, whole=whole) for prompt, answer, whole in texts]
