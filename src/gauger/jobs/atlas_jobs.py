"""The functions behind the jobs of a study in the embedded world: parameters and input directories in, files out.

Each is a pure function of its parameters and inputs; the runner decides where and when. `registry.py` names them, and
the code behind them enters every content address, so that a change of code never meets an old result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gauger.elicit.sources import (
    known_questions,
    running_text,
    shuffled_answers,
    true_answers,
    true_questions,
    with_test_items,
)
from gauger.elicit.twin_elicitation import Wanted, answer, elicit
from gauger.elicit.twin_filters import Filters
from gauger.elicit.twin_samples import Corpus, Sample, read_texts
from gauger.elicit.twin_surface import Interface
from gauger.measure.exact_match import measure
from gauger.spec import AtlasWorld, ModelSize, Surface, TextSource
from gauger.store.atomic import write_json, write_parquet
from gauger.train.tiny.checkpoint import load, save
from gauger.train.tiny.corpora import load_soft, rows_of, save_soft, stack_shown
from gauger.train.tiny.loop import Schedule, train
from gauger.train.tiny.losses import Loss, SoftLoss, next_token
from gauger.train.tiny.model import DecoderConfig
from gauger.train.tiny.rows import Mixture, Rows
from gauger.train.tiny.teacher import TinyTeacher
from gauger.worlds.atlas import Atlas
from gauger.worlds.atlas.world import CONTEXT
from gauger.worlds.benchmarks import Benchmark

Params = Mapping[str, Any]
Inputs = Mapping[str, Path]
PRETRAINING_DECAY = 0.3


@lru_cache(maxsize=4)
def _atlas(settings: AtlasWorld) -> Atlas:
    return Atlas(settings)


def world_of(params: Params) -> Atlas:
    """Return the world of a job."""
    return _atlas(AtlasWorld.model_validate(params["world"]))


def asked(params: Params, directory: Path, name: str) -> TinyTeacher:
    """Return the model in a directory as one that can be asked."""
    return TinyTeacher(name, load(directory), world_of(params).language)


def pretrain(params: Params, inputs: Inputs, out: Path) -> None:  # noqa: ARG001 - the runner's signature
    """Train a model from scratch on the base's web, or on the teacher's library."""
    atlas = world_of(params)
    texts = atlas.web if params["text"] == "web" else atlas.library
    rows = rows_of(atlas.language, [(text.prompt, text.answer, True) for text in texts])
    size = ModelSize.model_validate(params["model"])
    config = DecoderConfig(len(atlas.language), CONTEXT, size.width, size.layers, size.heads)
    model = config.build(params["seed"])
    schedule = Schedule(params["steps"], params["learning_rate"], weight_decay=PRETRAINING_DECAY)
    losses = train(model, Mixture((rows,), (params["batch"],)), schedule, params["seed"])
    save(model, out)
    write_json(out / "training.json", _training([rows], (params["batch"],), params["steps"], losses))


def ask_teacher(params: Params, inputs: Inputs, out: Path) -> None:
    """Elicit one stage's corpus from the teacher."""
    interface = Interface(asked(params, inputs["teacher"], "teacher"), Surface.model_validate(params["surface"]))
    wanted = Wanted(
        params["strategy"],
        tuple(params["forms"]),
        params["samples"],
        tuple(params["skills"]),
        params.get("seeds", "benchmark-train"),
    )
    corpus = elicit(world_of(params), interface, wanted, params["seed"])
    _write(corpus, out, interface if params["soft"] else None, params["top_k"])


def ask_base(params: Params, inputs: Inputs, out: Path) -> None:
    """Have the student's own base answer the prompts of a teacher's corpus (placebo)."""
    atlas = world_of(params)
    shows_all = Surface(log_probabilities="full")
    interface = Interface(asked(params, inputs["base"], "base"), shows_all)
    prompts = [
        Sample(prompt, (), params["strategy"], "self", whole=whole)
        for prompt, _, whole in read_texts(inputs["prompts"])
    ]
    filters = Filters(tuple(params["forms"]), None, atlas.splits.held_out)
    said = [_as_said(sample) for sample in answer(interface, prompts, params["seed"])]
    corpus = Corpus(tuple(filters.texts(said, set())))
    _write(corpus, out, interface if params["soft"] else None, params["top_k"])


def _as_said(sample: Sample) -> Sample:
    """Keep a base's answers even where they never end, as far as they fit: a placebo is as good as its model."""
    room = CONTEXT - 2 - len(sample.prompt)
    dropped = None if sample.dropped == "truncated" else sample.dropped
    return replace(sample, answer=sample.answer[:room], dropped=dropped)


def gather(params: Params, inputs: Inputs, out: Path) -> None:
    """Put together a corpus that the teacher did not write, or the leak corpus."""
    Corpus(tuple(_gathered(params, inputs))).write(out)


def _gathered(params: Params, inputs: Inputs) -> list[Sample]:
    atlas, rng = world_of(params), np.random.default_rng(params["seed"])
    source, samples, strategy = params["source"], params["samples"], params["strategy"] or "text"
    if source == TextSource.TEST_ITEMS:
        return with_test_items(atlas, read_texts(inputs["prompts"]), params["benchmarks"], strategy)
    if source == TextSource.TRUTH and "prompts" in inputs:
        return true_answers(atlas, read_texts(inputs["prompts"]), strategy)
    if source == TextSource.SHUFFLED:
        return shuffled_answers(atlas, params["skills"], samples, rng)
    if params["kind"] == "continue":
        texts = atlas.web if source == TextSource.WEB else atlas.library
        return running_text(texts, samples, source, rng)
    questions = known_questions if source == TextSource.WEB else true_questions
    return questions(atlas, params["forms"], samples, rng)


def train_stage(params: Params, inputs: Inputs, out: Path) -> None:
    """Train a student on one stage's corpus, with its share of the base's web in every batch."""
    atlas = world_of(params)
    corpus = rows_of(atlas.language, read_texts(inputs["corpus"]), load_soft(inputs["corpus"]))
    sources, per_batch = [corpus], [params["batch"]]
    n_web = round(params["web_share"] * params["batch"])
    if n_web:
        sources.append(rows_of(atlas.language, [(text.prompt, text.answer, True) for text in atlas.web]))
        per_batch = [params["batch"] - n_web, n_web]
    model = load(inputs["start"]).train()
    loss: Loss = next_token
    if corpus.soft is not None:
        loss = SoftLoss(params["divergence"], params["temperature"])
    mixture = Mixture(tuple(sources), tuple(per_batch))
    losses = train(model, mixture, Schedule(params["steps"], params["learning_rate"]), params["seed"], loss)
    save(model, out)
    write_json(out / "training.json", _training(sources, per_batch, params["steps"], losses))


def measure_model(params: Params, inputs: Inputs, out: Path) -> None:
    """Measure a model on benchmarks."""
    atlas = world_of(params)
    benchmarks = [atlas.benchmark(name) for name in params["benchmarks"]]
    records = measure(asked(params, inputs["model"], "model"), benchmarks, params["max_new_tokens"])
    write_parquet(out / "records.parquet", records)
    if params.get("loss"):
        write_json(out / "loss.json", _losses(params, inputs["model"], benchmarks))


@torch.inference_mode()
def _losses(params: Params, directory: Path, benchmarks: Sequence[Benchmark]) -> dict[str, Any]:
    """Measure the cross-entropy of the true answers, nats per token, on each benchmark, and count the weights."""
    model, language = load(directory).eval(), world_of(params).language
    found = {}
    for benchmark in benchmarks:
        rows = rows_of(language, [(item.prompt, item.answer, False) for item in benchmark.items])
        (batch,) = Mixture((rows,), (len(rows),)).batches(1, 0)
        found[benchmark.name] = float(next_token(model, batch))
    return {"loss": found, "parameters": sum(weight.numel() for weight in model.parameters())}


def _write(corpus: Corpus, out: Path, interface: Interface | None, top_k: int | None) -> None:
    corpus.write(out)
    write_json(out / "notes.json", list(corpus.notes))
    if interface is not None and corpus.kept:
        kept = corpus.kept
        shown = interface.show([s.prompt for s in kept], [s.answer for s in kept], top_k)
        save_soft(stack_shown(shown), out)


def _training(
    sources: list[Rows], per_batch: tuple[int, ...] | list[int], steps: int, losses: list[float]
) -> dict[str, Any]:
    """Summarise a training run: expected tokens from each source (rows drawn x mean length), and its losses."""
    return {
        "sources": [
            {"rows": count * steps, "unique_rows": len(rows), "mean_tokens": rows.n_tokens / max(1, len(rows))}
            for rows, count in zip(sources, per_batch, strict=True)
        ],
        "first_loss": float(np.mean(losses[:10])),
        "last_loss": float(np.mean(losses[-10:])),
    }
