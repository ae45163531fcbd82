"""Writes the pages of a forecast: self-contained HTML with the look of a study report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gauger.report.blocks import Figure, Section


def _sections(document: Mapping[str, Any], *, statistics: bool) -> list[Section]:
    from gauger.report.forecast import chapters as plain
    from gauger.report.forecast import statistics as more

    builders = (
        (more.distributions, more.nearest, more.sensitivity, more.back_test, more.inputs)
        if statistics
        else (plain.answer, plain.decision, plain.settling, plain.elsewhere, plain.context, plain.trust)
    )
    return [section for build in builders if (section := build(document)) is not None]


def render_forecast(document: Mapping[str, Any], *, statistics: bool = False, other: str = "") -> str:
    """Return one page of a forecast, which opens without a network.

    Parameters
    ----------
    document : mapping
        Of schema `gauger.forecast/1`.
    statistics : bool
        The statistics in place of the decision.
    other : str
        File name of the other page, for a link; empty: no link.
    """
    from gauger.report.drawing import unchecked
    from gauger.report.page_frame import asset, render_page

    with unchecked():
        sections = _sections(document, statistics=statistics)
        return render_page(
            "forecast.html.j2",
            title=f"{document['scenario']['scenario']} · Gauger",
            kicker="Forecast · statistics" if statistics else "Forecast",
            scenario=document["scenario"],
            other=other,
            other_name="The page for a decision" if statistics else "The statistics behind it",
            gauger_version=version("gauger"),
            sections=sections,
            more_style=asset("evidence/evidence.css"),
        )


def forecast_figures(document: Mapping[str, Any]) -> Sequence[Figure]:
    """Return the figures of both pages."""
    both = [*_sections(document, statistics=False), *_sections(document, statistics=True)]
    return [figure for section in both for figure in section.figures]


def write_forecast(document: Mapping[str, Any], path: Path) -> Path:
    """Write both pages, and the experiment's study file where there is one; return the first page's path.

    Parameters
    ----------
    document : mapping
        Of schema `gauger.forecast/1`.
    path : Path
        A file that ends in .html, or a directory.
    """
    from gauger.store import write_bytes

    first = path if path.suffix == ".html" else path / "forecast.html"
    second = first.with_name(f"{first.stem}-statistics.html")
    first.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(first, render_forecast(document, other=second.name).encode())
    write_bytes(second, render_forecast(document, statistics=True, other=first.name).encode())
    if document["decision"]["study"] is not None and path.suffix != ".html":
        write_bytes(first.parent / "experiment.yaml", document["decision"]["study"].encode())
    return first
