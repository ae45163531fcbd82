"""Reads the public tables where the user has them: nothing of others is shipped, only paths are given."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gauger.stats.laws import Points
from gauger.stats.laws.points import FloatArray

WINDOW = 5
"""Evaluations that are averaged, as the ladder's authors do."""
SKIPPED = 0.1
"""First share of a run's evaluations that is left out, as they do."""
THINNED = 5
"""Of averaged checkpoints every so many are kept: neighbours share their window."""
SIZES = {"190M": 190354176, "370M": 371262464, "760M": 758220288, "1B": 1279395840}
TARGETS = {
    "7B-4T": (6887575552, 3945065873408, "peteish7_eval_anneal.csv"),
    "13B-5T": (13202396160, 5000088518656, "peteish13_eval_final.csv"),
}
MMLU = {"stem": 0.215, "humanities": 0.335, "social_sciences": 0.219, "other": 0.231}
"""Shares of MMLU's items, as the ladder's authors weigh its parts."""
TASKS = {
    "mmlu": 14042, "hellaswag_val": 10042, "arc_challenge_test": 1172, "arc_easy_test": 2376, "piqa_val": 1838,
    "csqa_val": 1221, "socialiqa_val": 1954, "openbookqa_test": 500,
}  # fmt: skip
"""The paper's eight tasks and their numbers of items."""
DOMAINS = {
    "academic": ("ArXiv", "PubMed_Abstracts", "PhilPapers", "NIH_ExPorter", "FreeLaw", "USPTO_Backgrounds",
                 "PubMed_Central"),
    "prose": ("PG19", "Books3", "BookCorpus2"),
    "dialogue": ("Ubuntu_IRC", "OpenSubtitles", "EuroParl", "Enron_Emails", "HackerNews", "YoutubeSubtitles"),
    "symbolic": ("DM_Mathematics", "Github"),
    "internet": ("Pile-CC", "OpenWebText2", "StackExchange", "Wikipedia_en"),
}  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """Points to fit and points to predict, whose outcomes are known."""

    name: str
    fitted: Points
    wanted: Points
    targets: tuple[str, ...]
    everything: Points | None = None
    """Both together, where a paper fits what it predicts."""


def chinchilla(root: Path) -> Points:
    """Read the 245 digitised points without the five of highest loss."""
    rows = list(csv.DictReader((root / "data/svg_extracted_data.csv").open(encoding="utf-8")))
    n = np.array([float(row["Model Size"]) for row in rows])
    flops = np.array([float(row["Training FLOP"]) for row in rows])
    loss = np.array([float(row["loss"]) for row in rows])
    keep = np.sort(np.argsort(loss)[:-5])
    return Points(n[keep], (flops / (6 * n))[keep], loss=loss[keep])


def overtraining(root: Path, data: str) -> Problem:
    """Read one of Gadre et al.'s data sets: 11-411M models, and the 7B of 20 tokens per parameter."""
    rows = []
    for path in sorted((root / "exp_data/models").glob(f"{data}-*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        loss = [one["loss"] for one in document["results"] if any("c4_val" in name for name in one["val_data"])]
        made = document["hyperparameters"]
        rows.append((float(made["params"]), float(made["tokens"]), loss[0], float(made["chinchilla_multiplier"])))
    table = np.array(rows)
    small, large = table[:, 0] < 5e8, (table[:, 0] > 5e9) & (table[:, 3] == 1.0)
    return Problem(data, _losses(table[small]), _losses(table[large]), (f"{data} 7B",))


def five_points(root: Path, data: str) -> Points:
    """Pick the five models of their fit: four sizes at 20 tokens per parameter, the smallest also at 320."""
    points = overtraining(root, data).fitted
    ratio = points.n_tokens / points.n_params
    even = np.abs(ratio / 20.0 - 1.0) < 0.05
    long = (points.n_params == points.n_params.min()) & (np.abs(ratio / 320.0 - 1.0) < 0.05)
    return points.take(even | long)


def _losses(rows: FloatArray) -> Points:
    return Points(rows[:, 0], rows[:, 1], loss=rows[:, 2])


def ladder(root: Path, task: str) -> Problem:
    """Read one task of the ladder: checkpoints of 16 runs, and two targets with the mean of their last evaluations."""
    folder = root / "src/scripts/paper/data/ladder-runs"
    rows: list[tuple[float, ...]] = []
    for size, n in SIZES.items():
        for length in ("1xC", "2xC", "5xC", "10xC"):
            run = len({row[4] for row in rows})
            rows += [(n, *cells, run) for cells in _checkpoints(folder / f"{size}-{length}.csv", task)]
    table = np.array(rows)
    items = np.full(len(table), float(TASKS[task]))
    run = table[:, 4].astype(np.int64)
    fitted = Points(table[:, 0], table[:, 1], loss=table[:, 2], accuracy=table[:, 3], n_items=items, run=run)
    far = np.array(
        [(n, d, *_evaluations(folder / name, task)[-WINDOW:, 1:].mean(axis=0)) for n, d, name in TARGETS.values()]
    )
    wanted = Points(far[:, 0], far[:, 1], loss=far[:, 2], accuracy=far[:, 3])
    return Problem(task, fitted, wanted, tuple(f"{task} {name}" for name in TARGETS))


def _evaluations(path: Path, task: str) -> FloatArray:
    """Tokens, bits per byte of the right answer, accuracy, (rows, 3)."""
    found = []
    for row in csv.DictReader(path.open(encoding="utf-8")):
        tokens = row.get("throughput/total_tokens") or str(float(row["_step"]) * float(row["batch_size_in_tokens"]))
        found.append((float(tokens), _mean(row, task, "downstream_bpb", "bpb"), _mean(row, task, "downstream", None)))
    return np.array(found)


def _mean(row: dict[str, str], task: str, kind: str, metric: str | None) -> float:
    metric = metric or "len_norm"
    if task != "mmlu":
        return float(row[f"eval/{kind}/{task}_rc_5shot_{metric}"])
    return sum(w * float(row[f"eval/{kind}/mmlu_{part}_test_rc_5shot_{metric}"]) for part, w in MMLU.items())


def _checkpoints(path: Path, task: str) -> FloatArray:
    """Averaged evaluations of one run, thinned, its last among them."""
    rows = _evaluations(path, task)
    rows = rows[int(np.ceil(SKIPPED * len(rows))) :]
    sums = np.cumsum(np.vstack([np.zeros(3), rows]), axis=0)
    means = (sums[WINDOW:] - sums[:-WINDOW]) / WINDOW if len(rows) >= WINDOW else rows
    means[:, 0] = rows[-len(means) :, 0]
    return means[::-THINNED][::-1]


def mixtures(root: Path, size: str = "70M", step: int = 30000) -> list[Problem]:
    """Read the five-domain mixtures: one problem per validation domain, 20 mixtures to fit and the rest to predict."""
    weight = json.loads((root / "pipeline/valid_weight.json").read_text(encoding="utf-8"))
    losses: dict[str, dict[str, float]] = defaultdict(dict)
    for line in (root / f"data/5Mix/{size}.txt").read_text(encoding="utf-8").splitlines():
        model, data, loss = line.split()
        folder, at = model.rstrip("/").split("/")[-2:]
        number, _, ratio = folder.partition("-")
        if int(at) == step and int(number.split("_")[-1]) <= 900:
            losses[ratio][data.rsplit(".", 2)[-2]] = float(loss)
    names = sorted(
        ratio for ratio, found in losses.items() if all(p in found for parts in DOMAINS.values() for p in parts)
    )
    order = np.random.default_rng(0).permutation(len(names))
    problems = []
    for domain, parts in DOMAINS.items():
        total = sum(weight[part] for part in parts)
        loss = np.array([sum(weight[part] * losses[ratio][part] for part in parts) / total for ratio in names])
        shares = np.array([[float(cell) for cell in ratio.split("-")] for ratio in names])
        points = Points(np.full(len(names), 7e7), np.full(len(names), 3e10), loss=loss, shares=shares)
        targets: Sequence[str] = [names[i] for i in order[20:]]
        problems.append(Problem(domain, points.take(order[:20]), points.take(order[20:]), tuple(targets), points))
    return problems


def domain_weights(root: Path) -> FloatArray:
    """Shares of the validation domains in the whole, in the order of `DOMAINS`."""
    weight = json.loads((root / "pipeline/valid_weight.json").read_text(encoding="utf-8"))
    return np.array([sum(weight[part] for part in parts) for parts in DOMAINS.values()])
