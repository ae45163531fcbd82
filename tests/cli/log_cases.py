"""Writes the folders in which logs are really found: one function a case, small and made up.

In most of them the student has 37 of 60 items right and the control 30: uplift +11.7 points.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

N = 60
EARLY, LATE = "2026-01-01T00-00-00.000000", "2026-01-02T00-00-00.000000"
_DRAW = random.Random(5)
STUDENT = [int(_DRAW.random() < 0.65) for _ in range(N)]
CONTROL = [int(_DRAW.random() < 0.5) for _ in range(N)]
ARMS = (("student", STUDENT), ("control", CONTROL))


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def line(
    i: int, score: Any, metric: str = "exact_match", filter_name: str = "strict-match", **more: Any
) -> dict[str, Any]:
    """One line of lm-eval samples."""
    doc = more.pop("doc", {"question": f"q {i}", "answer": str(i)})
    target = more.pop("target", str(i))
    return {
        "doc_id": i,
        "doc": doc,
        "target": target,
        "arguments": {"gen_args_0": {"arg_0": f"Q{i}"}},
        "resps": [[str(i)]],
        "filtered_resps": [str(i)],
        "filter": filter_name,
        "metrics": [metric],
        "doc_hash": digest(json.dumps(doc)),
        "prompt_hash": digest(more.pop("prompt", f"Q{i}")),
        "target_hash": digest(target),
        metric: score,
        **more,
    }


def write(folder: Path, task: str, lines: Sequence[dict[str, Any]], date: str = LATE, **more: Any) -> Path:
    """Write samples, and results unless `results` is False; `model`, `config` and `limit` go into them."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"samples_{task}_{date}.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in lines))
    if more.get("results", True):
        results = {
            "results": {task: {}},
            "configs": {task: {"task": task, "metadata": {"version": 1}, **more.get("config", {})}},
            "n-shot": {task: 0},
            "n-samples": {task: {"original": len(lines), "effective": len(lines)}},
            "config": {"model": "hf"},
            "model_name": more.get("model", "m"),
        }
        (folder / f"results_{date}.json").write_text(json.dumps(results))
    return path


def full(scores: Sequence[int]) -> list[dict[str, Any]]:
    return [line(i, scores[i]) for i in range(N)]


def smoke_run(root: Path) -> None:
    write(root / "student", "t", [line(i, 0) for i in range(5)], EARLY, model="student")
    for arm, scores in ARMS:
        write(root / arm, "t", full(scores), model=arm)


def newer_smoke_run(root: Path) -> None:
    for arm, scores in ARMS:
        write(root / arm, "t", full(scores), EARLY, model=arm)
    write(root / "student", "t", [line(i, 0) for i in range(5)], LATE, model="student")


def shuffled_choices(root: Path, prompts: bool = False) -> None:
    """Ids agree and documents do not; with `prompts` the prompts do not either."""
    for k, (arm, scores) in enumerate(ARMS):
        lines = []
        for i in range(5 * N):
            choices = list("wxyz")
            random.Random(k * 1000 + i).shuffle(choices)
            doc = {"Record ID": f"rec{i}", "Question": f"q {i}", "choices": choices}
            prompt = f"Q{i} {choices}" if prompts else f"Q{i}"
            target = "ABCD"[choices.index("w")]
            lines.append(line(i, scores[i % N], "acc", "none", doc=doc, target=target, prompt=prompt))
        write(root / arm, "gpqa", lines, model=arm)


def one_bad_benchmark(root: Path) -> None:
    for arm, scores in ARMS:
        write(root / arm, "t", full(scores), results=False)
        bad = [line(i, [-12.5, 7], "word_perplexity", "none") for i in range(5)]
        write(root / arm, "wikitext", bad, results=False)


def memory_address(root: Path) -> None:
    for k, (arm, scores) in enumerate(ARMS):
        config = {"fewshot_config": {"process_docs": f"<function process_docs at 0x7f{k}09f8efc0>"}}
        write(root / arm, "t", full(scores), model=arm, config=config)


def json_array(root: Path) -> None:
    for arm, scores in ARMS:
        dropped = ("filter", "metrics", "doc_hash", "prompt_hash", "target_hash")
        old = [{key: value for key, value in one.items() if key not in dropped} for one in full(scores)]
        (root / arm).mkdir(parents=True)
        (root / arm / f"pretrained__org__{arm},dtype__float16_gsm8k.jsonl").write_text(json.dumps(old, indent=2))


def json_array_in_json(root: Path) -> None:
    for arm, scores in ARMS:
        (root / arm).mkdir(parents=True)
        (root / arm / f"samples_gsm8k_{LATE}.json").write_text(json.dumps(full(scores)))


def git_lfs_pointer(root: Path) -> None:
    for arm, _ in ARMS:
        (root / arm).mkdir(parents=True)
        pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 42807696\n"
        (root / arm / f"samples_t_{LATE}.jsonl").write_text(pointer)


def packed(root: Path) -> None:
    for arm, scores in ARMS:
        path = write(root / arm, "t", full(scores), model=arm)
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()


def checkpoint_folder(root: Path) -> None:
    for arm, scores in ARMS:
        write(root / arm, "t", full(scores), model=arm)
        (root / arm / "config.json").write_text('{"model_type": "llama"}')
        (root / arm / "train_log.jsonl").write_text('{"loss": 1.0, "step": 1}\n{"loss": 0.9, "step": 2}\n')


def white_space_setting(root: Path) -> None:
    for arm, scores in ARMS:
        config = {"target_delimiter": " " if arm == "student" else ""}
        write(root / arm, "t", full(scores), model=arm, config=config)


def two_models(root: Path) -> None:
    write(root / "student" / "a", "t", full(STUDENT), model="org/student")
    write(root / "student" / "b", "t", full(CONTROL[::-1]), model="org/untrained")
    write(root / "control", "t", full(CONTROL), model="c")


def table(root: Path, head: str, row: str) -> None:
    for arm, scores in ARMS:
        (root / arm).mkdir(parents=True)
        rows = [row.format(i=i, score=scores[i], truth=bool(scores[i])) for i in range(N)]
        (root / arm / "scores.csv").write_text("\n".join([head, *rows]) + "\n")


def all_right(root: Path) -> None:
    for arm, _ in ARMS:
        write(root / arm, "aime", [line(i, 1) for i in range(30)], results=False)


def predict_only(root: Path) -> None:
    for arm, _ in ARMS:
        write(root / arm, "t", [line(i, 999, "bypass", "none") for i in range(N)], results=False)


def group_weights(root: Path) -> None:
    for arm, _ in ARMS:
        for task, n in (("mmlu_law", 300), ("mmlu_math", 20)):
            good = 8 if (arm == "student") == (n == 300) else 4
            lines = [line(i + 1000 * n, int(i % 10 < good), "acc", "none") for i in range(n)]
            write(root / arm, task, lines, results=False)


def folder_per_task(root: Path, one_folder: bool = False) -> None:
    for arm, scores in ARMS:
        for k, task in enumerate(("gsm8k", "svamp", "arc")):
            lines = [line(i + 100 * k, (scores if k != 1 else scores[::-1])[i]) for i in range(N)]
            folder = root / arm / ("all" if one_folder else task) / f"org__{arm}"
            write(folder, task, lines, f"2026-01-0{k + 1}T00-00-00.0", model=f"org/{arm}")


def seeds(root: Path, folder_per_task: bool) -> None:
    for arm, rate in (("student", 0.65), ("control", 0.5)):
        for k in range(3):
            for j, task in enumerate(("gsm8k", "arc")):
                draw = random.Random(f"{arm}{k}{task}")
                folder = root / arm / f"seed{k}" / (f"{task}/org__{arm}-{k}" if folder_per_task else "")
                lines = [line(i, int(draw.random() < rate)) for i in range(N)]
                write(folder, task, lines, f"2026-01-0{j + 1}T00-00-00.0", model=f"org/{arm}-{k}")


def foreign(root: Path) -> None:
    """One file of every smaller format, 20 items each."""
    for arm, scores in ARMS:
        (root / arm).mkdir(parents=True)
        for name, content in foreign_files(arm, scores[:20]).items():
            (root / arm / name).write_text(content)
        for name, frame in foreign_frames(scores[:20]).items():
            frame.write_parquet(root / arm / name)


def foreign_files(arm: str, scores: Sequence[int]) -> dict[str, str]:
    """File name -> text."""
    metric = {"name": "exact_match", "split": "test"}
    helm = [
        {"instance_id": f"id{i}", "train_trial_index": 0, "stats": [{"name": metric, "count": 1, "sum": s, "mean": s}]}
        for i, s in enumerate(scores)
    ]
    compass = {str(i): {"prompt": "Q", "predictions": "x", "correct": bool(s)} for i, s in enumerate(scores)}
    events = [
        {"run_id": "r", "event_id": i, "sample_id": f"s.{i}", "type": "match", "data": {"correct": bool(s)}}
        for i, s in enumerate(scores)
    ]
    pro = [
        {"question_id": i, "question": f"q{i}", "answer": "A", "pred": "A" if s else "B", "category": "law"}
        for i, s in enumerate(scores)
    ]
    alpaca = [
        {"instruction": f"q{i}", "generator_1": "ref", "generator_2": arm, "preference": 1.0 + s}
        for i, s in enumerate(scores)
    ]
    old = [
        {"doc_id": i, "prompt_0": f"Q{i}", "logit_0": "-1.0", "truth": "1", "acc": str(float(s)), "acc_norm": "1.0"}
        for i, s in enumerate(scores)
    ]
    return {
        "per_instance_stats.json": json.dumps(helm),
        "opencompass.json": json.dumps({"accuracy": 50.0, "details": compass}),
        "openai_evals.jsonl": "\n".join(json.dumps(one) for one in [{"spec": {"eval_name": "match.dev"}}, *events]),
        "mmlu_pro.json": json.dumps(pro),
        "annotations.json": json.dumps(alpaca),
        "wandb.table.json": json.dumps(
            {"columns": ["id", "correct"], "data": [[i, bool(s)] for i, s in enumerate(scores)]}
        ),
        "hellaswag_write_out_info.json": json.dumps(old),
        "generic.jsonl": "\n".join(json.dumps({"task": "own", "id": i, "score": s}) for i, s in enumerate(scores)),
        "generic.tsv": "\n".join(["benchmark\titem\tscore", *(f"tabs\t{i}\t{s}" for i, s in enumerate(scores))]),
    }


def foreign_frames(scores: Sequence[int]) -> dict[str, pl.DataFrame]:
    """File name -> table of the formats that are Parquet."""
    n = len(scores)
    return {
        "details_lighteval_gsm8k.parquet": pl.DataFrame(
            {
                "doc": [{"query": f"Q{i}", "id": str(i), "task_name": "gsm8k"} for i in range(n)],
                "metric": [{"extractive_match": float(s)} for s in scores],
            }
        ),
        "details_harness_arc.parquet": pl.DataFrame(
            {"example": [f"Q{i}" for i in range(n)], "metrics": [{"acc": float(s)} for s in scores]}
        ),
    }
