"""Reads Inspect logs, `.eval` (a zip archive) and `.json`: one log of one model on one task.

Nothing is fetched and nothing of Inspect's own code is needed: the file is read as the JSON that it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from gauger.errors import InputError, Place
from gauger.measure.importers.contents import Contents
from gauger.measure.importers.directions import doubtful_among, errors_among
from gauger.measure.importers.inspect_file import open_inspect
from gauger.measure.importers.inspect_samples import NO_NUMBER, UNSCORED, cut_off, sample_rows
from gauger.measure.importers.log import ROWS, Log, Measure, Wants, canonical_setting, counted, score_problem
from gauger.measure.importers.repeats import without_repeats
from gauger.records import Outcome

_NO_SAMPLES = "Run the evaluation to its end with samples logged (log_samples)."
MEAN = "mean"


def fits(contents: Contents) -> bool:
    """Tell whether a file is an Inspect log, judged by its beginning."""
    if contents.is_zip:
        return True
    start = contents.start.lstrip()
    return start[:1] == b"{" and b'"eval"' in start and b'"version"' in start[:200]


def read(contents: Contents, wants: Wants) -> list[Log]:
    """Read one log."""
    return [read_inspect(contents.path, contents.plain, wants)]


def read_inspect(path: Path, plain: Path | None = None, wants: Wants | None = None) -> Log:
    """Read one Inspect log.

    Item identity is what was asked, else the sample's id with the hash of its target; epochs are samples, and every
    scorer (and every key of a scorer that returns a mapping) is a measure; the one Inspect calls the headline comes
    first. Inspect's letters count as C 1, P 0.5, I 0, and N (no answer) as the outcome `unparsed`. A sample that ended
    in an error, was invalidated or has no score gives `failed` (`truncated` where a limit ended it), never 0. A scorer
    that gives text is no measure that can be compared; the others are read.

    Raises
    ------
    InputError
        Damaged or oversized archive, not an Inspect log, no samples in it.
    """
    collected = _Found()
    with open_inspect(plain or path) as file:
        header = file.header
        for row, (where, sample) in enumerate(file.samples):
            _take(collected, path, row, where, sample, wants)
    status = str(header.get("status") or "started")
    rows = pl.DataFrame(collected.rows, schema=dict(ROWS), orient="row")
    if rows.filter(pl.col("metric") != UNSCORED).is_empty():
        wanted = "an Inspect log with scores" if collected.rows else "an Inspect log with samples"
        raise InputError(wanted, f"none (status {status})", Place(str(path)), _NO_SAMPLES)
    rows, text_problems = _without_text(_complete(rows))
    rows, repeats = _without_repeats(path, rows)
    measures = _measures(rows, header)
    spec = header["eval"]
    return Log(
        file=str(path),
        format="inspect",
        benchmark=spec["task"],
        rows=rows,
        measures=tuple(m for m in measures if m not in text_problems),
        refused={**text_problems, **_refused(rows, measures, text_problems)},
        settings=_settings(header),
        notes=(*_status(header, status), *_absent(header, collected), *repeats, *_said(collected, rows)),
        run=str(path.parent),
        model=_model(spec),
        date=_utc(str(spec.get("created", ""))),
        task_id=str(spec.get("task_id") or ""),
        arguments={key: canonical_setting(value) for key, value in _part(spec, "task_args").items()},
        defaults_left_out=True,
        partial=_partial(header, status, collected),
        reducer=_reducer(header),
        errors=errors_among(measure.metric for measure in measures),
        doubtful=doubtful_among(measure.metric for measure in measures),
    )


@dataclass
class _Found:
    """What the samples of a log said, as they were read."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    cut_off: list[str] = field(default_factory=list)
    n_samples: int = 0


def _take(collected: _Found, path: Path, row: int, where: str, sample: Mapping[str, Any], wants: Wants | None) -> None:
    try:
        collected.rows += sample_rows(row, sample, wants.by if wants else None)
        collected.n_samples += 1
        if cut_off(sample):
            collected.cut_off.append(f"sample {sample.get('id')}")
    except InputError as fault:
        raise InputError(fault.wanted, fault.given, Place(str(path), key=where)) from None
    except (AttributeError, TypeError, ValueError, KeyError) as fault:
        given = f"{type(fault).__name__}: {fault}"[:120]
        raise InputError("a sample of an Inspect log", given, Place(str(path), key=where)) from None


def _utc(date: str) -> str:
    """Return a date in the one time zone in which dates can be compared; what is no date stays as it is."""
    try:
        return datetime.fromisoformat(date).astimezone(UTC).isoformat()
    except ValueError:
        return date


def _part(values: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """Follow keys into nested mappings; an empty mapping where one is absent or something else."""
    for key in keys:
        inner = values.get(key)
        values = inner if isinstance(inner, dict) else {}
    return values


def _model(spec: Mapping[str, Any]) -> str | None:
    """Return the model's name with its local path, where it has one."""
    name, arguments = spec.get("model"), _part(spec, "model_args")
    paths = [str(arguments[key]) for key in ("model_path", "peft", "revision") if arguments.get(key)]
    return " ".join([str(name), *paths]) if name else None


def _complete(rows: pl.DataFrame) -> pl.DataFrame:
    """Give every sample a row for every measure: one that a scorer did not reach is `failed`, not absent."""
    metrics = rows.filter(pl.col("metric") != UNSCORED).select(metric_of=pl.col("metric").unique(maintain_order=True))
    samples = rows.unique(subset="row", keep="first", maintain_order=True)
    if rows.height == samples.height * metrics.height and not (rows["metric"] == UNSCORED).any():
        return rows
    samples = samples.with_columns(
        outcome=pl.when(pl.col("metric") == UNSCORED).then("outcome").otherwise(pl.lit(str(Outcome.FAILED))),
        score=pl.lit(None, pl.Float64),
    )
    grid = samples.join(metrics, how="cross").with_columns(metric="metric_of").drop("metric_of")
    missing = grid.join(rows, on=["row", "metric"], how="anti", maintain_order="left")
    scored = rows.filter(pl.col("metric") != UNSCORED)
    return pl.concat([scored, missing.select(rows.columns)]).sort("row", maintain_order=True)


def _without_text(rows: pl.DataFrame) -> tuple[pl.DataFrame, dict[Measure, str]]:
    """Set aside the measures that hold something else than a number, a letter or a word that Inspect gives a value."""
    text = rows.filter(pl.col("outcome").str.starts_with(NO_NUMBER))
    if text.is_empty():
        return rows, {}
    firsts = text.unique(subset="metric", keep="first", maintain_order=True)
    problems = {
        Measure(
            "", row["metric"]
        ): f"{row['label']} has {row['outcome'].removeprefix(NO_NUMBER)}, no number from 0 to 1 (nor C, P, I, N)"
        for row in firsts.iter_rows(named=True)
    }
    return rows.filter(~pl.col("metric").is_in(firsts["metric"].to_list())), problems


def _without_repeats(path: Path, rows: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Drop samples that stand in the log twice; refuse two that disagree."""
    return without_repeats(
        rows,
        ("position", "sample", "metric"),
        ("question", "outcome", "score"),
        lambda row: f"{row['label']} (epoch {int(str(row['sample'])) + 1})",
        lambda _: Place(str(path)),
    )


def _measures(rows: pl.DataFrame, header: Mapping[str, Any]) -> tuple[Measure, ...]:
    """Return the log's measures, the headline first."""
    names = rows["metric"].unique(maintain_order=True).to_list()
    headline = _part(header, "results", "headline").get("score")
    first = [name for name in names if headline and (name == headline or name.startswith(f"{headline}/"))]
    return tuple(Measure("", name) for name in dict.fromkeys([*first, *names]))


def _refused(rows: pl.DataFrame, measures: tuple[Measure, ...], text: Mapping[Measure, str]) -> dict[Measure, str]:
    problems = {
        measure: score_problem(rows.filter(pl.col("metric") == measure.metric), lambda row: f"sample {row + 1}")
        for measure in measures
        if measure not in text
    }
    return {measure: problem for measure, problem in problems.items() if problem}


def _status(header: Mapping[str, Any], status: str) -> list[str]:
    notes = [] if status == "success" else [f"the evaluation did not end well (status {status})"]
    return [*notes, "the log was invalidated after the run"] if header.get("invalidated") else notes


def _partial(header: Mapping[str, Any], status: str, collected: _Found) -> str:
    """Say why the log holds no whole evaluation."""
    if status != "success":
        return f"status {status}"
    limit, every = _part(header, "eval", "config").get("limit"), _part(header, "eval", "dataset").get("samples")
    if limit is not None and isinstance(every, int) and collected.n_samples < every * _epochs(header):
        return f"limited to {collected.n_samples // _epochs(header)} of {every} samples"
    return ""


def _epochs(header: Mapping[str, Any]) -> int:
    epochs = _part(header, "eval", "config").get("epochs")
    return epochs if isinstance(epochs, int) and epochs > 0 else 1


def _reducer(header: Mapping[str, Any]) -> str:
    """Return how the log's headline reduces epochs; empty for a single epoch."""
    if _epochs(header) == 1:
        return ""
    scores = _part(header, "results").get("scores") or []
    named = [score.get("reducer") for score in scores if isinstance(score, dict) and score.get("reducer")]
    given = _part(header, "eval", "config").get("epochs_reducer") or []
    return str([*named, *given, MEAN][0])


def _absent(header: Mapping[str, Any], collected: _Found) -> list[str]:
    """Compare the samples with the count in the log's own results: a damaged or edited log may have lost some."""
    total = _part(header, "results").get("total_samples") or 0
    lost = isinstance(total, int) and total > collected.n_samples
    return [f"Inspect counted {total} samples but the log holds {collected.n_samples}"] if lost else []


def _said(collected: _Found, rows: pl.DataFrame) -> list[str]:
    """Count what carries no score, and answers that were cut off but scored all the same."""
    notes = []
    for outcome, words in ((Outcome.FAILED, "failed samples"), (Outcome.TRUNCATED, "samples ended by a limit")):
        labels = rows.filter(pl.col("outcome") == str(outcome))["label"].unique(maintain_order=True).to_list()
        if labels:
            notes.append(f"no score, left out rather than counted as wrong: {counted(labels, words)}")
    if collected.cut_off:
        notes.append(f"cut off by the token limit and scored as it stands: {counted(collected.cut_off, 'answers')}")
    return notes


_LIMITS = ("message_limit", "token_limit", "time_limit", "working_limit", "turn_limit")


def _settings(header: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings that must be the same on both sides, as canonical text; absent ones are left out."""
    spec, plan, config = header["eval"], _part(header, "plan"), _part(header, "eval", "config")
    scorers: Sequence[Any] = spec.get("scorers") or []
    settings: Mapping[str, Any] = {
        "task version": spec.get("task_version"),
        "task arguments": spec.get("task_args"),
        "solver": [{"solver": step.get("solver"), **_part(step, "params")} for step in plan.get("steps") or []],
        "metrics": [{"name": scorer.get("name"), "options": scorer.get("options")} for scorer in scorers],
        "generation settings": _known(_part(spec, "model_generate_config")) | _known(_part(plan, "config")),
        "dataset": {key: spec.get("dataset", {}).get(key) for key in ("name", "samples")},
        "grader models": spec.get("model_roles"),
        "epochs": config.get("epochs"),
        "limit": config.get("limit"),
        "sample limits": _known({name: config.get(name) for name in _LIMITS}),
        "harness version": _part(spec, "packages").get("inspect_ai"),
    }
    return {name: canonical_setting(value) for name, value in settings.items() if value not in (None, {}, [])}


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
