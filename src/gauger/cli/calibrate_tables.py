"""Tabulates for ``gauger calibrate`` how every cell, every estimand and every verdict did."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gauger.cli.tables import table, titled

if TYPE_CHECKING:
    from gauger.estimate import CellScore, PipelineScore, Score

ZERO = 1e-9
"""What a planted truth of 0 may differ from it by rounding."""


def estimates_table(scores: Sequence[CellScore | PipelineScore], draws: int) -> str:
    """Say for each cell how its intervals covered, in the mean and at worst, beside the naive ones."""
    rows = []
    for cell in scores:
        known = [score for score in cell.estimates if score.coverage is not None]
        if not known:
            continue
        worst = min(known, key=lambda score: score.coverage or 0.0)
        naive = [score.naive_coverage for score in known]
        rows.append(
            (
                cell.planted.name,
                _percent(_mean([score.coverage for score in known])),
                _percent(worst.coverage),
                _percent(_lowest_by_chance(len(known), draws)),
                f"{worst.estimand} {worst.arm} {worst.over}",
                _percent(_mean(naive)),
                _percent(min(coverage for coverage in naive if coverage is not None)),
            )
        )
    return _table(
        f"Coverage of 95 % intervals ({draws} studies per cell)",
        ["cell", "mean", "lowest", "by chance", "estimate with the lowest", "items only: mean", "lowest"],
        rows,
        "by chance: the lowest share that as many exact intervals would show in so few studies. "
        "items only: the same estimates with the field's habit, an interval that ignores training noise.",
    )


def estimands_table(scores: Sequence[CellScore | PipelineScore], draws: int) -> str:
    """Say for each estimand how it did over all cells."""
    rows = []
    by_name: dict[str, list[Score]] = defaultdict(list)
    for cell in scores:
        for score in cell.estimates:
            if score.coverage is not None:
                by_name[score.estimand].append(score)
    for name, group in by_name.items():
        rows.append(
            (
                name,
                _worst_bias(group),
                _percent(_mean([score.coverage for score in group])),
                _percent(min(score.coverage for score in group if score.coverage is not None)),
                _percent(_mean([score.naive_coverage for score in group])),
                _percent(_mean([score.power for score in group if abs(score.truth or 0.0) > ZERO])),
                _percent(_mean([score.power for score in group if abs(score.truth or 0.0) <= ZERO])),
                _percent(_mean([score.bounded for score in group])),
                _ratio(group),
            )
        )
    return _table(
        f"Estimands over all cells ({draws} studies per cell)",
        [
            "estimand",
            "bias (se)",
            "coverage",
            "lowest",
            "items only",
            "power",
            "false alarms",
            "bounded",
            "width ratio",
        ],
        rows,
        "bias: the one that is most standard errors (se) of these draws from 0. power, false alarms: share of "
        "intervals without 0 where the truth is not 0, and where it is. bounded: share of finite intervals. "
        "width ratio: to the items-only interval.",
    )


def verdicts_table(scores: Sequence[CellScore], draws: int) -> str:
    """Say for each cell how often each verdict was given; false ones are marked."""
    rules = {cell.verdict.threshold for cell in scores}
    rows = []
    for cell in scores:
        verdict = cell.verdict
        null = " !" if verdict.is_null else ""
        failed = ", ".join(f"{name} {_percent(share)}" for name, share in verdict.failed.items() if share > 0)
        rows.append(
            (
                cell.planted.name,
                "none" if verdict.truth is None else f"{verdict.truth:.2f}",
                _percent(verdict.major) + null,
                _percent(verdict.minor) + ("" if verdict.is_null else " !"),
                _percent(verdict.undetermined),
                _percent(verdict.not_powered),
                _percent(verdict.not_replicated),
                _percent(verdict.invalid),
                failed,
                _percent(verdict.naive_major) + null,
                _percent(verdict.headline_major) + null,
            )
        )
    columns = ["cell", "truth", "major", "minor", "undetermined", "not powered", "not replicated", "invalid", "failed"]
    return _table(
        f"Verdicts on gap recovered, near benchmarks ({draws} studies per cell)",
        [*columns, "items only: major", "headline: major"],
        rows,
        f"threshold {', '.join(f'{rule:g}' for rule in sorted(rules))}; !: this verdict would be false. "
        "invalid: a check of the instrument failed (failed: which, where any did). not powered: a check decides "
        "nothing. items only: the same rule with the items-only interval. "
        "headline: the raw gain on targeted benchmarks, as a share of the teacher's lead, judged by items alone.",
    )


def checks_table(scores: Sequence[CellScore], draws: int) -> str:
    """Say for each cell how often each check of the instrument was passed, and how often all of them were."""
    names = list(dict.fromkeys(name for cell in scores for name in cell.verdict.passed))
    rows = []
    for cell in scores:
        passed = (_percent(cell.verdict.passed.get(name)) for name in names)
        rows.append((cell.planted.name, *passed, _percent(cell.verdict.decided)))
    return _table(
        f"Checks of the instrument that were passed ({draws} studies per cell)",
        ["cell", *names, "major or minor"],
        rows,
        "A healthy study passes each with the power that its size gives it; where one decides nothing the verdict is "
        "not powered. Plan a study so that each of these, and the last column, is at least 80 %.",
    )


def statements_table(scores: Sequence[CellScore], draws: int) -> str:
    """Say for each cell how often the distilled arm was called memorised or bound, and by which scale."""
    rows = [
        (
            cell.planted.name,
            cell.planted.link,
            statement.estimand.replace("_", " "),
            "" if statement.truth_logits is None else f"{statement.truth_logits:+.2f}",
            _percent(statement.said),
            _percent(statement.in_points),
            _percent(statement.in_logits),
            _percent(statement.coverage_logits),
        )
        for cell in scores
        for statement in cell.statements
        if statement.estimand != "carryover" and statement.arm.startswith("distilled")
    ]
    return _table(
        f"Statements on two scales, distilled arm ({draws} studies per cell)",
        ["cell", "link", "statement", "logits: truth", "said", "points alone", "logits alone", "logits: coverage"],
        rows,
        "said: the interval excludes 0 in points and in item logits. A statement is false where the truth in item "
        "logits is 0; where effects are uniform in points, or items discriminate unequally, there is no such truth.",
    )


def _worst_bias(group: Sequence[Score]) -> str:
    """Write the bias that is farthest from 0 in Monte Carlo standard errors."""
    known = [(score.bias, score.bias_error) for score in group if score.bias is not None and score.bias_error]
    if not known:
        return ""
    bias, error = max(known, key=lambda pair: abs(pair[0]) / pair[1])
    return f"{bias:+.3f} ({abs(bias) / error:.1f})"


def _lowest_by_chance(n_estimates: int, draws: int) -> float:
    """Return the median of the lowest coverage among independent exact 95 % intervals."""
    from scipy.special import bdtr

    below = 1 - bdtr(range(draws + 1), draws, 0.95)
    return float((below**n_estimates > 0.5).sum() / draws)


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], note: str) -> str:
    """Write a table whose numbers stand on the right, with a note on its words below."""
    words = ("cell", "estimand", "estimate with the lowest")
    numeric = [place for place, name in enumerate(columns) if name not in words]
    return titled(title, table(columns, rows, numeric), note)


def _ratio(group: Sequence[Score]) -> str:
    """Mean ratio of the interval's width to the naive one's."""
    ratios = [score.width / score.naive_width for score in group if score.width is not None and score.naive_width]
    return f"{sum(ratios) / len(ratios):.2f}" if ratios else ""


def _mean(values: Sequence[float | None]) -> float | None:
    """Mean of the known values; None where there are none."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _percent(share: float | None) -> str:
    """Write a share in percent."""
    return "" if share is None else f"{100 * share:.1f} %"
