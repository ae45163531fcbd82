"""Writes the page of the published evidence: one self-contained HTML file with the look of a study report."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gauger.evidence import Evidence
    from gauger.report.blocks import Section

QUESTION = "How much do students gain from a teacher's outputs, where, and how far can the published tables be trusted?"


def render_evidence(evidence: Evidence) -> str:
    """Return the evidence as one HTML page that opens without a network.

    Parameters
    ----------
    evidence : Evidence
        From `gauger.evidence.fit.analyse`.
    """
    from gauger.report.page_frame import asset, render_page
    from gauger.report.wording import count

    return render_page(
        "evidence.html.j2",
        title="Published evidence · Gauger",
        question=QUESTION,
        n_rows=count(len(evidence.frame)),
        gauger_version=version("gauger"),
        sections=evidence_sections(evidence),
        more_script=asset("evidence/explorer.js"),
        more_style=asset("evidence/evidence.css"),
    )


def evidence_sections(evidence: Evidence) -> Sequence[Section]:
    """Return the chapters of the page."""
    from gauger.report.drawing import unchecked
    from gauger.report.evidence.chapters import CHAPTERS

    with unchecked():
        return [build(evidence) for build in CHAPTERS]


def write_evidence(evidence: Evidence, path: Path) -> Path:
    """Write the page to a file, whose folder is made where it does not exist, and return its path."""
    from gauger.store import write_text

    return write_text(path, render_evidence(evidence))
