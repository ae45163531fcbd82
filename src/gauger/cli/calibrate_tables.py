"""The tables of ``gauger calibrate``: how every cell, every estimand and every verdict did."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from gauger.estimate.calibrate import CellScore
    from gauger.estimate.tally import Score


def estimates_table(scores: Sequence[CellScore], draws: int) -> Table:
    """Say for each cell how its intervals covered, in the mean and at worst, beside the naive ones.

    "By chance" is the lowest share that as many exact intervals would show in as many draws.
    """
    table = _table(
        f"Coverage of 95 % intervals ({draws} studies per cell)",
        ["cell", "mean", "lowest", "by chance", "estimate with the lowest", "items only: mean", "lowest"],
    )
    for cell in scores:
        known = [score for score in cell.estimates if score.coverage is not None]
        if not known:
            continue
        worst = min(known, key=lambda score: score.coverage or 0.0)
        naive = [score.naive_coverage for score in known]
        table.add_row(
            cell.planted.name,
            _percent(_mean([score.coverage for score in known])),
            _percent(worst.coverage),
            _percent(_lowest_by_chance(len(known), draws)),
            f"{worst.estimand} {worst.arm} {worst.over}",
            _percent(_mean(naive)),
            _percent(min(one for one in naive if one is not None)),
        )
    return table


def estimands_table(scores: Sequence[CellScore], draws: int) -> Table:
    """Say for each estimand how it did over all cells."""
    table = _table(
        f"Estimands over all cells ({draws} studies per cell)",
        ["estimand", "largest bias", "coverage: mean", "lowest", "items only: mean", "bounded", "width / items only"],
    )
    by_name: dict[str, list[Score]] = defaultdict(list)
    for cell in scores:
        for score in cell.estimates:
            if score.coverage is not None:
                by_name[score.estimand].append(score)
    for name, group in by_name.items():
        table.add_row(
            name,
            f"{max((abs(score.bias) for score in group if score.bias is not None), default=0.0):.3f}",
            _percent(_mean([score.coverage for score in group])),
            _percent(min(score.coverage for score in group if score.coverage is not None)),
            _percent(_mean([score.naive_coverage for score in group])),
            _percent(_mean([score.bounded for score in group])),
            _ratio(group),
        )
    return table


def verdicts_table(scores: Sequence[CellScore], draws: int) -> Table:
    """Say for each cell how often each verdict was given; false ones are marked."""
    table = _table(
        f"Verdicts ({draws} studies per cell; ! marks a rate of false verdicts)",
        ["cell", "truth", "major", "minor", "undetermined", "invalid", "items only: major", "headline: major"],
    )
    for cell in scores:
        verdict = cell.verdict
        null = "!" if verdict.is_null else ""
        table.add_row(
            cell.planted.name,
            "none" if verdict.truth is None else f"{verdict.truth:.2f}",
            _percent(verdict.major) + null,
            _percent(verdict.minor) + ("" if verdict.is_null else "!"),
            _percent(verdict.undetermined),
            _percent(verdict.invalid),
            _percent(verdict.naive_major) + null,
            _percent(verdict.headline_major) + null,
        )
    return table


def _lowest_by_chance(n_estimates: int, draws: int) -> float:
    """Return the median of the lowest coverage among independent exact 95 % intervals."""
    from scipy.special import bdtr

    below = 1 - bdtr(range(draws + 1), draws, 0.95)
    return float((below**n_estimates > 0.5).sum() / draws)


def _table(title: str, columns: Sequence[str]) -> Table:
    """Start a table whose numbers stand on the right."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        text = column in ("cell", "estimand", "estimate with the lowest")
        table.add_column(column, justify="left" if text else "right")
    return table


def _ratio(group: Sequence[Score]) -> str:
    """Mean ratio of the interval's width to the naive one's."""
    ratios = [one.width / one.naive_width for one in group if one.width is not None and one.naive_width]
    return f"{sum(ratios) / len(ratios):.2f}" if ratios else ""


def _mean(values: Sequence[float | None]) -> float:
    """Mean of the known values."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known)


def _percent(share: float | None) -> str:
    """Write a share in percent."""
    return "" if share is None else f"{100 * share:.1f} %"
