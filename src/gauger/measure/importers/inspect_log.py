"""Inspect logs, `.eval` (a zip archive) and `.json`: one log of one model on one task, read by Inspect itself.

Nothing is fetched: the path is a local file, an archive is unpacked under a limit first (`archive`), and the parts of
a sample that may be large and are not needed (messages, events, store, attachments) are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from gauger.errors import InputError, MissingExtraError, Place
from gauger.measure.importers.archive import check_archive
from gauger.measure.importers.inspect_samples import UNSCORED, sample_rows
from gauger.measure.importers.log import ROWS, Log, Measure, counted, score_problem
from gauger.measure.importers.repeats import without_repeats
from gauger.records import Outcome

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample

UNNEEDED = frozenset({"messages", "events", "events_data", "store", "attachments", "timelines", "metadata", "files"})
"""Fields of a sample that are not read from `.eval` logs."""


def read_inspect(path: Path) -> Log:
    """Read one Inspect log.

    Item identity is the sample's id with the hash of its target, epochs are samples, and every scorer (and every key
    of a scorer that returns a mapping) is a measure; the one Inspect calls the headline comes first. Inspect's letters
    count as C 1, P 0.5, I 0, and N (no answer) as the outcome `unparsed`. A sample that ended in an error, was
    invalidated or has no score gives `failed` (`truncated` where a limit ended it), never 0.

    Raises
    ------
    InputError
        Damaged or oversized archive, not an Inspect log, no samples in it, a score that is not a number.
    MissingExtraError
        Inspect is not installed.
    """
    log = _load(path)
    if not log.samples:
        raise InputError("an Inspect log with samples", f"none (status {log.status})", Place(str(path)), _NO_SAMPLES)
    rows = _rows(path, log)
    if rows.is_empty():
        raise InputError("an Inspect log with scores", f"none (status {log.status})", Place(str(path)), _NO_SAMPLES)
    rows, notes = _without_repeats(path, rows)
    measures = _measures(rows, log)
    return Log(
        file=str(path),
        format="inspect",
        benchmark=log.eval.task,
        rows=rows,
        measures=measures,
        refused=_refused(rows, measures),
        settings=_settings(log),
        notes=(*_status(log), *_absent(log), *notes, *_said(log, rows)),
        run=f"{path.parent}#{log.eval.model}",
        model=log.eval.model,
        date=str(log.eval.created),
    )


_LINE = re.compile(r"at line (\d+) column")
_NO_SAMPLES = "Run the evaluation to its end with samples logged (log_samples)."


def _load(path: Path) -> EvalLog:
    try:
        import zstandard
        from inspect_ai.log import read_eval_log
    except ImportError:
        raise MissingExtraError("reading Inspect logs", "eval") from None
    location = path.absolute()
    if path.suffix == ".eval":
        check_archive(location, codec_errors=(zstandard.ZstdError,))
    try:
        return read_eval_log(str(location), exclude_fields=set(UNNEEDED))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, EOFError, OSError, RecursionError) as fault:
        hint = "The file is damaged, truncated or of another program: write it again."
        given = " ".join(str(fault).split())[:160] or type(fault).__name__
        line = _LINE.search(given)
        raise InputError("an Inspect log", given, Place(str(path), int(line[1]) if line else None), hint) from None


def _rows(path: Path, log: EvalLog) -> pl.DataFrame:
    rows: list[tuple[Any, ...]] = []
    for row, sample in enumerate(log.samples or []):
        rows += sample_rows(row, sample, Place(str(path)))
    return _complete(pl.DataFrame(rows, schema=dict(ROWS), orient="row"))


def _complete(rows: pl.DataFrame) -> pl.DataFrame:
    """Give every sample a row for every measure: one that a scorer did not reach is `failed`, not absent."""
    metrics = rows.filter(pl.col("metric") != UNSCORED).select(metric_of=pl.col("metric").unique(maintain_order=True))
    if metrics.is_empty():
        return rows.clear()
    samples = rows.unique(subset="row", keep="first", maintain_order=True).with_columns(
        outcome=pl.when(pl.col("metric") == UNSCORED).then("outcome").otherwise(pl.lit(str(Outcome.FAILED))),
        score=pl.lit(None, pl.Float64),
    )
    grid = samples.join(metrics, how="cross").with_columns(metric="metric_of").drop("metric_of")
    missing = grid.join(rows, on=["row", "metric"], how="anti", maintain_order="left")
    scored = rows.filter(pl.col("metric") != UNSCORED)
    return pl.concat([scored, missing.select(rows.columns)]).sort("row", maintain_order=True)


def _without_repeats(path: Path, rows: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Drop samples that stand in the log twice; refuse two that disagree."""
    return without_repeats(
        rows.with_columns(row=pl.int_range(pl.len())),
        ("position", "sample", "metric"),
        ("prompt", "outcome", "score"),
        lambda row: f"{row['label']} (epoch {int(str(row['sample'])) + 1})",
        lambda _: Place(str(path)),
    )


def _measures(rows: pl.DataFrame, log: EvalLog) -> tuple[Measure, ...]:
    """Return the log's measures, the headline first."""
    names = rows["metric"].unique(maintain_order=True).to_list()
    headline = getattr(getattr(log.results, "headline", None), "score", None)
    first = [name for name in names if headline and (name == headline or name.startswith(f"{headline}/"))]
    return tuple(Measure("", name) for name in dict.fromkeys([*first, *names]))


def _refused(rows: pl.DataFrame, measures: tuple[Measure, ...]) -> dict[Measure, str]:
    problems = {
        measure: score_problem(rows.filter(pl.col("metric") == measure.metric), lambda row: f"sample {row + 1}")
        for measure in measures
    }
    return {measure: problem for measure, problem in problems.items() if problem}


def _status(log: EvalLog) -> list[str]:
    said = [] if log.status == "success" else [f"the evaluation did not end well (status {log.status})"]
    return [*said, "the log was invalidated after the run"] if getattr(log, "invalidated", False) else said


def _absent(log: EvalLog) -> list[str]:
    """Compare the samples with the count in the log's own results: a damaged or edited log may have lost some."""
    total, found = log.results.total_samples if log.results else 0, len(log.samples or [])
    return [f"Inspect counted {total} samples but the log holds {found}"] if total > found else []


def _said(log: EvalLog, rows: pl.DataFrame) -> list[str]:
    """Count what carries no score, and answers that were cut off but scored all the same."""
    said = []
    for outcome, words in ((Outcome.FAILED, "failed samples"), (Outcome.TRUNCATED, "samples ended by a limit")):
        labels = rows.filter(pl.col("outcome") == str(outcome))["label"].unique(maintain_order=True).to_list()
        if labels:
            said.append(f"no score, left out rather than counted as wrong: {counted(labels, words)}")
    cut = [f"sample {sample.id}" for sample in log.samples or [] if _cut_off(sample)]
    return [*said, f"cut off by the token limit and scored as it stands: {counted(cut, 'answers')}"] if cut else said


def _cut_off(sample: EvalSample) -> bool:
    return any(choice.stop_reason == "max_tokens" for choice in sample.output.choices)


def _settings(log: EvalLog) -> dict[str, str]:
    """Return the settings that must be the same on both sides, as canonical text; absent ones are left out."""
    spec, config = log.eval, log.eval.config
    generation = spec.model_generate_config.model_dump(exclude_none=True)
    generation |= log.plan.config.model_dump(exclude_none=True)
    limits = ("message_limit", "token_limit", "time_limit", "working_limit", "turn_limit")
    settings: Mapping[str, Any] = {
        "task version": spec.task_version,
        "task arguments": spec.task_args,
        "solver": [{"solver": step.solver, **step.params} for step in log.plan.steps],
        "metrics": [{"name": scorer.name, "options": scorer.options} for scorer in spec.scorers or []],
        "generation settings": generation,
        "dataset": {"name": spec.dataset.name, "samples": spec.dataset.samples},
        "grader models": {name: str(role) for name, role in (spec.model_roles or {}).items()},
        "epochs": config.epochs,
        "limit": config.limit,
        "sample limits": {name: value for name in limits if (value := getattr(config, name, None)) is not None},
        "harness version": spec.packages.get("inspect_ai"),
    }
    return {name: _canonical(value) for name, value in settings.items() if value not in (None, {}, [])}


def _canonical(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
