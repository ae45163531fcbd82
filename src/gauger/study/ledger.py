"""Sums the token ledger per arm, source and replicate: what was asked for, kept, dropped and trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import polars as pl

from gauger.study.results import CORPUS, KEPT_IN, Collected
from gauger.study.run_ledger import CELL, SPENT, RunLedger

_STAGE = list(CELL)
_COUNTED = ("samples", "length", *SPENT, "unpriced", "dropped", "overlaps")


def ledger_rows(collected: Collected) -> list[dict[str, Any]]:
    """Summarise the ledger per arm and source, as means over replicates; kept-in web has a row of its own.

    tokens = Σ over stages of (tokens trained on in the stage) x (the source's share of the stage's corpus, in tokens).
    Every sample of a corpus is drawn equally often, up to one; rows drawn x mean length are the tokens. Mixtures, and
    stages in which the student writes, count the tokens of each source themselves.

    Means are over the replicates that were measured; of an arm of which none was, over those for which anything was
    asked: what a failed arm cost stands there too, with 0 tokens trained on.

    Returns
    -------
    list of dict
        Rows of `Document.ledger`; the teacher's tokens and queries stand with the source `teacher`, and with `student`
        where it scored or judged the student's own samples.
    """
    collected = of_measured(collected)
    arms = {arm: place for place, arm in enumerate(collected.training["arm"].unique(maintain_order=True))}
    rows = [*_corpus_rows(collected), *_kept_in_rows(collected.training)]
    return sorted(rows, key=lambda row: arms.get(row["arm"], len(arms)))


def of_measured(collected: Collected) -> Collected:
    """Leave out of the ledger the replicates that were not measured, but for arms of which none was."""
    uses, trained = collected.ledger.uses, collected.training.select("arm", "replicate").unique()
    kept = uses.join(trained, on=["arm", "replicate"], how="semi", maintain_order="left")
    alone = uses.join(trained, on="arm", how="anti", maintain_order="left")
    return replace(collected, ledger=replace(collected.ledger, uses=pl.concat([kept, alone])))


def _corpus_rows(collected: Collected) -> list[dict[str, Any]]:
    by_use = collected.ledger.by_use()
    arms = by_use.group_by("arm").agg(n=pl.col("replicate").n_unique())
    by_source = (
        _by_stage(collected, by_use)
        .group_by("arm", "source", maintain_order=True)
        .agg(pl.exclude(*_STAGE).sum())
        .join(_unique_tokens(collected), on=["arm", "source"], how="left", maintain_order="left")
        .join(arms, on="arm", maintain_order="left")
    )
    return [_row(row) for row in by_source.iter_rows(named=True)]


def _by_stage(collected: Collected, by_use: pl.DataFrame) -> pl.DataFrame:
    """Count, per arm, replicate, stage and source, samples and tokens, and share out the tokens trained on."""
    counted = by_use.group_by(*_STAGE, "source", maintain_order=True).agg(pl.col(_COUNTED).sum())
    trained = collected.training.filter(source=CORPUS).select(*_STAGE, trained="tokens")
    own = _own_counts(collected).select(*_STAGE, "source", own="tokens")
    share = pl.col("length") / pl.col("length").sum().over(_STAGE)
    joined = counted.join(trained, on=_STAGE, how="left", maintain_order="left").join(
        own, on=[*_STAGE, "source"], how="left", maintain_order="left"
    )
    tokens = pl.coalesce("own", pl.col("trained") * share).fill_nan(0.0).fill_null(0.0)
    return joined.with_columns(tokens=tokens).drop("trained", "own")


def _own_counts(collected: Collected) -> pl.DataFrame:
    """Return the tokens of stages that count each source themselves."""
    return collected.training.filter(~pl.col("source").is_in([CORPUS, KEPT_IN]))


def _unique_tokens(collected: Collected) -> pl.DataFrame:
    """Count distinct texts of an arm; no more than its stages, which may not have drawn all of theirs, trained on."""
    own = _own_counts(collected).select(*_STAGE, "source", own="unique_tokens")
    most = (
        _distinct(collected.ledger, _STAGE)
        .join(own, on=[*_STAGE, "source"], how="left")
        .group_by("arm", "source")
        .agg(most=pl.coalesce("own", "distinct").sum())
    )
    by_arm = _distinct(collected.ledger, ["arm", "replicate"]).group_by("arm", "source").agg(pl.col("distinct").sum())
    joined = by_arm.join(most, on=["arm", "source"])
    return joined.select("arm", "source", unique=pl.min_horizontal("distinct", "most"))


def _distinct(ledger: RunLedger, by: list[str]) -> pl.DataFrame:
    """Count the tokens of the distinct texts of each group of uses and source; equal sets of corpora are read once."""
    count = cache(ledger.distinct)
    groups = ledger.uses.group_by(by, maintain_order=True).agg(pl.col("corpus").unique().sort())
    rows = [
        (*group, source, tokens)
        for *group, corpora in groups.iter_rows()
        for source, tokens in count(tuple(corpora)).items()
    ]
    columns = {name: kind for name, kind in CELL.items() if name in by} | {"source": pl.String, "distinct": pl.Int64}
    return pl.DataFrame(rows, columns, orient="row")


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
