"""Reads an input by the slowest, most literal loop and says where Gauger's answer is another number.

Only what the standard library can do is done here: the mean score of every arm on every benchmark, the weighted sum of
squares of a table of effects (Cochran's Q), how many rows there were. What a broken file can mean otherwise (a cell
that is no number, a row too short) must have been refused: where a literal reader stumbles over an input that Gauger
answered, that is a fault too. Rows and items may be left out, but not in silence.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Scores = dict[tuple[str, str], list[tuple[str, float]]]
"""(arm, benchmark) -> (item, score), one per answer."""


@dataclass(frozen=True)
class Answer:
    """What Gauger answered to one input."""

    arguments: list[str]
    document: dict[str, Any]
    """What it printed as JSON."""
    notes: str
    """What it said beside it, on standard error."""


def difference(surface: str, answer: Answer) -> str:
    """Say in which number an answer differs from a literal reading of its input; empty where in none."""
    if surface not in READERS:
        return ""
    try:
        return READERS[surface](answer)
    except (ValueError, KeyError, TypeError) as error:
        return f"answered what a literal reader cannot read: {type(error).__name__}: {error}"[:300]


def _records(answer: Answer) -> str:
    scores: Scores = {}
    for row in _rows(Path(answer.arguments[1])):
        scores.setdefault((row["arm"], row["benchmark"]), []).append((row["item"], float(row["score"])))
    return _against(scores, answer)


def _logs(answer: Answer) -> str:
    scores: Scores = {}
    for argument in answer.arguments[1:3]:
        arm, _, path = argument.partition("=")
        for line in filter(str.strip, Path(path).read_bytes().decode("utf-8-sig").split("\n")):
            sample = json.loads(line)
            if sample.get("acc") is not None:
                scores.setdefault((arm, "t"), []).append((str(sample["doc_id"]), float(sample["acc"])))
    return _against(scores, answer)


def _against(scores: Scores, answer: Answer) -> str:
    """Compare means on the items that both arms answered; where items have unequal numbers of answers, only counts."""
    cells = [row for row in answer.document["estimates"] if row["estimand"] == "score" and row["benchmark"] is not None]
    arms = {cell["arm"] for cell in cells}
    for cell in (cell for cell in cells if cell["value"] is not None):
        benchmark = cell["benchmark"]
        both = set.intersection(*({item for item, _ in scores.get((arm, benchmark), ())} for arm in arms))
        mine = [(item, score) for item, score in scores.get((cell["arm"], benchmark), ()) if item in both]
        if cell["n_items"] != len(both):
            if "left out" in answer.notes:
                continue
            return f"{cell['n_items']} items on {benchmark}, literally {len(both)}, and no word why"
        if len({sum(item == other for other, _ in mine) for item in both}) != 1:
            continue
        mean = sum(score for _, score in mine) / len(mine)
        if abs(mean - cell["value"]) > 1e-8:  # ten digits are printed
            return f"score of {cell['arm']} on {benchmark}: {cell['value']}, a literal mean is {mean}"
    return ""


def _table(answer: Answer) -> str:
    document = answer.document
    pairs = [(float(row["effect"]), float(row["variance"])) for row in _rows(Path(answer.arguments[1]))]
    n, left_out = document["study"]["rows"], len(document["left_out_lines"])
    if n + left_out != len(pairs):
        return f"{n} rows and {left_out} left out, a literal count is {len(pairs)}"
    if left_out or document["study"]["moderators"] or document["heterogeneity"] is None:
        return ""
    mean = sum(effect / variance for effect, variance in pairs) / sum(1 / variance for _, variance in pairs)
    q = sum((effect - mean) ** 2 / variance for effect, variance in pairs)
    given = document["heterogeneity"]["q"]
    return "" if abs(q - given) <= 1e-6 * max(1.0, q) else f"Q is {given}, a literal sum is {q}"


def _points(answer: Answer) -> str:
    n, given = sum(1 for _ in _rows(Path(answer.arguments[1]))), answer.document["n"]
    return "" if given == n or "left out" in answer.notes else f"{given} points, a literal count is {n}"


def _run_directory(answer: Answer) -> str:
    command = answer.arguments[0]
    return f"{command} answered on a broken directory" if command in ("verify", "report") else ""


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        yield from csv.DictReader(file)


READERS: dict[str, Callable[[Answer], str]] = {
    "records": _records,
    "lm-eval": _logs,
    "table": _table,
    "points": _points,
    "run-directory": _run_directory,
}
"""Surface -> its literal reader; the others print no numbers, or none that a few lines could find."""
