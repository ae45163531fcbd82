"""Words the evidence as plain text for a terminal: every view of `gauger evidence` without `--json`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from gauger.cli.tables import table
from gauger.evidence import (
    CARRIED,
    ROLES,
    UPLIFT_CONTRASTS,
    Addition,
    CarryOver,
    Claim,
    Evidence,
    Finding,
    FindingKind,
    Forest,
    Headline,
    Multiverse,
    Pooled,
    Unknown,
)

PLOT = 44


def points(one: Pooled, decimals: int = 1) -> str:
    """Print an estimate with its interval, or why there is none."""
    if one.estimate is None or one.low is None or one.high is None:
        return f"- ({one.reason})"
    mark = "*" if one.note else ""
    return f"{one.estimate:+.{decimals}f} [{one.low:.{decimals}f}, {one.high:.{decimals}f}]{mark}"


def summary(frame: pl.DataFrame, found: Headline, excluded: dict[str, int], open_questions: Sequence[Unknown]) -> str:
    """Print headline, size of the table, rows per contrast and role, and what it cannot tell."""
    pooled = frame.filter(pl.col("exclusion").is_null())
    counts = {
        (contrast, role): len(pooled.filter((pl.col("contrast") == contrast) & (pl.col("benchmark_role") == role)))
        for contrast in UPLIFT_CONTRASTS
        for role in ROLES
    }
    rows = [
        (str(contrast), *(str(counts[contrast, role]) for role in ROLES),
         str(pooled.filter(pl.col("contrast") == contrast)["study_id"].n_unique()))
        for contrast in UPLIFT_CONTRASTS
    ]  # fmt: skip
    parts = [
        found.text(),
        "Rows that are pooled\n" + table(("control", *map(str, ROLES), "studies"), rows, range(1, 6)),
        "Rows that are not\n" + table(("reason", "rows"), [(why, str(n)) for why, n in excluded.items() if n], (1,)),
        "What the literature cannot tell\n"
        + "\n".join(f"- {one.text()}" for one in open_questions if not one.answered),
    ]
    return "\n\n".join(parts)


def forest_text(found: Forest) -> str:
    """Draw a forest plot in characters: one line per study and role, the pooled mean under each role."""
    parts = [f"Uplift in percentage points over: {found.over}"]
    ends = [end for line in found.lines for end in (line.low, line.high)]
    low, high = min([*ends, -10.0]), max([*ends, 10.0])
    low, high = max(low, -60.0), min(high, 80.0)
    for pooled in found.pooled:
        rows = [
            (line.study_id, str(line.n_rows), bar(line.estimate, line.low, line.high, (low, high)),
             f"{line.estimate:+.1f} [{line.low:.1f}, {line.high:.1f}]")
            for line in found.lines if line.role == pooled.name
        ]  # fmt: skip
        if pooled.estimate is not None and pooled.low is not None and pooled.high is not None:
            drawn = bar(pooled.estimate, pooled.low, pooled.high, (low, high), "#")
            rows.append(("pooled", str(pooled.n_rows), drawn, points(pooled)))
        parts.append(
            table((pooled.name, "rows", f"{low:.0f}{high:>{PLOT - len(f'{low:.0f}')}.0f}", "points"), rows, (1,))
        )
    return "\n\n".join(parts)


def bar(estimate: float, low: float, high: float, window: tuple[float, float], mark: str = "o") -> str:
    """Draw an interval on a line of `PLOT` characters; `|` is zero, `<` and `>` go on beyond the plot."""
    start, stop = window

    def place(value: float) -> int:
        return round((min(max(value, start), stop) - start) / (stop - start) * (PLOT - 1))

    line = [" "] * PLOT
    for at in range(place(low), place(high) + 1):
        line[at] = "-"
    if start <= 0 <= stop:
        line[place(0.0)] = "|"
    line[place(estimate)] = mark
    if low < start:
        line[0] = "<"
    if high > stop:
        line[-1] = ">"
    return "".join(line)


def findings_text(found: Sequence[Finding], kinds: Sequence[FindingKind] = tuple(FindingKind)) -> str:
    """Print findings by kind, each with its row."""
    parts = []
    for kind in kinds:
        some = [one for one in found if one.kind == kind]
        parts.append(f"{kind} ({len(some)})")
        parts += [f"  row {one.row}, {one.study_id}: {one.text}" for one in some]
    return "\n".join(parts)


def claims_text(found: Sequence[Claim]) -> str:
    """Print every claim with its grade and what would change it."""
    parts = []
    for number, one in enumerate(found, start=1):
        lines = [f"{number}. {one.question}", f"   {one.sentence}"]
        if one.prediction_low is not None and one.prediction_high is not None:
            ends = f"{one.prediction_low:.0f} to {one.prediction_high:.0f} points"
            lines.append(f"   95 % of new results would fall between {ends}.")
        lines += [f"   {sentence}" for sentence in one.also]
        steps = [f"{domain.name} -{domain.steps} ({domain.why})" for domain in one.domains if domain.steps]
        lines += [f"   lowered for {step}" for step in steps]
        if one.would_change:
            lines.append(f"   would change it: {'; '.join(one.would_change)}")
        lines += [f"   empty: {text}" for text in one.empty_cells[:2]]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def multiverse_text(found: Multiverse) -> str:
    """Print the curves and which switch moves them most."""
    rows = []
    for line in found.switches:
        for role, one in line["roles"].items():
            options = ", ".join(
                f"{name} {option['median']:+.1f}"
                for name, option in one["options"].items()
                if option["median"] is not None
            )
            moves = "-" if one["moves"] is None else f"{one['moves']:.1f}"
            rows.append((line["switch"] if role == next(iter(line["roles"])) else "", role, moves, options))
    shown = table(("switch", "role", "moves", "median by option (points)"), rows, (2,))
    return f"{found.text()}\n\nWhich choice moves the median most\n{shown}"


def addition_text(found: Addition) -> str:
    """Print what a new study changes."""

    def number(value: float | None) -> str:
        return "-" if value is None else f"{value:+.2f}"

    entered = [f"  {n} {reason}" for reason, n in found.entered.items()]
    rows = [
        (line["over"], line["role"], number(line["before"]), number(line["after"]), number(line["shift"]))
        for line in found.changes()
    ]
    moved = [
        (one["claim"], number(one["before"]), number(one["after"]),
         one["certainty_after"] if one["certainty_after"] == one["certainty_before"]
         else f"{one['certainty_before']} to {one['certainty_after']}")
        for one in found.moved_claims()
    ]  # fmt: skip
    parts = [
        f"{found.n_rows} rows read:\n" + "\n".join(entered),
        "Findings\n" + ("\n".join(f"  line {one.row}: {one.text}" for one in found.findings) or "  none"),
        table(("pooled uplift over", "role", "before", "after", "change (points)"), rows, (2, 3, 4)),
        table(("claim", "before", "after", "certainty"), moved, (1, 2)) if moved else "No claim moves.",
        found.after.text(),
    ]
    return "\n\n".join(parts)


def fit_text(found: Evidence) -> str:
    """Print the whole pre-specified analysis."""
    return "\n\n".join([
        found.headline.text(), _contrasts(found), _recovered(found), _carried(found.carried.values()),
        _moderators(found), _others(found), _restrictions(found), _influence(found),
        "What the literature cannot tell\n" + "\n".join(f"- {o.text()}" for o in found.unknowns if not o.answered),
        "* fewer than 4 degrees of freedom: too few studies for the interval to be trusted.",
    ])  # fmt: skip


def _contrasts(found: Evidence) -> str:
    rows = [(name, *(points(a[str(role)]) for role in ROLES)) for name, a in found.contrasts.items()]
    return "Uplift by kind of control (points, 95 % interval)\n" + table(("control", *map(str, ROLES)), rows)


def _recovered(found: Evidence) -> str:
    def percent(value: float | None) -> str:
        return "open" if value is None else f"{100 * value:.0f}"

    rows = [
        (one.name, str(one.n_rows), str(one.n_studies),
         one.reason or f"{percent(one.value)} [{percent(one.low)}, {percent(one.high)}]")
        for one in found.recovered
    ]  # fmt: skip
    return "Share of the teacher's advantage recovered, % (over the untouched base)\n" + table(
        ("role", "rows", "studies", "share"), rows, (1, 2)
    )


def _carried(several: Iterable[CarryOver]) -> str:
    lines = ["Carry-over from targeted to held-out benchmarks, within studies that report both"]
    for one in several:
        if one.ratio is None:
            lines.append(f"- {one.over}: {one.reason}")
            continue
        slope = f"; {points(one.slope, 2)} per point of targeted gain" if one.slope else ""
        lines.append(
            f"- {one.over}: held-out gain is {one.ratio:.2f} of the targeted one ({one.n_studies} studies, "
            f"{one.n_arms} students). {one.interval.rstrip('.')}{slope}"
        )
    return "\n".join(lines)


def _moderators(found: Evidence) -> str:
    rows = []
    for one in found.moderations:
        for place, effect in enumerate(one.differences or one.effects):
            if effect.estimate is not None:
                name = f"{one.name}, per {one.unit}" if one.unit else one.name
                rows.append((name if place == 0 else "", effect.name, points(effect)))
    return "Moderators, one at a time (points of uplift over the untouched base)\n" + table(
        ("moderator", "where", "difference or slope"), rows
    )


def _others(found: Evidence) -> str:
    lines = ["Other questions"]
    lines += [
        f"- choice of {one.question}: two choices lie {one.typical:.1f} points apart (root mean square of "
        f"{len(one.pairs)} pairs, {one.n_studies} studies)"
        for one in found.swaps
        if one.typical is not None
    ]
    for group in found.gaps.groups:
        value = group.reason if group.mean is None else f"{group.mean:+.1f} points [{group.low:.1f}, {group.high:.1f}]"
        lines.append(f"- GSM8K minus GSM1k, {group.name}: {value} ({group.n_models} models)")
    labs = found.laboratories
    if labs.sd is not None and labs.sd_large is not None:
        lines.append(
            f"- between laboratories: the same model on the same benchmark differs by {labs.sd:.1f} points (standard "
            f"deviation, {labs.n_pairs} repeated measurements), {labs.sd_large:.1f} on benchmarks of 100 items or more"
        )
    return "\n".join(lines)


def _restrictions(found: Evidence) -> str:
    rows = []
    for moved in found.restrictions:
        decimals = 1 if moved.unit == "points" else 2
        for over, analysis in (("base", moved.headline.untouched), ("all", moved.headline.controls)):
            name = moved.name if over == "base" else ""
            rows.append((name, over, str(analysis.n_studies), *(points(analysis[r], decimals) for r in CARRIED)))
    return "How far the headline moves (over the untouched base; over all controls that are not distilled)\n" + table(
        ("restriction", "over", "studies", *CARRIED), rows, (2,)
    )


def _influence(found: Evidence) -> str:
    lines = ["Leaving out one study at a time"]
    for one in found.influences:
        spans = [f"{role} {span[0]:+.1f} to {span[1]:+.1f}" for role, span in one.ranges.items() if span]
        lines.append(f"- over {one.over}: {', '.join(spans)}")
        worst = [
            f"{line.study_id} ({max(line.shifts.values(), key=abs):+.1f})" for line in one.left_out[:3] if line.shifts
        ]
        lines.append(f"  most moving: {', '.join(worst)}")
        lines.append(f"  the four largest studies hold {one.largest_share:.0%} of the rows: {', '.join(one.largest)}")
    for small in found.small_studies:
        slopes = ", ".join(f"{one.name} {points(one)}" for one in small.slopes)
        lines.append(
            f"- small benchmarks, over {small.over}: {slopes} points per unit of 1/sqrt(n) "
            "(a 30-item benchmark stands at 0.18, one of 1,000 at 0.03)"
        )
    return "\n".join(lines)
