"""Makes records of the logs that an evaluator wrote, read as `compare` reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from gauger.errors import GaugerError
from gauger.measure.answers import SCHEMA
from gauger.measure.importers.arm import gather_arm
from gauger.measure.importers.log import Log, Measure


@dataclass(frozen=True)
class WantedScore:
    """The score that counts; None where the task's own order decides."""

    metric: str | None = None
    filter: str | None = None


def records_of_logs(folder: Path, benchmark: str, wanted: WantedScore) -> pl.DataFrame:
    """Return one row per item and sample.

    Items of several tasks (a group of lm-eval) become those of one benchmark, each task a cluster.

    Parameters
    ----------
    folder : Path
        What the evaluator wrote: the logs of one model.
    benchmark : str
        What the study calls it.
    wanted : WantedScore
        The score that counts.

    Raises
    ------
    InputError
        Where nothing there is a log that can be read.
    GaugerError
        Where no score is from 0 to 1 with 1 as best, or not the one that is wanted.
    """
    logs = gather_arm(benchmark, "distilled", [str(folder)]).logs
    measure = _measure(logs, benchmark, wanted)
    rows = [_rows(log, measure, several=len(logs) > 1) for log in logs]
    return pl.concat(rows).with_columns(benchmark=pl.lit(benchmark)).select(*SCHEMA).sort("item", "sample")


def _rows(log: Log, measure: Measure, *, several: bool) -> pl.DataFrame:
    task = log.task or log.benchmark
    item = pl.coalesce("document", "position")
    # a document that stands in a task twice is told apart by its place; within one task every item counts once
    unique = log.scores(measure).with_columns(item=item)
    named = pl.when(pl.struct("item", "sample").is_duplicated()).then(pl.col("position")).otherwise(pl.col("item"))
    prefix = f"{task}:" if several else ""
    return unique.select(
        item=pl.lit(prefix) + named,
        cluster=pl.lit(task) if several else pl.coalesce("cluster", named),
        sample="sample",
        outcome="outcome",
        score="score",
        tokens_in=pl.lit(None, pl.Int64),
        tokens_out=pl.lit(None, pl.Int64),
        said=pl.lit(None, pl.String),
    )


def _measure(logs: Sequence[Log], benchmark: str, wanted: WantedScore) -> Measure:
    """Return the first measure that every log has, that counts what is right, and that is wanted.

    Never the second because of what a model scored on the first: another model would be judged by another measure.
    """
    everywhere = [measure for measure in logs[0].measures if all(measure in log.measures for log in logs)]
    refused = {measure: why for log in logs for measure, why in log.refused.items()}
    errors = frozenset().union(*(log.errors for log in logs))
    counting = [measure for measure in everywhere if measure.metric not in errors]
    usable = [measure for measure in counting if measure not in refused]
    fits = [
        measure
        for measure in counting
        if wanted.metric in (None, measure.metric) and wanted.filter in (None, measure.filter or "none")
    ]
    known = "; ".join(map(str, usable)) or "none"
    if not any(measure in usable for measure in fits):
        why = "; ".join(f"{measure}: {reason}" for measure, reason in refused.items())
        asked = " ".join(word for word in (wanted.metric, wanted.filter) if word) or "a score from 0 to 1"
        raise GaugerError(f"{benchmark}: {asked} is not among its scores ({known}){f'; {why}' if why else ''}")
    if fits[0] in refused:
        choose = f"evaluators.{benchmark}.metric (and filter) must say which of its scores counts: {known}"
        raise GaugerError(
            f"{benchmark}: its first score is no score from 0 to 1: {fits[0]}: {refused[fits[0]]}; {choose}"
        )
    return fits[0]
