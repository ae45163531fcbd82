"""Writes a page of tables: the report of results that are no study, such as fitted laws."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version

from gauger.report.blocks import Callout, Section
from gauger.report.document_view import Row
from gauger.report.page_frame import render_page
from gauger.report.plain_tables import plain_table


def render_tables(
    title: str,
    kicker: str,
    tables: Mapping[str, Sequence[Row]],
    warnings: Sequence[str] = (),
    *,
    unfolded: bool = False,
) -> str:
    """Return one HTML page with a chapter for each table.

    Parameters
    ----------
    title : str
        What was found, in a line.
    kicker : str
        What kind of page it is.
    tables : mapping of title -> rows
        Empty ones are left out; numbers are shown to four significant digits.
    warnings : sequence of str
        Shown before the first table.
    unfolded : bool
        As of every page; tables are never folded.
    """
    filled = {name: rows for name, rows in tables.items() if rows}
    sections = [
        Section(re.sub(r"\W+", "-", name.lower()), name, tables=[plain_table(rows)]) for name, rows in filled.items()
    ]
    if warnings and sections:
        sections[0] = replace(sections[0], callouts=[Callout("warn", "Warnings", warnings)])
    return render_page(
        "report.html.j2",
        title=f"{title} · Gauger",
        kicker=kicker,
        study_name=title,
        question="",
        gauger_version=version("gauger"),
        sections=sections,
        unfolded=unfolded,
    )
