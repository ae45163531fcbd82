"""Measures a model with a program of others: lm-eval or Inspect, against its files, its server or its interface."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from gauger.elicit import ModelServer
from gauger.errors import GaugerError
from gauger.execute import visible_gpus
from gauger.jobs.endpoint_places import endpoint_address
from gauger.jobs.parameters import Asked, EvaluateModel, Inputs, job
from gauger.jobs.scope import until_done
from gauger.jobs.served import LOG, server_command_of, whole_checkpoint
from gauger.jobs.teachers import TeacherPlace
from gauger.measure import (
    EvaluationTarget,
    LostModelError,
    ModelEvaluation,
    as_records_of,
    evaluate,
    evaluator_version,
)
from gauger.records import Role
from gauger.spec import EVALUATOR_TASKS, Computing
from gauger.store import write_parquet
from gauger.worlds import reopen_world


@job(EvaluateModel)
def evaluate_model(params: EvaluateModel, inputs: Inputs, out: Path) -> None:
    """Run an evaluator on one task, and keep its records."""
    world = reopen_world(params.world)
    # what it is to the study changes nothing here, and so is no part of the address: any role will do
    described = {**params.task, "role": Role.FAR}
    task = EVALUATOR_TASKS.load(params.task["kind"]).model_validate(described, strict=False)
    installed = evaluator_version(task.kind, task.program)
    if installed != params.version:
        raise GaugerError(f"the study was planned with {params.version!r}, here it is {installed!r}")
    where = TeacherPlace(world, inputs, "model", out, {})
    target, server = _target(params, where)
    keyed = params.asked.kind == "endpoint"
    is_there = (lambda: True) if server is None else server.is_running
    evaluation = ModelEvaluation(params.benchmark, task, target, Path(params.folder), keyed, is_there)
    work = Path(until_done(TemporaryDirectory(prefix=f"{out.name}.", dir=out.parent)))
    records = _evaluated(evaluation, server, work, out)
    write_parquet(out / "records.parquet", as_records_of(world, records))


def _evaluated(evaluation: ModelEvaluation, server: ModelServer | None, work: Path, out: Path) -> pl.DataFrame:
    """Run the evaluator, anew where the server that it asked has ended; `revive` says when that is too often."""
    while True:
        try:
            return evaluate(evaluation, work / f"work{server.restarts if server else 0}", out)
        except LostModelError:
            if server is None:
                raise
            server.revive()


def _target(params: EvaluateModel, where: TeacherPlace) -> tuple[EvaluationTarget, ModelServer | None]:
    """Return what is evaluated, and the server of it that this job started, where it did."""
    asked, chat = params.asked, where.world.chat
    if asked.kind == "endpoint":
        dialect = endpoint_address({**asked.settings, **asked.conduct}).dialect
        return EvaluationTarget(
            url=asked.conduct["url"],
            name=asked.settings["model"],
            chat=dialect.kind == "chat",
            seed=params.seed,
            sent=dialect.chosen,
        ), None
    checkpoint = whole_checkpoint(asked, where)
    if asked.serving is None:
        computing = asked.computing or Computing()
        target = EvaluationTarget(
            checkpoint,
            chat=chat,
            gpus=min(1, len(visible_gpus())),
            seed=params.seed,
            precision=computing.precision,
            attention=computing.attention,
        )
        return target, None
    return _served(asked, checkpoint, chat, params.seed, where.out)


def _served(asked: Asked, checkpoint: Path, chat: bool, seed: int, out: Path) -> tuple[EvaluationTarget, ModelServer]:
    if asked.serving is None:
        raise GaugerError(f"{asked.name}: no command serves it")
    serving = asked.serving
    server = until_done(ModelServer(server_command_of(serving), checkpoint, out / LOG))
    chat = chat if serving.manner is None else serving.manner == "chat"
    name = serving.name.replace("{model}", str(checkpoint))
    return EvaluationTarget(checkpoint, f"{server.address}{serving.path}", name, chat, seed=seed), server
