"""The page as text: complete, self-contained, escaped, the same at every call."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from report_documents import HOSTILE

from gauger.errors import InputError
from gauger.report import render, write

VOID = {"meta", "input", "br", "img", "link", "circle", "rect", "path"}


class Outline(HTMLParser):
    """Tags, attributes and text outside scripts and styles, and whether every element is closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.text.append(data)

    def ids(self) -> list[str]:
        return [attrs["id"] or "" for _, attrs in self.tags if "id" in attrs]


CHAPTERS = [
    "verdict", "setup", "uplift", "scores", "gap", "carryover", "attribution", "forgetting", "memorisation",
    "difficulty", "assay", "threats", "limits", "missing", "material", "outcomes", "reproduce", "numbers",
]  # fmt: skip


def chapters(html: str) -> list[str]:
    return re.findall(r'<section id="([a-z]+)"', html)


def test_a_study_has_every_chapter_in_order_and_in_the_contents(study_page: str) -> None:
    assert chapters(study_page) == CHAPTERS
    assert re.findall(r'<li><a href="#([a-z]+)">', study_page) == CHAPTERS


def test_a_comparison_leaves_out_what_it_has_not(compare: dict[str, Any]) -> None:
    page = render(compare)
    assert chapters(page) == ["verdict", "setup", "uplift", "scores", "gap", "extraction", "reproduce", "numbers"]
    assert "Comparison of evaluation logs" in page
    assert "None" not in Outline(page).text


@pytest.mark.parametrize(
    ("part", "chapter"),
    [
        ("ledger", None), ("examples", None), ("outcomes", "outcomes"), ("difficulty", "difficulty"),
        ("threats", "threats"), ("limits", "limits"), ("failures", "missing"), ("assay", "assay"),
    ],
)  # fmt: skip
def test_an_absent_part_leaves_no_empty_chapter(study: dict[str, Any], part: str, chapter: str | None) -> None:
    page = render({**study, part: []})
    assert chapters(page) == [name for name in CHAPTERS if name != chapter]


def test_a_document_with_nothing_but_a_study_still_opens() -> None:
    page = render({"schema": "gauger.estimates/1", "study": {"name": "empty"}, "estimates": []})
    assert chapters(page) == []
    assert "<h1>empty</h1>" in page


def test_another_document_is_refused() -> None:
    with pytest.raises(InputError, match="schema"):
        render({"schema": "something/1"})


@pytest.mark.parametrize("kind", ["study", "compare", "hostile"])
def test_the_page_is_well_formed_with_unique_ids_and_no_broken_fragment(
    kind: str, request: pytest.FixtureRequest
) -> None:
    outline = Outline(render(request.getfixturevalue(kind)))
    assert outline.open == []
    ids = Counter(outline.ids())
    assert [name for name, times in ids.items() if times > 1] == []
    targets = {attrs["href"] for _, attrs in outline.tags if (attrs.get("href") or "").startswith("#")}
    assert {target[1:] for target in targets if target} <= set(ids)


@pytest.mark.parametrize("kind", ["study", "compare", "hostile"])
def test_nothing_is_loaded_from_anywhere(kind: str, request: pytest.FixtureRequest) -> None:
    outline = Outline(render(request.getfixturevalue(kind)))
    loading = {"src", "srcset", "href", "data", "action", "poster", "formaction", "xlink:href", "background"}
    for tag, attrs in outline.tags:
        for name in loading & set(attrs):
            assert tag in ("a", "img"), (tag, attrs)
            start = "#" if tag == "a" else "data:image/svg+xml;base64,"
            assert (attrs[name] or "").startswith(start)
    assert {tag for tag, _ in outline.tags} & {"link", "iframe", "object", "embed", "base", "form"} == set()
    style = Path("src/gauger/report/report.css").read_text(encoding="utf-8")
    assert "url(" not in style
    assert "@import" not in style


def test_hostile_text_stays_text(hostile: dict[str, Any]) -> None:
    page = render(hostile)
    outline = Outline(page)
    assert page.count("<script") == 2 + page.count('<script type="application/json"') + page.count("&lt;script") * 0
    assert not any("onerror" in attrs for _, attrs in outline.tags)
    assert HOSTILE.replace("\ud800", "\ufffd") in "".join(outline.text)
    assert "more characters)" in page  # the very long answer is cut


def test_the_teachers_words_are_shown_as_written(study_page: str) -> None:
    text = "".join(Outline(study_page).text)
    assert "<script>alert('teacher')</script> & \"quotes\"" in text
    assert "A: \u2400\ufffdevil\nmore" in text


def test_numbers_are_points_and_per_cent_never_raw(study_page: str) -> None:
    text = "".join(Outline(study_page).text)
    assert "nan" not in text.lower().split()
    assert "None" not in text
    assert "undefined" not in text.split()
    assert "denominator not distinguishable from zero" in text


def test_what_went_wrong_is_said_under_the_verdict(study_page: str) -> None:
    head = study_page.split('<section id="setup"')[0]
    assert "1 job failed (in seedless)" in head
    assert "distinct questions only" in head


def test_command_seed_versions_and_fingerprint_are_printed(study: dict[str, Any], study_page: str) -> None:
    text = "".join(Outline(study_page).text)
    facts = [study["study"]["command"], study["study"]["fingerprint"], str(study["study"]["seed"]), "torch 2.13.0"]
    assert [fact for fact in facts if fact not in text] == []


def test_every_estimate_is_in_the_filterable_table(study: dict[str, Any], study_page: str) -> None:
    table = study_page.split('<table id="every-estimate"')[1].split("</table>")[0]
    assert table.count("<tr>") == len(study["estimates"]) + 1
    assert study_page.count('data-for="every-estimate"') == 1


def test_the_same_document_gives_the_same_page(study: dict[str, Any], study_page: str) -> None:
    assert render(study) == study_page


def test_write_makes_the_page_and_the_main_figures(tmp_path: Path, study: dict[str, Any], study_page: str) -> None:
    path = write(study, tmp_path / "new" / "run")
    assert path == tmp_path / "new" / "run" / "report.html"
    assert path.read_text(encoding="utf-8") == study_page
    names = {file.name for file in (path.parent / "figures").iterdir()}
    saved = re.findall(r'<figure id="figure-([a-z-]+)"', study_page)
    assert {"verdict", "uplift", "difficulty", "memorisation"} <= set(saved)
    assert names == {f"{name}.{kind}" for name in saved for kind in ("svg", "png")}


@pytest.mark.parametrize("kind", ["study", "compare", "hostile"])
def test_every_chart_has_a_still_picture_for_readers_without_scripts(kind: str, request: pytest.FixtureRequest) -> None:
    page = render(request.getfixturevalue(kind))
    assert page.count('<noscript><img class="static"') == page.count('<script type="application/json" data-chart=') > 0


def test_importing_the_report_does_not_import_the_chart_library() -> None:
    code = "import sys, gauger.report; sys.exit(any(name in sys.modules for name in ('altair', 'vl_convert', 'torch')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
