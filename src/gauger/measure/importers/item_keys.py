"""Chooses what items are matched by: the document, what was asked, or the id; never too few in silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gauger.errors import InputError, UserError, nearest
from gauger.measure.importers.arm import ArmLogs
from gauger.measure.importers.log import Log
from gauger.measure.importers.repeated_questions import places_of_questions, question_names

KEYS: Mapping[str, str] = {
    "document": "the document",
    "question": "what was asked",
    "position": "id and target",
    "id": "id alone",
}
"""Column of `log.ROWS` -> how a message names it, the strongest identity first."""
NAMES: Mapping[str, str] = {"document": "document", "question": "question", "id-and-target": "position", "id": "id"}
"""What `--match` calls each."""
MIN_OVERLAP = 0.5
"""Share of the smaller side's items that must be on every side; below it, what is left may be left by accident."""


@dataclass(frozen=True)
class Coded:
    """One benchmark's rows with their items numbered alike in all arms."""

    benchmark: str
    key: str
    names: pl.Series
    """(I,): an item's identity, in the order in which the logs show them; its position here is its code."""
    rows: Mapping[str, Sequence[tuple[int, pl.DataFrame]]]
    """Arm -> (replicate, rows of the log with a column `code`)."""
    notes: tuple[str, ...] = ()


def code_items(arms: Sequence[ArmLogs], benchmark: str, asked: str | None = None) -> Coded:
    """Number the items of a benchmark by the best key that all logs share.

    In this order: the document's content; what was asked, whatever the order of the options; id and target, where
    documents are not known on some side (or, for logs without documents, where questions are worded otherwise); the id
    alone, where nothing else is known. Where documents are known and differ, ids are not trusted.

    Parameters
    ----------
    arms : sequence of ArmLogs
        Those that have the benchmark.
    benchmark : str
    asked : str, optional
        A key of `NAMES`, taken whatever the overlap.

    Raises
    ------
    InputError
        The best key's overlap is below `MIN_OVERLAP`; names it, and the key that would do.
    """
    known = _known(arms, benchmark)
    if asked is not None:
        key = _named(asked)
        if key not in known:
            raise InputError(f"logs of {benchmark} that all hold {KEYS[key]} (--match {asked})", "some that do not")
        return _coded(arms, benchmark, key, (f"{benchmark}: matched by {KEYS[key]}, as asked",))
    tried: dict[str, float] = {}
    for key in _trusted(known):
        coded = _coded(arms, benchmark, key)
        tried[key] = _overlap(coded)
        if tried[key] >= MIN_OVERLAP:
            notes = tuple(_said(arms, benchmark, key, tried))
            return Coded(benchmark, key, coded.names, coded.rows, notes)
    raise _too_few(arms, benchmark, known, tried)


def _named(asked: str) -> str:
    if asked not in NAMES:
        raise UserError("a key to match items by", repr(asked), hint=nearest(asked, NAMES))
    return NAMES[asked]


def _logs(arms: Sequence[ArmLogs], benchmark: str) -> list[Log]:
    return [log for arm in arms for _, log in arm.on(benchmark)]


def _known(arms: Sequence[ArmLogs], benchmark: str) -> list[str]:
    """Return the keys that every log holds for every item."""
    logs = _logs(arms, benchmark)
    return [key for key in KEYS if all(log.rows[key].null_count() == 0 for log in logs)]


def _trusted(known: Sequence[str]) -> list[str]:
    """Return the keys that may be tried: ids only where the documents are not known to differ."""
    if "document" in known:
        return [key for key in ("document", "question") if key in known]
    return [key for key in ("question", "position") if key in known] or ["id"]


def _coded(arms: Sequence[ArmLogs], benchmark: str, key: str, notes: tuple[str, ...] = ()) -> Coded:
    """Number items by one key, in the order in which they first stand in the logs."""
    logs = [(arm.name, replicate, log) for arm in arms for replicate, log in arm.on(benchmark)]
    parts = [_one_measure(log) for _, _, log in logs]
    frames = [rows for rows, _ in parts]
    columns = question_names(frames) if key == "question" else [rows[key] for rows in frames]
    names = pl.concat(columns).unique(maintain_order=True)
    items = pl.Enum(names)
    rows: dict[str, list[tuple[int, pl.DataFrame]]] = {arm.name: [] for arm in arms}
    for (arm, replicate, log), column, (_, times) in zip(logs, columns, parts, strict=True):
        codes = np.tile(column.cast(items).to_physical().to_numpy(), times)
        rows[arm].append((replicate, log.rows.with_columns(code=pl.Series(codes))))
    return Coded(benchmark, key, names, rows, notes)


def rows_by_name(log: Log, key: str) -> dict[str, int]:
    """Return where in its file each item of a log first stands, by the names under which it may have been matched."""
    if key == "question":
        return places_of_questions(log)
    rows, _ = _one_measure(log)
    places = rows.select(key, "row").unique(key, keep="first")
    return dict(places.iter_rows())


def _one_measure(log: Log) -> tuple[pl.DataFrame, int]:
    """Return the first rows of a log that name its items, where all others repeat their order; else all rows, once."""
    lines, times = log.rows["row"].to_numpy(), len(log.measures)
    if times > 1 and len(lines) and len(lines) % times == 0:
        blocks = lines.reshape(times, -1)
        if (blocks == blocks[0]).all():
            return log.rows.head(blocks.shape[1]), times
    return log.rows, 1


def items_of(coded: Coded) -> dict[str, NDArray[np.bool_]]:
    """Return arm -> (I,) whether any of its logs holds the item."""
    held = {}
    for arm, parts in coded.rows.items():
        present = np.zeros(len(coded.names), dtype=bool)
        for _, rows in parts:
            present[rows["code"].to_numpy()] = True
        held[arm] = present
    return held


def _overlap(coded: Coded) -> float:
    """Return which share of the smallest side's items is on every side; 0 for a key that tells none apart."""
    items = list(items_of(coded).values())
    if coded.key in ("document", "question") and _is_placeholder(coded):
        return 0.0
    return float(np.logical_and.reduce(items).sum() / max(1, min(held.sum() for held in items)))


def _is_placeholder(coded: Coded) -> bool:
    """Tell whether all items have the same value: what all share tells nothing apart."""
    if coded.key == "document":
        return len(coded.names) > 1 and coded.names.str.replace(r"#\d+$", "").n_unique() == 1
    frames = [rows for parts in coded.rows.values() for _, rows in parts]
    return len(coded.names) > 1 and pl.concat([rows[coded.key].unique() for rows in frames]).n_unique() == 1


def _said(arms: Sequence[ArmLogs], benchmark: str, key: str, tried: Mapping[str, float]) -> list[str]:
    """Say where a weaker key had to do than some log would allow."""
    passed = [other for other in tried if other != key]
    if passed:
        shares = ", ".join(f"{KEYS[other]} {tried[other]:.0%}" for other in passed)
        return [
            f"{benchmark}: items are matched by {KEYS[key]}, of which {tried[key]:.0%} are on every side ({shares})"
        ]
    if key == "position" and any(log.rows["document"].null_count() == 0 for log in _logs(arms, benchmark)):
        return [f"{benchmark}: some logs hold no document hash, so items are matched by id and target"]
    return []


def _too_few(arms: Sequence[ArmLogs], benchmark: str, known: Sequence[str], tried: Mapping[str, float]) -> InputError:
    """Say how many items the trusted keys share, and which other key would do."""
    best = max(tried, key=lambda key: tried[key])
    sizes = ", ".join(f"{arm.name} {max(log.n_items for _, log in arm.on(benchmark))} items" for arm in arms)
    given = f"{tried[best]:.0%} by {KEYS[best]} ({sizes})"
    if not tried[best]:
        given = f"none in common by {' or '.join(KEYS[key] for key in tried)} ({sizes})"
    option = {column: name for name, column in NAMES.items()}
    others = {key: _overlap(_coded(arms, benchmark, key)) for key in known if key not in tried}
    would_do = [key for key, share in others.items() if share >= MIN_OVERLAP]
    hint = "The logs are of different item sets, or their ids were only counted."
    if would_do:
        agreeing = ", ".join(f"{others[key]:.0%} agree in {KEYS[key]}: --match {option[key]}" for key in would_do)
        hint = (
            f"The dataset or the task was changed, or its options were shuffled anew. {agreeing}; use it only if the "
            "same id is the same question on every side."
        )
    return InputError(f"at least {MIN_OVERLAP:.0%} of the items of {benchmark} on every side", given, hint=hint)
