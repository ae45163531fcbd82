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


def points(pooled: Pooled, decimals: int = 1) -> str:
    """Print an estimate with its interval, or why there is none."""
    if pooled.estimate is None or pooled.low is None or pooled.high is None:
        return f"- ({pooled.reason})"
    mark = "*" if pooled.note else ""
    return f"{pooled.estimate:+.{decimals}f} [{pooled.low:.{decimals}f}, {pooled.high:.{decimals}f}]{mark}"


def summary(
    frame: pl.DataFrame, headline: Headline, excluded: dict[str, int], open_questions: Sequence[Unknown]
) -> str:
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
        headline.text(),
        "Rows that are pooled\n" + table(("control", *map(str, ROLES), "studies"), rows, range(1, 6)),
        "Rows that are not\n" + table(("reason", "rows"), [(why, str(n)) for why, n in excluded.items() if n], (1,)),
        "What the literature cannot tell\n"
        + "\n".join(f"- {question.text()}" for question in open_questions if not question.answered),
    ]
    return "\n\n".join(parts)


def forest_text(forest: Forest) -> str:
    """Draw a forest plot in characters: one line per study and role, the pooled mean under each role."""
    parts = [f"Uplift in percentage points over: {forest.over}"]
    ends = [end for line in forest.lines for end in (line.low, line.high)]
    low, high = min([*ends, -10.0]), max([*ends, 10.0])
    low, high = max(low, -60.0), min(high, 80.0)
    for pooled in forest.pooled:
        rows = [
            (line.study_id, str(line.n_rows), bar(line.estimate, line.low, line.high, (low, high)),
             f"{line.estimate:+.1f} [{line.low:.1f}, {line.high:.1f}]")
            for line in forest.lines if line.role == pooled.name
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


def findings_text(findings: Sequence[Finding], kinds: Sequence[FindingKind] = tuple(FindingKind)) -> str:
    """Print findings by kind, each with its row."""
    parts = []
    for kind in kinds:
        some = [finding for finding in findings if finding.kind == kind]
        parts.append(f"{kind} ({len(some)})")
        parts += [f"  row {finding.row}, {finding.study_id}: {finding.text}" for finding in some]
    return "\n".join(parts)


def claims_text(claims: Sequence[Claim]) -> str:
    """Print every claim with its grade and what would change it."""
    parts = []
    for number, claim in enumerate(claims, start=1):
        lines = [f"{number}. {claim.question}", f"   {claim.sentence}"]
        if claim.prediction_low is not None and claim.prediction_high is not None:
            ends = f"{claim.prediction_low:.0f} to {claim.prediction_high:.0f} points"
            lines.append(f"   95 % of new results would fall between {ends}.")
        lines += [f"   {sentence}" for sentence in claim.also]
        steps = [f"{domain.name} -{domain.steps} ({domain.why})" for domain in claim.domains if domain.steps]
        lines += [f"   lowered for {step}" for step in steps]
        if claim.would_change:
            lines.append(f"   would change it: {'; '.join(claim.would_change)}")
        lines += [f"   empty: {text}" for text in claim.empty_cells[:2]]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def multiverse_text(multiverse: Multiverse) -> str:
    """Print the curves and which switch moves them most."""
    rows = []
    for line in multiverse.switches:
        for role, effect in line["roles"].items():
            options = ", ".join(
                f"{name} {option['median']:+.1f}"
                for name, option in effect["options"].items()
                if option["median"] is not None
            )
            moves = "-" if effect["moves"] is None else f"{effect['moves']:.1f}"
            rows.append((line["switch"] if role == next(iter(line["roles"])) else "", role, moves, options))
    shown = table(("switch", "role", "moves", "median by option (points)"), rows, (2,))
    return f"{multiverse.text()}\n\nWhich choice moves the median most\n{shown}"


def addition_text(addition: Addition) -> str:
    """Print what a new study changes."""

    def number(value: float | None) -> str:
        return "-" if value is None else f"{value:+.2f}"

    entered = [f"  {n} {reason}" for reason, n in addition.entered.items()]
    rows = [
        (line["over"], line["role"], number(line["before"]), number(line["after"]), number(line["shift"]))
        for line in addition.changes()
    ]
    moved = [
        (claim["claim"], number(claim["before"]), number(claim["after"]),
         claim["certainty_after"] if claim["certainty_after"] == claim["certainty_before"]
         else f"{claim['certainty_before']} to {claim['certainty_after']}")
        for claim in addition.moved_claims()
    ]  # fmt: skip
    parts = [
        f"{addition.n_rows} rows read:\n" + "\n".join(entered),
        "Findings\n"
        + ("\n".join(f"  line {finding.row}: {finding.text}" for finding in addition.findings) or "  none"),
        table(("pooled uplift over", "role", "before", "after", "change (points)"), rows, (2, 3, 4)),
        table(("claim", "before", "after", "certainty"), moved, (1, 2)) if moved else "No claim moves.",
        addition.after.text(),
    ]
    return "\n\n".join(parts)


def fit_text(evidence: Evidence) -> str:
    """Print the whole pre-specified analysis."""
    return "\n\n".join([
        evidence.headline.text(), _contrasts(evidence), _recovered(evidence), _carried(evidence.carried.values()),
        _moderators(evidence), _others(evidence), _restrictions(evidence), _influence(evidence),
        "What the literature cannot tell\n" + "\n".join(f"- {o.text()}" for o in evidence.unknowns if not o.answered),
        "* fewer than 4 degrees of freedom: too few studies for the interval to be trusted.",
    ])  # fmt: skip


def _contrasts(evidence: Evidence) -> str:
    rows = [(name, *(points(a[str(role)]) for role in ROLES)) for name, a in evidence.contrasts.items()]
    return "Uplift by kind of control (points, 95 % interval)\n" + table(("control", *map(str, ROLES)), rows)


def _recovered(evidence: Evidence) -> str:
    def percent(value: float | None) -> str:
        return "open" if value is None else f"{100 * value:.0f}"

    rows = [
        (share.name, str(share.n_rows), str(share.n_studies),
         share.reason or f"{percent(share.value)} [{percent(share.low)}, {percent(share.high)}]")
        for share in evidence.recovered
    ]  # fmt: skip
    return "Share of the teacher's advantage recovered, % (over the untouched base)\n" + table(
        ("role", "rows", "studies", "share"), rows, (1, 2)
    )


def _carried(several: Iterable[CarryOver]) -> str:
    lines = ["Carry-over from targeted to held-out benchmarks, within studies that report both"]
    for gain in several:
        if gain.ratio is None:
            lines.append(f"- {gain.over}: {gain.reason}")
            continue
        slope = f"; {points(gain.slope, 2)} per point of targeted gain" if gain.slope else ""
        lines.append(
            f"- {gain.over}: held-out gain is {gain.ratio:.2f} of the targeted one ({gain.n_studies} studies, "
            f"{gain.n_arms} students). {gain.interval.rstrip('.')}{slope}"
        )
    return "\n".join(lines)


def _moderators(evidence: Evidence) -> str:
    rows = []
    for moderation in evidence.moderations:
        for place, effect in enumerate(moderation.differences or moderation.effects):
            if effect.estimate is not None:
                name = f"{moderation.name}, per {moderation.unit}" if moderation.unit else moderation.name
                rows.append((name if place == 0 else "", effect.name, points(effect)))
    return "Moderators, one at a time (points of uplift over the untouched base)\n" + table(
        ("moderator", "where", "difference or slope"), rows
    )


def _others(evidence: Evidence) -> str:
    lines = ["Other questions"]
    lines += [
        f"- choice of {swap.question}: two choices lie {swap.typical:.1f} points apart (root mean square of "
        f"{len(swap.pairs)} pairs, {swap.n_studies} studies)"
        for swap in evidence.swaps
        if swap.typical is not None
    ]
    for group in evidence.gaps.groups:
        value = group.reason if group.mean is None else f"{group.mean:+.1f} points [{group.low:.1f}, {group.high:.1f}]"
        lines.append(f"- GSM8K minus GSM1k, {group.name}: {value} ({group.n_models} models)")
    labs = evidence.laboratories
    if labs.sd is not None and labs.sd_large is not None:
        lines.append(
            f"- between laboratories: the same model on the same benchmark differs by {labs.sd:.1f} points (standard "
            f"deviation, {labs.n_pairs} repeated measurements), {labs.sd_large:.1f} on benchmarks of 100 items or more"
        )
    return "\n".join(lines)


def _restrictions(evidence: Evidence) -> str:
    rows = []
    for moved in evidence.restrictions:
        decimals = 1 if moved.unit == "points" else 2
        for over, analysis in (("base", moved.headline.untouched), ("all", moved.headline.controls)):
            name = moved.name if over == "base" else ""
            rows.append((name, over, str(analysis.n_studies), *(points(analysis[r], decimals) for r in CARRIED)))
    return "How far the headline moves (over the untouched base; over all controls that are not distilled)\n" + table(
        ("restriction", "over", "studies", *CARRIED), rows, (2,)
    )


def _influence(evidence: Evidence) -> str:
    lines = ["Leaving out one study at a time"]
    for influence in evidence.influences:
        spans = [f"{role} {span[0]:+.1f} to {span[1]:+.1f}" for role, span in influence.ranges.items() if span]
        lines.append(f"- over {influence.over}: {', '.join(spans)}")
        worst = [
            f"{line.study_id} ({max(line.shifts.values(), key=abs):+.1f})"
            for line in influence.left_out[:3]
            if line.shifts
        ]
        lines.append(f"  most moving: {', '.join(worst)}")
        lines.append(
            f"  the four largest studies hold {influence.largest_share:.0%} of the rows: {', '.join(influence.largest)}"
        )
    for small in evidence.small_studies:
        slopes = ", ".join(f"{slope.name} {points(slope)}" for slope in small.slopes)
        lines.append(
            f"- small benchmarks, over {small.over}: {slopes} points per unit of 1/sqrt(n) "
            "(a 30-item benchmark stands at 0.18, one of 1,000 at 0.03)"
        )
    return "\n".join(lines)
