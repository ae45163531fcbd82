"""Trains a student on a corpus: on its texts, on log-probabilities along them, on pairs, or on a blend of sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from gauger.elicit import Text, stream_texts
from gauger.jobs.models import common_source, keep, options_of, prompt_of, read_model, row_of, schedule_of
from gauger.jobs.parameters import Inputs, TrainOnMixture, TrainOnPairs, TrainStage, job
from gauger.jobs.training_record import counted, used, write_training
from gauger.jobs.unfinished import checkpointed
from gauger.spec import TextSource
from gauger.train import (
    BlendedSources,
    BlendPart,
    Mixture,
    Model,
    Pair,
    PreferenceLoss,
    Preferences,
    RowSource,
    SoftLoss,
    SortedLoss,
    Trained,
    Used,
    load_soft,
    train_on_blend,
    train_on_preferences,
    train_on_text,
)
from gauger.worlds import World, reopen_world


@job(TrainStage)
def train_stage(params: TrainStage, inputs: Inputs, out: Path) -> None:
    """Train a student on one stage's corpus."""
    train_on_corpus(params, inputs, out)


def train_on_corpus(params: TrainStage, inputs: Inputs, out: Path) -> None:
    """Train a student on texts, with its share of the base's own running text in every batch."""
    world = reopen_world(params.world)
    rows = tuple(row_of(world, text) for text in stream_texts(inputs["corpus"]))
    soft = load_soft(inputs["corpus"])
    sources, per_step = [RowSource(rows, soft, params.own.get("divergence") == "sorted")], [params.batch]
    n_web = round(params.web_share * params.batch)
    if n_web:
        sources.append(common_source(world))
        per_step = [params.batch - n_web, n_web]
    model = read_model(inputs, "start", params.engine, params.computing)
    options = options_of(params)
    if soft is not None:
        options = replace(options, loss=_soft_loss(params))
    data = Mixture(tuple(sources), tuple(per_step))
    with checkpointed(params, out) as checkpoints:
        options = replace(options, checkpoints=checkpoints)
        trained = train_on_text(model, data, schedule_of(params, model), options)
        keep(trained, inputs, out)
    write_training(out, [used(None, own) for own in trained.sources], trained.losses)


def _soft_loss(params: TrainStage) -> SoftLoss | SortedLoss:
    temperature = _number(params.own["temperature"])
    if params.own["divergence"] == "sorted":
        return SortedLoss(_number(params.own["sorted_weight"]), temperature)
    return SoftLoss(str(params.own["divergence"]), temperature)


def _number(value: object) -> float:
    return float(str(value))


@job(TrainOnPairs)
def train_on_pairs(params: TrainOnPairs, inputs: Inputs, out: Path) -> None:
    """Train a student to prefer (DPO); one that gave no pair of a right and a wrong answer stays as it is."""
    world = reopen_world(params.world)
    model = read_model(inputs, "start", params.engine, params.computing)
    pairs = read_pairs(world, inputs["corpus"])
    if not pairs:
        keep_untaught(model, inputs, out)
        return
    options = replace(options_of(params), loss=PreferenceLoss(params.beta))
    data = Preferences(pairs, params.batch // 2)
    with checkpointed(params, out) as checkpoints:
        options = replace(options, checkpoints=checkpoints)
        trained = train_on_preferences(model, data, schedule_of(params, model), options)
        keep(trained, inputs, out)
    write_training(out, [used(TextSource.STUDENT, own) for own in trained.sources], trained.losses)


def read_pairs(world: World, directory: Path) -> tuple[Pair, ...]:
    """Read back the pairs that a student's answers gave."""
    table = pl.read_parquet(directory / "corpus.parquet", columns=["prompt", "answer", "rejected"])
    return tuple(Pair(prompt_of(world, prompt), *answers) for prompt, *answers in table.iter_rows())


def keep_untaught(model: Model, inputs: Inputs, out: Path) -> None:
    """Keep a student as it is, to whom a stage without any pair has nothing to say."""
    keep(Trained(model, [], 0, 0), inputs, out)
    write_training(out, [counted(TextSource.STUDENT, [], [])], [])


@job(TrainOnMixture)
def train_on_mixture(params: TrainOnMixture, inputs: Inputs, out: Path) -> None:
    """Train a student on a blend of several sources."""
    world = reopen_world(params.world)
    table = pl.read_parquet(inputs["corpus"] / "corpus.parquet")
    tables = [table.filter(part=number) for number in range(len(params.parts))]
    rows = [
        tuple(row_of(world, Text(*row)) for row in texts.select("prompt", "answer", "whole").iter_rows())
        for texts in tables
    ]
    parts = tuple(
        BlendPart(RowSource(own), part.weight, part.tokens) for own, part in zip(rows, params.parts, strict=True)
    )
    model = read_model(inputs, "start", params.engine, params.computing)
    data = BlendedSources(parts, params.batch)
    with checkpointed(params, out) as checkpoints:
        options = replace(options_of(params), checkpoints=checkpoints)
        trained = train_on_blend(model, data, schedule_of(params, model), options)
        keep(trained, inputs, out)
    write_training(out, count_by_writer(tables, trained.sources), trained.losses)


def count_by_writer(tables: Sequence[pl.DataFrame], sources: Sequence[Used]) -> list[dict[str, object]]:
    """Count what was trained on by who wrote it; a text that stands in two parts counts once.

    Parameters
    ----------
    tables : sequence of DataFrame
        Texts of each part with `source` and `id`, those that the context left nothing of included.
    sources : sequence of Used
        What was trained on of each part.

    Returns
    -------
    list of dict
        One per writer, as `training_record.used` counts.
    """
    drawn = pl.concat([_drawn(texts, own) for texts, own in zip(tables, sources, strict=True)])
    firsts = [pl.first(name) for name in ("length", "lost", "taken")]
    by_text = drawn.group_by("source", "id", maintain_order=True).agg(pl.sum("count"), *firsts)
    counts = []
    for (name,), rows in by_text.group_by("source", maintain_order=True):
        taken, left_out = rows.filter("taken"), rows.filter(~pl.col("taken"))
        length_N, count_N, lost_N = (taken[column].to_numpy() for column in ("length", "count", "lost"))
        counts.append(used(str(name), Used(length_N, count_N, lost_N, tuple(range(len(left_out))))))
    return counts


def _drawn(texts: pl.DataFrame, own: Used) -> pl.DataFrame:
    """Put beside the texts of one part how often each was trained on, and what the context left of it."""
    taken_N = ~np.isin(np.arange(len(texts)), own.left_out)
    lost_N = own.lost_N if len(own.lost_N) else np.zeros_like(own.length_N)
    columns = {}
    for name, values in {"length": own.length_N, "count": own.count_N, "lost": lost_N}.items():
        columns[name] = np.zeros(len(texts), dtype=np.int64)
        columns[name][taken_N] = values
    return texts.select("source", "id").with_columns(
        taken=pl.Series(taken_N), **{n: pl.Series(v) for n, v in columns.items()}
    )
