"""Makes models: trained from scratch, checkpoints put in place, specialists; and reads them back for other jobs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from gauger.elicit import Message, Text, divided, true_questions
from gauger.errors import GaugerError
from gauger.jobs.parameters import Inputs, Materialise, Pretrain, Specialise, Trains, job
from gauger.jobs.training_record import used, write_training
from gauger.jobs.unfinished import checkpointed
from gauger.spec import Computing, Lora
from gauger.store import read_json, write_json
from gauger.train import (
    Adapter,
    Architecture,
    Mixture,
    Model,
    Options,
    RowSource,
    Trained,
    TrainingRow,
    TrainingSchedule,
    engine_of,
    train_on_text,
)
from gauger.worlds import World, reopen_world

PRETRAINING_DECAY = 0.3
_ELSEWHERE = "checkpoint.json"


@job(Pretrain)
def pretrain(params: Pretrain, inputs: Inputs, out: Path) -> None:  # noqa: ARG001 - the runner's signature
    """Train a model from scratch on the base's web, or on the teacher's library."""
    world = reopen_world(params.world)
    if world.longest_text is None:
        raise GaugerError("a world of open-ended texts has no vocabulary to train a model from scratch on")
    size = Architecture(params.size.width, params.size.layers, params.size.heads)
    maker = engine_of(params.engine)
    model = maker.build(size, world.vocabulary, world.longest_text, params.seed)
    texts = world.web if params.text == "web" else world.library
    rows = tuple(TrainingRow(text.prompt, text.answer, whole=True) for text in texts)
    schedule = maker.defaults.schedule(params.steps, params.learning_rate, PRETRAINING_DECAY)
    trained = train_on_text(model, Mixture((RowSource(rows),), (params.batch,)), schedule, Options(params.seed))
    trained.model.save(out)
    write_training(out, [used(None, own) for own in trained.sources], trained.losses)


@job(Materialise)
def materialise(params: Materialise, inputs: Inputs, out: Path) -> None:  # noqa: ARG001 - the runner's signature
    """Make a packaged model a checkpoint here; of a checkpoint of the user's only its place is kept."""
    place = engine_of(params.engine).materialise(params.reference, out)
    if place != out:
        write_json(out / _ELSEWHERE, {"path": str(place)})


@job(Specialise)
def specialise(params: Specialise, inputs: Inputs, out: Path) -> None:
    """Make a teacher: true answers of every skill in the wanted forms, questions learnt too, so that it can ask."""
    world, rng = reopen_world(params.world), np.random.default_rng(params.seed)
    corpus = true_questions(world, params.forms, params.samples, rng)
    rows = tuple(TrainingRow(sample.prompt_text, sample.answer, whole=True) for sample in corpus.kept)
    model = read_model(inputs, "base", params.engine, params.computing)
    data = Mixture((RowSource(rows),), (params.batch,))
    with checkpointed(params, out) as checkpoints:
        options = replace(options_of(params), checkpoints=checkpoints)
        trained = train_on_text(model, data, schedule_of(params, model), options)
        trained.model.save(out)
    write_training(out, [used(None, own) for own in trained.sources], trained.losses)


def read_model(inputs: Inputs, role: str, engine_name: str, computing: Computing | None = None) -> Model:
    """Read the model of a role: full weights, or an adapter of the base that lies under ``ROLE_base``."""
    place = checkpoint_of(inputs[role])
    base = checkpoint_of(inputs[f"{role}_base"]) if f"{role}_base" in inputs else None
    return engine_of(engine_name).load(place, None if base == place else base, **_chosen(computing))


def _chosen(computing: Computing | None) -> dict[str, Computing]:
    """Return what an engine is told: nothing where nobody chose, so that an engine need not know of it."""
    return {} if computing is None else {"computing": computing}


def checkpoint_of(directory: Path) -> Path:
    """Return where a model lies that a job made, or that it found elsewhere."""
    elsewhere = directory / _ELSEWHERE
    return Path(read_json(elsewhere)["path"]) if elsewhere.exists() else directory


def keep(trained: Trained, inputs: Inputs, out: Path) -> None:
    """Write what a training left; an adapter alone only where it belongs to the base itself, else full weights."""
    base = inputs.get("start_base")
    started_from_base = base is None or checkpoint_of(inputs["start"]) == checkpoint_of(base)
    (trained.model if started_from_base else trained.model.merged()).save(out)


def schedule_of(params: Trains, model: Model) -> TrainingSchedule:
    """Return the steps and the learning rate of a job, with its engine's habits."""
    return model.defaults.schedule(params.steps, params.learning_rate)


def options_of(params: Trains) -> Options:
    """Return the other settings of a job's training, but for the loss."""
    how = params.computing or Computing()
    return Options(
        params.seed,
        adapter=adapter_of(params.adapter),
        micro_tokens=how.tokens_together,
        too_long=params.too_long,
        packed=how.pack_rows,
    )


def adapter_of(lora: Lora | None) -> Adapter | None:
    """Return the adapter that the settings describe."""
    return None if lora is None else Adapter(lora.rank, lora.alpha, layers=lora.layers)


def row_of(world: World, text: Text) -> TrainingRow:
    """Make a training row; in the chat template where the world says so, unless all of it is running text."""
    shown = (Message("user", text.prompt),) if world.chat and not text.whole else text.prompt
    return TrainingRow(shown, text.answer, text.whole)


def prompt_of(world: World, prompt: str) -> str | tuple[Message, ...]:
    """Return a prompt as a model of this world is given it."""
    return (Message("user", prompt),) if world.chat else prompt


def answer_in(world: World, reply: str) -> str:
    """Return the answer in a model's own words, without the thought before it; a world's own steps are part of it."""
    return reply if world.writes_steps else divided(reply).answer


def common_source(world: World) -> RowSource:
    """Return the base's own running text: what is kept in."""
    return RowSource(tuple(TrainingRow(text.prompt, text.answer, whole=True) for text in world.web))
