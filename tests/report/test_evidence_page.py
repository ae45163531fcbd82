"""The page of the evidence: self-contained, escaped, complete, and every chart a valid specification."""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
import vl_convert

from gauger.evidence.citing import link
from gauger.evidence.fit import Evidence
from gauger.report.blocks import Section
from gauger.report.evidence.chapters import CHAPTERS
from gauger.report.evidence.page import render_evidence, write_evidence

VOID = {"meta", "input", "br", "link", "img", "hr", "path", "rect", "circle"}


class Page(HTMLParser):
    """Collects what a page holds and checks that its elements are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.charts: dict[str, str] = {}
        self.table_rows = 0
        self._chart = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if tag == "a" and "href" in given else []
        self.loads += [value or "" for name, value in attrs if name in ("src", "srcset") or (tag == "link")]
        self.table_rows += tag == "tr"
        self._chart = given.get("data-chart") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._chart:
            self.charts[self._chart] = self.charts.get(self._chart, "") + data


@pytest.fixture(scope="module")
def html(evidence: Evidence) -> str:
    return render_evidence(evidence)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    parsed = Page()
    parsed.feed(html)
    return parsed


@pytest.fixture(scope="module")
def sections(evidence: Evidence) -> list[Section]:
    return [build(evidence) for build in CHAPTERS]


def test_elements_are_closed_and_ids_unique(page: Page) -> None:
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))


def test_it_loads_nothing(page: Page, html: str) -> None:
    assert page.loads, "the still pictures"
    assert all(one.startswith("data:image/svg+xml;base64,") for one in page.loads)
    assert "default-src 'none'" in unescape(html)
    assert all(target.startswith(("#", "https://", "http://")) for target in page.links)


def test_every_chapter_and_figure_is_there(page: Page, sections: list[Section]) -> None:
    for section in sections:
        assert section.id in page.ids
        for figure in section.figures:
            assert f"figure-{figure.id}" in page.ids
            for place in range(len(figure.panels)):
                assert f"chart-{figure.id}-{place + 1}" in page.charts
    assert {"headline", "studies", "carry-over", "moderators", "trust", "cannot-tell", "rows"} <= set(page.ids)


def test_without_scripts_there_are_pictures_and_words_in_place_of_what_a_script_does(html: str) -> None:
    assert html.count('<noscript><img class="static"') == html.count('<script type="application/json" data-chart=') > 0
    assert len(re.findall(r"<noscript><p [^>]*>[^<]*scripts are off here; <code>gauger evidence", html)) == 2


def test_a_figure_with_links_in_it_is_no_single_image(html: str) -> None:
    assert '<svg role="group" aria-label="Every study' in html


def unpacked(html: str, name: str) -> str:
    packed = re.search(rf'data-packed="{name}">([^<]+)<', html)
    assert packed
    return gzip.decompress(base64.b64decode(packed.group(1))).decode("utf-8")


def test_every_row_of_the_table_is_packed_in_the_page(html: str, evidence: Evidence) -> None:
    table = pl.read_csv(io.StringIO(unpacked(html, "results.csv")), infer_schema=False)
    assert len(table) == len(evidence.frame) == 3924
    assert table["arm"].to_list() == evidence.frame["arm"].to_list()
    assert table["exclusion"].null_count() == evidence.frame["exclusion"].null_count()
    assert unpacked(html, "references.bib").count("@misc{") == 162
    assert unpacked(html, "data_dictionary.csv").count("\n") > 40


def test_it_is_small_enough_to_send(html: str) -> None:
    assert len(html.encode("utf-8")) < 4_500_000


def test_claims_stand_on_the_page_with_their_badges(html: str, evidence: Evidence) -> None:
    text = unescape(html)
    for one in evidence.claims:
        assert one.sentence in text
        assert f'id="claim-{one.id}"' in html
    assert html.count('class="badge ') == len(evidence.claims)


def test_the_answer_is_one_sentence_with_the_three_means(html: str, evidence: Evidence) -> None:
    text = unescape(html)
    for role in ("targeted", "fresh", "held-out"):
        one = evidence.headline.untouched[role]
        assert f"{one.estimate:+.1f}" in text.split('class="answer">')[1].split("</p>")[0]
    assert "cannot be told from zero" in text
    assert evidence.headline.multiverse in text


def test_the_headline_is_the_headline(html: str, evidence: Evidence) -> None:
    assert all(line in html for line in evidence.headline.text().splitlines())
    assert "No row has a strong student" in html


def test_charts_are_drawn(page: Page) -> None:
    assert len(page.charts) >= 18
    for name in ("chart-carry-over-1", "chart-contrasts-1", "chart-dose-2", "chart-risk-1", "chart-funnel-1"):
        spec = json.loads(page.charts[name])
        spec["width"] = 400
        svg = vl_convert.vegalite_to_svg(json.dumps(spec), allowed_base_urls=[])
        assert svg.count("<path") > 3


def test_text_of_the_table_cannot_become_markup(evidence: Evidence) -> None:
    bad = '<script>alert(1)</script><img src=x onerror="x">'
    frame = evidence.frame.with_columns(
        arm=pl.lit(bad), notes=pl.lit(bad), control_arm=pl.lit(bad), reference=pl.lit('javascript:x"><b>'),
        title=pl.lit("<b>bad</b>: " + bad),
    )  # fmt: skip
    html = render_evidence(replace(evidence, frame=frame))
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert '"><b>' not in html
    assert re.search(r'href="javascript', html) is None


@pytest.mark.parametrize(
    ("reference", "address"),
    [
        ("arXiv:2502.03387v1", "https://arxiv.org/abs/2502.03387v1"),
        ("https://github.com/a/b (README)", "https://github.com/a/b"),
        ("see https://example.org/x.", "https://example.org/x"),
        ("rStar-Coder paper, 2025", ""),
        ("javascript:alert(1)", ""),
    ],
)
def test_links(reference: str, address: str) -> None:
    assert link(reference) == address


def test_it_is_written_where_it_is_told(evidence: Evidence, tmp_path: Path, html: str) -> None:
    path = write_evidence(evidence, tmp_path / "new" / "evidence.html")
    assert path.read_text(encoding="utf-8") == html
