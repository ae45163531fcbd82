"""Draws interval charts: one row per estimate, grouped under headings, the same form for every estimand.

A thick line is the interval of that estimate alone, a thin one the interval that holds for the whole family at once;
an arrowhead marks an interval that goes on beyond the plot; an undefined estimate prints its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import altair as alt

from gauger.records import SetKind
from gauger.report.document_view import Row, defined
from gauger.report.drawing import Chart, layered, upright_line
from gauger.report.palette import BLUE, INK, MUTED, PAPER
from gauger.report.wording import quantity, set_of, unit_of, with_unit

ROW_HEIGHT = 25
SIZES = {"circle": 50, "diamond": 74}
"""Square pixels, so that the shapes look equally large."""
HEADING = "\u200b"
"""Zero-width space in front of a heading: tells the axis to print it bold, whatever the names of rows are."""


@dataclass(frozen=True)
class ForestLine:
    """One row: a heading (no estimate), or an estimate with the mark it is drawn with."""

    label: str
    estimate: Row | None = None
    colour: str = BLUE
    shape: str = "circle"
    """circle for one benchmark, diamond for an average."""
    heading: bool = False


@dataclass(frozen=True)
class Reference:
    """A vertical line to compare with, for instance no effect, or the threshold of the verdict."""

    at: float
    """0-1 scale."""
    label: str = ""
    dashed: bool = False


def lines_of(groups: Mapping[str, Sequence[ForestLine]]) -> list[ForestLine]:
    """Return headings and rows one after the other, leaving out empty groups and the heading of an unnamed one.

    An axis cannot show one name in two places, so names get zero-width spaces, as many as groups went before.
    """
    lines: list[ForestLine] = []
    for place, (name, members) in enumerate(groups.items()):
        if members and name:
            lines.append(ForestLine(HEADING * (place + 1) + name, heading=True))
        lines += [replace(member, label=member.label + HEADING * place) for member in members]
    return lines


STUB = 0.03
"""Least length of a bar that goes on beyond the plot, as a share of its width."""


def window(
    rows: Iterable[Row | None], *, include: Sequence[float] = (0.0,), limits: tuple[float, float] = (-1.0, 1.0)
) -> tuple[float, float]:
    """Return the stretch of the axis that shows all finite ends and `include`, held inside `limits` (0-1 scale).

    Values themselves always fit; only intervals are cut at the limits, and drawn with an arrowhead there.
    """
    names = ("low", "high", "simultaneous_low", "simultaneous_high")
    known = list(defined(rows))
    values = [row["value"] for row in known]
    ends = [row[name] for row in known for name in names if row.get(name) is not None]
    shown = [min(max(end, limits[0]), limits[1]) for end in ends] + values + list(include)
    low, high = min(shown), max(shown)
    margin = 0.04 * ((high - low) or 1.0)
    return low - margin * (low != 0), high + margin * (high != 0)


def forest(
    lines: Sequence[ForestLine],
    *,
    unit: str,
    x_title: str,
    extent: tuple[float, float],
    references: Sequence[Reference] = (),
    ticks: int = 8,
    label_room: int = 0,
) -> Chart:
    """Return the bare chart of `lines` over `extent` (0-1 scale, as `window` gives it), with about `ticks` ticks.

    `label_room` are the least pixels left of the plot: panels below each other with the same room have zero at one
    place.
    """
    low, high = (100 * end for end in extent)
    scale = alt.Scale(domain=[low, high], nice=False, zero=False)
    x = alt.X("value:Q", title=x_title, axis=alt.Axis(tickCount=ticks), scale=scale)
    marks = _marks(alt.Chart().encode(y=_y_axis(lines, label_room), tooltip=tooltip()), x, low, high)
    data = [_datum(line, unit, low, high) for line in lines]
    layers = [*(_reference(reference, low, high) for reference in references), layered(marks, rows=data)]
    return layered(layers, height=ROW_HEIGHT * len(lines))


def _marks(base: Chart, x: alt.X, low: float, high: float) -> list[Chart]:
    colour, fill = alt.Color("colour:N", scale=None), alt.Fill("colour:N", scale=None)
    shape, size = alt.Shape("shape:N", scale=None), alt.Size("size:Q", scale=None)
    point = base.mark_point(filled=True, opacity=1, stroke=PAPER, strokeWidth=1)
    value = base.transform_filter("isValid(datum.shown)").mark_text(align="left", dx=8, fontWeight=600)
    reason = base.transform_filter("isValid(datum.missing)").mark_text(
        align="left", dx=2, color=MUTED, fontStyle="italic", fontSize=11
    )
    return [
        base.mark_rule(strokeWidth=1.3).encode(x=alt.X("family_low:Q"), x2=alt.X2("family_high:Q"), color=colour),
        base.mark_rule(strokeWidth=4, strokeCap="butt").encode(x=alt.X("low:Q"), x2=alt.X2("high:Q"), color=colour),
        point.encode(x=x, fill=fill, shape=shape, size=size),
        _arrow(base, "left", low, colour),
        _arrow(base, "right", high, colour),
        value.encode(x=alt.value("width"), text=alt.Text("shown:N")),
        reason.encode(x=alt.value(0), text=alt.Text("missing:N")),
        base.transform_filter("isValid(datum.second_low)")
        .mark_rule(strokeWidth=4, strokeCap="butt")
        .encode(x=alt.X("second_low:Q"), x2=alt.X2("second_high:Q"), color=colour),
    ]


def height_of(lines: Sequence[ForestLine]) -> int:
    """Return the pixels a chart of these lines takes, axis included."""
    return ROW_HEIGHT * len(lines) + 50


def _datum(line: ForestLine, unit: str, low: float, high: float) -> dict[str, Any]:
    datum: dict[str, Any] = {
        "label": line.label,
        "colour": line.colour,
        "shape": line.shape,
        "size": SIZES.get(line.shape, 50),
    }
    row = line.estimate
    if line.heading:
        return datum
    if row is None or row["value"] is None:
        return {**datum, "missing": (row or {}).get("reason") or "not in this study"}
    bars = drawn_bars(row, low, high)
    ends = (bars[0][0], bars[-1][1])
    family = drawn_ends(row, "simultaneous_", low, high) or bars[0]
    return {
        **datum,
        "value": 100 * row["value"],
        "low": bars[0][0],
        "high": bars[0][1],
        **({"second_low": bars[1][0], "second_high": bars[1][1]} if len(bars) > 1 else {}),
        "family_low": family[0],
        "family_high": family[1],
        "left": min(ends[0], family[0]) <= low,
        "right": max(ends[1], family[1]) >= high,
        "shown": quantity(row["value"], unit),
        **described(row),
    }


def described(row: Row) -> dict[str, str]:
    """Return what the tooltip says of an estimate."""
    unit = unit_of(row)
    return {
        "what": " · ".join(filter(None, [row["arm"], row.get("benchmark") or row.get("over") or row.get("role")])),
        "is": with_unit(row["value"], unit),
        "between": set_of(row, unit),
        "rests": ", ".join(
            f"{row[name]} {word}"
            for name, word in (("n_items", "items"), ("n_replicates", "replicates"))
            if row.get(name) is not None
        ),
        "note": row.get("note") or row.get("reason") or "",
    }


def drawn_bars(row: Row, left: float, right: float) -> list[tuple[float, float]]:
    """Return the bars that draw a confidence set: two, with the gap between them left open, where it lies outside.

    Of a bar that begins beyond the plot a stub stands at its edge: the set goes on there.
    """
    if row.get("kind") == SetKind.OUTSIDE:
        stub = STUB * (right - left)
        return [(left, max(100 * row["low"], left + stub)), (min(100 * row["high"], right - stub), right)]
    return [drawn_ends(row, "", left, right) or (left, right)]


def drawn_ends(row: Row, prefix: str, left: float, right: float) -> tuple[float, float] | None:
    """Return the ends of an interval as they are drawn: an open or far end stops at the edge of the plot.

    `prefix` is "" for the interval of the estimate alone, "simultaneous_" for the family's, which is None where the
    document has none (both ends absent).
    """
    low, high = row[f"{prefix}low"], row[f"{prefix}high"]
    if prefix and low is None and high is None:
        return None
    ends = (left if low is None else 100 * low, right if high is None else 100 * high)
    return min(max(ends[0], left), right), min(max(ends[1], left), right)


def _y_axis(lines: Sequence[ForestLine], label_room: int) -> alt.Y:
    is_heading = f"slice(datum.label, 0, 1) === '{HEADING}'"
    axis = alt.Axis(
        title=None,
        minExtent=label_room,
        labelFontWeight={"condition": {"test": is_heading, "value": "bold"}, "value": "normal"},
        labelColor={"condition": {"test": is_heading, "value": MUTED}, "value": INK},
        labelFontSize={"condition": {"test": is_heading, "value": 11}, "value": 12},
    )
    scale = alt.Scale(domain=[line.label for line in lines], paddingInner=0, paddingOuter=0)
    return alt.Y("label:N", sort=None, axis=axis, scale=scale)


def tooltip() -> list[alt.Tooltip]:
    """Return the lines of the box that opens over a mark; the rows need the entries of `described`."""
    titles = {"what": "title", "is": "value", "between": "interval", "rests": "rests on", "note": "note"}
    return [alt.Tooltip(f"{name}:N", title=title) for name, title in titles.items()]


def _arrow(base: Chart, side: str, edge: float, colour: alt.Color) -> Chart:
    return (
        base.transform_filter(f"datum.{side} === true")
        .mark_point(shape=f"triangle-{side}", size=60, filled=True, opacity=1)
        .encode(x=alt.datum(edge), color=colour)
    )


def _reference(reference: Reference, low: float, high: float) -> Chart:
    at = min(max(100 * reference.at, low), high)
    line = upright_line(at, dashed=reference.dashed)
    if not reference.label:
        return line
    text = alt.Chart().mark_text(color=MUTED, fontSize=11, baseline="bottom")
    label = text.encode(x=alt.X("at:Q"), text=alt.Text("label:N"), y=alt.value(-3))
    return layered([line, label], rows=[{"at": at, "label": reference.label}])
