"""Keeps the same items on every side: whatever has no counterpart is counted and named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gauger.errors import InputError
from gauger.measure.importers.arm import ArmLogs
from gauger.measure.importers.differences import prompt_differences
from gauger.measure.importers.item_keys import Coded, code_items, items_of
from gauger.measure.importers.log import Measure, counted_of
from gauger.records import Outcome

Mask = NDArray[np.bool_]
"""(I,): whether something holds for an item."""


@dataclass(frozen=True)
class Matched:
    """One benchmark with the items that every arm answered."""

    benchmark: str
    records: pl.DataFrame
    """Contract columns arm, replicate, benchmark, role, item, cluster, sample, outcome, score; `item` is a number."""
    n_items: int
    notes: tuple[str, ...] = ()
    items: pl.DataFrame = field(default_factory=pl.DataFrame)
    """Columns item, key, label, group: what each number stands for, how the first arm's log names it, its sub-group."""
    key: str = "document"
    """What the items were matched by."""


@dataclass(frozen=True)
class MatchingRule:
    """What matching must know besides the logs."""

    roles: Mapping[str, str] = field(default_factory=dict)
    """Benchmark -> role."""
    unparsed_counts: bool = True
    """An answer that could not be extracted is an answer (a wrong one); False: it is none."""
    key: str | None = None
    """What items are matched by (`item_keys.NAMES`); None: the best that all logs share."""

    @property
    def counting(self) -> list[str]:
        """Outcomes of rows that are answers."""
        return [str(Outcome.SCORED), *([str(Outcome.UNPARSED)] if self.unparsed_counts else [])]


def match_items(arms: Sequence[ArmLogs], benchmark: str, measure: Measure, rule: MatchingRule) -> Matched:
    """Match the items of one benchmark under one measure; see `match_coded`."""
    return match_coded(code_items(arms, benchmark, rule.key), measure, rule)


def match_coded(coded: Coded, measure: Measure, rule: MatchingRule, *, named: bool = True) -> Matched:
    """Bring the rows of one measure together and keep the items that every arm answered.

    An item counts as answered by an arm when at least one of its replicates has an answer that counts.

    Parameters
    ----------
    coded : Coded
    measure : Measure
    rule : Rule
    named : bool
        Also say what the items' numbers stand for (`Matched.items`).

    Raises
    ------
    InputError
        No item is answered on every side, or ids that belong to other questions on the other side.
    """
    benchmark = coded.benchmark
    rows = {arm: [(r, _of_measure(frame, measure)) for r, frame in parts] for arm, parts in coded.rows.items()}
    answered = {
        arm: [_held(frame.filter(pl.col("outcome").is_in(rule.counting)), coded) for _, frame in parts]
        for arm, parts in rows.items()
    }
    by_arm = {arm: np.logical_or.reduce(parts) for arm, parts in answered.items()}
    common = np.logical_and.reduce(list(by_arm.values()))
    if not common.any():
        sizes = ", ".join(f"{arm} {mask.sum()}" for arm, mask in by_arm.items())
        hint = "No arm has scores for the others' items."
        raise InputError(f"items of {benchmark} that every arm answered", f"none in common ({sizes})", hint=hint)
    names = _Names.of(coded)
    notes = [*coded.notes, *_uncompared(coded, by_arm, common, names), *_partly_missing(coded, answered, common, names)]
    shown = {arm: _shown([frame for _, frame in parts], common) for arm, parts in rows.items()}
    if coded.key in ("position", "id") and rule.key is None:
        _refuse_moved_ids(shown, benchmark)
    notes += prompt_differences(shown, next(iter(shown)), benchmark)
    records = _records(rows, common, benchmark, rule.roles.get(benchmark))
    items = _items(coded, rows, common) if named else pl.DataFrame()
    return Matched(benchmark, records, int(common.sum()), tuple(notes), items, coded.key)


def _of_measure(rows: pl.DataFrame, measure: Measure) -> pl.DataFrame:
    return rows.filter((pl.col("filter") == measure.filter) & (pl.col("metric") == measure.metric))


def _held(rows: pl.DataFrame, coded: Coded) -> Mask:
    mask = np.zeros(len(coded.names), dtype=bool)
    mask[rows["code"].to_numpy()] = True
    return mask


def _having(rows: pl.DataFrame, items: Mask) -> pl.DataFrame:
    return rows if items.all() else rows.filter(pl.Series(items[rows["code"].to_numpy()]))


def item_numbers(codes: pl.Expr) -> pl.Expr:
    """Return the text by which records name an item: short, and in the order of the codes."""
    return codes.cast(pl.String).str.zfill(9)


def _records(
    rows: Mapping[str, Sequence[tuple[int, pl.DataFrame]]], common: Mask, benchmark: str, role: str | None
) -> pl.DataFrame:
    """Return the contract's columns; an item's cluster is the one of the first log that gives it any."""
    parts = [
        _having(frame, common).select(
            pl.lit(arm).alias("arm"),
            pl.lit(replicate, pl.Int64).alias("replicate"),
            pl.lit(benchmark).alias("benchmark"),
            pl.lit(role, pl.String).alias("role"),
            item_numbers(pl.col("code")).alias("item"),
            "cluster", "sample", "outcome", "score", "code",
        )
        for arm, frames in rows.items()
        for replicate, frame in frames
    ]  # fmt: skip
    records = pl.concat(parts)
    if records["cluster"].null_count() < records.height:
        records = records.with_columns(cluster=pl.col("cluster").drop_nulls().first().over("code"))
    return records.drop("code")


def _items(coded: Coded, rows: Mapping[str, Sequence[tuple[int, pl.DataFrame]]], common: Mask) -> pl.DataFrame:
    """Return what each item's number stands for, named as the first arm names it."""
    first = _having(next(iter(rows.values()))[0][1], common)
    every = [first, *(_having(frame, common) for frames in rows.values() for _, frame in frames)]
    codes = np.flatnonzero(common).astype(np.uint32)
    table = pl.DataFrame({"code": codes, "key": coded.names.gather(codes)})
    named = first.unique(subset="code", keep="first", maintain_order=True).select("code", "label", "group")
    if len(named) < len(codes):
        named = pl.concat([frame.select("code", "label", "group") for frame in every]).unique(
            subset="code", keep="first"
        )
    table = table.join(named, on="code", how="left", maintain_order="left")
    return table.select(item_numbers(pl.col("code")).alias("item"), "key", "label", "group")


@dataclass(frozen=True)
class _Names:
    """Which row first shows each item: so that labels are looked up only for the few that a message names."""

    frames: Sequence[pl.DataFrame]

    @classmethod
    def of(cls, coded: Coded) -> _Names:
        return cls([frame for parts in coded.rows.values() for _, frame in parts])

    def label(self, code: int) -> str:
        """Return how the first log that holds an item names it."""
        for frame in self.frames:
            rows = frame.filter(pl.col("code") == code)
            if not rows.is_empty():
                return str(rows["label"][0])
        raise KeyError(code)

    def counted(self, items: Mask) -> str:
        """Say how many items, and name the first few."""
        codes = np.flatnonzero(items)
        return counted_of(len(codes), [self.label(int(code)) for code in codes[:3]], "items")


def _uncompared(coded: Coded, answered: Mapping[str, Mask], common: Mask, names: _Names) -> list[str]:
    """Count and name the items that some arm did not answer, by the arms that lack them."""
    if common.all():
        return []
    sentences = []
    for arm, present in items_of(coded).items():
        without = ~common & ~answered[arm]
        for mask, words in ((without & ~present, "not in the logs of"), (without & present, "without a score in")):
            if mask.any():
                sentences.append(f"{coded.benchmark}: {names.counted(mask)} {words} {arm}, left out on every side")
    return [*sentences, f"{coded.benchmark}: {common.sum()} of {len(common)} items are compared"]


def _partly_missing(coded: Coded, answered: Mapping[str, Sequence[Mask]], common: Mask, names: _Names) -> list[str]:
    """Count the compared items that some replicate of an arm did not answer."""
    sentences = []
    for arm, masks in answered.items():
        missing = common & ~np.logical_and.reduce(masks)
        if missing.any():
            sentences.append(
                f"{coded.benchmark}: without an answer of some replicate of {arm}: {names.counted(missing)}"
            )
    return sentences


def _shown(frames: Sequence[pl.DataFrame], common: Mask) -> pl.DataFrame:
    """Return code, label, question and prompt of each compared item, as the arm's first log shows it."""
    parts = [_having(frame, common).select("code", "label", "question", "prompt") for frame in frames]
    if len(parts[0]) == common.sum() and len(parts) == 1:
        return parts[0]
    first = parts[0].unique(subset="code", keep="first", maintain_order=True)
    if len(first) == common.sum():
        return first
    return pl.concat(parts).unique(subset="code", keep="first", maintain_order=True)


def _refuse_moved_ids(shown: Mapping[str, pl.DataFrame], benchmark: str) -> None:
    """Raise where a question stands under one id in one log and under another id in another: ids that only count."""
    first, *others = (frame.filter(pl.col("question").is_not_null()) for frame in shown.values())
    for other in others:
        moved = first.join(other, on="question", suffix="_other").filter(pl.col("code") != pl.col("code_other"))
        at_home = first.join(other, on=["code", "question"], how="semi")
        moved = moved.join(at_home, on="code", how="anti").sort("code")
        if not moved.is_empty():
            row = moved.row(0, named=True)
            raise InputError(
                f"one id for each question of {benchmark} in all logs",
                f"one question as {row['label']} here and {row['label_other']} there",
                hint="Give the dataset's samples ids of their own instead of counting them, and evaluate again.",
            )
