"""Turns the lines of an lm-eval samples file into rows: filters named, repeats dropped, items given an identity."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import polars as pl

from gauger.errors import Place
from gauger.measure.importers.json_lines import line_of_row
from gauger.measure.importers.log import ROWS, counted, failed_where_undefined
from gauger.measure.importers.repeats import without_repeats
from gauger.records import Outcome

NO_ANSWER = "[invalid]"
"""What lm-eval's regular-expression filters put where they found no answer."""


def name_filters(lines: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Give lines without a `filter` one: older logs hold the filters' lines as equal blocks, one after another.

    Blocks are told apart only where every document occurs equally often and each block is complete before the next
    begins; else all lines are of one filter, and repeated documents are repeats.
    """
    if lines["filter"].null_count() < lines.height:
        return lines.with_columns(pl.col("filter").fill_null("none")), []
    block = lines.select(pl.int_range(pl.len()).over("doc_id")).to_series()
    sizes = block.value_counts()["count"]
    if block.max() == 0 or not block.is_sorted() or sizes.n_unique() > 1:
        return lines.with_columns(filter=pl.lit("none")), []
    named = lines.with_columns(filter=pl.format("filter {}", block + 1))
    blocks = f"its {sizes.len()} blocks of lines are called filter 1, filter 2, ..."
    return named, [f"the log does not name its answer filters; {blocks}"]


def drop_repeated_lines(
    path: Path, plain: Path, lines: pl.DataFrame, metrics: Sequence[str]
) -> tuple[pl.DataFrame, list[str]]:
    """Drop lines that say again what another line of the file says; refuse two lines that disagree.

    Raises
    ------
    InputError
        One document with the same filter twice and another hash or score.
    """
    content = [name for name in ("doc_hash", "target_hash", *metrics) if name in lines.columns]
    return without_repeats(
        lines,
        ("filter", "doc_id"),
        content,
        lambda line: f"doc {line['doc_id']}",
        lambda row: Place(str(path), line_of_row(plain, row)),
    )


def to_rows(lines: pl.DataFrame, metrics: Sequence[str]) -> tuple[pl.DataFrame, list[str]]:
    """Return one row per document, filter and metric (`log.ROWS`), and what had to be said of them."""
    shared = lines.with_columns(**_identity(lines), no_answer=_no_answer(lines))
    parts = [_measure_rows(shared, metric) for metric in metrics]
    rows = pl.concat(parts) if parts else pl.DataFrame(schema=dict(ROWS))
    undefined = rows.filter(pl.col("outcome") == str(Outcome.FAILED))
    if undefined.is_empty():
        return rows, []
    labels = undefined["label"].to_list()
    return rows, [f"undefined, left out rather than counted as wrong: {counted(labels, 'scores')}"]


def _measure_rows(lines: pl.DataFrame, metric: str) -> pl.DataFrame:
    """Return the rows of one metric: the lines of every filter that lists it."""
    listing = [text for text in lines["metrics"].unique() if text is None or metric in names_listed(text)]
    listed = pl.col("metrics").is_in(listing, nulls_equal=True)
    outcome, score = failed_where_undefined(pl.col(metric))
    unparsed = pl.col("no_answer") & (score == 0)
    return lines.filter(listed).select(
        "row",
        "document",
        "position",
        id="doc_id",
        label=pl.format("doc {}", "doc_id"),
        sample=pl.lit(0, pl.Int64),
        cluster="cluster",
        question="prompt_hash",
        prompt="prompt_hash",
        group=pl.col("group") if "group" in lines.columns else pl.lit(None, pl.String),
        filter="filter",
        metric=pl.lit(metric),
        outcome=pl.when(unparsed).then(pl.lit(str(Outcome.UNPARSED))).otherwise(outcome),
        score=pl.when(~unparsed).then(score),
    )


def names_listed(text: str | None) -> list[str]:
    """Return the metrics that a line lists, from the JSON that it holds; a line that lists none holds all."""
    names = json.loads(text) if text else []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _identity(lines: pl.DataFrame) -> dict[str, pl.Expr]:
    """Return document (content), position (id and target) and cluster (repeated documents share one)."""
    target = pl.col("target_hash") if "target" not in lines.columns else pl.lit(_hashes(lines["target"]))
    position = pl.concat_str("doc_id", target.fill_null(""), separator=":")
    among = ["filter", "doc_hash"]
    if lines["doc_hash"].n_unique() == 1 and lines["doc_id"].n_unique() > 1:
        nothing = pl.lit(None, pl.String)  # one hash for all documents is a placeholder, not one document many times
        return {"document": nothing, "cluster": nothing, "position": position}
    if lines["doc_hash"].null_count() == lines.height or lines.select(pl.struct(among).is_unique().all()).item():
        return {"document": pl.col("doc_hash"), "cluster": pl.lit(None, pl.String), "position": position}
    order = pl.coalesce(pl.col("doc_id").cast(pl.Int64, strict=False), "row")
    nth = order.rank("ordinal").over(among)
    return {
        "document": pl.when(nth > 1).then(pl.format("{}#{}", "doc_hash", nth)).otherwise(pl.col("doc_hash")),
        "cluster": pl.when(pl.len().over(among) > 1).then(pl.col("doc_hash")),
        "position": position,
    }


_HASH_LETTERS, _TARGET_LETTERS = 12, 6
"""Of a document's hash: 72 bits, so that a million documents share one with a chance below one in a billion. Of a
target's, beside an id: 36 bits. Polars keeps texts of up to twelve bytes without a buffer: a sixth of the memory."""


def with_short_hashes(lines: pl.DataFrame) -> pl.DataFrame:
    """Return lines whose hashes take little memory; those that are no hashes stay as they are."""
    return lines.with_columns(
        short_hash("doc_hash"), short_hash("prompt_hash"), short_hash("target_hash", _TARGET_LETTERS)
    )


def short_hash(column: str, letters: int = _HASH_LETTERS) -> pl.Expr:
    """Return hashes of 64 hexadecimal digits in their first letters of base 64; others stay as they are."""
    whole = pl.col(column)
    short = whole.str.head(letters * 3 // 2).str.decode("hex", strict=False).bin.encode("base64")
    return pl.when(whole.str.len_bytes() == 64).then(pl.coalesce(short, whole)).otherwise(whole)


def _hashes(targets: pl.Series) -> pl.Series:
    digests = [None if text is None else sha256(text.encode()).hexdigest() for text in targets.to_list()]
    hashes = pl.DataFrame({"target_hash": digests}, schema={"target_hash": pl.String})
    return hashes.select(short_hash("target_hash", _TARGET_LETTERS)).to_series()


def _no_answer(lines: pl.DataFrame) -> pl.Expr:
    if "filtered_resps" not in lines.columns:
        return pl.lit(False)
    return (pl.col("filtered_resps").list.first() == NO_ANSWER).fill_null(False)
