"""Sums up the ledgers of a run's corpora: each corpus is read and kept once, however many arms were trained on it.

`corpora.parquet` says which arm's replicate used which corpus in which stage; `ledger.parquet` has the rows of every
corpus once, in the order of first use, with the corpus' address in front.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import polars as pl

from gauger.elicit import LEDGER, STEP
from gauger.spec import BASE, TextSource
from gauger.store import parquet_pieces

CELL: dict[str, pl.DataType | type[pl.DataType]] = {"arm": pl.String, "replicate": pl.Int64, "stage": pl.Int64}
USES = CELL | {"corpus": pl.String}
"""Columns of `corpora.parquet`: a row per use of a corpus; `corpus` is the address of the job that left it."""
RUN_LEDGER: dict[str, pl.DataType | type[pl.DataType]] = {"corpus": pl.String} | LEDGER
"""Columns of a run's `ledger.parquet`."""
SPENT = ("tokens_in", "tokens_out", "queries", "usd_low", "usd_high")
_ASKED = (pl.col("source") == TextSource.TEACHER) | (
    (pl.col("source") == TextSource.STUDENT) & (pl.col("teacher") != BASE)
)
"""Requests that went to the teacher."""
_KEPT = pl.col("dropped").is_null()


@dataclass(frozen=True)
class RunLedger:
    """What was asked for in a run, by corpus, and what each corpus served."""

    uses: pl.DataFrame
    """Columns `USES`, in the order of the plan."""
    sums: pl.DataFrame
    """One row per corpus and source of texts (`_sums`), in the order in which they come."""
    files: Mapping[str, Path]
    """Corpus -> its ledger."""

    def without(self, arms: Sequence[str]) -> RunLedger:
        """Return the same without what some arms used."""
        return replace(self, uses=self.uses.filter(~pl.col("arm").is_in(arms)))

    def by_use(self) -> pl.DataFrame:
        """Return the sums of every use of a corpus: columns of `USES` and of `sums`."""
        return self.uses.join(self.sums, on="corpus", maintain_order="left_right")

    def distinct(self, corpora: Sequence[str]) -> dict[str, int]:
        """Return the tokens of the distinct texts kept in some corpora, by source; one in two of them counts once."""
        if len(corpora) == 1:
            return self._distinct_of.get(corpora[0], {})
        pieces = (piece for corpus in corpora for piece in parquet_pieces(self.files[corpus], _OF_TEXTS))
        return _distinct([_texts_of(piece) for piece in pieces])

    @cached_property
    def _distinct_of(self) -> dict[str, dict[str, int]]:
        by_corpus: dict[str, dict[str, int]] = {}
        for corpus, source, tokens in self.sums.select("corpus", "source", "distinct").iter_rows():
            by_corpus.setdefault(corpus, {})[source] = tokens
        return by_corpus

    def pieces(self) -> Iterator[pl.DataFrame]:
        """Yield the rows of a run's `ledger.parquet`."""
        yield pl.DataFrame(schema=RUN_LEDGER)
        for corpus, path in self.files.items():
            for piece in parquet_pieces(path):
                yield piece.select(pl.lit(corpus).alias("corpus"), *LEDGER)

    def pieces_by_use(self) -> Iterator[pl.DataFrame]:
        """Yield the rows that runs of earlier versions have in `ledger.parquet`: those of a corpus once per use."""
        yield pl.DataFrame(schema=CELL | LEDGER)
        for *cell, corpus in self.uses.iter_rows():
            labels = [pl.lit(value, kind).alias(name) for value, (name, kind) in zip(cell, CELL.items(), strict=True)]
            for piece in parquet_pieces(self.files[corpus]):
                yield piece.select(*labels, *LEDGER)


def run_ledger(uses: Sequence[tuple[str, int, int, str]], files: Mapping[str, Path]) -> RunLedger:
    """Read the ledgers of a run, each once and in pieces.

    Parameters
    ----------
    uses : sequence of (arm, replicate, stage, corpus)
        In the order of the plan.
    files : mapping
        Corpus -> its ledger, of every corpus used.
    """
    tables = [_sums(corpus, path) for corpus, path in files.items()]
    nothing = _sums_of(pl.DataFrame(schema=LEDGER)).select(pl.lit("").alias("corpus"), "*", distinct=pl.lit(0)).clear()
    sums = pl.concat([nothing.cast({"distinct": pl.Int64}), *tables])
    return RunLedger(pl.DataFrame(list(uses), USES, orient="row"), sums, files)


def _sums(corpus: str, path: Path) -> pl.DataFrame:
    """Sum a corpus up: texts that were kept, what was dropped, and what it took to ask, by source.

    Pieces are summed one after the other, so that sums of costs have the same last digit each time.
    """
    sums, texts = [], []
    for piece in parquet_pieces(path, _SUMMED):
        sums.append(_sums_of(piece))
        texts.append(_texts_of(piece))
    distinct = _distinct(texts)
    return (
        pl.concat(sums)
        .group_by("source", maintain_order=True)
        .sum()
        .select(
            pl.lit(corpus).alias("corpus"),
            "*",
            distinct=pl.col("source").replace_strict(distinct, default=0, return_dtype=pl.Int64),
        )
    )


_SUMMED = (
    *("source", "teacher", "dropped", "overlaps", "length", "queries", "tokens_in", "tokens_out"),
    *("tokens_in_most", "tokens_out_most", "cost_usd", "cost_most_usd", "id"),
)
_AT_ONCE = 2**20
_OF_TEXTS = ("source", "id", "length", "dropped")


def _sums_of(ledger: pl.DataFrame) -> pl.DataFrame:
    """Sum up some rows by source; `stated_in` and `stated_out` are the tokens as they stand, unknown ones as none."""
    return (
        _with_bill(ledger)
        .group_by("source", maintain_order=True)
        .agg(
            _KEPT.sum().cast(pl.Int64).alias("samples"),
            pl.col("length").filter(_KEPT).sum(),
            pl.col(SPENT).filter(_ASKED).sum(),
            (_ASKED & (pl.col("queries") > 0) & pl.col("usd_high").is_null()).sum().cast(pl.Int64).alias("unpriced"),
            (pl.col("dropped") != STEP).fill_null(value=False).sum().cast(pl.Int64).alias("dropped"),
            (_KEPT & (pl.col("overlaps").list.len() > 0)).sum().cast(pl.Int64).alias("overlaps"),
            pl.col("stated_in", "stated_out").sum(),
        )
    )


def _with_bill(ledger: pl.DataFrame) -> pl.DataFrame:
    """Put tokens that are not stated at the middle of what they can have been, and a cost's two ends beside them."""
    middles = [
        ((pl.col(name).fill_null(0) + pl.coalesce(f"{name}_most", name)) / 2).fill_null(0.0).alias(name)
        for name in ("tokens_in", "tokens_out")
    ]
    return ledger.with_columns(
        *middles,
        stated_in=pl.col("tokens_in"),
        stated_out=pl.col("tokens_out"),
        usd_low=pl.col("cost_usd").fill_null(0.0),
        usd_high=pl.coalesce("cost_most_usd", "cost_usd"),
    )


def _texts_of(ledger: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return id and tokens of the texts kept, by source; of an id, itself a hash, 8 bytes are held."""
    kept = ledger.filter(_KEPT).select("source", pl.col("id").hash(), pl.col("length").cast(pl.Int32))
    return {str(source): own for (source,), own in kept.partition_by("source", as_dict=True, include_key=False).items()}


def _distinct(texts: Sequence[Mapping[str, pl.DataFrame]]) -> dict[str, int]:
    """Return the tokens of the distinct texts of some pieces, by source."""
    sources = dict.fromkeys(source for own in texts for source in own)
    return {source: _distinct_of([own[source] for own in texts if source in own]) for source in sources}


def _distinct_of(pieces: Sequence[pl.DataFrame]) -> int:
    """Add up the tokens of distinct ids, for so many of them at a time that a table of `_AT_ONCE` rows holds them."""
    n_parts = sum(map(len, pieces)) // _AT_ONCE + 1
    parts = ([piece.filter(pl.col("id") % n_parts == part) for piece in pieces] for part in range(n_parts))
    return sum(int(pl.concat(own).unique("id")["length"].sum()) for own in parts)
