"""Estimates uplift on hard items, as estimates of a study.

Two estimands beside the registry's, because their items differ between replicates (`difficulty`):

- `hardest_quartile_uplift`: uplift on the hardest quarter of a target's items;
- `hard_minus_easy_uplift`: that, minus uplift on the easiest quarter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from gauger.estimate.cell_means import Cells, MissingCell, Target
from gauger.estimate.difficulty import (
    HARDEST,
    QUARTILES,
    ByDifficulty,
    difficulty_from_others,
    ranks,
    uplift_by_difficulty,
)
from gauger.estimate.results import tidy
from gauger.records import ArmInfo, ArmKind, Estimate, Reason
from gauger.stats import ABSENT, Panel
from gauger.stats.crossed import FloatArray

ESTIMANDS = {"hardest_quartile_uplift": HARDEST, "hard_minus_easy_uplift": QUARTILES}
"""Estimand -> its position among the contrasts of `ByDifficulty`."""
UNTAUGHT = (ArmKind.BASE, ArmKind.FORMAT, ArmKind.MATCHED)
"""Arms whose answers difficulty is estimated from."""
LEAST_ITEMS = 32
KNOWN = "Difficulty was known in advance{of}."
ESTIMATED = "Difficulty was estimated by a Rasch model from control arms' answers of other replicates{instead}."


def difficulty_estimates(cells: Cells, difficulty: pl.DataFrame | None = None) -> tuple[Estimate, ...]:
    """Estimate every distilled arm's uplift on hard items, for each benchmark and each role average.

    Parameters
    ----------
    cells : Cells
    difficulty : pl.DataFrame, optional
        Columns benchmark, item, difficulty (numbers); None, or words: difficulty is estimated.

    Returns
    -------
    tuple of Estimate
        Undefined with a reason where fewer than 32 items have a difficulty, or nothing is there to estimate it from.
    """
    targets = [cells.benchmark(b) for b in range(len(cells.cube.benchmarks))] + cells.averages()
    pairs = [
        (arm, control)
        for arm in cells.design.of_kind(ArmKind.DISTILLED)
        if (control := cells.design.matched_of(arm)) is not None and {arm.name, control} <= set(cells.cube.arms)
    ]
    by_target = [_at_target(cells, target, difficulty, pairs) for target in targets if target.positions and pairs]
    return tuple(estimate for of_arm in zip(*by_target, strict=True) for at_target in of_arm for estimate in at_target)


def _at_target(
    cells: Cells, target: Target, table: pl.DataFrame | None, pairs: Sequence[tuple[ArmInfo, str]]
) -> list[list[Estimate]]:
    """Both estimands of every arm on one target; its difficulties are found once."""
    panel = cells.cube.panel
    chosen = replace(
        panel,
        scores=tuple(panel.scores[b] for b in target.positions),
        units=tuple(panel.units[b] for b in target.positions),
    )
    known = None if table is None else known_difficulty(cells, target, table)
    controls = tuple(cells.cube.arms.index(arm.name) for arm in cells.design.of_kind(*UNTAUGHT) if _has(cells, arm))
    fixed = tuple(cells.cube.arms.index(arm.name) for arm in cells.design.of_kind(ArmKind.BASE) if _has(cells, arm))
    given = difficulty_from_others(chosen, controls, fixed) if known is None else known
    source = _estimated(cells, target, table) if known is None else _known(known)
    return [_of_arm(cells, target, pair, (chosen, given, source)) for pair in pairs]


def _known(difficulty: FloatArray) -> str:
    """Say where difficulty is from, and of how many items it was not known: those are left out."""
    known = int(np.isfinite(difficulty).sum())
    of = "" if known == len(difficulty) else f" for {known} of {len(difficulty)} items; the others are left out"
    return KNOWN.format(of=of)


def _estimated(cells: Cells, target: Target, table: pl.DataFrame | None) -> str:
    """Say where difficulty is from, and which benchmarks a table lacks that has it for others of the average."""
    numbers = table is not None and table["difficulty"].dtype.is_numeric()
    held = set() if table is None or not numbers else set(table.drop_nulls("difficulty")["benchmark"].cast(pl.String))
    names = [cells.cube.benchmarks[b] for b in target.positions]
    lacking = ", ".join(name for name in names if name not in held)
    instead = f": the table has none for {lacking}" if held & set(names) and lacking else ""
    return ESTIMATED.format(instead=instead)


def _has(cells: Cells, arm: ArmInfo) -> bool:
    return arm.name in cells.cube.arms


def _of_arm(
    cells: Cells, target: Target, pair: tuple[ArmInfo, str], chosen: tuple[Panel, FloatArray, str]
) -> list[Estimate]:
    arm, control = pair
    panel, difficulty, source = chosen
    a, c = (cells.cube.arms.index(name) for name in (arm.name, control))
    blank = [
        Estimate(name, arm.name, control, target.benchmark, target.role, target.over, level=cells.design.level)
        for name in ESTIMANDS
    ]
    try:
        for name in (arm.name, control):
            cells.mean(name, target)
    except MissingCell as missing:
        return [replace(estimate, reason=str(missing.reason)) for estimate in blank]
    if np.isfinite(difficulty).sum(axis=-1).max() < LEAST_ITEMS:
        return [replace(estimate, reason=str(Reason.NOT_ESTIMABLE)) for estimate in blank]
    split = uplift_by_difficulty(panel, (a, c), difficulty, source, cells.design.level)
    n_replicates = int((panel.replicates[a] != ABSENT).sum())
    rows = ESTIMANDS.values()
    return [_filled(estimate, split, row, n_replicates) for estimate, row in zip(blank, rows, strict=True)]


def _filled(blank: Estimate, split: ByDifficulty, row: int, n_replicates: int) -> Estimate:
    """Write the numbers of one contrast into its estimate."""
    contrasts = split.quartiles
    if contrasts.undefined[row] is not None or not np.isfinite(contrasts.value[row]):
        return replace(blank, reason=str(Reason.NOT_ESTIMABLE))
    df = float(contrasts.df[row])
    return replace(
        blank,
        value=tidy(float(contrasts.value[row])),
        se=tidy(float(contrasts.se[row])),
        df=tidy(df) if np.isfinite(df) else None,
        low=tidy(float(contrasts.low[row])),
        high=tidy(float(contrasts.high[row])),
        n_items=int(split.n_items[HARDEST] if row == HARDEST else split.n_items[[0, HARDEST]].sum()),
        n_replicates=n_replicates,
        note=split.source,
    )


def known_difficulty(cells: Cells, target: Target, table: pl.DataFrame) -> FloatArray | None:
    """Look up the difficulty of a target's items in a table.

    Scales of different benchmarks need not agree: with several, each item's difficulty is its mid-rank within its
    benchmark, 0-1.

    Parameters
    ----------
    cells : Cells
        Names the items of each benchmark.
    target : Target
        One benchmark, or several that are averaged over.
    table : pl.DataFrame
        Columns benchmark, item, difficulty; higher is harder. Items that are not in the study are passed over.

    Returns
    -------
    float array, (I,), or None
        Items of the target's benchmarks one after another, NaN where unknown. None where the table holds words instead
        of numbers, or nothing for one of the benchmarks: difficulty is then estimated from answers, so that what is
        said of an average is said of all its benchmarks.

    Notes
    -----
    Tested in tests/estimate/test_difficulty.py.
    """
    if not table["difficulty"].dtype.is_numeric():
        return None
    named = table.select(pl.col("benchmark", "item").cast(pl.String), "difficulty")
    values = {(b, i): d for b, i, d in named.iter_rows() if d is not None}
    rows = []
    for b in target.positions:
        name, items = cells.cube.benchmarks[b], cells.cube.items[b]
        difficulty = np.array([float(values.get((name, item), np.nan)) for item in items])
        if not np.isfinite(difficulty).any():
            return None
        rows.append(difficulty if len(target.positions) == 1 else _fractions(difficulty))
    return np.concatenate(rows)


def _fractions(values: FloatArray) -> FloatArray:
    known = np.isfinite(values)
    fractions = np.full(len(values), np.nan)
    fractions[known] = (ranks(values[known]) - 0.5) / max(known.sum(), 1)
    return fractions
