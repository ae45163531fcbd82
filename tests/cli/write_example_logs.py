"""Writes the sample logs of the package: made-up answers to made-up sums, in the format of lm-eval.

The student was, so to speak, distilled on the benchmark `sums`: it gains there and, less, where the same sums are asked
in words, and nothing on differences. Usage: python tests/cli/write_example_logs.py src/gauger/measure/example_logs
"""

from __future__ import annotations

import json
import random
import sys
from hashlib import sha256
from pathlib import Path

N_ITEMS = 40
DATE = "2026-01-01T00-00-00.000000"
ASKED = {
    "sums": "What is {a} plus {b}?",
    "sums_in_words": "Ada has {a} pears and is given {b} more. How many has she now?",
    "differences": "What is {a} minus {b}?",
}
RIGHT = {
    "distilled": {"sums": 0.78, "sums_in_words": 0.55, "differences": 0.42},
    "control": {"sums": 0.42, "sums_in_words": 0.38, "differences": 0.42},
    "teacher": {"sums": 0.95, "sums_in_words": 0.93, "differences": 0.92},
}
SEEDS = {"distilled": 3, "control": 3, "teacher": 1}


def line(task: str, i: int, right: bool, drawn: random.Random) -> dict[str, object]:
    numbers = random.Random(f"{task} {i}")
    b = numbers.randint(2, 49)
    a = numbers.randint(b, 99)
    question = ASKED[task].format(a=a, b=b)
    target = str(a - b if task == "differences" else a + b)
    answer = target if right else str(int(target) + drawn.choice([-10, -2, -1, 1, 2, 10]))
    doc = {"question": question, "answer": target}
    return {
        "doc_id": i,
        "doc": doc,
        "target": target,
        "resps": [[f" {answer}"]],
        "filtered_resps": [answer],
        "filter": "none",
        "metrics": ["exact_match"],
        "doc_hash": sha256(json.dumps(doc, indent=2).encode()).hexdigest(),
        "prompt_hash": sha256(question.encode()).hexdigest(),
        "target_hash": sha256(target.encode()).hexdigest(),
        "exact_match": float(right),
    }


def write_settings(model: Path, means: dict[str, dict[str, float]]) -> None:
    """Write the file of settings and means that lm-eval puts beside its samples."""
    results = {
        "results": means,
        "configs": {task: {"task": task, "output_type": "generate_until", "repeats": 1} for task in means},
        "versions": dict.fromkeys(means, 1.0),
        "n-shot": dict.fromkeys(means, 0),
        "higher_is_better": {task: {"exact_match": True} for task in means},
        "n-samples": {task: {"original": N_ITEMS, "effective": N_ITEMS} for task in means},
        "config": {"model": "hf", "model_args": f"pretrained={model.name}"},
        "model_name": model.name,
    }
    (model / f"results_{DATE}.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def write(folder: Path) -> None:
    means: dict[Path, dict[str, dict[str, float]]] = {}
    for arm, seeds in SEEDS.items():
        for seed in range(seeds):
            for task, rate in RIGHT[arm].items():
                drawn = random.Random(f"{arm} {seed} {task}")
                hard = random.Random(task)
                ease = [hard.gauss(0, 0.22) for _ in range(N_ITEMS)]
                lines = [line(task, i, drawn.random() < rate + ease[i], drawn) for i in range(N_ITEMS)]
                model = folder / (arm if seeds == 1 else f"{arm}-seed-{seed}")
                model.mkdir(parents=True, exist_ok=True)
                text = "".join(json.dumps(one) + "\n" for one in lines)
                (model / f"samples_{task}_{DATE}.jsonl").write_text(text, encoding="utf-8")
                means.setdefault(model, {})[task] = {
                    "exact_match,none": sum(one["exact_match"] for one in lines) / N_ITEMS
                }
    for model, found in means.items():
        write_settings(model, found)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
