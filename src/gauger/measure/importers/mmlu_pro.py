"""Reads the results of MMLU-Pro's own scripts: a list of questions with `answer`, `pred` and `category`."""

from __future__ import annotations

from typing import Any

from gauger.measure.importers.contents import Contents
from gauger.measure.importers.log import Log, Wants
from gauger.measure.importers.scored_items import Evaluation, LoggedAnswer, log_of_items
from gauger.records import Outcome

NAME = "MMLU-Pro results"
BENCHMARK = "mmlu_pro"


def fits(contents: Contents) -> bool:
    """Tell whether a file is one."""
    return contents.is_json and {"question_id", "answer", "pred", "category"} <= set(contents.first or ())


def read(contents: Contents, wants: Wants) -> list[Log]:
    """Read one file: one benchmark, or that of its subject where it holds a single one; `--by category` gives all.

    Where no answer was extracted (`pred` is null) the harness guesses at random; here it is `unparsed`.
    """
    values = contents.value if contents.is_array else [contents.value]
    subjects = {str(record.get("category")) for record in values}
    benchmark = f"{BENCHMARK}/{subjects.pop()}" if len(subjects) == 1 else BENCHMARK
    return [log_of_items(contents.path, NAME, Evaluation(benchmark, [_item(record, wants.by) for record in values]))]


def _item(record: dict[str, Any], by: str | None) -> LoggedAnswer:
    pred, answer, group = record.get("pred"), record.get("answer"), record.get(by) if by else None
    question = "\x1f".join([str(record.get("question", "")), *map(str, record.get("options") or [])])
    outcome = Outcome.UNPARSED if pred in (None, "") else None
    scores = {"correct": float(pred == answer)}
    return LoggedAnswer(
        str(record["question_id"]), scores, question, group=None if group is None else str(group), outcome=outcome
    )
