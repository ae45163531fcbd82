"""Reads lm-eval's `samples_TASK_DATE.jsonl` (from `--log_samples`): one line per document and answer filter.

Fields used: doc_id, doc_hash, prompt_hash, target_hash (target where the hash is absent), filter, metrics,
filtered_resps and one number per metric. Logs from before the harness wrote `filter` and `metrics` are read as well.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from gauger.errors import InputError, Place
from gauger.measure.importers.contents import Contents, as_lines
from gauger.measure.importers.directions import doubtful_among, errors_among
from gauger.measure.importers.json_lines import first_object, line_of_row, read_fields
from gauger.measure.importers.lm_eval_lines import (
    drop_repeated_lines,
    name_filters,
    names_listed,
    to_rows,
    with_short_hashes,
)
from gauger.measure.importers.lm_eval_results import results_beside, task_among_results
from gauger.measure.importers.log import Log, Measure, Wants, score_problem
from gauger.records import Outcome
from gauger.store import read_json_lines

FIELDS: Mapping[str, pl.DataType] = {
    "doc_id": pl.String(),
    "filter": pl.String(),
    "metrics": pl.String(),
    "doc_hash": pl.String(),
    "prompt_hash": pl.String(),
    "target_hash": pl.String(),
}
PAYLOAD = frozenset({"doc", "target", "arguments", "resps", "filtered_resps"})
"""Fields of a line that are neither in `FIELDS` nor metrics."""

LOG_LIKELIHOODS = frozenset({"word_perplexity", "byte_perplexity", "bits_per_byte"})
"""Metrics of which each item holds [log-likelihood in nats, number of words or bytes]."""
NOTHING_SCORED = "bypass"
"""The metric of a run with `--predict_only`: 999 for every item."""

_FILE_NAME = re.compile(r"samples_(?P<task>.+?)(?:_(?P<date>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?))?\.jsonl?")
_OLD_NAME = re.compile(r"(?P<model>(?:pretrained|model|path)(?:__|=).+(?:__|=)[^_,]+)_(?P<task>[^,]+)\.jsonl?")
"""Versions 0.4.0 to 0.4.2 put the model's arguments before the task, with / and = written as __."""


def task_and_date(path: Path) -> tuple[str, str]:
    """Return the task and the date in a file name; the bare name and no date where it follows another pattern."""
    name = path.name.removesuffix(".gz")
    match = _FILE_NAME.fullmatch(name)
    if match:
        return match["task"], match["date"] or ""
    old = _OLD_NAME.fullmatch(name)
    return (old["task"] if old else name.rpartition(".")[0] or name), ""


def model_in_name(path: Path) -> str | None:
    """Return the model in a file name of versions 0.4.0 to 0.4.2; None where the name holds none."""
    old = _OLD_NAME.fullmatch(path.name.removesuffix(".gz"))
    return old["model"] if old else None


def fits(contents: Contents) -> bool:
    """Tell whether a file holds lm-eval samples: one line, or one element of an array, per document."""
    first = contents.first
    return first is not None and (
        ("doc_id" in first or "doc_hash" in first) and not {"logit_0", "prompt_0"} & set(first)
    )


def read(contents: Contents, wants: Wants) -> list[Log]:
    """Read a samples file; an array (versions 0.4.0 to 0.4.2) is read as if each element were a line."""
    if not contents.is_array:
        return [read_lm_eval(contents.path, contents.plain, wants)]
    with as_lines(contents) as lines:
        return [read_lm_eval(contents.path, lines, wants)]


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


def read_lm_eval(path: Path, plain: Path | None = None, wants: Wants | None = None) -> Log:
    """Read one samples file, with the settings of the `results_*.json` beside it.

    Parameters
    ----------
    path : Path
        The file; its name gives task and date.
    plain : Path, optional
        Where its lines lie, if not in the file itself.
    wants : Wants, optional
        `by` names a field of the documents to group items by.

    Item identity is `doc_hash`; a document that stands in the benchmark twice gives two items of one cluster. Where
    a log lacks the hash, identity is the document's id with the hash of its target. A regular-expression filter that
    found no answer gives the outcome `unparsed`; a metric that is NaN or absent gives `failed`.

    Raises
    ------
    InputError
        Naming file and line: not JSON Lines, not a samples file, or one document with two different scores.
    """
    plain = plain or path
    head = _Head(first_object(plain))
    if "doc_id" not in head.values:
        hint = "Give the samples_*.jsonl files that lm-eval writes under --log_samples."
        given = f"the fields {', '.join(list(head.values)[:6])}"
        raise InputError("a line of lm-eval samples with a doc_id", given, Place(str(path), 1), hint)
    lines, metrics = _read_lines(path, plain, head)
    lines, metrics = _with_bits(plain, head, lines, metrics)
    if wants is not None and wants.by:
        lines = lines.with_columns(group=_document_field(plain, wants.by))
    lines, filter_notes = name_filters(lines)
    lines, repeat_notes = drop_repeated_lines(path, plain, lines, metrics)
    rows, failed_notes = to_rows(lines, metrics)
    task, date = task_and_date(path)
    if model_in_name(path):
        task = task_among_results(path) or task
    results = results_beside(path, task, date)
    summary = _summary(rows)
    measures = tuple(Measure(*key) for key in summary.select("filter", "metric").iter_rows())
    refused = {**_refused(plain, rows, summary), **_not_numbers(head, measures)}
    return Log(
        file=str(path),
        format="lm-eval",
        benchmark=task,
        rows=rows,
        measures=measures,
        refused=refused,
        settings=results.settings,
        notes=(*filter_notes, *repeat_notes, *failed_notes, *results.doubts(summary, refused)),
        run=str(path.parent),
        model=results.model or model_in_name(path),
        date=date,
        arguments={"few-shot": results.settings["few-shot examples"]}
        if "few-shot examples" in results.settings
        else {},
        partial=results.partial,
        errors=errors_among((measure.metric for measure in measures), results.higher_is_better),
        doubtful=doubtful_among((measure.metric for measure in measures), results.higher_is_better),
        groups=results.groups,
        group_means=results.group_means,
    )


def _document_field(plain: Path, name: str) -> pl.Series:
    """Return a field of every line's document, else of the line itself, as text; NULL where neither has it."""
    values = []
    for _, line in read_json_lines(plain):
        doc = line.get("doc")
        value = doc.get(name) if isinstance(doc, dict) and name in doc else line.get(name)
        values.append(None if value is None or isinstance(value, (dict, list)) else str(value))
    return pl.Series("group", values, dtype=pl.String)


def _read_lines(path: Path, plain: Path, head: _Head) -> tuple[pl.DataFrame, list[str]]:
    """Read the file's fields; metrics that only later lines list are found and read in a second pass."""
    metrics = [name for name in head.metrics() if name not in head.unusable()]
    lines = read_fields(plain, {**head.fields(), **dict.fromkeys(metrics, pl.Float64())}, with_short_hashes)
    later = dict.fromkeys(
        name for listed in lines["metrics"].unique(maintain_order=True) for name in names_listed(listed)
    )
    known = {*metrics, *head.unusable(), *FIELDS, *PAYLOAD}
    unseen = [name for name in later if name not in known]
    if unseen:
        metrics += unseen
        lines = read_fields(plain, {**head.fields(), **dict.fromkeys(metrics, pl.Float64())}, with_short_hashes)
    lines = lines.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    unnamed = lines.filter(pl.col("doc_id").is_null()).head(1)
    if not unnamed.is_empty():
        where = Place(str(path), line_of_row(plain, unnamed["row"][0]), "doc_id")
        raise InputError("the number of the document", "nothing", where, "Delete the line to compare what is left.")
    return lines, metrics


def _with_bits(plain: Path, head: _Head, lines: pl.DataFrame, metrics: list[str]) -> tuple[pl.DataFrame, list[str]]:
    """Add the metrics that are sums of log-likelihoods, as bits per word or byte of each document."""
    for metric in LOG_LIKELIHOODS & set(head.unusable()):
        sums = read_fields(plain, {metric: pl.List(pl.String())})[metric].cast(pl.List(pl.Float64()), strict=False)
        bits = -sums.list.get(0, null_on_oob=True) / (sums.list.get(1, null_on_oob=True) * math.log(2))
        lines = lines.with_columns(bits.alias(metric))
        metrics = [*metrics, metric]
    return lines, metrics


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
    return {
        Measure(first_filter, name): "each item holds a sum of log-likelihoods, no score from 0 to 1"
        if name in LOG_LIKELIHOODS
        else f"each item holds a {kind}, not one number"
        for name, kind in unusable
    }


def _refused(plain: Path, rows: pl.DataFrame, summary: pl.DataFrame) -> dict[Measure, str]:
    """Return the measures whose numbers are no scores -> why."""
    refused = {}
    for filter_name, metric, low, high in summary.select("filter", "metric", "low", "high").iter_rows():
        measure = Measure(filter_name, metric)
        problem = None
        if metric == NOTHING_SCORED:
            problem = "predict_only: the harness scored nothing; evaluate again without --predict_only"
        elif low is not None and (low < 0 or high > 1):
            of_measure = rows.filter((pl.col("filter") == filter_name) & (pl.col("metric") == metric))
            problem = score_problem(of_measure, lambda row: f"line {line_of_row(plain, row)}")
        if problem:
            refused[measure] = problem
    return refused
