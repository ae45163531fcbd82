"""Builds a page's pieces: sections, figures with their panels, tables, legends, callouts.

A part of the report returns these; the templates draw them. Text given as `str` is escaped; `Markup` is trusted and
must come from `wording.fill`, which escapes what it inserts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from gauger.report.drawing import specification


@dataclass(frozen=True)
class TableCell:
    """One table cell."""

    text: str
    title: str = ""
    """Shown on hover, for instance the reason of an undefined value."""
    kind: str = ""
    """CSS class: num, code, undefined, good, bad, warn."""
    sort: float | None = None
    """What the column sorts by; None sorts by `text`, undefined values last."""
    href: str = ""
    """Link target (http, https or a fragment); never loaded by the page itself."""


@dataclass(frozen=True)
class HtmlTable:
    """A plain HTML table; cells given as `str` become `Cell(text)`."""

    columns: Sequence[str]
    rows: Sequence[Sequence[TableCell | str]]
    caption: str = ""
    numeric: frozenset[int] = frozenset()
    """Positions of right-aligned columns."""
    filters: Sequence[int] = ()
    """Positions of columns that get a drop-down filter; any filter also brings the search box."""
    id: str = ""
    folded: bool = False
    """Shown closed, its caption as the handle."""

    def cells(self) -> list[list[TableCell]]:
        """Return the rows with every entry as a `TableCell`."""
        return [[cell if isinstance(cell, TableCell) else TableCell(cell) for cell in row] for row in self.rows]

    def choices(self, column: int) -> list[str]:
        """Return the distinct texts of a column, in order of appearance: the entries of its filter."""
        return list(dict.fromkeys(row[column].text for row in self.cells()))


@dataclass(frozen=True)
class Key:
    """One entry of a legend: a mark as the figure draws it, and what it stands for."""

    label: str
    shape: str
    """circle, square, diamond, triangle-up, triangle-down, cross, tick, bar or line."""
    colour: str
    hollow: bool = False


@dataclass(frozen=True)
class FigurePanel:
    """One chart of a figure."""

    chart: Any
    """An Altair chart without width or configuration; the page adds both (`drawing.dress`)."""
    title: str = ""
    height: int = 240
    """Pixels kept free for it while the page loads."""
    alt: str = ""
    """What a reader who cannot see it is told."""
    labelled: bool = True
    """Whether values are printed right of the plot, which then needs room for them."""

    @cached_property
    def spec(self) -> Mapping[str, Any]:
        """The chart as a Vega-Lite specification, made once for page and file."""
        return specification(self.chart)


@dataclass(frozen=True)
class Figure:
    """A figure: one or more panels, a legend, a caption that says how to read it, and its numbers as a table."""

    id: str
    title: str
    caption: str
    panels: Sequence[FigurePanel]
    table: HtmlTable
    legend: Sequence[Key] = ()
    wide: bool = True
    """One panel per row; False sets them side by side where there is room."""
    finding: str = ""
    """What the numbers say, in a sentence: the heading, with the title below it; empty where nothing can be said."""


@dataclass(frozen=True)
class Callout:
    """A boxed remark; `tone` is info, warn, bad or good."""

    tone: str
    title: str
    lines: Sequence[str] = ()


@dataclass(frozen=True)
class Section:
    """One chapter of the page, with its line in the table of contents."""

    id: str
    title: str
    lead: Sequence[str] = ()
    """Paragraphs: what was found, in words."""
    figures: Sequence[Figure] = ()
    tables: Sequence[HtmlTable] = ()
    callouts: Sequence[Callout] = ()
    template: str = ""
    """Template for a body of its own, drawn after the figures; it sees `data`."""
    data: Mapping[str, Any] = field(default_factory=dict)
    short: str = ""
    """Title in the table of contents; the full title where empty."""
    summary: HtmlTable | None = None
    """A small table of the main numbers, before the figures."""
