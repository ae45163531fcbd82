"""Draws figures as files: SVG for print and editing, PNG for slides, drawn without a browser or a network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import vl_convert

from gauger.report.blocks import Figure
from gauger.report.drawing import composed
from gauger.report.legend import legend_chart

PNG_SCALE = 2.0
"""PNG pixels per SVG unit."""


def figure_files(figures: Sequence[Figure]) -> dict[str, bytes]:
    """Return each figure as `ID.svg` and `ID.png`, all its panels together: name -> bytes."""
    files: dict[str, bytes] = {}
    for figure in figures:
        svg = figure_svg(figure)
        files[f"{figure.id}.svg"] = svg.encode()
        files[f"{figure.id}.png"] = vl_convert.svg_to_png(svg, scale=PNG_SCALE)
    return files


def figure_svg(figure: Figure) -> str:
    """Return a figure, all its panels together, as SVG text."""
    spec = figure_specification(figure)
    # Nothing may be loaded while drawing, whatever stands in the document.
    svg: str = vl_convert.vegalite_to_svg(json.dumps(spec), allowed_base_urls=[])
    return svg


def figure_specification(figure: Figure) -> dict[str, Any]:
    """Return a figure, all its panels and its legend together, as one Vega-Lite specification."""
    panels = [(panel.title, panel.spec) for panel in figure.panels]
    legend = legend_chart(figure.legend) if figure.legend else None
    title, subtitle = (figure.finding, figure.title) if figure.finding else (figure.title, "")
    return composed(panels, title=title, subtitle=subtitle, wide=figure.wide, legend=legend)
