"""Sums the token ledger per arm, source and replicate: what was asked for, kept, dropped and trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from gauger.elicit import STEP
from gauger.spec import BASE, TextSource
from gauger.study.results import CORPUS, KEPT_IN, Collected

_STAGE = ["arm", "replicate", "stage"]
_SPENT = ("tokens_in", "tokens_out", "queries", "usd_low", "usd_high")
_ASKED = (pl.col("source") == TextSource.TEACHER) | (
    (pl.col("source") == TextSource.STUDENT) & (pl.col("teacher") != BASE)
)
"""Requests that went to the teacher."""


def ledger_rows(collected: Collected) -> list[dict[str, Any]]:
    """Summarise the ledger per arm and source, as means over replicates; kept-in web has a row of its own.

    tokens = Σ over stages of (tokens trained on in the stage) x (the source's share of the stage's corpus, in tokens).
    Every sample of a corpus is drawn equally often, up to one; rows drawn x mean length are the tokens. Mixtures, and
    stages in which the student writes, count the tokens of each source themselves.

    Returns
    -------
    list of dict
        Rows of `Document.ledger`; the teacher's tokens and queries stand with the source `teacher`, and with `student`
        where it scored or judged the student's own samples.
    """
    arms = {arm: place for place, arm in enumerate(collected.training["arm"].unique(maintain_order=True))}
    rows = [*_corpus_rows(collected), *_kept_in_rows(collected.training)]
    return sorted(rows, key=lambda row: arms.get(row["arm"], len(arms)))


def _corpus_rows(collected: Collected) -> list[dict[str, Any]]:
    arms = collected.ledger.group_by("arm").agg(n=pl.col("replicate").n_unique())
    by_source = (
        _by_stage(collected)
        .group_by("arm", "source", maintain_order=True)
        .agg(pl.exclude(*_STAGE).sum())
        .join(_unique_tokens(collected), on=["arm", "source"], how="left", maintain_order="left")
        .join(arms, on="arm", maintain_order="left")
    )
    return [_row(row) for row in by_source.iter_rows(named=True)]


def _by_stage(collected: Collected) -> pl.DataFrame:
    """Count, per arm, replicate, stage and source, samples and tokens, and share out the tokens trained on."""
    kept = pl.col("dropped").is_null()
    counted = (
        _with_bill(collected.ledger)
        .group_by(*_STAGE, "source", maintain_order=True)
        .agg(
            kept.sum().alias("samples"),
            pl.col("length").filter(kept).sum(),
            pl.col(_SPENT).filter(_ASKED).sum(),
            (_ASKED & (pl.col("queries") > 0) & pl.col("usd_high").is_null()).sum().alias("unpriced"),
            (pl.col("dropped") != STEP).fill_null(value=False).sum().alias("dropped"),
            (kept & (pl.col("overlaps").list.len() > 0)).sum().alias("overlaps"),
        )
    )
    trained = collected.training.filter(source=CORPUS).select(*_STAGE, trained="tokens")
    own = _own_counts(collected).select(*_STAGE, "source", own="tokens")
    share = pl.col("length") / pl.col("length").sum().over(_STAGE)
    joined = counted.join(trained, on=_STAGE, how="left", maintain_order="left").join(
        own, on=[*_STAGE, "source"], how="left", maintain_order="left"
    )
    tokens = pl.coalesce("own", pl.col("trained") * share).fill_nan(0.0).fill_null(0.0)
    return joined.with_columns(tokens=tokens).drop("trained", "own")


def _with_bill(ledger: pl.DataFrame) -> pl.DataFrame:
    """Put tokens that are not stated at the middle of what they can have been, and a cost's two ends beside them."""
    middles = [
        ((pl.col(name).fill_null(0) + pl.coalesce(f"{name}_most", name)) / 2).fill_null(0.0).alias(name)
        for name in ("tokens_in", "tokens_out")
    ]
    high = pl.coalesce("cost_most_usd", "cost_usd")
    return ledger.with_columns(*middles, usd_low=pl.col("cost_usd").fill_null(0.0), usd_high=high)


def _own_counts(collected: Collected) -> pl.DataFrame:
    """Return the tokens of stages that count each source themselves."""
    return collected.training.filter(~pl.col("source").is_in([CORPUS, KEPT_IN]))


def _unique_tokens(collected: Collected) -> pl.DataFrame:
    """Count distinct texts of an arm; no more than its stages, which may not have drawn all of theirs, trained on."""
    texts = collected.ledger.filter(pl.col("dropped").is_null()).unique([*_STAGE, "source", "id"])
    own = _own_counts(collected).select(*_STAGE, "source", own="unique_tokens")
    most = (
        texts.group_by(*_STAGE, "source")
        .agg(pl.col("length").sum())
        .join(own, on=[*_STAGE, "source"], how="left")
        .group_by("arm", "source")
        .agg(most=pl.coalesce("own", "length").sum())
    )
    distinct = texts.unique(["arm", "replicate", "source", "id"]).group_by("arm", "source")
    joined = distinct.agg(pl.col("length").sum()).join(most, on=["arm", "source"])
    return joined.select("arm", "source", unique=pl.min_horizontal("length", "most"))


def _row(total: Mapping[str, Any]) -> dict[str, Any]:
    n, unique = total["n"], total["unique"] or 0
    return {
        "arm": total["arm"],
        "source": total["source"],
        "samples": round(total["samples"] / n),
        "tokens": round(total["tokens"] / n),
        "unique_tokens": round(unique / n),
        "epochs": round(total["tokens"] / unique, 2) if unique else None,
        "teacher_tokens_in": round(total["tokens_in"] / n),
        "teacher_tokens_out": round(total["tokens_out"] / n),
        "queries": round(total["queries"] / n),
        **_bill(total),
        "dropped": round(total["dropped"] / n),
        "overlaps": round(total["overlaps"] / n),
    }


def _bill(total: Mapping[str, Any]) -> dict[str, float | None]:
    """Return what asking cost per replicate, from what is stated to the most; NULL where a price is not known."""
    known = total["queries"] and not total["unpriced"]
    ends = {end: total[end] / total["n"] if known else None for end in ("usd_low", "usd_high")}
    return {end: None if value is None else float(value) for end, value in ends.items()}


def _kept_in_rows(training: pl.DataFrame) -> list[dict[str, Any]]:
    """Summarise the kept-in web: the same text in every stage, so that its distinct tokens count once."""
    sums = (
        training.filter(source=KEPT_IN)
        .group_by("arm", "replicate", maintain_order=True)
        .agg(pl.col("tokens").sum(), pl.col("unique_tokens").max())
        .group_by("arm", maintain_order=True)
        .agg(pl.col("tokens", "unique_tokens").mean())
    )
    nothing: dict[str, Any] = {"usd_low": None, "usd_high": None}
    nothing |= dict.fromkeys(("teacher_tokens_in", "teacher_tokens_out", "queries", "dropped", "overlaps"), 0)
    return [
        {
            "arm": row["arm"],
            "source": KEPT_IN,
            "samples": None,
            "tokens": round(row["tokens"]),
            "unique_tokens": round(row["unique_tokens"]),
            "epochs": round(row["tokens"] / row["unique_tokens"], 2),
            **nothing,
        }
        for row in sums.iter_rows(named=True)
    ]
