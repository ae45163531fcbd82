"""Draws the legend of a figure as a chart of its own, for files; on the page the templates draw it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from gauger.report.blocks import Key
from gauger.report.drawing import WIDE_WIDTH, Chart, layered
from gauger.report.palette import PAPER

SHAPES = {"tick": "M0,-1.2V1.2", "line": "M-1.2,0H1.2", "bar": "M-1.2,-0.6H1.2V0.6H-1.2Z"}
"""Marks that Vega does not know by name, as paths."""
ROW_HEIGHT = 20
LETTER_WIDTH = 7.2
"""Pixels that a letter of 12 pixels takes at most on average; a legend may be airy, but must not overlap."""


def legend_chart(keys: Sequence[Key]) -> Chart:
    """Return the keys side by side, in as many rows as they need."""
    rows = _placed(keys)
    scale = alt.Scale(domain=[0, WIDE_WIDTH], nice=False, zero=False)
    x = alt.X("x:Q", axis=None, scale=scale)
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[rows[-1]["y"] + 0.5, -0.5], nice=False, zero=False))
    base = alt.Chart().encode(x=x, y=y)
    mark = base.mark_point(size=70, strokeWidth=1.8, opacity=1).encode(
        stroke=alt.Stroke("colour:N", scale=None),
        fill=alt.Fill("fill:N", scale=None),
        shape=alt.Shape("shape:N", scale=None),
    )
    text = base.mark_text(align="left", dx=11).encode(text=alt.Text("label:N"))
    return layered([mark, text], rows=rows, height=ROW_HEIGHT * (rows[-1]["y"] + 1)) | {"width": WIDE_WIDTH}


def _placed(keys: Sequence[Key]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    x, y = 8.0, 0
    for key in keys:
        width = 32 + LETTER_WIDTH * len(key.label)
        if x > 8 and x + width > WIDE_WIDTH:
            x, y = 8.0, y + 1
        fill = PAPER if key.hollow else key.colour
        shape = SHAPES.get(key.shape, key.shape)
        rows.append({"x": x, "y": y, "label": key.label, "shape": shape, "colour": key.colour, "fill": fill})
        x += width
    return rows
