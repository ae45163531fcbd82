"""The chapter on watermarks says what was found in students, beside text that cannot bear it, and what is doubtful."""

from __future__ import annotations

import pytest

from gauger.records import Document
from gauger.report import render
from gauger.report.document_view import View
from gauger.report.parts import watermark
from gauger.report.parts.watermark import FALSE, SILENT, p_words

STUDY = {"name": "planted", "fingerprint": "0", "question": "?", "kind": "study"}


def row(arm, of, p, *, controls=(), marked=None, reason=None):
    known = p is not None
    return {
        "arm": arm, "of": of, "defence": None, "attacker": None, "controls": list(controls),
        "texts": 800, "tokens": 4321, "pairs": 1000, "green": 731, "share_green": 0.731,
        "p_value": p, "p_holm": p, "level": 0.01,
        "marked": (p <= 0.01 if marked is None else marked) if known else None, "reason": reason,
    }  # fmt: skip


ROWS = [
    row("asks@<mark>", "student", 1e-30, controls=["matched", "asks@open"]),
    row("passive@mark", "student", None, controls=["matched"], reason="too few different pairs of tokens"),
    row("matched", "control", 0.4),
    row("asks@open", "control", 0.0234),
    row("teacher@mark", "teacher", 0.0),
]


def view_of(rows):
    return View(Document(STUDY, [], marks=rows).to_dict())


def test_every_student_is_told_with_its_controls_and_the_reason_where_there_is_no_test():
    section = watermark.build(view_of(ROWS))
    first, second = (str(line) for line in section.lead[:2])
    assert "asks@&lt;mark&gt;</code>: the mark is found (73.1" in first
    assert "p &lt; 0.0001" in first
    assert "<code>asks@open</code>, which cannot bear the mark: no mark is found" in first
    assert "p = 0.0234" in first
    assert "not tested (too few different pairs of tokens)" in second
    assert any("4 tests together" in str(line) for line in section.lead)
    assert section.callouts == []
    cells = [[cell.text for cell in line] for line in section.summary.cells()]
    assert [line[2] for line in cells] == ["yes", "too few different pairs of tokens", "no", "no", "yes"]


@pytest.mark.parametrize(
    ("place", "changed", "title"),
    [(2, row("matched", "control", 0.001), FALSE), (4, row("teacher@mark", "teacher", 0.5), SILENT)],
)
def test_a_mark_where_none_can_be_and_none_where_one_must_be_are_doubts(place, changed, title):
    rows = [*ROWS[:place], changed, *ROWS[place + 1 :]]
    assert [box.title for box in watermark.build(view_of(rows)).callouts] == [title]


def test_a_study_without_marks_has_no_chapter_and_one_with_them_is_drawn():
    assert watermark.build(view_of([])) is None
    assert 'id="watermark"' in render(Document(STUDY, [], marks=ROWS).to_dict())
    assert 'id="watermark"' not in render(Document(STUDY, []).to_dict())


def test_a_control_that_two_marks_are_looked_for_in_stands_beside_each_student_with_its_own():
    rows = [
        row("a", "student", 1e-30, controls=["matched"]) | {"mark": "green"},
        row("b", "student", 1e-30, controls=["matched"]) | {"mark": "other"},
        row("matched", "control", 0.4) | {"mark": "green"},
        row("matched", "control", 0.02) | {"mark": "other"},
    ]
    first, second = (str(line) for line in watermark.build(view_of(rows)).lead[:2])
    assert "p = 0.4" in first.partition("Beside it")[2]
    assert "p = 0.02" in second.partition("Beside it")[2]


def test_a_student_without_controls_is_told_so():
    assert "stands no text" in str(watermark.build(view_of([row("a", "student", 0.5)])).lead[0])


def test_no_p_value_is_nothing():
    words = {0.0: "< 0.0001", 0.00009: "< 0.0001", 0.0001: "= 0.0001", 0.5: "= 0.5000", None: "–"}
    assert {p: p_words(p) for p in words} == words
