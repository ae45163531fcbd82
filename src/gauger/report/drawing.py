"""How every chart looks, and how charts leave the page as files.

A part of the report builds bare charts (no width, no configuration). `dress` makes one fit a page; `composed` puts a
figure's panels and legend together for a file of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import altair as alt

from gauger.report.palette import FONT, GRID, INK, MUTED, RULE

LABEL_SPACE = 58
"""Pixels right of a plot that hold the printed values."""
PANEL_WIDTH = 420
WIDE_WIDTH = 620

Chart: TypeAlias = Any
"""A bare Altair chart (single or layered); Altair's own types do not survive a chain of calls."""

_AXIS: dict[str, Any] = {
    "labelColor": INK,
    "titleColor": MUTED,
    "labelFontSize": 12,
    "titleFontSize": 12,
    "titleFontWeight": "normal",
    "titlePadding": 8,
    "gridColor": GRID,
    "domain": False,
    "ticks": False,
    "labelPadding": 6,
    "labelLimit": 190,
}

CONFIG: dict[str, Any] = {
    "background": None,
    "font": FONT,
    "view": {"stroke": None},
    "axis": _AXIS,
    "axisY": {"grid": False, "labelPadding": 8},
    "axisX": {"labelColor": MUTED},
    "legend": {"labelColor": INK, "titleColor": MUTED, "labelFontSize": 12, "symbolStrokeWidth": 2},
    "title": {"color": INK, "fontSize": 13, "fontWeight": 600, "anchor": "start", "frame": "group", "offset": 12},
    "header": {"labelColor": INK, "titleColor": MUTED},
    "rule": {"color": RULE},
    "text": {"color": INK, "fontSize": 12},
}


def plot(rows: Sequence[Mapping[str, Any]]) -> Chart:
    """Return an empty chart over inline rows."""
    return alt.Chart(alt.Data(values=list(rows)))  # type: ignore[no-untyped-call]


def dress(chart: Chart) -> dict[str, Any]:
    """Return a chart's specification with the house style, as wide as the box it stands in.

    A width or a configuration that the chart brings itself is kept.
    """
    spec: dict[str, Any] = chart.to_dict()
    brought = spec.get("config", {})
    # Altair's own default view size would fix the width of every chart; the box decides instead.
    brought.get("view", {}).pop("continuousWidth", None)
    brought.get("view", {}).pop("continuousHeight", None)
    spec["config"] = {**CONFIG, **{name: value for name, value in brought.items() if value}}
    if not any(key in spec for key in ("hconcat", "vconcat", "concat", "facet", "repeat")):
        spec.setdefault("width", "container")
        spec.setdefault("autosize", {"type": "fit-x", "contains": "padding"})
        spec.setdefault("padding", {"left": 2, "right": LABEL_SPACE, "top": 4, "bottom": 4})
    return spec


def composed(charts: Sequence[tuple[str, Chart]], *, title: str, wide: bool) -> dict[str, Any]:
    """Return one specification that shows titled panels together on white, at a fixed size: the figure as a file."""
    width = WIDE_WIDTH if wide or len(charts) == 1 else PANEL_WIDTH
    panels = [chart.properties(width=width, **({"title": name} if name else {})) for name, chart in charts]
    whole = alt.concat(*panels, columns=1 if wide else 2, spacing=28)
    whole = whole.properties(title=alt.TitleParams(title, fontSize=16, offset=18, frame="bounds"), padding=16)
    spec: dict[str, Any] = whole.to_dict()
    spec["config"] = {**CONFIG, "background": "#ffffff", "legend": {**CONFIG["legend"], "orient": "bottom"}}
    return spec
