"""Logs as Inspect writes them, made by Inspect's own classes and writer without running a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalLog,
    EvalPlan,
    EvalPlanStep,
    EvalResults,
    EvalSample,
    EvalSpec,
    write_eval_log,
)
from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Score

CREATED = "2025-11-03T14:07:52+00:00"


def sample(i: int, scores: dict[str, Any] | None, epoch: int = 1, **changes: Any) -> EvalSample:
    """One sample of an addition task; `scores` maps scorer -> value."""
    stop_reason = changes.pop("stop_reason", "stop")
    return EvalSample(
        **{
            "id": f"q{i}",
            "epoch": epoch,
            "input": f"What is {i}+1?",
            "target": str(i + 1),
            "output": ModelOutput.from_content("toy/student", f"The answer is {i + 1}.", stop_reason=stop_reason),
            "scores": None if scores is None else {name: Score(value=value) for name, value in scores.items()},
            **changes,
        }
    )


def write_inspect(path: Path, samples: Sequence[EvalSample], **changes: Any) -> Path:
    """Write a log; `changes`: model, task, temperature, status, scorers, created."""
    spec = EvalSpec(
        created=changes.get("created", CREATED),
        task=changes.get("task", "addition"),
        dataset=EvalDataset(name="sums", samples=len(samples)),
        model=changes.get("model", "toy/student"),
        config=EvalConfig(epochs=1),
        packages={"inspect_ai": "0.3.285"},
    )
    plan = EvalPlan(steps=[EvalPlanStep(solver="generate", params={})])
    plan.config.temperature = changes.get("temperature", 0.0)
    log = EvalLog(version=2, status=changes.get("status", "success"), eval=spec, plan=plan, samples=list(samples))
    log.results = EvalResults(total_samples=changes.get("total", len(samples)), completed_samples=len(samples))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_eval_log(log, str(path))
    return path
