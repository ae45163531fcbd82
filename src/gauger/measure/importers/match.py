"""The same items on every side: matched by what the document is, and whatever has no counterpart counted and named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from gauger.errors import InputError
from gauger.measure.importers.arm import ArmLogs
from gauger.measure.importers.differences import prompt_differences
from gauger.measure.importers.log import Measure, counted
from gauger.records import Outcome


@dataclass(frozen=True)
class Matched:
    """One benchmark with the items that every arm answered."""

    benchmark: str
    records: pl.DataFrame
    """Contract columns arm, replicate, benchmark, role, item, cluster, sample, outcome, score."""
    n_items: int
    notes: tuple[str, ...] = ()


def match_items(arms: Sequence[ArmLogs], benchmark: str, measure: Measure, role: str | None) -> Matched:
    """Bring the rows of one benchmark and measure together and keep the items that every arm answered.

    An item counts as answered by an arm when at least one of its replicates has an answer that counts (scored or
    unparsed). Items are the same when the hash of their document is (a repeated document: and its place among the
    repeats); where a log has no such hash, when id and target are.

    Raises
    ------
    InputError
        No item is on every side.
    """
    by_document = all(log.rows["document"].null_count() == 0 for arm in arms for _, log in arm.on(benchmark))
    item = "document" if by_document else "position"
    rows = {arm.name: _rows(arm, benchmark, measure, item) for arm in arms}
    answered = {name: _answered(frame) for name, frame in rows.items()}
    common = _common(answered)
    if common.is_empty():
        raise _nothing_common(arms, benchmark, measure, by_document)
    notes = [] if by_document else _say_weak_identity(arms, benchmark)
    notes += _uncompared(rows, answered, common, benchmark)
    notes += _partly_missing(rows, common, benchmark)
    shown = {name: _first_per_item(frame.join(common, on="item")) for name, frame in rows.items()}
    notes += prompt_differences(shown, arms[0].name, benchmark)
    kept = pl.concat([frame.with_columns(arm=pl.lit(name)) for name, frame in rows.items()]).join(common, on="item")
    records = kept.select(
        "arm",
        "replicate",
        benchmark=pl.lit(benchmark),
        role=pl.lit(role, pl.String),
        item="item",
        cluster=pl.col("cluster").first().over("item"),
        sample="sample",
        outcome="outcome",
        score="score",
    )
    return Matched(benchmark, records, common.height, tuple(notes))


def _rows(arm: ArmLogs, benchmark: str, measure: Measure, item: str) -> pl.DataFrame:
    parts = [
        log.scores(measure).select(
            pl.col(item).alias("item"),
            "label", "cluster", "prompt", "sample", "outcome", "score",
            replicate=pl.lit(replicate, pl.Int64),
        )
        for replicate, log in arm.on(benchmark)
    ]  # fmt: skip
    return pl.concat(parts)


def _answered(rows: pl.DataFrame) -> pl.DataFrame:
    counts = pl.col("outcome").is_in([str(Outcome.SCORED), str(Outcome.UNPARSED)])
    return rows.filter(counts).select("item").unique()


def _common(answered: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    first, *others = answered.values()
    for other in others:
        first = first.join(other, on="item", how="semi")
    return first


def _first_per_item(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.unique(subset="item", keep="first", maintain_order=True).select("item", "label", "prompt")


def _uncompared(
    rows: Mapping[str, pl.DataFrame], answered: Mapping[str, pl.DataFrame], common: pl.DataFrame, benchmark: str
) -> list[str]:
    """Count and name the items that some arm did not answer, by the arms that lack them."""
    everything = pl.concat([_first_per_item(frame) for frame in rows.values()]).unique(
        subset="item", maintain_order=True
    )
    left_out = everything.join(common, on="item", how="anti")
    lacking = [
        (name, left_out.join(answered[name], on="item", how="anti"), frame.select("item").unique())
        for name, frame in rows.items()
    ]
    said = []
    for name, without, logged in lacking:
        absent = without.join(logged, on="item", how="anti")["label"].to_list()
        unscored = without.join(logged, on="item", how="semi")["label"].to_list()
        for labels, words in ((absent, "not in the logs of"), (unscored, "without a score in")):
            if labels:
                said.append(f"{benchmark}: {counted(labels, 'items')} {words} {name}, left out on every side")
    return [*said, f"{benchmark}: {common.height} of {everything.height} items are compared"] if said else []


def _partly_missing(rows: Mapping[str, pl.DataFrame], common: pl.DataFrame, benchmark: str) -> list[str]:
    """Count the compared items that some replicate of an arm did not answer."""
    said = []
    for name, frame in rows.items():
        counts = frame["outcome"].is_in([str(Outcome.SCORED), str(Outcome.UNPARSED)])
        per_item = frame.filter(counts).join(common, on="item").group_by("item", maintain_order=True)
        items = per_item.agg(pl.col("label").first(), n=pl.col("replicate").n_unique())
        labels = items.filter(pl.col("n") < frame["replicate"].n_unique())["label"].to_list()
        if labels:
            said.append(f"{benchmark}: {counted(labels, 'items')} lack an answer of some replicate of {name}")
    return said


def _say_weak_identity(arms: Sequence[ArmLogs], benchmark: str) -> list[str]:
    """Warn where one side has document hashes and another has not; ids alone are normal for the other formats."""
    if not any(log.rows["document"].null_count() == 0 for arm in arms for _, log in arm.on(benchmark)):
        return []
    return [f"{benchmark}: some logs hold no document hash, so items are matched by id and target"]


def _nothing_common(arms: Sequence[ArmLogs], benchmark: str, measure: Measure, by_document: bool) -> InputError:
    sizes = ", ".join(
        f"{arm.name} {_rows(arm, benchmark, measure, 'position')['item'].n_unique()} items" for arm in arms
    )
    hint = "The logs are of different item sets, or no arm has scores for them."
    by_position = _common({arm.name: _answered(_rows(arm, benchmark, measure, "position")) for arm in arms})
    if by_document and not by_position.is_empty():
        hint = (
            f"{by_position.height} items agree in id and target but not in their document: another revision of the "
            "dataset or the task. Evaluate both sides with the same one."
        )
    return InputError(f"items of {benchmark} that every arm answered", f"none in common ({sizes})", hint=hint)
