"""Writes and reads a corpus of a language model on disk.

corpus.jsonl     one kept sample a line: id, seed_ids, messages (prompt and answer), where it comes from
dropped.jsonl    the same of those that were not kept
corpus.parquet   id, prompt, answer and whole, as plain text
ledger.parquet   one row per request and per written problem, kept or not: corpus.jsonl and dropped.jsonl in one
seeds.parquet    the seeds that it goes back to, with benchmark and split
notes.json       what a reader must know
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import polars as pl

from gauger.elicit.sample import Sample, Took
from gauger.elicit.strategies.seeds import Seed
from gauger.elicit.teacher.messages import Message, ReplyOutcome
from gauger.errors import InputError, Place
from gauger.store import document_bytes, finish_writing, parquet_bytes, read_json, read_json_lines, write_together

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
    "tokens_reasoning": pl.Int64,
    "tokens_cached": pl.Int64,
    "cost_usd": pl.Float64,
    "tokens_in_most": pl.Int64,
    "tokens_out_most": pl.Int64,
    "cost_most_usd": pl.Float64,
    "stated_usd": pl.Float64,
    "usage_problem": pl.String,
    "retries": pl.Int64,
    "paid_again": pl.Int64,
    "seconds": pl.Float64,
    "surface": pl.String,
    "template": pl.String,
    "terms": pl.String,
    "outcome": pl.String,
    "error": pl.String,
    "benchmark": pl.String,
    "split": pl.String,
    "generation": pl.Int64,
    "score": pl.Float64,
    "request": pl.String,
    "whole": pl.Boolean,
    "flags": pl.List(pl.String),
    "respelt": pl.List(pl.String),
}
"""Columns of `ledger.parquet`, of every kind of corpus; `length` is the text's own number of tokens, marks included."""
_SEEDS = {"id": pl.String, "prompt": pl.String, "answer": pl.String, "benchmark": pl.String, "split": pl.String}
_TEXTS = {"id": pl.String, "prompt": pl.String, "answer": pl.String, "whole": pl.Boolean}
_TOOK = tuple(field.name for field in fields(Took))
_IN_BOTH = ("seed_ids", "parents", "strategy", "source", "teacher", "terms", "template", "benchmark", "split")


@dataclass(frozen=True)
class Text:
    """One training text as it is read back from `corpus.parquet`."""

    prompt: str
    answer: str
    whole: bool
    """Whether the prompt is learnt too."""


def read_texts(directory: Path) -> list[Text]:
    """Read what is trained on back from a corpus."""
    table = pl.read_parquet(directory / "corpus.parquet", columns=["prompt", "answer", "whole"])
    return [Text(*row) for row in table.iter_rows()]


Count = Callable[[Sequence[Sample]], Sequence[int]]
"""Samples -> the tokens of each, marks included."""


def words_in(samples: Sequence[Sample]) -> list[int]:
    """Count the words of prompts and answers: a length that needs no tokenizer."""
    return [len(sample.text.split()) for sample in samples]


@dataclass(frozen=True)
class Corpus:
    """All rows of one collection."""

    samples: tuple[Sample, ...]
    notes: tuple[str, ...] = ()
    """What a reader must know: why there are fewer samples than wanted, held-out seeds, failures."""
    seeds: tuple[Seed, ...] = ()

    @property
    def kept(self) -> list[Sample]:
        """Return the samples that are trained on."""
        return [sample for sample in self.samples if sample.dropped is None]

    def ledger(self, count: Count = words_in) -> pl.DataFrame:
        """Return one row per row of the collection; `count` gives the tokens of samples."""
        lengths = count(self.samples)
        rows = [_ledger_row(sample, length) for sample, length in zip(self.samples, lengths, strict=True)]
        return pl.DataFrame(rows, LEDGER)

    def write(self, directory: Path, count: Count = words_in) -> None:
        """Write what is trained on with its ledger and seeds, all files or none."""
        write_together(directory, self._files(count))

    def write_whole(self, directory: Path, count: Count = words_in) -> None:
        """Write every line as JSON as well, all files or none: what `gauger elicit` hands to its users."""
        dropped, kept = (_line(sample) for sample in self.samples if sample.dropped is not None), map(_line, self.kept)
        lines = {"dropped.jsonl": lines_bytes(dropped), "corpus.jsonl": lines_bytes(kept)}
        write_together(directory, lines | self._files(count))

    def _files(self, count: Count) -> dict[str, bytes]:
        """Return what both write: name -> bytes."""
        texts = [{"id": s.id, "prompt": s.prompt_text, "answer": s.answer, "whole": s.whole} for s in self.kept]
        tables = {
            "seeds.parquet": pl.DataFrame(list(_seed_rows(self.seeds)), _SEEDS, orient="row"),
            "ledger.parquet": self.ledger(count),
            "corpus.parquet": pl.DataFrame(texts, _TEXTS),
        }
        notes = {"notes.json": document_bytes(list(self.notes))}
        return notes | {name: parquet_bytes(name, table) for name, table in tables.items()}


def _ledger_row(sample: Sample, length: int) -> dict[str, object]:
    took, own = vars(sample.took), vars(sample)
    derived = {"length": length, "id": sample.id, "prompt_hash": sample.prompt_hash}
    return {name: derived[name] if name in derived else took[name] if name in took else own[name] for name in LEDGER}


def _seed_rows(seeds: Iterable[Seed]) -> Iterator[tuple[str | None, ...]]:
    """Yield a row per seed; of a prompt that was made of seeds, a row for each of those, whose text is not known."""
    for seed in seeds:
        for origin in seed.origins:
            own = origin == seed.id
            yield origin, seed.prompt if own else None, seed.answer if own else None, seed.benchmark, seed.split


def _line(sample: Sample) -> dict[str, Any]:
    line: dict[str, Any] = {"id": sample.id, **{name: getattr(sample, name) for name in _IN_BOTH}}
    line["messages"] = [asdict(message) for message in sample.messages]
    optional = {"rejected_answer": sample.rejected, "reasoning": sample.reasoning, "dropped": sample.dropped}
    return line | {name: value for name, value in optional.items() if value is not None}


def lines_bytes(lines: Iterable[dict[str, Any]]) -> bytes:
    """Return objects as JSON Lines in UTF-8."""
    texts = (json.dumps(line, ensure_ascii=False, allow_nan=False) for line in lines)
    return "".join(f"{text}\n" for text in texts).encode()


def read_corpus(directory: Path) -> Corpus:
    """Read back what `Corpus.write` wrote; the seeds' own texts are not attached to the samples again.

    Raises
    ------
    InputError
        Where files are missing, or do not belong together.
    """
    finish_writing(directory)
    for name in ("ledger.parquet", "corpus.jsonl", "dropped.jsonl", "notes.json"):
        if not (directory / name).is_file():
            raise InputError("a folder with a corpus", f"none: {name} is missing", Place(str(directory)))
    ledger = pl.read_parquet(directory / "ledger.parquet")
    kept, dropped = (
        iter([line for _, line in read_json_lines(directory / name)]) for name in ("corpus.jsonl", "dropped.jsonl")
    )
    samples = []
    for row in ledger.iter_rows(named=True):
        line = next(kept if row["dropped"] is None else dropped, None)
        if line is None or line.get("id") != row["id"]:
            raise InputError("a corpus and a ledger of the same collection", "two that differ", Place(str(directory)))
        samples.append(_sample(row, line))
    return Corpus(tuple(samples), tuple(read_json(directory / "notes.json")))


def _sample(row: dict[str, Any], line: dict[str, Any]) -> Sample:
    turns = [Message(turn["role"], turn["content"]) for turn in line["messages"]]
    same = {name: row[name] for name in LEDGER if name in Sample.__dataclass_fields__}
    lists = {name: tuple(row[name]) for name in ("seed_ids", "parents", "filters", "overlaps", "flags", "respelt")}
    outcome = None if row["outcome"] is None else ReplyOutcome(row["outcome"])
    return Sample(
        prompt=tuple(turns[:-1]),
        answer=turns[-1].content,
        rejected=line.get("rejected_answer"),
        reasoning=line.get("reasoning"),
        took=Took(**{name: row[name] for name in _TOOK}),
        **(same | lists | {"outcome": outcome}),
    )
