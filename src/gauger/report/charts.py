"""Gives out the figures of a report one by one, as charts that a notebook draws and a file holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gauger.evidence import Evidence
    from gauger.report.blocks import Figure
    from gauger.report.drawing import Chart


def figures_of(document: Mapping[str, Any]) -> Sequence[Figure]:
    """Return every figure of a document's report, in reading order.

    Raises
    ------
    InputError
        If the mapping is of neither schema `gauger.estimates/2` nor `gauger.estimates/1`.
    """
    from gauger.report.document_view import View
    from gauger.report.page import sections_of

    return [figure for section in sections_of(View(document)) for figure in section.figures]


def evidence_figures(evidence: Evidence) -> Sequence[Figure]:
    """Return every figure of the page of published evidence, in reading order."""
    from gauger.report.evidence.page import evidence_sections

    return [figure for section in evidence_sections(evidence) for figure in section.figures]


def chart_of(figure: Figure) -> Chart:
    """Return a figure, all its panels and its legend together, as one Altair chart."""
    import altair as alt

    from gauger.report.export import figure_specification

    return alt.VConcatChart.from_dict(figure_specification(figure), validate=False)
