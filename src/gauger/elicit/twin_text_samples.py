"""One training text of a language study with its ledger row, and corpora on disk.

The files are those of `samples.py`: `corpus.parquet` holds what is trained on, `ledger.parquet` one row per sample
asked for, kept or not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from gauger.elicit.twin_samples import LEDGER
from gauger.store.atomic import write_json, write_parquet


@dataclass(frozen=True)
class TextSample:
    """One training text and where it comes from; fields as those of `samples.Sample`."""

    prompt: str
    answer: str
    strategy: str
    source: str
    teacher: str | None = None
    seed_ids: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    queries: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    filters: tuple[str, ...] = ()
    dropped: str | None = None
    overlaps: tuple[str, ...] = ()
    whole: bool = False

    @property
    def text(self) -> str:
        """Prompt and answer as one text."""
        return self.prompt + self.answer

    @property
    def id(self) -> str:
        """16 hexadecimal digits of the text's hash."""
        return _digest(self.text)

    def spend(self, tokens_in: int, tokens_out: int) -> TextSample:
        """Add one request to what the sample took."""
        return replace(
            self,
            queries=self.queries + 1,
            tokens_in=self.tokens_in + tokens_in,
            tokens_out=self.tokens_out + tokens_out,
        )


def kept(samples: Sequence[TextSample]) -> list[TextSample]:
    """Return the samples that are trained on."""
    return [sample for sample in samples if sample.dropped is None]


def write_texts(
    samples: Sequence[TextSample], directory: Path, count: Callable[[Sequence[str]], list[int]], notes: Sequence[str]
) -> None:
    """Write a corpus, its ledger and its notes.

    Parameters
    ----------
    samples : sequence of TextSample
        All of them, dropped ones included.
    directory : Path
        Where to.
    count : function
        Texts -> tokens of each, the student's tokens.
    notes : sequence of str
        What a reader must know of the corpus.
    """
    texts = [{"id": s.id, "prompt": s.prompt, "answer": s.answer, "whole": s.whole} for s in kept(samples)]
    schema = {"id": pl.String, "prompt": pl.String, "answer": pl.String, "whole": pl.Boolean}
    write_parquet(directory / "corpus.parquet", pl.DataFrame(texts, schema=schema))
    write_ledger(samples, directory, count)
    write_json(directory / "notes.json", list(notes))


def write_ledger(samples: Sequence[TextSample], directory: Path, count: Callable[[Sequence[str]], list[int]]) -> None:
    """Write the ledger alone; arguments as for `write_texts`."""
    lengths = count([sample.text for sample in samples])
    rows = [_ledger_row(sample, length) for sample, length in zip(samples, lengths, strict=True)]
    write_parquet(directory / "ledger.parquet", pl.DataFrame(rows, LEDGER))


def _ledger_row(sample: TextSample, length: int) -> dict[str, object]:
    derived = {"id": sample.id, "prompt_hash": _digest(sample.prompt), "length": length}
    return {name: derived[name] if name in derived else getattr(sample, name) for name in LEDGER}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_text_rows(directory: Path) -> list[tuple[str, str, bool]]:
    """Read a corpus back as (prompt, answer, whole)."""
    table = pl.read_parquet(directory / "corpus.parquet")
    return [(prompt, answer, whole) for prompt, answer, whole in table.select("prompt", "answer", "whole").iter_rows()]
