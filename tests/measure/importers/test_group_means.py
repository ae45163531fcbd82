"""Group averages and standard errors as lm-eval computes them, held against the harness's own functions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from lm_eval.api.metrics import aggregate_subtask_metrics, mean_stderr, pooled_sample_stderr

from gauger.estimate.compare.logs import ComparisonQuestion, compare
from gauger.measure.importers.arm import gather_arm
from gauger.measure.importers.group_means import (
    BY_BENCHMARKS,
    BY_ITEMS,
    TaskMean,
    group_mean,
    group_se,
    group_weights,
    task_mean,
)
from gauger.measure.importers.log import Log, Measure
from measure.importers.lm_eval_logs import choice_line, write_lines

ACC = Measure("none", "acc")
SIZES = (("mmlu_law", 73), ("mmlu_art", 20), ("mmlu_math", 151))


def write(folder: Path, reported: str | None, drop: str = "") -> tuple[list[Log], dict[str, np.ndarray]]:
    scores = {}
    for k, (task, n) in enumerate(SIZES):
        scores[task] = (np.random.default_rng(k).random(n) < 0.3 + 0.2 * k).astype(float)
        lines = [{**choice_line(1000 * k + i, s, 1.0), "metrics": ["acc"]} for i, s in enumerate(scores[task])]
        if task != drop:
            write_lines(folder / f"samples_{task}_2025-01-01T00-00-00.0.jsonl", lines)
    means, sizes = [s.mean() for s in scores.values()], [n for _, n in SIZES]
    by = {
        "items": aggregate_subtask_metrics(means, sizes, True),
        "benchmarks": aggregate_subtask_metrics(means, sizes, False),
    }
    results = {"group_subtasks": {"mmlu": [task for task, _ in SIZES]}, "model_name": folder.name}
    if reported:
        results["groups"] = {"mmlu": {"acc,none": by.get(reported, 0.123), "acc_stderr,none": 0.01, "alias": "mmlu"}}
    (folder / "results_2025-01-01T00-00-00.0.json").write_text(json.dumps(results))
    return list(gather_arm("distilled", "distilled", [str(folder)]).logs), scores


def test_means_and_standard_errors_are_the_harness_s_to_1e_12(tmp_path: Path) -> None:
    logs, scores = write(tmp_path / "m", "items")
    tasks = {log.benchmark: task_mean(log, ACC) for log in logs}
    for name, task in tasks.items():
        assert task is not None
        assert task.mean == pytest.approx(scores[name].mean(), abs=1e-12)
        assert task.se == pytest.approx(mean_stderr(scores[name].tolist()), abs=1e-12)
    found = [tasks[name] for name, _ in SIZES]
    sizes, means = [n for _, n in SIZES], [s.mean() for s in scores.values()]
    assert group_mean(found, BY_ITEMS) == pytest.approx(aggregate_subtask_metrics(means, sizes, True), abs=1e-12)
    assert group_mean(found, BY_BENCHMARKS) == pytest.approx(aggregate_subtask_metrics(means, sizes, False), abs=1e-12)
    errors = [mean_stderr(s.tolist()) for s in scores.values()]
    assert group_se(found) == pytest.approx(pooled_sample_stderr(errors, sizes), abs=1e-12)


@pytest.mark.parametrize(("reported", "weights"), [("items", "items"), ("benchmarks", "benchmarks"), (None, "items")])
def test_the_weights_of_a_group_are_found_out(tmp_path: Path, reported: str | None, weights: str) -> None:
    logs, _ = write(tmp_path / "m", reported)
    assert group_weights(logs) == ({"mmlu": weights}, [])


def test_an_average_that_the_samples_do_not_give_is_pointed_out(tmp_path: Path) -> None:
    logs, _ = write(tmp_path / "m", "items", drop="mmlu_art")
    (said,) = group_weights(logs)[1]
    assert "mmlu: the harness reports" in said
    assert "its 2 tasks give" in said


def test_undefined_is_not_zero() -> None:
    assert group_se([TaskMean(1, 1.0, None), TaskMean(5, 0.5, 0.2)]) is None


def test_the_document_says_how_groups_are_weighted(tmp_path: Path) -> None:
    for arm in ("distilled", "control"):
        write(tmp_path / arm, "benchmarks")
    lines = (tmp_path / "control").glob("samples_mmlu_law*")
    for path in lines:
        path.write_text(path.read_text().replace('"acc": 1.0', '"acc": 0.0'))
    arms = [gather_arm(kind, kind, [str(tmp_path / kind)]) for kind in ("distilled", "control")]
    compared = compare(arms, ComparisonQuestion())
    assert compared.study["groups"] == {
        "mmlu": {"weights": "benchmarks", "benchmarks": [name for name, _ in sorted(SIZES)]}
    }
    assert any("mmlu: the harness reports" in one for one in compared.warnings)
