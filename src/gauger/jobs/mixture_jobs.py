"""The functions behind the jobs of mixtures (embedded world): corpora side by side, then training on their blend."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from gauger.jobs.atlas_jobs import Inputs, Params, world_of
from gauger.jobs.trained import trained, write_training
from gauger.store.atomic import read_json, write_json, write_parquet
from gauger.train.tiny.blend import Blend, Part
from gauger.train.tiny.checkpoint import load, save
from gauger.train.tiny.corpora import rows_of
from gauger.train.tiny.loop import Schedule, train
from gauger.worlds.atlas.language import Language


def blend_corpora(params: Params, inputs: Inputs, out: Path) -> None:  # noqa: ARG001 - the runner's signature
    """Put the corpora of a mixture side by side: every text with its part and who wrote it; one ledger for all."""
    texts, ledgers = [], []
    notes: list[str] = []
    for part in range(len(inputs)):
        directory = inputs[f"part{part}"]
        ledger = pl.read_parquet(directory / "ledger.parquet")
        kept = ledger.filter(pl.col("dropped").is_null())["source"]
        texts.append(pl.read_parquet(directory / "corpus.parquet").with_columns(kept, part=pl.lit(part, pl.Int64)))
        ledgers.append(ledger)
        notes += read_json(directory / "notes.json") if (directory / "notes.json").exists() else []
    write_parquet(out / "corpus.parquet", pl.concat(texts))
    write_parquet(out / "ledger.parquet", pl.concat(ledgers))
    write_json(out / "notes.json", notes)


def train_on_mixture(params: Params, inputs: Inputs, out: Path) -> None:
    """Train a student on a blend of several sources."""
    language = world_of(params).language
    table = pl.read_parquet(inputs["corpus"] / "corpus.parquet")
    tables = [table.filter(part=number) for number in range(len(params["parts"]))]
    parts = [
        _part(language, texts, part["weight"], part["tokens"])
        for texts, part in zip(tables, params["parts"], strict=True)
    ]
    model, blend = load(inputs["start"]).train(), Blend(tuple(parts), params["batch"])
    schedule = Schedule(params["steps"], params["learning_rate"])
    losses = train(model, blend, schedule, params["seed"])
    save(model, out)
    drawn = blend.drawn(params["steps"], params["seed"])
    counted = [
        texts.select("source", "id", length=pl.Series(part.lengths), count=pl.Series(one.counts(len(part.rows))))
        for texts, part, one in zip(tables, parts, drawn, strict=True)
    ]
    by_source = (
        pl.concat(counted).group_by("source", "id", maintain_order=True).agg(pl.first("length"), pl.sum("count"))
    )
    sources = [
        trained(str(name), rows["length"].to_numpy(), rows["count"].to_numpy())
        for (name,), rows in by_source.group_by("source", maintain_order=True)
    ]
    write_training(out, sources, losses)


def _part(language: Language, texts: pl.DataFrame, weight: float, tokens: int | None) -> Part:
    rows = (
        (tuple(prompt.split()), tuple(answer.split()), whole)
        for prompt, answer, whole in texts.select("prompt", "answer", "whole").iter_rows()
    )
    return Part(rows_of(language, rows), weight, tokens)
