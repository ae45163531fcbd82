"""Measures a model on benchmarks: its records, and where wanted the cross-entropy of the true answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from gauger.elicit import Text
from gauger.jobs.models import row_of
from gauger.jobs.parameters import EVALUATED, Inputs, MeasureModel, job
from gauger.jobs.teachers import TeacherPlace, open_asked, unserved
from gauger.measure import Answering, measure
from gauger.store import write_json, write_parquet
from gauger.train import Model, mean_loss
from gauger.worlds import Benchmark, World, reopen_world


@job(MeasureModel)
def measure_model(params: MeasureModel, inputs: Inputs, out: Path) -> None:
    """Measure a model on benchmarks; a teacher that no job made is asked through its interface."""
    world = reopen_world(params.world)
    asked = unserved(params.asked) if params.loss else params.asked
    opened = open_asked(asked, TeacherPlace(world, inputs, "model", out, params.model_dump(mode="json")))
    benchmarks = [world.benchmark(name) for name in params.benchmarks]
    answering = Answering(params.max_new_tokens, params.temperature, params.samples, params.seed)
    records = [measure(opened.teacher, benchmarks, answering, world)]
    records += [pl.read_parquet(inputs[role] / "records.parquet") for role in evaluated(inputs)]
    write_parquet(out / "records.parquet", pl.concat(records))
    if params.loss:
        write_json(out / "loss.json", _losses(opened.at_hand, benchmarks, world))


def evaluated(inputs: Inputs) -> list[str]:
    """Name the inputs that hold records of evaluators."""
    return sorted(role for role in inputs if role.startswith(EVALUATED))


def _losses(model: Model, benchmarks: Sequence[Benchmark], world: World) -> dict[str, Any]:
    """Return the cross-entropy of the true answers, nats per token, on each benchmark, and the number of weights."""
    losses = {}
    for benchmark in benchmarks:
        rows = [row_of(world, Text(item.prompt, item.answer, whole=False)) for item in benchmark.items]
        losses[benchmark.name] = mean_loss(model, rows)
    return {"loss": losses, "parameters": model.n_parameters}
