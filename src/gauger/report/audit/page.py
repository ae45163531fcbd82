"""Writes the page of an audit: one self-contained HTML file with the look of a study report."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

QUESTION = "Which benchmark items stand in the training texts, and how often does this audit itself err?"


def render_audit(document: Mapping[str, Any]) -> str:
    """Return an audit as one HTML page that opens without a network.

    Parameters
    ----------
    document : mapping
        Schema `gauger.audit/1`, as `gauger audit --json` prints it.
    """
    from gauger.report.audit.chapters import CHAPTERS
    from gauger.report.drawing import unchecked
    from gauger.report.page_frame import asset, render_page
    from gauger.report.wording import count

    with unchecked():
        sections = [section for build in CHAPTERS if (section := build(document)) is not None]
    return render_page(
        "audit.html.j2",
        title="Audit · Gauger",
        question=QUESTION,
        n_texts=count(sum(corpus["n_texts"] for corpus in document["corpora"])),
        n_items=count(sum(benchmark["n_items"] for benchmark in document["benchmarks"])),
        gauger_version=version("gauger"),
        sections=sections,
        more_style=asset("audit/audit.css"),
    )


def write_audit(document: Mapping[str, Any], path: Path) -> Path:
    """Write the page to a file, whose folder is made where it does not exist, and return its path."""
    from gauger.store import write_text

    return write_text(path, render_audit(document))
