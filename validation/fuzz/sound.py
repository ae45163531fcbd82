"""Holds the sound files, settings and odd values that `inputs.py` breaks and mixes."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECORDS = "study,arm,replicate,benchmark,item,score,tokens_in\n" + "".join(
    f"s,{arm},{r},b{b},i{n},{(n + r) % 2},5\n" for arm in "ac" for r in range(2) for b in range(2) for n in range(5)
)
TABLE = "study,effect,variance,kind\n" + "".join(f"s{n // 2},{n / 10},{0.01 + n / 100},k{n % 2}\n" for n in range(9))
POINTS = "n_params,n_tokens,loss\n" + "".join(
    f"{10**e},{10 ** (e + 1)},{2 + 10 ** (-e / 8):.4f}\n" for e in range(3, 10)
)
SEEDS = "".join(json.dumps({"id": f"s{n}", "prompt": f"What is {n}?", "answer": str(n)}) + "\n" for n in range(4))
DESIGN = "draws: 2\ncells:\n  - {name: a, replicates: 2, items: 20, uplift: 0.1}\n"
DOCUMENT = {"doc": {}, "target": "0", "resps": [["a"]], "filter": "none", "metrics": ["acc"]}
LM_EVAL = "".join(
    json.dumps({"doc_id": n, **DOCUMENT, "doc_hash": f"h{n}", "acc": float(n % 2)}) + "\n" for n in range(6)
)
SAMPLE = {"epoch": 1, "input": "q", "target": "a", "messages": [], "scores": {"match": {"value": "C"}}}
INSPECT = {
    "version": 2,
    "status": "success",
    "eval": {"task": "t", "model": "m"},
    "results": {"scores": [{"name": "match", "scorer": "match", "metrics": {}}]},
    "samples": [{"id": n, **SAMPLE} for n in range(5)],
}
STAT = {"name": {"name": "exact_match", "split": "test"}, "count": 1}
HELM = [
    {
        "instance_id": f"id{n}",
        "train_trial_index": 0,
        "stats": [{"name": {"name": "exact_match"}, "mean": float(n % 2)}],
    }
    for n in range(6)
]
EVALS = json.dumps({"spec": {"eval_name": "sums", "completion_fns": ["m"], "run_config": {}}}) + "\n"
EVALS += "".join(
    json.dumps({"event_id": n, "sample_id": f"s.{n}", "type": "match", "data": {"correct": n % 2 == 0}}) + "\n"
    for n in range(6)
)
TEXT = "A farmer sells four crates of pears and six crates of plums at the market and keeps three of them for winter."
TOP = (
    "estimates.json",
    "manifest.json",
    "starts.jsonl",
    "study.resolved.json",
    "frozen.json",
    "records.parquet",
    "jobs/jobs.json",
)
"""Files of a run that commands read first."""
SETTINGS = (
    "seed", "replicates", "verdict.threshold", "verdict.level", "verdict.looks", "arms.label.stages.0.samples",
    "world.seed", "benchmarks.max-quiz.role", "controls.leak.off", "decoding.temperature", "student.training.steps",
    "arms", "world", "nothing", "arms.label.stages.9.steps", "teacher.surface.max_usd",
)  # fmt: skip
ODD = (
    "", "-1", "0", "nan", "inf", "-inf", "1e999", str(10**30), "-5", "null", "true", "[]", "{}", "[[[[", '"', "'",
    "\x1b[2J", "\u202e", "\x00", "é", "💥", "a" * 5000, "=1+1", "{a: {a: {a: 1}}}", "&a [*a]",
    "!!python/object:os.x {}",
    "../../etc/passwd", "%s%n", "0x10", "1_000", "9" * 400, "-0.0", "\r", "\t", ",", ";",
)  # fmt: skip
