"""Logs as lm-eval writes them (0.4.x): `MODEL/samples_TASK_DATE.jsonl` with `MODEL/results_DATE.json` beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

DATE = "2025-11-03T14-07-52.118034"
FILTERS = ("strict-match", "flexible-extract")


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def document(i: int) -> dict[str, str]:
    return {
        "question": f"Ada has {i} pears and buys {2 * i}. How many?",
        "answer": f"{i} + {2 * i} = {3 * i} #### {3 * i}",
    }


def generation_line(i: int, filter_name: str, score: float, answer: str, prompt_head: str = "") -> dict[str, Any]:
    """One line of a generate_until task such as gsm8k."""
    doc = document(i)
    prompt = f"{prompt_head}Question: {doc['question']}\nAnswer:"
    return {
        "doc_id": i,
        "doc": doc,
        "target": doc["answer"],
        "arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": {"until": ["Question:"], "temperature": 0.0}}},
        "resps": [[f" The answer is {answer}."]],
        "filtered_resps": [answer],
        "filter": filter_name,
        "metrics": ["exact_match"],
        "doc_hash": digest(json.dumps(doc, indent=2, ensure_ascii=False)),
        "prompt_hash": digest(prompt),
        "target_hash": digest(doc["answer"]),
        "exact_match": score,
    }


def choice_line(i: int, acc: float, acc_norm: float) -> dict[str, Any]:
    """One line of a multiple_choice task such as arc_easy."""
    doc = {"id": f"M{i}", "question": f"Which is {i}?", "choices": {"text": ["a", "b"], "label": ["A", "B"]}}
    prompt = f"Question: {doc['question']}\nAnswer:"
    return {
        "doc_id": i,
        "doc": doc,
        "target": "1",
        "arguments": {f"gen_args_{k}": {"arg_0": prompt, "arg_1": f" {c}"} for k, c in enumerate("ab")},
        "resps": [[[-3.5 - i, False]], [[-1.25, False]]],
        "filtered_resps": [[-3.5 - i, False], [-1.25, False]],
        "filter": "none",
        "metrics": ["acc", "acc_norm"],
        "doc_hash": digest(json.dumps(doc, indent=2, ensure_ascii=False)),
        "prompt_hash": digest(prompt),
        "target_hash": digest("1"),
        "acc": acc,
        "acc_norm": acc_norm,
    }


def write_lines(path: Path, lines: Sequence[Mapping[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path


def write_results(folder: Path, tasks: Mapping[str, Mapping[str, float]], date: str = DATE, **changes: Any) -> Path:
    """Write results_DATE.json; `changes`: model, shots, temperature, n, higher_is_better, limit, chat_template_sha."""
    n = changes.get("n", 0)
    results = {
        "results": {task: {"alias": task, **means} for task, means in tasks.items()},
        "group_subtasks": {task: [] for task in tasks},
        "configs": {
            task: {
                "task": task,
                "dataset_path": "gsm8k",
                "dataset_name": "main",
                "test_split": "test",
                "doc_to_text": "Question: {{question}}\nAnswer:",
                "doc_to_target": "{{answer}}",
                "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
                "output_type": "generate_until",
                "generation_kwargs": {"until": ["Question:"], "temperature": changes.get("temperature", 0.0)},
                "repeats": 1,
                "filter_list": [{"name": name, "filter": [{"function": "regex"}]} for name in FILTERS],
                "metadata": {"version": 3.0},
            }
            for task in tasks
        },
        "versions": dict.fromkeys(tasks, 3.0),
        "n-shot": {task: changes.get("shots", 5) for task in tasks},
        "higher_is_better": {task: changes.get("higher_is_better", {"exact_match": True}) for task in tasks},
        "n-samples": {task: {"original": n, "effective": n} for task in tasks},
        "config": {
            "model": "hf",
            "model_args": f"pretrained={changes.get('model', 'student')}",
            "limit": changes.get("limit"),
            "gen_kwargs": {},
            "random_seed": 0,
            "fewshot_seed": 1234,
        },
        "git_hash": "8bc4aff",
        "model_source": "hf",
        "model_name": changes.get("model", "student"),
        "chat_template_sha": changes.get("chat_template_sha"),
        "system_instruction_sha": None,
        "fewshot_as_multiturn": False,
    }
    path = folder / f"results_{date}.json"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=2), encoding="utf-8")
    return path


def write_generation_log(
    folder: Path, strict: Sequence[float], flexible: Sequence[float], task: str = "gsm8k", **changes: Any
) -> Path:
    """Write samples and results of one generate_until task; a strict score of 0 is an answer that was not found."""
    scores = dict(zip(FILTERS, (strict, flexible), strict=True))
    lines = [
        generation_line(
            i, name, score, "7" if score or name != "strict-match" else "[invalid]", changes.get("head", "")
        )
        for name, found in scores.items()
        for i, score in enumerate(found)
    ]
    date = changes.get("date", DATE)
    path = write_lines(folder / f"samples_{task}_{date}.jsonl", lines)
    means = {f"exact_match,{name}": float(np.mean(found)) for name, found in scores.items()}
    write_results(folder, {task: means}, **{"n": len(strict), **changes})
    return path
