"""lm-eval's `samples_TASK_DATE.jsonl` (written under `--log_samples`): one line per document and answer filter.

Fields used: doc_id, doc_hash, prompt_hash, target_hash (target where the hash is absent), filter, metrics,
filtered_resps and one number per metric. Logs from before the harness wrote `filter` and `metrics` are read as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from gauger.errors import InputError, Place
from gauger.measure.importers.json_lines import first_object, line_of_row, read_fields
from gauger.measure.importers.lm_eval_lines import drop_repeated_lines, name_filters, to_rows
from gauger.measure.importers.lm_eval_results import Results, results_beside
from gauger.measure.importers.log import Log, Measure, score_problem
from gauger.records import Outcome

FIELDS: Mapping[str, pl.DataType] = {
    "doc_id": pl.String(),
    "filter": pl.String(),
    "metrics": pl.List(pl.String()),
    "doc_hash": pl.String(),
    "prompt_hash": pl.String(),
    "target_hash": pl.String(),
}
PAYLOAD = frozenset({"doc", "target", "arguments", "resps", "filtered_resps"})
"""Fields of a line that are neither in `FIELDS` nor metrics."""

_FILE_NAME = re.compile(r"samples_(?P<task>.+?)(?:_(?P<date>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?))?\.jsonl")


def task_and_date(path: Path) -> tuple[str, str]:
    """Return the task and the date in a file name; the bare name and no date where it follows another pattern."""
    found = _FILE_NAME.fullmatch(path.name)
    return (found["task"], found["date"] or "") if found else (path.stem, "")


@dataclass(frozen=True)
class _Head:
    """What the first line tells of the whole file."""

    values: Mapping[str, Any]

    def metrics(self) -> list[str]:
        """Return the names of the metrics, in order; logs that do not list them hold them after the known fields."""
        listed = self.values.get("metrics")
        names = listed if isinstance(listed, list) else [name for name in self.values if name not in FIELDS]
        return [name for name in names if isinstance(name, str) and name not in FIELDS and name not in PAYLOAD]

    def unusable(self) -> dict[str, str]:
        """Return the metrics that are not one number per item -> what they are."""
        kinds = {name: self.values.get(name) for name in self.metrics()}
        return {name: type(value).__name__ for name, value in kinds.items() if isinstance(value, (str, list, dict))}

    def fields(self) -> dict[str, pl.DataType]:
        """Return the columns to read."""
        fields = dict(FIELDS)
        if "target_hash" not in self.values:
            fields["target"] = pl.String()
        answers = self.values.get("filtered_resps")
        if isinstance(answers, list) and answers and isinstance(answers[0], str):
            fields["filtered_resps"] = pl.List(pl.String())
        return fields


def read_lm_eval(path: Path) -> Log:
    """Read one samples file, with the settings of the `results_*.json` beside it.

    Item identity is `doc_hash`; a document that stands in the benchmark twice gives two items of one cluster. Where
    a log lacks the hash, identity is the document's id with the hash of its target. A regular-expression filter that
    found no answer gives the outcome `unparsed`; a metric that is NaN or absent gives `failed`.

    Raises
    ------
    InputError
        Naming file and line: not JSON Lines, not a samples file, or one document with two different scores.
    """
    head = _Head(first_object(path))
    if "doc_id" not in head.values:
        hint = "Give the samples_*.jsonl files that lm-eval writes under --log_samples."
        given = f"the fields {', '.join(list(head.values)[:6])}"
        raise InputError("a line of lm-eval samples with a doc_id", given, Place(str(path), 1), hint)
    lines, metrics = _read_lines(path, head)
    lines, filter_notes = name_filters(lines)
    lines, repeat_notes = drop_repeated_lines(path, lines, metrics)
    rows, failed_notes = to_rows(lines, metrics)
    task, date = task_and_date(path)
    results = results_beside(path, task, date)
    summary = _summary(rows)
    measures = tuple(Measure(*key) for key in summary.select("filter", "metric").iter_rows())
    refused = {**_not_numbers(head, measures), **_refused(path, rows, summary, results)}
    return Log(
        file=str(path),
        format="lm-eval",
        benchmark=task,
        rows=rows,
        measures=measures,
        refused=refused,
        settings=results.settings,
        notes=(*filter_notes, *repeat_notes, *failed_notes, *results.doubts(summary, refused)),
        run=f"{path.parent}#{results.model or ''}",
        model=results.model,
        date=date,
    )


def _read_lines(path: Path, head: _Head) -> tuple[pl.DataFrame, list[str]]:
    """Read the file's fields; metrics that only later lines list are found and read in a second pass."""
    metrics = [name for name in head.metrics() if name not in head.unusable()]
    lines = read_fields(path, {**head.fields(), **dict.fromkeys(metrics, pl.Float64())})
    listed = lines.lazy().select(pl.col("metrics").drop_nulls()).unique().collect()["metrics"].to_list()
    later = dict.fromkeys(name for names in listed for name in names)
    known = {*metrics, *head.unusable(), *FIELDS, *PAYLOAD}
    unseen = [name for name in later if name not in known]
    if unseen:
        metrics += unseen
        lines = read_fields(path, {**head.fields(), **dict.fromkeys(metrics, pl.Float64())})
    return lines.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64)), metrics


def _summary(rows: pl.DataFrame) -> pl.DataFrame:
    """Return filter, metric, n_items, mean (unparsed as 0, as the harness counts), low and high of each measure."""
    counted = pl.when(pl.col("outcome") == str(Outcome.UNPARSED)).then(0.0).otherwise("score")
    return rows.group_by("filter", "metric", maintain_order=True).agg(
        n_items=pl.col("position").n_unique(),
        mean=counted.mean(),
        low=pl.col("score").min(),
        high=pl.col("score").max(),
    )


def _not_numbers(head: _Head, measures: tuple[Measure, ...]) -> dict[Measure, str]:
    """Return the metrics that hold something else than one number per item -> what."""
    first_filter = measures[0].filter if measures else str(head.values.get("filter", "none"))
    unusable = head.unusable().items()
    return {Measure(first_filter, name): f"each item holds a {kind}, not one number" for name, kind in unusable}


def _refused(path: Path, rows: pl.DataFrame, summary: pl.DataFrame, results: Results) -> dict[Measure, str]:
    """Return the measures whose numbers are no scores -> why."""
    refused = {}
    for filter_name, metric, low, high in summary.select("filter", "metric", "low", "high").iter_rows():
        measure = Measure(filter_name, metric)
        problem = results.lower_is_better(measure)
        if low is not None and (low < 0 or high > 1):
            of_measure = rows.filter((pl.col("filter") == filter_name) & (pl.col("metric") == metric))
            problem = score_problem(of_measure, lambda row: f"line {line_of_row(path, row)}")
        if problem:
            refused[measure] = problem
    return refused
