"""Who gains most, in the report: the study's slopes beside the literature's, labelled, escaped, reasons in words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gauger.records import Document
from gauger.report import render
from gauger.report.blocks import Section
from gauger.report.document_view import View
from gauger.report.parts.scaling import build

CURVE = "distilled, teacher of <b>500</b> steps"
NUMBERS = {"slope": 0.0441, "se": 0.021, "low": -0.0463, "high": 0.1346, "df": 2.0, "at_mean": 0.1042, "mean": 1.0}


def point(curve: str, uplift: float | None) -> dict[str, Any]:
    held = {"teacher_loss": None, "teacher_tokens": None, "queries": None, "held_out": False, "flops": 1e9}
    sizes = {"n_params": 1000, "n_tokens": 1e5, "budget": 1.0, "student": "8 x 1", "n_items": 20, "n_replicates": 3}
    scores = {"accuracy": 0.5, "accuracy_se": 0.02, "loss": 1.2, "loss_se": 0.1}
    lift = {"uplift": uplift, "uplift_low": uplift, "uplift_high": uplift}
    return {"arm": curve, "curve": curve, **sizes, **scores, **lift, **held}


def scaling() -> dict[str, Any]:
    about = {"curve": CURVE, "n": 4, "budgets": [1.0], "level": 0.95}
    fewer = dict.fromkeys(NUMBERS) | {"reason": "fewer than 4 different sizes (<i>3</i>)"}
    slopes = [
        about | {"against": "starting score", "unit": "10 points higher", **NUMBERS, "reason": None},
        about | {"against": "student's size", "unit": "doubling of parameters", **fewer},
    ]
    student = {"curve": CURVE, "student": "8 x 1", "n_params": 1000, "score": 0.25, "uplift": 0.1, "se": 0.02}
    counted = {"n_rows": 460, "n_studies": 33, "df": 6.8, "reason": None, "note": None, "where": "held-out"}
    theirs = {"slope": -0.0071, "se": 0.0037, "low": -0.0158, "high": 0.0016}
    literature = [
        {"against": against, "unit": unit, **theirs, **counted}
        for against, unit in (("starting score", "10 points higher"), ("student's size", "doubling of parameters"))
    ]
    return {
        "role": "near", "points": [point("control", None), point(CURVE, 0.1)], "curves": [], "predicted": [],
        "covered": {"inside": 0, "of": 0}, "equivalents": [], "crossings": [], "lines": [],
        "ability": {"slopes": slopes, "students": [student], "note": "The unit is the <u>student</u>."},
        "literature": {"slopes": literature, "caveat": "It stands in the effect with a minus sign."},
    }  # fmt: skip


def document(found: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(Document({"name": "tiny", "kind": "study"}, (), scaling=found).to_dict()))


def chapter(found: dict[str, Any]) -> Section:
    section = build(View(document(found)))
    assert section is not None
    return section


def texts(section: Section, start: str) -> list[list[str]]:
    (table,) = [one for one in section.tables if one.caption.startswith(start)]
    return [[cell.text for cell in row] for row in table.cells()]


def test_the_study_s_slopes_stand_beside_the_literature_s() -> None:
    section = chapter(scaling())
    mine = texts(section, "Who gains most: this study")
    assert mine[0][1:] == ["starting score", "per 10 points higher", "+4.41", "\u22124.63 to +13.46", "+10.4", "4"]
    theirs = texts(section, "Who gains most: the published literature (not this study)")
    assert theirs[0] == ["held-out benchmarks", "starting score", "per 10 points higher", "\u22120.71",
                         "\u22121.58 to +0.16", "460", "33"]  # fmt: skip
    captions = [figure.caption for figure in section.figures if figure.id == "scale-ability"]
    assert len(captions) == 1
    assert "with a minus sign" in captions[0]


def test_a_slope_that_is_not_defined_gives_its_reason() -> None:
    size = texts(chapter(scaling()), "Who gains most: this study")[1]
    assert size[3:6] == ["undefined", "fewer than 4 different sizes (<i>3</i>)", ""]
    assert not any("Who gains most?" in line for line in chapter(scaling()).lead)


@pytest.mark.parametrize(
    ("held", "covered", "says"),
    [
        ((False, False), {"inside": 0, "of": 0}, "No cell was left out of the fits"),
        ((True, False), {"inside": 0, "of": 0}, "1 largest cell was left out of the fits, and none could be predicted"),
        ((True, True), {"inside": 1, "of": 1}, "2 largest cells were left out of the fits; 1 of these could be pred"),
        ((True, True), {"inside": 1, "of": 2}, "2 largest cells were left out of the fits; 1 lie inside their pred"),
    ],
)
def test_the_lead_counts_the_cells_that_were_left_out(held: Any, covered: dict[str, int], says: str) -> None:
    found = scaling() | {"covered": covered}
    for cell, is_held in zip(found["points"], held, strict=True):
        cell["held_out"] = is_held
    assert says in chapter(found).lead[0]


def test_students_that_differ_in_their_base_have_lines_of_their_own_in_the_worth() -> None:
    gain = {"value": 2.0, "low": 1.0, "high": 3.0, "censored": "no", "limit": None, "text": "2x (1x to 3x)"}
    rows = [
        {"arm": student, "curve": CURVE, "budget": 1.0, "student": student, "data": gain, "compute": gain}
        for student in ("8 x 1, base of 100 steps", "8 x 1, base of 400 steps")
    ]
    (figure,) = [one for one in chapter(scaling() | {"equivalents": rows}).figures if one.id == "scale-worth"]
    drawn = json.dumps(figure.panels[0].spec)
    assert all(row["student"] in drawn for row in rows)


def test_the_lead_says_who_gains_with_the_literature_named() -> None:
    found = scaling()
    found["ability"]["slopes"][1] |= NUMBERS | {"reason": None}
    (line,) = [one for one in chapter(found).lead if "Who gains most?" in one]
    assert "+4.4 points, \u22124.6 to +13.5" in line
    assert "The published literature has, over the untouched base: \u22120.7 points" in line


@pytest.mark.parametrize("missing", ["ability", "literature"])
def test_documents_without_them_are_still_drawn(missing: str) -> None:
    found = scaling()
    del found[missing]
    captions = [table.caption for table in chapter(found).tables]
    assert any(caption.startswith("Who gains most: the published") for caption in captions) is False
    assert any(caption.startswith("Who gains most: this") for caption in captions) is (missing == "literature")


def test_names_and_reasons_are_escaped() -> None:
    page = render(document(scaling()))
    assert "Who gains most: the published literature (not this study)" in page
    for raw, safe in (("<b>500</b>", "&lt;b&gt;500"), ("<i>3</i>", "&lt;i&gt;3"), ("<u>student</u>", "&lt;u&gt;stud")):
        assert raw not in page
        assert safe in page
