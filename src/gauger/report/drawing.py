"""Styles every chart alike, and writes charts as files.

A part of the report builds bare charts (no width, no configuration). `dress` makes one fit a page; `composed` puts a
figure's panels and legend together for a file of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from textwrap import wrap
from typing import Any, TypeAlias

import altair as alt
from altair.utils.schemapi import debug_mode

from gauger.report.palette import FONT, GRID, INK, MUTED, RULE

LABEL_SPACE = 58
"""Pixels right of a plot that hold the printed values."""
PANEL_WIDTH = 420
WIDE_WIDTH = 620
TITLE_CHARACTERS = 80
"""Characters of a line of a figure's title in a file; a longer title goes on below."""

Chart: TypeAlias = Any
"""A bare Altair chart, or a specification made by `layered`; Altair's own types do not survive a chain of calls."""

SCHEMA_URL = alt.SCHEMA_URL
"""Names the Vega-Lite version; it is an identifier, nothing is loaded from it."""

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
    "labelLimit": 170,
}

CONFIG: dict[str, Any] = {
    "aria": False,  # the box around a chart is an image with words; Vega would add an image without words per mark
    "background": "transparent",
    "font": FONT,
    "view": {"stroke": None},
    "axis": _AXIS,
    "axisY": {"grid": False, "labelPadding": 8},
    "axisX": {"labelColor": MUTED, "labelFlush": False},
    "legend": {"labelColor": INK, "titleColor": MUTED, "labelFontSize": 12, "symbolStrokeWidth": 2},
    "title": {"color": INK, "fontSize": 13, "fontWeight": 600, "anchor": "start", "frame": "group", "offset": 12},
    "header": {"labelColor": INK, "titleColor": MUTED},
    "rule": {"color": RULE},
    "text": {"color": INK, "fontSize": 12},
}


def layered(
    layers: Sequence[Chart], *, rows: Sequence[Mapping[str, Any]] | None = None, height: float | None = None
) -> Chart:
    """Return charts drawn over each other, `rows` being the data of all those that bring none.

    Does what `altair.layer` does, without its deep copies, which made up half the time of a page.
    """
    spec: dict[str, Any] = {"layer": [_part(layer) for layer in layers]}
    spec |= {} if rows is None else {"data": {"values": list(rows)}}
    return spec if height is None else spec | {"height": height}


def _part(chart: Chart) -> dict[str, Any]:
    if isinstance(chart, Mapping):
        return dict(chart)
    spec: dict[str, Any] = chart.to_dict(validate=False, context={"top_level": False})
    if spec.get("data") == {"name": "empty"}:
        del spec["data"]  # Altair's stand-in for "none"; it would hide the data of the enclosing layer
    return spec


def upright_line(at: float, *, colour: str = RULE, dashed: bool = False) -> Chart:
    """Return a line over the whole height of a plot, at a value of its x axis."""
    rule = alt.Chart().mark_rule(color=colour, strokeWidth=1.5, strokeDash=[5, 3] if dashed else [1, 0])
    return layered([rule.encode(x=alt.X("at:Q"))], rows=[{"at": at}])


def unchecked() -> AbstractContextManager[None]:
    """Return the context in which Altair does not validate what it is given.

    Validation would take most of the time of a page and find only mistakes of this program: the tests run it instead.
    """
    return debug_mode(False)


def specification(chart: Chart) -> dict[str, Any]:
    """Return a chart as a Vega-Lite specification without Altair's default size.

    See `unchecked` for why it is not validated here.
    """
    spec: dict[str, Any] = dict(chart) if isinstance(chart, Mapping) else chart.to_dict(validate=False)
    kept = {name: value for name, value in spec.get("config", {}).items() if name != "view"}
    return {**spec, "config": kept}


def dress(chart: Chart, *, labelled: bool = False) -> dict[str, Any]:
    """Return a chart's specification with the house style, as wide as the box it stands in.

    Size, padding and configuration that the chart brings itself are kept.
    """
    spec = specification(chart)
    spec["config"] = {**CONFIG, **spec["config"]}
    if not any(key in spec for key in ("hconcat", "vconcat", "concat", "facet", "repeat")):
        spec.setdefault("width", "container")
        spec.setdefault("autosize", {"type": "fit-x", "contains": "padding"})
        spec.setdefault("padding", {"left": 2, "right": LABEL_SPACE if labelled else 14, "top": 4, "bottom": 4})
    return spec


def composed(
    charts: Sequence[tuple[str, Chart]], *, title: str, wide: bool, legend: Chart | None = None, subtitle: str = ""
) -> dict[str, Any]:
    """Return one specification that shows titled panels together on white, at a fixed size: the figure as a file."""
    width = WIDE_WIDTH if wide or len(charts) == 1 else PANEL_WIDTH
    panels, datasets = [], {}
    for name, chart in charts:
        panel = specification(chart)
        datasets.update(panel.pop("datasets", {}))
        panels.append(
            {key: value for key, value in panel.items() if key not in ("config", "$schema")} | {"width": width}
        )
        panels[-1] |= {"title": name} if name else {}
    together = {"concat": panels, "columns": 1 if wide else 2, "spacing": 28}
    return {
        "$schema": SCHEMA_URL,
        "config": {**CONFIG, "background": "#ffffff"},
        "title": {
            "text": wrap(title, TITLE_CHARACTERS),
            "fontSize": 16,
            "offset": 18,
            "frame": "bounds",
            **({"subtitle": subtitle, "subtitleColor": MUTED, "subtitlePadding": 6} if subtitle else {}),
        },
        "padding": 16,
        "vconcat": [together] if legend is None else [legend, together],
        "datasets": datasets,
    }
