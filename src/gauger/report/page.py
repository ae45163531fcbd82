"""Makes the report: `render` gives the HTML text, `write` the file with its figures beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gauger.report.blocks import Section
    from gauger.report.document_view import View

SAVED_FIGURES = (
    "verdict", "uplift", "scores", "gap", "carryover", "attribution", "forgetting", "ingredients", "interactions",
    "scaling", "scale-uplift", "scale-worth",
)  # fmt: skip
"""Figures that are also written as files; the others are in the page, where each chart can be saved by a click."""


def render(document: Mapping[str, Any]) -> str:
    """Return the report of a study, or of a comparison of logs, as one HTML page that opens without a network.

    Parameters
    ----------
    document : Mapping
        `Document.to_dict()`, or `estimates.json` parsed. Parts that it lacks are left out of the page.

    Raises
    ------
    InputError
        If the mapping is of neither schema `gauger.estimates/2` nor `gauger.estimates/1`.
    """
    from gauger.report.document_view import View

    view = View(document)
    return _page(view, sections_of(view))


def write(document: Mapping[str, Any], directory: Path | str) -> Path:
    """Write `report.html` and `figures/*.svg` and `*.png` into a directory, and return the path of the page.

    The directory is made where it does not exist; files of an earlier report are replaced.
    """
    from gauger.report.document_view import View
    from gauger.report.export import write_figures

    view = View(document)
    sections = sections_of(view)
    target = Path(directory)
    target.mkdir(parents=True, exist_ok=True)
    figures = [figure for section in sections for figure in section.figures if figure.id in SAVED_FIGURES]
    write_figures(figures, target / "figures")
    page = target / "report.html"
    page.write_text(_page(view, sections), encoding="utf-8")
    return page


def drawn_differences(document: Mapping[str, Any], directory: Path | str) -> list[str]:
    """Draw a report once more, elsewhere, and say which of its files in a directory are not what this one draws."""
    from tempfile import TemporaryDirectory

    found, there = [], Path(directory)
    with TemporaryDirectory() as folder:
        write(document, folder)
        names = [path.relative_to(folder) for path in sorted(Path(folder).rglob("*")) if path.is_file()]
        for name in names:
            same = (there / name).is_file() and (there / name).read_bytes() == (Path(folder) / name).read_bytes()
            found += [] if same else [f"{name} is not what the estimates give"]
    return found


def headline(document: Mapping[str, Any]) -> str:
    """Return the verdict of a document in one plain sentence, as it stands at the head of its report."""
    from markupsafe import Markup

    from gauger.report.document_view import View
    from gauger.report.parts.verdict import sentence, without_rule

    view = View(document)
    said = sentence(view.verdict) if view.verdict else without_rule(view)
    return said.striptags() if isinstance(said, Markup) else said


def sections_of(view: View) -> Sequence[Section]:
    """Return the chapters that a document fills, in reading order."""
    from gauger.report.chapters import chapters
    from gauger.report.drawing import unchecked

    with unchecked():
        return [section for build in chapters() if (section := build(view)) is not None]


def _page(view: View, sections: Sequence[Section]) -> str:
    from gauger.report.page_frame import render_page

    name = str(view.study.get("name") or "Study")
    return render_page(
        "report.html.j2",
        title=f"{name} · Gauger",
        kicker="Comparison of evaluation logs" if view.is_compare else "Study report",
        study_name=name,
        question=view.study.get("question") or "",
        gauger_version=(view.study.get("versions") or {}).get("gauger") or version("gauger"),
        sections=sections,
    )
