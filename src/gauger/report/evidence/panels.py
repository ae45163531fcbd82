"""Draws several interval charts on one stretch of the axis, and single charts of points, as panels of a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gauger.report.blocks import FigurePanel
from gauger.report.drawing import Chart
from gauger.report.evidence import figures as draw
from gauger.report.forest import ForestLine

STAR = "A star marks an interval with fewer than 4 degrees of freedom: too few studies for it to be trusted."
"""Beside charts whose lines may have a star."""


def interval_panels(
    sides: Mapping[str, Mapping[str, Sequence[ForestLine]]], alt: str, x_title: str = "percentage points",
    limits: tuple[float, float] = draw.LIMITS,
) -> list[FigurePanel]:  # fmt: skip
    """Return one interval chart per side, all on the same stretch of the axis."""
    extent, room = draw.extent_of(sides.values(), limits), draw.label_room(sides.values())
    panels = []
    for title, groups in sides.items():
        chart, height = draw.interval_chart(groups, x_title, extent, room)
        panels.append(FigurePanel(chart, title, height, f"{alt}: {title}"))
    return panels


def point_panel(chart: Chart, alt: str) -> FigurePanel:
    """Return a panel of one chart of points, at the height that all of them have."""
    return FigurePanel(chart, "", draw.POINT_HEIGHT + 50, alt, labelled=False)
