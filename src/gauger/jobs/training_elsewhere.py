"""Trains a student with somebody else's program on a stage's corpus."""

from __future__ import annotations

from pathlib import Path

from gauger.elicit import stream_texts
from gauger.jobs.models import adapter_of, checkpoint_of, read_model, row_of
from gauger.jobs.parameters import Inputs, TrainExternal, job
from gauger.jobs.training_record import used, write_training
from gauger.store import fingerprint
from gauger.train import ExternalTrainer, ExternalTraining, train_elsewhere
from gauger.worlds import reopen_world

UNFINISHED = "unfinished"
"""Folder beside the results of jobs: what trainings of others leave when they are killed, to go on from."""


@job(TrainExternal)
def train_external(params: TrainExternal, inputs: Inputs, out: Path) -> None:
    """Write the corpus in the trainer's format, have it trained on, and keep what comes out."""
    world = reopen_world(params.world)
    work = out.parent.parent / UNFINISHED / _identity(params, inputs)
    start = _whole_start(params, inputs, work)
    training = ExternalTraining(
        start=start,
        rows=tuple(row_of(world, text) for text in stream_texts(inputs["corpus"])),
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
    trained = train_elsewhere(trainer_of(params), training, work, out)
    if (
        "start_base" in inputs
        and start != checkpoint_of(inputs["start_base"])
        and (out / "adapter_config.json").exists()
    ):
        _merge(params.engine, start, out)
    write_training(out, [used(None, trained.used)], trained.losses)


def trainer_of(params: TrainExternal) -> ExternalTrainer:
    """Return what the program is run with."""
    return ExternalTrainer(
        command=params.command,
        template=params.template,
        config=params.config,
        format=params.format,
        output=params.output,
        version=params.version_command,
        progress=params.progress,
        failure=params.failure,
        options=params.options,
        script=params.script,
    )


def _identity(params: TrainExternal, inputs: Inputs) -> str:
    """Tell one training from others: a killed job finds its checkpoints again, whatever directory it is given."""
    named = {role: path.name for role, path in inputs.items()}
    return fingerprint({"params": params.model_dump(mode="json"), "inputs": named})[:32]


def _whole_start(params: TrainExternal, inputs: Inputs, work: Path) -> Path:
    """Return a checkpoint with all weights: programs of others know nothing of adapters on adapters."""
    place = checkpoint_of(inputs["start"])
    if not (place / "adapter_config.json").exists():
        return place
    merged = work / "start"
    if not (merged / "config.json").exists():
        read_model(inputs, "start", params.engine).merged().save(merged)
    return merged


def _merge(engine: str, start: Path, out: Path) -> None:
    """Make an adapter on an earlier stage's model part of the weights: an adapter alone belongs to the base itself."""
    from gauger.train import engine_of

    merged = engine_of(engine).load(out, start).merged()
    for path in (out / "adapter_config.json", out / "adapter_model.safetensors"):
        path.unlink()
    merged.save(out)
