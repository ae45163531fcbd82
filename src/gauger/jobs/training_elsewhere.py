"""Trains with somebody else's program: a student on texts or on pairs of answers, a teacher on true answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from gauger.elicit import Text, read_texts, stream_texts, true_questions
from gauger.jobs.models import adapter_of, checkpoint_of, prompt_of, read_model, row_of
from gauger.jobs.parameters import Inputs, job
from gauger.jobs.program_parameters import ByProgram, SpecialiseExternal, TrainExternal, TrainExternalOnPairs
from gauger.jobs.training import keep_untaught, read_pairs
from gauger.jobs.training_record import used, write_training
from gauger.jobs.unfinished import unfinished_place
from gauger.spec import TextSource
from gauger.train import (
    ExternalTrainer,
    ExternalTraining,
    Pair,
    PairMaterial,
    RewardServer,
    TextMaterial,
    TrainingMaterial,
    Used,
    on_cpu,
    train_elsewhere,
)
from gauger.worlds import World, reopen_world


@job(TrainExternal)
def train_external(params: TrainExternal, inputs: Inputs, out: Path) -> None:
    """Write the corpus in the trainer's format, have it trained on, and keep what comes out."""
    world = reopen_world(params.world)
    material = TextMaterial(tuple(row_of(world, text) for text in stream_texts(inputs["corpus"])))
    losses, rows = trained_by_program(params, material, inputs, out)
    write_training(out, [used(None, row) for row in rows], losses)


@job(SpecialiseExternal)
def specialise_external(params: SpecialiseExternal, inputs: Inputs, out: Path) -> None:
    """Make a teacher: true answers of every skill in the wanted forms, questions learnt too where a format can say so.

    Rows in the format `tokens` are those of our own engine (`models.specialise`); others have questions and answers as
    a student's rows have them.
    """
    world, rng = reopen_world(params.world), np.random.default_rng(params.seed)
    corpus = true_questions(world, params.forms, params.samples, rng)
    whole = params.format == "tokens"
    rows = tuple(row_of(world, Text(sample.prompt_text, sample.answer, whole=whole)) for sample in corpus.kept)
    losses, trained = trained_by_program(params, TextMaterial(rows), inputs, out)
    write_training(out, [used(None, row) for row in trained], losses)


@job(TrainExternalOnPairs)
def train_external_on_pairs(params: TrainExternalOnPairs, inputs: Inputs, out: Path) -> None:
    """Have a student trained to prefer, by pairs of its own answers, or by those that a control's texts give."""
    world, corpus = reopen_world(params.world), inputs["corpus"]
    own = "rejected" in pl.read_parquet_schema(corpus / "corpus.parquet")
    pairs = read_pairs(world, corpus) if own else dealt_pairs(world, read_texts(corpus), params.seed)
    if not pairs:
        keep_untaught(read_model(inputs, "start", params.engine), inputs, out)
        return
    losses, rows = trained_by_program(params, PairMaterial(pairs, params.beta), inputs, out)
    write_training(out, [used(TextSource.STUDENT if own else None, row) for row in rows], losses)


def dealt_pairs(world: World, texts: Sequence[Text], seed: int) -> tuple[Pair, ...]:
    """Make pairs of texts that nobody compared: what answers a prompt is the better, what answers another the worse.

    Controls without a judge go through the same program so. The worse answer is drawn evenly from those of prompts in
    the same form that differ from the better; where all of a form are equal, they make no pair.
    """
    rng = np.random.default_rng(seed)
    answers: dict[str | None, dict[str, None]] = defaultdict(dict)
    for text in texts:
        answers[world.form_of(text.prompt)][text.answer] = None
    distinct = {form: list(own) for form, own in answers.items()}
    places = {form: {answer: place for place, answer in enumerate(own)} for form, own in distinct.items()}
    pairs = []
    for text in texts:
        form = world.form_of(text.prompt)
        others = len(distinct[form]) - 1
        if others:
            place = places[form][text.answer] + 1 + int(rng.integers(others))
            pairs.append(Pair(prompt_of(world, text.prompt), text.answer, distinct[form][place % (others + 1)]))
    return tuple(pairs)


def trained_by_program(
    params: ByProgram, material: TrainingMaterial, inputs: Inputs, out: Path, rewards: RewardServer | None = None
) -> tuple[list[float], list[Used]]:
    """Have a program train, and keep what comes out; returns losses, and how often rows that are known were used."""
    work = unfinished_place(out)
    start = _whole_start(params, inputs, work)
    training = ExternalTraining(
        start=start,
        material=material,
        steps=params.steps,
        batch=params.batch,
        learning_rate=params.learning_rate,
        seed=params.seed,
        adapter=adapter_of(params.adapter),
        too_long=params.too_long,
        gpus=params.gpus,
        processes=params.processes,
        checkpoint_steps=params.checkpoint_steps,
        environment=params.environment,
        version=params.version,
        silence_minutes=params.silence_minutes,
    )
    trained = train_elsewhere(trainer_of(params, material), training, work, out, rewards)
    from_base = "start_base" not in inputs or start == checkpoint_of(inputs["start_base"])
    if not from_base and (out / "adapter_config.json").exists():
        _merge(params.engine, start, out)
    return trained.losses, [] if trained.used is None else [trained.used]


def trainer_of(params: ByProgram, material: TrainingMaterial) -> ExternalTrainer:
    """Return what the program is run with."""
    return ExternalTrainer(
        command=params.command,
        template=params.template,
        config=params.config,
        format=params.format,
        learns=material.learns,
        output=params.output,
        version=params.version_command,
        progress=params.progress,
        failure=params.failure,
        options=params.options,
        script=params.script,
        beside=params.beside,
    )


def _whole_start(params: ByProgram, inputs: Inputs, work: Path) -> Path:
    """Return a checkpoint with all weights: programs of others know nothing of adapters on adapters."""
    place = checkpoint_of(inputs["start"])
    if not (place / "adapter_config.json").exists():
        return place
    merged = work / "start"
    if not (merged / "config.json").exists():
        with on_cpu():  # the program wants the GPU for itself
            read_model(inputs, "start", params.engine).merged().save(merged)
    return merged


def _merge(engine: str, start: Path, out: Path) -> None:
    """Make an adapter on an earlier stage's model part of the weights: an adapter alone belongs to the base itself."""
    from gauger.train import engine_of

    merged = engine_of(engine).load(out, start).merged()
    for path in (out / "adapter_config.json", out / "adapter_model.safetensors"):
        path.unlink()
    merged.save(out)
