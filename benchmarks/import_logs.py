"""How fast are lm-eval samples read, and how long does a comparison of two models take from their logs on disk?

Three kinds of logs, in the harness's own format with its real line lengths: gsm8k 5-shot (5 kB a line, two answer
filters), the same without examples (2 kB), arc-like multiple choice (2 kB, two metrics). Gauger reads, checks and
reshapes every line (fields, duplicates, identity of items, undefined and out-of-range scores). Beside it:

- a `json.loads` loop that only collects the scores, checking nothing;
- the same loop followed by the harness's bootstrap for one model (resample the items, take the mean; 1,000 resamples
  here, the harness's default of 100,000 takes 100 times as long), for each of two models, unpaired.

Then whole comparisons, start-up aside, beside what reads the same scores and joins them but checks and estimates
nothing: a plain JSON loop, Polars, DuckDB; and an Inspect log beside a loop over its zip archive.

An item is one line: one document under one answer filter. Processor time is what counts; a busy machine inflates the
wall clock alone.

Run: python benchmarks/import_logs.py        (one core: OMP_NUM_THREADS=1 POLARS_MAX_THREADS=1)
Targets: at least 50,000 items a second of processor time on each kind; a comparison at most 1.2 times Polars' scan and
join; Inspect at most twice the loop. What is reached stands in docs/log.md.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from gauger.estimate.compare.logs import compare
from gauger.estimate.compare.prepare import ComparisonQuestion
from gauger.measure.importers.arm import gather_arm
from gauger.measure.importers.inspect_log import read_inspect
from gauger.measure.importers.lm_eval import read_lm_eval

TARGET_ITEMS_PER_S = 50_000
WORDS = ("the", "price", "of", "twelve", "apples", "and", '"three"', "pears", "is", "4.20", "+", "7", "études", "\n")


def main() -> None:
    """Write the logs, read them in each way, then time a whole comparison."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        for name, lines in (("gsm8k_5_shot", gsm8k(10_000, 600)), ("gsm8k", gsm8k(20_000, 0)), ("arc", arc(40_000))):
            path = write(folder / "speed" / f"samples_{name}.jsonl", lines)
            n_items = sum(1 for _ in path.open("rb"))
            print(f"{name}: {n_items:,} items, {path.stat().st_size / n_items / 1000:.1f} kB each")
            report("  gauger, read and check", n_items, lambda path=path: read_lm_eval(path))
            report("  json.loads loop, scores only", n_items, lambda path=path: loop(path))
        whole_comparison(folder)
        against_peers(folder / "peers")
        inspect_log(folder / "inspect.eval")


def against_peers(folder: Path) -> None:
    """Time a comparison of two models on 50,000 documents against what only scans and joins."""
    paths = [
        write(folder / arm / "samples_arc.jsonl", arc(50_000, k)) for k, arm in enumerate(("distilled", "control"))
    ]
    fields = {"doc_hash": pl.String, "acc": pl.Float64}

    def json_loop() -> float:
        first, second = ({x["doc_hash"]: x["acc"] for x in map(json.loads, path.open("rb"))} for path in paths)
        return sum(first[key] - second[key] for key in first) / len(first)

    def polars_join() -> pl.DataFrame:
        one, other = (pl.scan_ndjson(path, schema=fields) for path in paths)
        return one.join(other, on="doc_hash").select((pl.col("acc") - pl.col("acc_right")).mean()).collect()

    def duckdb_join() -> object:
        columns = "columns={doc_hash: 'VARCHAR', acc: 'DOUBLE'}"
        one, other = (f"read_json('{path}', format='newline_delimited', {columns})" for path in paths)
        query = f"select avg(a.acc - b.acc) from {one} a join {other} b using (doc_hash)"  # noqa: S608 - own paths
        return duckdb.sql(query).fetchall()

    def own() -> object:
        arms = zip(("distilled", "control"), paths, strict=True)
        return compare([gather_arm(arm, arm, [str(path)]) for arm, path in arms], ComparisonQuestion())

    print("two models on 50,000 documents of two metrics, processor seconds, best of three:")
    for name, work in (("json", json_loop), ("polars", polars_join), ("duckdb", duckdb_join), ("gauger", own)):
        print(f"  {name}: {min(seconds(work) for _ in range(3)):.2f} s")


def inspect_log(path: Path) -> None:
    """Time an Inspect log of 5,000 samples against a loop over the members of its archive."""
    draw = dice(3)
    header = {"version": 2, "status": "success", "eval": {"task": "t", "model": "m", "created": "", "config": {}}}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", json.dumps(header))
        for i in range(5_000):
            turns = [{"role": role, "content": text(draw, 200)} for role in ("user", "assistant")]
            sample = {
                "id": i, "epoch": 1, "input": text(draw, 150), "target": str(i), "messages": turns,
                "output": {"choices": [{"message": turns[1], "stop_reason": "stop"}]},
                "scores": {"match": {"value": "CI"[draw.random() < 0.5]}},
                "events": [{"event": "model", "data": turns}] * 3,
            }  # fmt: skip
            archive.writestr(f"samples/{i}_epoch_1.json", json.dumps(sample))

    def loop_over_members() -> dict[Any, bool]:
        with zipfile.ZipFile(path) as archive:
            samples = [json.loads(archive.read(name)) for name in archive.namelist() if name.startswith("samples/")]
        return {one["id"]: one["scores"]["match"]["value"] == "C" for one in samples}

    print("an Inspect log of 5,000 samples, processor seconds, best of three:")
    for name, work in (("zip and json", loop_over_members), ("gauger", lambda: read_inspect(path))):
        print(f"  {name}: {min(seconds(work) for _ in range(3)):.2f} s")


def whole_comparison(folder: Path) -> None:
    """Time two models on gsm8k (1,319 documents): logs in, document out; and what the harness's way takes."""
    for arm in ("distilled", "control"):
        write(folder / arm / "samples_gsm8k.jsonl", gsm8k(1_319, 600, seed=len(arm)))
    arms = ("distilled", "control")
    took = seconds(lambda: compare([gather_arm(arm, arm, [str(folder / arm)]) for arm in arms], ComparisonQuestion()))
    print(f"compare two models on gsm8k, every scoring, paired intervals: {took:.2f} s")
    took = seconds(lambda: [bootstrap(loop(folder / arm / "samples_gsm8k.jsonl"), 1_000) for arm in arms])
    print(
        f"loop and bootstrap (1,000 resamples) of the two models, unpaired: {took:.2f} s, 100,000: {100 * took:.0f} s"
    )


def report(what: str, n_items: int, run: Callable[[], object]) -> None:
    """Print items a second of processor time, the best of three."""
    best = min(seconds(run) for _ in range(3))
    missed = "" if n_items / best >= TARGET_ITEMS_PER_S or "gauger" not in what else "   MISSES THE TARGET"
    print(f"{what}: {n_items / best:,.0f} items/s{missed}")


def seconds(run: Callable[[], object]) -> float:
    """Processor seconds of one call."""
    start = time.process_time()
    run()
    return time.process_time() - start


def loop(path: Path) -> list[float]:
    """Collect the scores of the first metric, line by line."""
    scores = []
    with path.open(encoding="utf-8") as file:
        for text in file:
            line = json.loads(text)
            scores.append(line[line["metrics"][0]])
    return scores


def bootstrap(scores: list[float], resamples: int) -> float:
    """Return the standard error of the mean as the harness bootstraps it for a metric without a formula."""
    draw = dice(42)
    means = [sum(draw.choices(scores, k=len(scores))) / len(scores) for _ in range(resamples)]
    centre = sum(means) / resamples
    return (sum((mean - centre) ** 2 for mean in means) / (resamples - 1)) ** 0.5


def write(path: Path, lines: Iterator[dict[str, Any]]) -> Path:
    """Write lines as the harness does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return path


def gsm8k(n: int, example_words: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the lines of a generate_until task with two answer filters."""
    draw = dice(seed)
    examples, items = text(draw, example_words), dice(99)
    documents = [{"question": text(items, 50), "answer": f"{text(items, 60)} #### 42"} for _ in range(n)]
    for name in ("strict-match", "flexible-extract"):
        for i, doc in enumerate(documents):
            right = draw.random() < 0.4
            prompt = f"{examples}{doc['question']}\nAnswer:"
            arguments = {"arg_0": prompt, "arg_1": {"until": ["Question:"], "do_sample": False, "temperature": 0.0}}
            yield {
                "doc_id": i, "doc": doc, "target": doc["answer"], "arguments": {"gen_args_0": arguments},
                "resps": [[text(draw, 100)]], "filtered_resps": ["42" if right else "[invalid]"], "filter": name,
                "metrics": ["exact_match"], **hashes(doc, prompt, doc["answer"]), "exact_match": float(right),
            }  # fmt: skip


def arc(n: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Yield the lines of a multiple_choice task with two metrics; the documents are the same for every seed."""
    draw, items = dice(seed), dice(99)
    for i in range(n):
        choices = [text(items, 6) for _ in range(4)]
        doc = {"id": f"M{i}", "question": text(items, 25), "choices": {"text": choices, "label": list("ABCD")}}
        prompt = f"Question: {doc['question']}\nAnswer:"
        logliks = [[-20 * draw.random(), False] for _ in choices]
        yield {
            "doc_id": i, "doc": doc, "target": "1",
            "arguments": {f"gen_args_{k}": {"arg_0": prompt, "arg_1": f" {c}"} for k, c in enumerate(choices)},
            "resps": [[one] for one in logliks], "filtered_resps": logliks, "filter": "none",
            "metrics": ["acc", "acc_norm"], **hashes(doc, prompt, "1"),
            "acc": float(draw.random() < 0.5), "acc_norm": float(draw.random() < 0.5),
        }  # fmt: skip


def hashes(doc: dict[str, Any], prompt: str, target: str) -> dict[str, str]:
    """Return the three hashes of a line."""
    texts = {"doc_hash": json.dumps(doc, indent=2, ensure_ascii=False), "prompt_hash": prompt, "target_hash": target}
    return {name: sha256(value.encode()).hexdigest() for name, value in texts.items()}


def dice(seed: int) -> random.Random:
    """Return the generator the harness itself draws with."""
    return random.Random(seed)  # noqa: S311 - made-up logs, no secrets


def text(draw: random.Random, n_words: int) -> str:
    """Return words that need escaping now and then, as real ones do."""
    return " ".join(draw.choices(WORDS, k=n_words))


if __name__ == "__main__":
    main()
