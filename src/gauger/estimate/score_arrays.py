"""Turns the records table into dense arrays: arm x replicate x item for each benchmark, samples averaged.

Sizes: one array of A * R * I float64 per benchmark; 1.6 million rows are 13 MB. The order of rows never matters: items
are sorted by name, and several samples are summed in the order of their numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gauger.errors import InputError, nearest
from gauger.estimate.design import Design
from gauger.records import Role
from gauger.stats import Panel

IntArray = NDArray[np.int64]
CodeArray = NDArray[np.int32]
"""One small integer per row; half the memory of the default."""


@dataclass(frozen=True)
class Cube:
    """Scores of a study as dense arrays, with the names of their axes."""

    panel: Panel
    """Scores (A, R, I) per benchmark; clusters; which replicates are paired."""
    arms: tuple[str, ...]
    """Axis A, in the order of the design."""
    benchmarks: tuple[str, ...]
    """In the order of the design's roles, then by name."""
    roles: tuple[str | None, ...]
    """Role of each benchmark."""
    items: tuple[tuple[str, ...], ...]
    """Axis I of each benchmark, sorted by name."""
    present: NDArray[np.bool_]
    """(A, B): does the arm have a scored row on the benchmark?"""

    @cached_property
    def means(self) -> NDArray[np.float64]:
        """(A, B) cell means: over replicates, then over items; NaN where nothing was scored."""
        if not self.panel.scores:
            return np.empty((len(self.arms), 0))
        return np.stack([_mean(_mean(scores, 1), 1) for scores in self.panel.scores], axis=1)

    @cached_property
    def runs(self) -> IntArray:
        """(A, B): replicates with a scored row."""
        return np.stack([np.isfinite(scores).any(axis=2).sum(axis=1) for scores in self.panel.scores], axis=1)

    def with_role(self, role: str) -> list[int]:
        """Return the positions of the benchmarks with a role."""
        return [b for b, own_role in enumerate(self.roles) if own_role == role]


def build_cube(table: pl.DataFrame, design: Design) -> Cube:
    """Turn a checked table (`table.complete_table`) into dense arrays.

    Parameters
    ----------
    table : pl.DataFrame
        One row per arm, replicate, benchmark, item and sample. Rows that do not count (`counted` false) are missing,
        not 0.
    design : Design
        Gives the order of arms, roles of benchmarks, pairing of replicates and kinship of cells.

    Returns
    -------
    Cube
        Scores (arms, replicates, items) per benchmark, in [0, 1], samples averaged, NaN where nothing was scored. Arms
        and benchmarks of the design without any row are there, marked as not present.

    Raises
    ------
    InputError
        Two rows with the same arm, replicate, benchmark, item and sample, or one item in two clusters; a role that is
        unknown, or two roles of one benchmark.

    Notes
    -----
    Recomputed literally in tests/estimate/test_cube.py.
    """
    benchmarks, roles = _benchmarks(table, design)
    arms = tuple(arm.name for arm in design.arms)
    counted = table if table["counted"].all() else table.filter("counted")
    codes = _Codes.of(counted, arms, benchmarks)
    scores = _fill(codes, counted["score"].to_numpy())
    replicate_seen = np.zeros((len(arms), codes.n_replicates), dtype=bool)
    replicate_seen[codes.arm, codes.replicate] = True
    present = np.zeros((len(arms), len(benchmarks)), dtype=bool)
    present[codes.arm, codes.benchmark] = True
    panel = Panel(
        scores=scores,
        units=_units(codes, counted["cluster"]),
        replicates=replicate_ids(replicate_seen, design.paired),
        kinship=None if design.ingredients is None else design.ingredients.kinship(arms),
        trained_once=design.trained & (replicate_seen.sum(axis=1) == 1),
    )
    return Cube(panel, arms, benchmarks, roles, codes.item_names, present)


def _benchmarks(table: pl.DataFrame, design: Design) -> tuple[tuple[str, ...], tuple[str | None, ...]]:
    """List the benchmarks of design and records with their roles; the design's role wins over the records'."""
    roles: dict[str, str | None] = dict(design.roles)
    for benchmark in table["benchmark"].unique().sort():
        if benchmark not in design.roles:
            roles[benchmark] = _recorded_role(table, benchmark)
    return tuple(roles), tuple(roles.values())


def _mean(scores: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Average what is known along an axis; NaN where nothing is."""
    known = np.isfinite(scores)
    count = known.sum(axis=axis)
    total = np.where(known, scores, 0.0).sum(axis=axis)
    mean: NDArray[np.float64] = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean


def _recorded_role(table: pl.DataFrame, benchmark: str) -> str | None:
    """Return the one role that the records give a benchmark; None where they give none."""
    roles = table.filter(pl.col("benchmark") == benchmark)["role"].drop_nulls().unique().sort().to_list()
    for role in roles:
        if role not in list(Role):
            raise InputError(f"a role of benchmark {benchmark!r}", repr(role), hint=nearest(role, map(str, Role)))
    if len(roles) > 1:
        raise InputError(f"one role of benchmark {benchmark!r}", " and ".join(map(repr, roles)))
    return roles[0] if roles else None


@dataclass(frozen=True)
class _Codes:
    """Rows as integers: where each scored row goes on every axis."""

    arm: CodeArray
    benchmark: CodeArray
    replicate: CodeArray
    sample: CodeArray
    item: CodeArray
    """Numbered over all benchmarks; those of one benchmark are neighbours."""
    starts: IntArray
    """(B + 1,): first item of each benchmark."""
    item_names: tuple[tuple[str, ...], ...]
    n_arms: int
    n_replicates: int
    n_samples: int

    @classmethod
    def of(cls, counted: pl.DataFrame, arms: tuple[str, ...], benchmarks: tuple[str, ...]) -> _Codes:
        benchmark = _code(counted["benchmark"], benchmarks)
        names = counted["item"].unique().sort()
        key = benchmark.astype(np.int64) * len(names) + _code(counted["item"], names)
        seen = np.flatnonzero(np.bincount(key, minlength=len(benchmarks) * len(names)))
        position = np.zeros(len(benchmarks) * len(names), dtype=np.int32)
        position[seen] = np.arange(len(seen))
        starts = np.searchsorted(seen, np.arange(len(benchmarks) + 1) * len(names)).astype(np.int64)
        seen_names = names.gather(seen % max(len(names), 1)).to_list()
        replicate, n_replicates = _rank(counted["replicate"])
        sample, n_samples = _rank(counted["sample"])
        return cls(
            arm=_code(counted["arm"], arms),
            benchmark=benchmark,
            replicate=replicate,
            sample=sample,
            item=position[key],
            starts=starts,
            item_names=tuple(tuple(seen_names[a:b]) for a, b in pairwise(starts)),
            n_arms=len(arms),
            n_replicates=max(n_replicates, 1),
            n_samples=n_samples,
        )


def _code(column: pl.Series, names: tuple[str, ...] | pl.Series) -> CodeArray:
    """Return the position of each string among the names."""
    return column.cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int32)


def _rank(column: pl.Series) -> tuple[CodeArray, int]:
    """Return the rank of each number among the distinct ones, and how many there are."""
    numbers = column.unique().sort().to_numpy()
    if len(numbers) <= 1:
        return np.zeros(len(column), dtype=np.int32), len(numbers)
    return np.searchsorted(numbers, column.to_numpy()).astype(np.int32), len(numbers)


def _fill(codes: _Codes, score: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Average the samples of each cell into one dense array (A, R, I) per benchmark; NaN where nothing was scored."""
    n_items = np.diff(codes.starts)
    cells_per_item = codes.n_arms * codes.n_replicates
    cell = _cell_numbers(codes, n_items)
    # Samples are summed in the order of their numbers: floating sums depend on their order, results must not on rows'.
    if codes.n_samples > 1:
        order = np.argsort(cell * codes.n_samples + codes.sample, kind="stable")
        cell, score = cell[order], score[order]
        sample = codes.sample[order]
        repeated = (np.diff(cell) == 0) & (np.diff(sample) == 0)
        if repeated.any():
            _refuse_duplicate(codes, int(order[np.flatnonzero(repeated)[0]]))
    n_cells = int(codes.starts[-1]) * cells_per_item
    count = np.bincount(cell, minlength=n_cells)
    if codes.n_samples <= 1 and count.max(initial=0) > 1:
        _refuse_duplicate(codes, int(np.flatnonzero(count[cell] > 1)[0]))
    total = np.bincount(cell, weights=score, minlength=n_cells)
    mean = np.full(n_cells, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    blocks = np.split(mean, codes.starts[1:-1] * cells_per_item) if len(n_items) else []
    return tuple(
        block.reshape(codes.n_arms, codes.n_replicates, int(n)) for block, n in zip(blocks, n_items, strict=True)
    )


def _cell_numbers(codes: _Codes, n_items: IntArray) -> IntArray:
    """Number the cell of each row: benchmarks one after the other, (A, R, I) within."""
    start, width = codes.starts[:-1], n_items
    cell = (codes.arm * codes.n_replicates + codes.replicate).astype(np.int64)
    cell *= width[codes.benchmark]
    cell += codes.item
    cell += (start * (codes.n_arms * codes.n_replicates - 1))[codes.benchmark]
    return cell


def _item_of(codes: _Codes, row: int) -> str:
    """Return the name of the item that a row of the table is about."""
    b = int(codes.benchmark[row])
    return codes.item_names[b][int(codes.item[row] - codes.starts[b])]


def _refuse_duplicate(codes: _Codes, row: int) -> None:
    """Say which answer stands twice in the table."""
    item = _item_of(codes, row)
    raise InputError(
        "one row per arm, replicate, benchmark, item and sample",
        f"several for item {item!r}, replicate {int(codes.replicate[row])}, sample {int(codes.sample[row])}",
        hint="Number repeated answers in the column 'sample', and repeated training runs in 'replicate'.",
    )


def _units(codes: _Codes, cluster: pl.Series) -> tuple[IntArray, ...]:
    """Return the global cluster id of every item; an item without a cluster is one of its own."""
    n_items = int(codes.starts[-1])
    unit = np.arange(n_items, dtype=np.int64)
    if cluster.null_count() < len(cluster):
        names = cluster.drop_nulls().unique().sort()
        physical = cluster.cast(pl.Enum(names)).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
        of_item = np.full(n_items, -1, dtype=np.int64)
        of_item[codes.item] = physical
        if (of_item[codes.item] != physical).any():
            row = int(np.flatnonzero(of_item[codes.item] != physical)[0])
            raise InputError("one cluster per item", f"several for item {_item_of(codes, row)!r}")
        # Named clusters are numbered behind all items, so that none takes the id of an item that is alone in its own.
        # Names are matched over all benchmarks: one content asked in two forms is one cluster.
        unit = np.where(of_item >= 0, n_items + of_item, unit)
    return tuple(np.split(unit, codes.starts[1:-1])) if len(codes.starts) > 1 else ()


def replicate_ids(seen: NDArray[np.bool_], paired: bool) -> IntArray:
    """Number the training replicates so that equal ids are paired.

    Parameters
    ----------
    seen : bool array, (A, R)
        Has the arm's replicate a scored row?
    paired : bool
        Replicates of one number share initialisation and data order across arms.

    Returns
    -------
    int array, (A, R)
        Paired replicates share their number. Unpaired ones, and an arm with a single row, have ids that no other arm
        has: one model is paired with nothing. -1 (`stats.ABSENT`) where nothing was seen.
    """
    A, R = seen.shape
    number = np.arange(R)[None, :]
    own = R * (1 + np.arange(A))[:, None] + number
    fixed = seen.sum(axis=1, keepdims=True) <= 1
    ids = np.where(fixed | (not paired), own, number)
    return np.where(seen, ids, -1).astype(np.int64)
