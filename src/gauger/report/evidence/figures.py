"""Draws charts of the evidence page: forest plots, carry-over, funnel, dose, restrictions, risk of bias."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl

from gauger.evidence import QUESTIONS, ROLES, Evidence, Forest, Pooled
from gauger.report.blocks import Key
from gauger.report.drawing import Chart, layered
from gauger.report.forest import ForestLine, Reference, forest, height_of, lines_of, window
from gauger.report.palette import BLUE, GREEN, INK, MUTED, ORANGE, PAPER, RULE, RUST, SLATE

COLOURS = {"targeted": RUST, "fresh": ORANGE, "held-out": BLUE, "general": SLATE}
SHAPES = {"targeted": "circle", "fresh": "square", "held-out": "triangle-up", "general": "cross"}
RISKS = {"low": (GREEN, "+"), "some": (ORANGE, "–"), "high": (RUST, "×"), "unclear": (SLATE, "?")}
"""Level -> colour and sign: the sign says it without the colour."""
LIMITS = (-0.5, 0.8)
"""Intervals are cut here, 0-1 scale."""
POINT_HEIGHT = 360
LABEL_LIMIT, PIXELS_OF_A_LETTER = 170, 6.6
"""A longer name is cut (`drawing` sets the same limit); letters of the axis are about so wide."""


def role_keys(roles: Iterable[str] = tuple(COLOURS)) -> list[Key]:
    """Return the legend of benchmark roles."""
    return [Key(role, SHAPES[role], COLOURS[role]) for role in roles]


def row_of(label: str, estimate: Any, note: str = "") -> dict[str, Any]:
    """Return an estimate of the evidence (points) as a row of the report's charts (0-1 scale)."""
    known = estimate.estimate is not None
    return {
        "estimand": "uplift", "arm": label, "benchmark": None, "over": None, "role": None,
        "value": estimate.estimate / 100 if known else None,
        "low": estimate.low / 100 if known else None, "high": estimate.high / 100 if known else None,
        "simultaneous_low": None, "simultaneous_high": None, "n_items": None, "n_replicates": None,
        "note": note or getattr(estimate, "note", None), "reason": getattr(estimate, "reason", None),
    }  # fmt: skip


def study_lines(forest: Forest, role: str, named: Mapping[str, str]) -> list[ForestLine]:
    """Return one line per study and the pooled mean below them, for one role."""
    lines = [
        ForestLine(
            named[line.study_id],
            row_of(named[line.study_id], line, f"{line.n_rows} rows; risk of bias: {line.risk}"),
            COLOURS[role],
            SHAPES[role],
        )
        for line in forest.lines
        if line.role == role
    ]
    pooled = next(mean for mean in forest.pooled if mean.name == role)
    note = f"{pooled.n_rows} rows of {pooled.n_studies} studies"
    return [*lines, ForestLine("pooled mean", row_of("pooled mean", pooled, note), INK, "diamond")]


def interval_chart(
    groups: Mapping[str, Sequence[ForestLine]],
    x_title: str = "percentage points",
    extent: tuple[float, float] | None = None,
    label_room: int = 0,
) -> tuple[Chart, int]:
    """Return an interval chart of grouped lines and its height; panels that are compared share an `extent`."""
    lines = lines_of(groups)
    extent = extent or extent_of([groups])
    zero = [Reference(0.0)]
    chart = forest(lines, unit="points", x_title=x_title, extent=extent, references=zero, label_room=label_room)
    return chart, height_of(lines)


def label_room(panels: Iterable[Mapping[str, Sequence[ForestLine]]]) -> int:
    """Return the pixels that the longest name of a row takes in any panel, so that zero stands at one place in all."""
    names = [line.label for groups in panels for lines in groups.values() for line in lines]
    return min(LABEL_LIMIT, round(PIXELS_OF_A_LETTER * max(map(len, names), default=0)))


def extent_of(
    panels: Iterable[Mapping[str, Sequence[ForestLine]]], limits: tuple[float, float] = LIMITS
) -> tuple[float, float]:
    """Return the stretch of the axis that shows every line of some panels."""
    rows = [line.estimate for groups in panels for lines in groups.values() for line in lines]
    return window(rows, limits=limits)


def moderator_groups(evidence: Evidence, where: str) -> dict[str, list[ForestLine]]:
    """Return the slopes and differences of every moderator for one group of roles."""
    groups: dict[str, list[ForestLine]] = {}
    colour = COLOURS["targeted" if where == "trained skill" else "held-out"]
    for moderation in evidence.moderations:
        lines = []
        for effect in moderation.differences or moderation.effects:
            if effect.name.split(":")[0] == where:
                label = f"per {moderation.unit}" if moderation.unit else effect.name.split(": ", 1)[1]
                lines.append(ForestLine(label, row_of(f"{moderation.name}: {label}", effect), colour))
        groups[moderation.name] = lines
    return groups


def pooled_groups(groups: Mapping[str, Sequence[Pooled]]) -> dict[str, list[ForestLine]]:
    """Return lines of pooled estimates under headings, coloured by role where the name is one."""
    return {
        heading: [
            ForestLine(
                pooled.name,
                row_of(pooled.name, pooled),
                COLOURS.get(pooled.name, BLUE),
                SHAPES.get(pooled.name, "circle"),
            )
            for pooled in members
        ]
        for heading, members in groups.items()
    }


def restriction_groups(evidence: Evidence, role: str) -> dict[str, list[ForestLine]]:
    """Return the pooled mean of one role under every restriction, for both sets of controls."""
    groups: dict[str, list[ForestLine]] = {}
    for heading, side in (("over the untouched base", "untouched"), ("over all controls", "controls")):
        groups[heading] = []
        for place, moved in enumerate(evidence.restrictions):
            if moved.unit == "points":
                pooled = getattr(moved.headline, side)[role]
                shape = "diamond" if place == 0 else SHAPES[role]
                groups[heading].append(ForestLine(moved.name, row_of(moved.name, pooled), COLOURS[role], shape))
    return groups


def carry_over_points(lines: pl.DataFrame) -> Chart:
    """Return students as points: mean targeted gain across, mean held-out gain upwards, with the line of equality."""
    rows = [
        {
            "targeted": line["targeted"], "held_out": line["held_out"], "arm": line["arm"], "study": line["study_id"],
            "control": line["control_arm"] or "", "colour": BLUE if line["contrast"] == "untouched-base" else RUST,
            "shape": "circle" if line["contrast"] == "untouched-base" else "square",
        }
        for line in lines.iter_rows(named=True)
    ]  # fmt: skip
    ends = [value for row in rows for value in (row["targeted"], row["held_out"])] or [0.0]
    low, high = min([*ends, 0.0]) - 2, max([*ends, 0.0]) + 2
    diagonal = [{"x": low, "y": low}, {"x": high, "y": high}]
    scale = alt.Scale(domain=[low, high], nice=False)
    return layered(
        [
            layered([alt.Chart().mark_line(color=RULE, strokeDash=[5, 3]).encode(x="x:Q", y="y:Q")], rows=diagonal),
            layered([alt.Chart().mark_rule(color=RULE).encode(y="zero:Q")], rows=[{"zero": 0}]),
            layered([alt.Chart().mark_rule(color=RULE).encode(x="zero:Q")], rows=[{"zero": 0}]),
            layered(
                [
                    _points().encode(
                        x=alt.X("targeted:Q", title="mean targeted gain, points", scale=scale),
                        y=alt.Y("held_out:Q", title="mean held-out gain, points", scale=scale),
                        tooltip=["study:N", "arm:N", "control:N", "targeted:Q", "held_out:Q"],
                    )
                ],
                rows=rows,
            ),
        ],
        height=POINT_HEIGHT,
    )


def scatter(rows: pl.DataFrame, x: str, x_title: str, log: bool = False) -> Chart:
    """Return rows as points: any column across, the uplift upwards, coloured by role."""
    data = [
        {
            "x": row[x], "effect": row["score_distilled"] - row["score_control"], "study": row["study_id"],
            "arm": row["arm"], "benchmark": row["benchmark"], "role": row["benchmark_role"],
            "colour": COLOURS[row["benchmark_role"]], "shape": SHAPES[row["benchmark_role"]],
        }
        for row in rows.iter_rows(named=True)
    ]  # fmt: skip
    scale = alt.Scale(type="log") if log else alt.Scale(zero=False)
    axis = alt.Axis(format="~s") if log else alt.Axis()
    return layered(
        [
            layered([alt.Chart().mark_rule(color=RULE).encode(y="zero:Q")], rows=[{"zero": 0}]),
            layered(
                [
                    _points().encode(
                        x=alt.X("x:Q", title=x_title, scale=scale, axis=axis),
                        y=alt.Y("effect:Q", title="uplift, points"),
                        tooltip=["study:N", "arm:N", "benchmark:N", "role:N", "x:Q", "effect:Q"],
                    )
                ],
                rows=data,
            ),
        ],
        height=POINT_HEIGHT,
    )


def _points() -> Chart:
    return alt.Chart().mark_point(filled=True, opacity=0.7, size=34, stroke=PAPER, strokeWidth=0.5).encode(
        fill=alt.Fill("colour:N", scale=None), shape=alt.Shape("shape:N", scale=None)
    )  # fmt: skip


def traffic_light(bias: pl.DataFrame) -> tuple[Chart, int]:
    """Return the risk-of-bias figure, one line per study and one column per question, and how many lines it has."""
    columns = ["overall", *QUESTIONS]
    rows = [
        {"study": study["study_id"], "question": column.replace("_", " "), "level": study[column],
         "colour": RISKS[study[column]][0], "sign": RISKS[study[column]][1]}
        for study in bias.iter_rows(named=True)
        for column in columns
    ]  # fmt: skip
    base = alt.Chart().encode(
        x=alt.X("question:N", sort=None, title=None, axis=alt.Axis(orient="top", labelAngle=-35, labelLimit=170)),
        y=alt.Y("study:N", sort=None, title=None),
        tooltip=["study:N", "question:N", "level:N"],
    )
    chart = layered(
        [
            base.mark_circle(size=190, opacity=1).encode(color=alt.Color("colour:N", scale=None)),
            base.mark_text(color=PAPER, fontWeight=700, fontSize=12, baseline="middle").encode(text="sign:N"),
        ],
        rows=rows,
        height=18 * bias.height,
    )
    return chart, bias.height


def risk_keys() -> list[Key]:
    """Return the legend of risk levels."""
    return [Key(f"{sign} {level}", "circle", colour) for level, (colour, sign) in RISKS.items()]


@dataclass(frozen=True)
class _Mean:
    """A mean in the form that `row_of` reads."""

    estimate: float | None
    low: float | None
    high: float | None
    reason: str | None


def gap_chart(evidence: Evidence) -> tuple[Chart, int]:
    """Return the GSM8K - GSM1k gaps of groups of models."""
    lines = [
        ForestLine(
            group.name,
            row_of(group.name, _Mean(group.mean, group.low, group.high, group.reason), f"{group.n_models} models"),
            RUST if "distilled" in group.name else MUTED,
        )
        for group in evidence.gaps.groups
    ]
    return interval_chart({"": lines}, "GSM8K minus GSM1k, points")


def roles_present(forest: Forest) -> list[str]:
    """Return the roles that have at least one study line, in the order of `ROLES`."""
    present = {line.role for line in forest.lines}
    return [str(role) for role in ROLES if role in present]
