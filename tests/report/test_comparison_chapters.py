"""The chapters of a comparison: each is there exactly where the document holds what it shows."""

from __future__ import annotations

from typing import Any

from report_documents import study_document

from gauger.report import render
from gauger.report.document_view import View
from gauger.report.parts import comparison

FLIPS = [
    {"benchmark": "arc", "arm": "d", "control": "c", "won": 12, "lost": 7, "same": 81,
     "items_won": ["doc 3", "<b>doc\x1b[2J</b>"], "items_lost": ["doc 9"]}
]  # fmt: skip
RANKS = [
    {"benchmark": "arc", "over": None, "arm": "s-1", "score": 0.5, "rank": 2, "low": 1, "high": 2},
    {"benchmark": "arc", "over": None, "arm": "s-2", "score": 0.6, "rank": 1, "low": 1, "high": 2},
]
SERIES = [{"benchmark": None, "over": "all", "direction": "up", "begins_after": 1000.0, "begins_by": 2000.0}]
SCALES = [
    {"benchmark": "wiki", "measure": "bits_per_byte", "better": "lower", "estimand": "uplift", "arm": "d",
     "control": "c",
     "score_arm": 0.91, "score_control": 0.95, "value": -0.04, "low": -0.05, "high": -0.03, "n_items": 60,
     "conclusion": "gain"}
]  # fmt: skip
GROUP = {"benchmark": "arc", "group": "law", "estimand": "uplift", "arm": "d", "n_items": 20, "reason": None}
BY = {
    "column": "subject",
    "estimates": [
        {**GROUP, "value": 0.1, "low": 0.0, "high": 0.2, "simultaneous_low": -0.1, "simultaneous_high": 0.3},
        {**GROUP, "value": None, "reason": "no scored rows"},
        {**GROUP, "estimand": "score", "value": 0.5},
    ],
}


def view(**study: Any) -> View:
    document = study_document("major").to_dict()
    return View({**document, "study": {**document["study"], **study}})


def test_a_study_has_none_of_the_chapters() -> None:
    plain = view()
    assert not any(
        build(plain) for build in (comparison.flips, comparison.students, comparison.groups, comparison.other_scales)
    )


def cells(section: Any, table: int = 0) -> list[list[str]]:
    return [[cell.text for cell in row] for row in section.tables[table].cells()]


def test_items_won_and_lost_are_named_and_cannot_steer_the_page() -> None:
    (row,) = cells(comparison.flips(view(flips=FLIPS)))
    assert row[:6] == ["arc", "d", "c", "12", "7", "81"]
    assert "\x1b" not in row[6]
    page = render({**study_document("major").to_dict(), "study": view(flips=FLIPS).study})
    assert "<b>doc" not in page
    assert "&lt;b&gt;doc" in page


def test_ranks_and_the_series_of_checkpoints() -> None:
    section = comparison.students(view(ranks=RANKS, series=SERIES))
    assert [row[4] for row in cells(section)] == ["1 to 2", "1 to 2"]
    assert cells(section, 1) == [["mean of all", "up, begins after 1000 and by 2000"]]


def test_sub_groups_leave_scores_out_and_say_what_is_undefined() -> None:
    section = comparison.groups(view(by=BY))
    rows = cells(section)
    assert len(rows) == 2
    assert rows[0][4:] == ["+10.0", "0.0 to +20.0", "\N{MINUS SIGN}10.0 to +30.0", "20"]
    assert rows[1][4] == "no scored rows"


def test_errors_carry_their_direction_and_unit() -> None:
    (row,) = cells(comparison.other_scales(view(other_scales=SCALES)))
    assert row[1:4] == ["bits_per_byte", "lower", "d"]
    assert row[6:8] == ["-0.04", "-0.05 to -0.03"]
