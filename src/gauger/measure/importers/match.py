"""The same items on every side: matched by what the document is, and whatever has no counterpart counted and named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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


@dataclass(frozen=True)
class Rule:
    """What matching must know besides the logs."""

    roles: Mapping[str, str] = field(default_factory=dict)
    """Benchmark -> role."""
    unparsed_counts: bool = True
    """An answer that could not be extracted is an answer (a wrong one); False: it is none."""

    def answers(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows that are answers."""
        counting = [str(Outcome.SCORED), str(Outcome.UNPARSED)] if self.unparsed_counts else [str(Outcome.SCORED)]
        return rows.filter(pl.col("outcome").is_in(counting))

    def answered(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the items that have an answer."""
        return self.answers(rows).select("item").unique(maintain_order=True)


def match_items(arms: Sequence[ArmLogs], benchmark: str, measure: Measure, rule: Rule) -> Matched:
    """Bring the rows of one benchmark and measure together and keep the items that every arm answered.

    An item counts as answered by an arm when at least one of its replicates has an answer that counts. Items are the
    same when the hash of their document is (a repeated document: and its place among the repeats); where a log has no
    such hash, when id and target are.

    Raises
    ------
    InputError
        No item is on every side, or ids that belong to other questions on the other side.
    """
    by_document = all(log.rows["document"].null_count() == 0 for arm in arms for _, log in arm.on(benchmark))
    item = "document" if by_document else "position"
    rows = {arm.name: _rows(arm, benchmark, measure, item) for arm in arms}
    answered = {name: rule.answered(frame) for name, frame in rows.items()}
    common = _common(answered)
    if common.is_empty():
        raise _nothing_common(arms, benchmark, measure, rule, by_document)
    notes = [] if by_document else _say_weak_identity(arms, benchmark)
    notes += _uncompared(rows, answered, common, benchmark)
    notes += _partly_missing({name: rule.answers(frame) for name, frame in rows.items()}, common, benchmark)
    shown = {name: _first_per_item(_having(frame, common)) for name, frame in rows.items()}
    if not by_document:
        _refuse_moved_ids(shown, benchmark)
    notes += prompt_differences(shown, arms[0].name, benchmark)
    kept = pl.concat([_having(frame, common).with_columns(arm=pl.lit(name)) for name, frame in rows.items()])
    return Matched(benchmark, _records(kept, benchmark, rule.roles.get(benchmark)), common.height, tuple(notes))


def _records(kept: pl.DataFrame, benchmark: str, role: str | None) -> pl.DataFrame:
    """Return the contract's columns; an item's cluster is the one that the first arm's log gives it."""
    return kept.select(
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


def _having(rows: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    return rows.join(items, on="item", how="semi", maintain_order="left")


def _lacking(rows: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    return rows.join(items, on="item", how="anti", maintain_order="left")


def _common(answered: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    first, *others = answered.values()
    for other in others:
        first = _having(first, other)
    return first


def _first_per_item(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.unique(subset="item", keep="first", maintain_order=True).select("item", "label", "prompt")


def _uncompared(
    rows: Mapping[str, pl.DataFrame], answered: Mapping[str, pl.DataFrame], common: pl.DataFrame, benchmark: str
) -> list[str]:
    """Count and name the items that some arm did not answer, by the arms that lack them."""
    everything = _first_per_item(pl.concat([_first_per_item(frame) for frame in rows.values()]))
    left_out = _lacking(everything, common)
    said = []
    for name, frame in rows.items():
        without = _lacking(left_out, answered[name])
        for labels, words in (
            (_lacking(without, frame)["label"].to_list(), "not in the logs of"),
            (_having(without, frame)["label"].to_list(), "without a score in"),
        ):
            if labels:
                said.append(f"{benchmark}: {counted(labels, 'items')} {words} {name}, left out on every side")
    return [*said, f"{benchmark}: {common.height} of {everything.height} items are compared"] if said else []


def _partly_missing(answers: Mapping[str, pl.DataFrame], common: pl.DataFrame, benchmark: str) -> list[str]:
    """Count the compared items that some replicate of an arm did not answer."""
    said = []
    for name, frame in answers.items():
        per_item = _having(frame, common).group_by("item", maintain_order=True)
        items = per_item.agg(pl.col("label").first(), n=pl.col("replicate").n_unique())
        labels = items.filter(pl.col("n") < frame["replicate"].n_unique())["label"].to_list()
        if labels:
            said.append(f"{benchmark}: without an answer of some replicate of {name}: {counted(labels, 'items')}")
    return said


def _refuse_moved_ids(shown: Mapping[str, pl.DataFrame], benchmark: str) -> None:
    """Raise where a question stands under one id in one log and under another id in another: ids that only count."""
    first, *others = (frame.filter(pl.col("prompt").is_not_null()) for frame in shown.values())
    for other in others:
        moved = first.join(other, on="prompt", suffix="_other").filter(pl.col("item") != pl.col("item_other"))
        at_home = first.join(other, on=["item", "prompt"], how="semi")
        moved = moved.join(at_home, on="item", how="anti").sort("item")
        if not moved.is_empty():
            row = moved.row(0, named=True)
            raise InputError(
                f"one id for each question of {benchmark} in all logs",
                f"one question as {row['label']} here and {row['label_other']} there",
                hint="Give the dataset's samples ids of their own instead of counting them, and evaluate again.",
            )


def _say_weak_identity(arms: Sequence[ArmLogs], benchmark: str) -> list[str]:
    """Warn where one side has document hashes and another has not; ids alone are normal for the other formats."""
    if not any(log.rows["document"].null_count() == 0 for arm in arms for _, log in arm.on(benchmark)):
        return []
    return [f"{benchmark}: some logs hold no document hash, so items are matched by id and target"]


def _nothing_common(
    arms: Sequence[ArmLogs], benchmark: str, measure: Measure, rule: Rule, by_document: bool
) -> InputError:
    by_id = {arm.name: _rows(arm, benchmark, measure, "position") for arm in arms}
    sizes = ", ".join(f"{name} {rows['item'].n_unique()} items" for name, rows in by_id.items())
    by_position = _common({name: rule.answered(rows) for name, rows in by_id.items()})
    hint = "The logs are of different item sets, or no arm has scores for them."
    if by_document and not by_position.is_empty():
        hint = (
            f"{by_position.height} items agree in id and target but not in their document: another revision of the "
            "dataset or the task. Evaluate both sides with the same one."
        )
    return InputError(f"items of {benchmark} that every arm answered", f"none in common ({sizes})", hint=hint)
