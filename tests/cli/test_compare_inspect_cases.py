"""Inspect logs as they are found: each gives the right estimate, with what was decided said aloud."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalPlan, EvalSpec, write_eval_log

from cli import log_cases as cases
from cli.compare_runs import UPLIFT, compare, run, uplift
from cli.log_cases import ARMS, N
from measure.importers.inspect_logs import sample, write_inspect


def letters(scores: Sequence[int]) -> list[str]:
    return ["C" if score else "I" for score in scores]


def inspect_case(root: Path, scorers: Callable[[int, str], dict[str, Any]], **changes: Any) -> None:
    for arm, scores in ARMS:
        samples = [
            sample(i, scorers(i, grade), **changes.get(arm, lambda _: {})(i)) for i, grade in enumerate(letters(scores))
        ]
        write_inspect(root / arm / "a.eval", changes.get("order", lambda arm, s: s)(arm, samples), model=arm)


def test_scorers_that_give_text_leave_the_others_alone(tmp_path: Path) -> None:
    value = compare(
        tmp_path / "a", lambda r: inspect_case(r, lambda i, g: {"match": g, "kind": ("refusal", "comply")[i % 2]})
    )
    assert uplift(value, "addition")["value"] == pytest.approx(UPLIFT, abs=1e-9)
    assert any("kind is not compared: sample q0 has 'refusal'" in w for w in value["warnings"])
    value = compare(tmp_path / "b", lambda r: inspect_case(r, lambda i, g: {"judge": {"correct": g, "reason": "n/a"}}))
    assert value["study"]["measures"] == {"addition": "judge/correct"}


def test_options_in_another_order_are_one_question_and_other_prompts_are_said(tmp_path: Path) -> None:
    def shuffled(seed: int) -> Callable[[int], dict[str, Any]]:
        return lambda i: {"choices": cases.random.Random(2 * i + seed).sample("wxyz", 4)}

    value = compare(
        tmp_path, lambda r: inspect_case(r, lambda i, g: {"choice": g}, student=shuffled(0), control=shuffled(1))
    )
    assert uplift(value, "addition")["n_items"] == N
    assert any("shown different prompts for" in w for w in value["warnings"])


def test_ids_that_were_only_counted_are_matched_by_what_was_asked(tmp_path: Path) -> None:
    def counted(arm: str, samples: list[Any]) -> list[Any]:
        order = list(samples)
        if arm == "control":
            cases.random.Random(3).shuffle(order)
        return [one.model_copy(update={"id": k + 1}) for k, one in enumerate(order)]

    value = compare(tmp_path, lambda r: inspect_case(r, lambda i, g: {"match": g}, order=counted))
    assert (uplift(value, "addition")["value"], uplift(value, "addition")["n_items"]) == (
        pytest.approx(UPLIFT, abs=1e-9),
        N,
    )


def test_a_failed_log_beside_its_retry_is_one_evaluation(tmp_path: Path) -> None:
    def retried(root: Path) -> None:
        inspect_case(root, lambda i, g: {"match": g})
        some = [sample(i, {"match": "I"}) for i in range(20)]
        write_inspect(
            root / "student" / "0.eval", some, model="student", status="error", created="2024-01-01T00:00:00+00:00"
        )

    value = compare(tmp_path, retried)
    assert uplift(value, "addition")["value"] == pytest.approx(UPLIFT, abs=1e-9)
    assert any("left out '0.eval' (status error)" in w for w in value["warnings"])


def test_arguments_of_a_task_make_benchmarks_not_replicates(tmp_path: Path) -> None:
    for arm, scores in ARMS:
        for subject in ("law", "math"):
            spec = EvalSpec(
                created="2026-01-01T00:00:00+00:00", task="mmlu", task_args={"subject": subject}, model=arm,
                dataset=EvalDataset(name="d", samples=N), config=EvalConfig(),
            )  # fmt: skip
            samples = [sample(i, {"match": grade}, input=f"{subject} {i}") for i, grade in enumerate(letters(scores))]
            path = tmp_path / arm / f"{subject}.eval"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_eval_log(EvalLog(status="success", eval=spec, plan=EvalPlan(), samples=samples), str(path))
    value = run(f"distilled={tmp_path}/student", f"control={tmp_path}/control")
    assert set(value["study"]["measures"]) == {"mmlu (subject=law)", "mmlu (subject=math)"}
    assert value["study"]["replicates"] == {"distilled": 1, "control": 1}
