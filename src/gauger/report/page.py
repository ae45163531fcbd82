"""Makes the report: `render` gives the HTML text, `write` the file with its figures beside it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from gauger.report.blocks import Section
    from gauger.report.document_view import View

KICKERS = {"compare": "Comparison of evaluation logs", "runs": "Runs side by side"}
"""Kind of document -> what stands above its title."""
PRINTED = "report-print.html"
"""The page with everything open, for paper: drawn again with the report wherever it stands."""


def render(document: Mapping[str, Any], *, unfolded: bool = False) -> str:
    """Return the report of a study, or of a comparison of logs, as one HTML page that opens without a network.

    Parameters
    ----------
    document : Mapping
        `Document.to_dict()`, or `estimates.json` parsed. Parts that it lacks are left out of the page.
    unfolded : bool
        Whether everything that can be folded is open, for paper.

    Raises
    ------
    InputError
        If the mapping is of neither schema `gauger.estimates/2` nor `gauger.estimates/1`.
    """
    from gauger.report.document_view import View

    view = View(document)
    return _page(view, sections_of(view), unfolded=unfolded)


def write(document: Mapping[str, Any], directory: Path | str, beside: Mapping[str, bytes] | None = None) -> Path:
    """Write `report.html` and `figures/*.svg` and `*.png` into a directory, and return the path of the page.

    The directory is made where it does not exist; files of an earlier report are replaced, all of them or none (of the
    page for paper, one that stands there), and with them what is to stand `beside` the page (name -> bytes).
    """
    from gauger.store import write_together

    write_together(Path(directory), {**(beside or {}), **report_files(document, directory)})
    return Path(directory) / "report.html"


def report_files(document: Mapping[str, Any], directory: Path | str) -> dict[str, bytes]:
    """Return all that a directory's report consists of: relative name -> bytes.

    Parameters
    ----------
    document : Mapping
        Of the report.
    directory : path
        Where a page for paper stands already, it is part of the report; nothing is written.

    Returns
    -------
    dict of str to bytes
        The page and its figures, and `report-print.html` where there is one.
    """
    from gauger.report.document_view import View
    from gauger.report.export import figure_files

    view = View(document)
    sections = sections_of(view)
    figures = [figure for section in sections for figure in section.figures]
    drawn = {f"figures/{name}": content for name, content in figure_files(figures).items()}
    pages = {"report.html": False} | ({PRINTED: True} if os.path.lexists(Path(directory) / PRINTED) else {})
    for name, unfolded in pages.items():
        drawn[name] = _page(view, sections, unfolded=unfolded).encode("utf-8", "backslashreplace")
    return drawn


def drawn_differences(document: Mapping[str, Any], directory: Path | str) -> list[str]:
    """Draw a report once more, and say which of its files in a directory are not what this one draws.

    Parameters
    ----------
    document : Mapping
        The estimates.
    directory : path
        Of the report.

    Returns
    -------
    list of str
        One sentence per file: of the page, the page for paper and each figure that is not what the estimates give, and
        of each file below `figures/` that they do not give at all. What a killed writer left half written
        (``.NAME.….tmp``) is no figure to anybody.
    """
    folder = Path(directory)
    drawn = report_files(document, folder)
    same = {name: (folder / name).is_file() and (folder / name).read_bytes() == drawn[name] for name in sorted(drawn)}
    differences = [f"{name} is not what the estimates give" for name in same if not same[name]]
    figures = (path for path in (folder / "figures").rglob("*") if path.is_symlink() or not path.is_dir())
    present = {path.relative_to(folder).as_posix() for path in figures if not _is_half_written(path.name)}
    remedy = "remove it, then draw the report again with gauger report"
    return differences + [f"{name} is no figure of this report: {remedy}" for name in sorted(present - set(drawn))]


def _is_half_written(name: str) -> bool:
    return name.startswith(".") and name.endswith(".tmp")


def headline(document: Mapping[str, Any]) -> str:
    """Return the verdict of a document in one plain sentence, as it stands at the head of its report."""
    return summary(document).partition("\n")[0]


def summary(document: Mapping[str, Any]) -> str:
    """Return the first screen of a document as plain text, one line each.

    The verdict; what would settle it, or why there is none; what was studied, what the threshold means, and which
    threats are open. The same words stand at the head of its report.
    """
    from gauger.report.conclusion import sentence, settling, without_rule
    from gauger.report.document_view import View
    from gauger.report.first_screen import about

    view = View(document)
    if view.is_side_by_side:
        from gauger.report.side_by_side import sentence as sentence_of_runs

        return sentence_of_runs(view).striptags()
    sentences = [sentence(view.verdict), *settling(view.verdict)] if view.verdict else [without_rule(view)]
    return "\n".join(line.striptags() if isinstance(line, Markup) else line for line in (*sentences, *about(view)))


def sections_of(view: View) -> Sequence[Section]:
    """Return the chapters that a document fills, in reading order."""
    from gauger.report import side_by_side
    from gauger.report.chapters import chapters
    from gauger.report.drawing import unchecked

    builders = side_by_side.CHAPTERS if view.is_side_by_side else chapters()
    with unchecked():
        return [section for build in builders if (section := build(view)) is not None]


def _page(view: View, sections: Sequence[Section], *, unfolded: bool = False) -> str:
    from gauger.report.page_frame import render_page

    name = str(view.study.get("name") or "Study")
    return render_page(
        "report.html.j2",
        title=f"{name} · Gauger",
        kicker=KICKERS.get(str(view.study.get("kind")), "Study report"),
        study_name=name,
        question=view.study.get("question") or "",
        gauger_version=(view.study.get("versions") or {}).get("gauger") or version("gauger"),
        sections=sections,
        unfolded=unfolded,
    )
