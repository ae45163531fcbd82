"""Writes and reads a corpus of a language model on disk, in pieces: it need not fit into memory.

corpus.jsonl     one kept sample a line: id, seed_ids, messages (prompt and answer), where it comes from
dropped.jsonl    the same of those that were not kept
corpus.parquet   id, prompt, answer and whole, as plain text
ledger.parquet   one row per request and per written problem, kept or not: corpus.jsonl and dropped.jsonl in one
seeds.parquet    the seeds that it goes back to, with benchmark and split
notes.json       what a reader must know
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from gauger.elicit.sample import Sample, Took
from gauger.elicit.sample_rows import LEDGER, TEXTS, Count, ledger_table, seed_table, text_table
from gauger.elicit.strategies.seeds import Seed
from gauger.elicit.teacher.messages import Message, ReplyOutcome
from gauger.errors import InputError, Place
from gauger.store import (
    Content,
    TableStream,
    document_bytes,
    finish_writing,
    parquet_bytes,
    parquet_pieces,
    read_json,
    read_json_lines,
    write_together,
)

_TOOK = tuple(field.name for field in fields(Took))
_IN_BOTH = ("seed_ids", "parents", "strategy", "source", "teacher", "terms", "template", "benchmark", "split")
_AT_ONCE = 2**13
"""Samples that are turned into rows of tables at once."""


@dataclass(frozen=True)
class Text:
    """One training text as it is read back from `corpus.parquet`."""

    prompt: str
    answer: str
    whole: bool
    """Whether the prompt is learnt too."""


def read_texts(directory: Path) -> list[Text]:
    """Read what is trained on back from a corpus."""
    return list(stream_texts(directory))


def stream_texts(directory: Path) -> Iterator[Text]:
    """Yield what is trained on of a corpus, text by text: no more than a piece of it is in memory."""
    for piece in parquet_pieces(directory / "corpus.parquet", ("prompt", "answer", "whole")):
        yield from (Text(*row) for row in piece.iter_rows())


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
        return ledger_table(self.samples, count)

    def write(self, directory: Path, count: Count = words_in) -> None:
        """Write what is trained on with its ledger and seeds, all files or none."""
        write_corpus(directory, self.samples, count, self.notes, self.seeds)

    def write_whole(self, directory: Path, count: Count = words_in) -> None:
        """Write every line as JSON as well, all files or none: what `gauger elicit` hands to its users."""
        dropped = (sample for sample in self.samples if sample.dropped is not None)
        lines = {
            "dropped.jsonl": lines_writer(map(_line, dropped)),
            "corpus.jsonl": lines_writer(map(_line, self.kept)),
        }
        write_corpus(directory, self.samples, count, self.notes, self.seeds, lines)


def write_corpus(
    directory: Path,
    samples: Iterable[Sample],
    count: Count = words_in,
    notes: Iterable[str] = (),
    seeds: Iterable[Seed] = (),
    beside: Mapping[str, Content] | None = None,
) -> None:
    """Write samples as they come, in one pass, with what is trained on and their ledger; all files or none.

    Parameters
    ----------
    directory : Path
        Where to; made where it does not exist.
    samples : iterable of Sample
        Kept or not, in the order of the ledger; they are read once, and few of them are in memory at a time.
    count : callable
        Gives the tokens of samples.
    notes, seeds
        As of `Corpus`; a list of notes may grow while the samples are read.
    beside : mapping, optional
        Further files, by name.
    """
    coming = iter(samples)
    ledger, texts = directory / "ledger.parquet", directory / "corpus.parquet"
    with TableStream(ledger, LEDGER) as rows, TableStream(texts, TEXTS) as kept:
        while batch := list(islice(coming, _AT_ONCE)):
            table = ledger_table(batch, count)
            rows.add(table)
            kept.add(text_table(batch, table["id"]))
        contents: dict[str, Content] = {
            **(beside or {}),
            "notes.json": document_bytes(list(notes)),
            "seeds.parquet": parquet_bytes("seeds.parquet", seed_table(seeds)),
            ledger.name: rows.save,
            texts.name: kept.save,
        }
        write_together(directory, contents)


def _line(sample: Sample) -> dict[str, Any]:
    line: dict[str, Any] = {"id": sample.id, **{name: getattr(sample, name) for name in _IN_BOTH}}
    line["messages"] = [asdict(message) for message in sample.messages]
    optional = {"rejected_answer": sample.rejected, "reasoning": sample.reasoning, "dropped": sample.dropped}
    return line | {name: value for name, value in optional.items() if value is not None}


def lines_writer(lines: Iterable[dict[str, Any]]) -> Callable[[Path], None]:
    """Return what writes objects as JSON Lines in UTF-8, one after the other, to the path that it is given."""

    def write(path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n" for line in lines)

    return write


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
    kept, dropped = (read_json_lines(directory / name) for name in ("corpus.jsonl", "dropped.jsonl"))
    samples = []
    rows = (row for piece in parquet_pieces(directory / "ledger.parquet") for row in piece.iter_rows(named=True))
    for row in rows:
        _, line = next(kept if row["dropped"] is None else dropped, (0, None))
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
