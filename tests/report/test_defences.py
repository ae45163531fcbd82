"""The chapter on defences says outcomes, draws the frontier, and sets costs and literature beside them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from gauger.estimate import Design, estimate_study
from gauger.estimate.calibrate.planted_defences import PlantedDefences, prepare_defences
from gauger.estimate.calibrate.simulate import cube_to_records
from gauger.evidence import defences_in_literature
from gauger.records import Document
from gauger.report import render
from gauger.report.document_view import View
from gauger.report.first_screen import about
from gauger.report.parts import defences
from gauger.report.parts.defences_figures import place_labels
from gauger.report.parts.defences_rows import cheapest

PLANTED = PlantedDefences(
    uplift={
        "open": {"passive": 0.22, "filter": 0.22},
        "noise": {"passive": 0.0, "filter": 0.2},
        "all": {"passive": 0.0, "filter": -0.02},
    },
    honest_cost={"noise": 0.08, "all": 0.2},
    passive=frozenset({"passive"}),
    threshold=0.08,
    items=400,
    replicate_sd=0.02,
)
QUERIES = {"passive@open": 900, "filter@open": 1400, "filter@noise": 1400}


@pytest.fixture(scope="module")
def document():
    generator = prepare_defences(PLANTED)
    design: Design = generator.design
    arms = tuple(
        replace(arm, queries=QUERIES.get(arm.name), teacher_tokens=9000 if arm.name in QUERIES else None)
        for arm in design.arms
    )
    found = estimate_study(cube_to_records(generator.draw(np.random.default_rng(4))), replace(design, arms=arms))
    literature = [one.to_dict() for one in defences_in_literature() if one.kind == "product-of-experts"]
    entries = [
        {
            "defence": one.defence, "outcome": str(one.outcome), "threshold": one.threshold,
            "against": list(one.against), "why": one.why, "role": "near", "description": "Said in a sentence",
            "surface": "text", "budgets": {}, "passive": ["passive"],
            "literature": literature if one.defence == "noise" else [],
            "honest": {"open": {"requests": 800, "refused": 0.0, "tokens_out": 3.0},
                       "defended": {"requests": 800, "refused": 0.25, "unanswered": 0.4, "tokens_out": 2.0}},
        }
        for one in found.defences
    ]  # fmt: skip
    study = {"name": "planted", "fingerprint": "0", "question": "?", "kind": "study"}
    whole = Document(study, found.estimates, arms=arms, defences=entries)
    return json.loads(json.dumps(whole.to_dict()))


def test_a_study_without_defences_has_no_such_chapter(document):
    assert defences.build(View({**document, "defences": []})) is None


def test_outcomes_are_said_with_their_attackers_and_thresholds(document):
    section = defences.build(View(document))
    lead = " ".join(str(one) for one in section.lead)
    assert "<code>noise</code> does not work against these attackers" in lead
    assert "<code>all</code> works against these attackers" in lead
    assert "<code>passive</code> and <code>filter</code>" in lead
    assert "the threshold is 8.0 points" in lead
    assert [figure.id for figure in section.figures] == ["defences-frontier", "defences-uplift", "defences-gap"]
    assert section.figures[0].finding == "Against these attackers all works, noise does not work"
    assert "noise" in section.figures[2].finding
    cells = [[cell.text for cell in row] for row in section.summary.cells()]
    assert [row[1] for row in cells] == ["does not", "works"]
    honest = [[cell.text for cell in row] for row in section.tables[0].cells()]
    assert [cell.split()[0] for cell in honest[0][-3:-1]] == ["25", "40"]


def test_what_an_account_may_do_and_who_has_several_is_said(document):
    entries = [
        {**entry, "budgets": {"max_queries": 90, "max_accounts": 2}, "accounts": {"filter": 12}}
        if entry["defence"] == "noise"
        else entry
        for entry in document["defences"]
    ]
    lead = " ".join(map(str, defences.build(View({**document, "defences": entries})).lead))
    assert "<code>noise</code>, at most 90 queries of an account, accounts of one attacker: at most 2, does not" in lead
    assert "<code>all</code> works against" in lead
    assert "Attackers with more than one account: filter (12)." in lead
    assert "account" not in " ".join(map(str, defences.build(View(document)).lead))


def test_the_frontier_shows_every_defence_with_joint_intervals(document):
    spec = json.dumps(defences.build(View(document)).figures[0].panels[0].spec)
    for defence in PLANTED.defences:
        removed = next(
            row
            for row in document["estimates"]
            if (row["estimand"], row["defence"], row["attacker"]) == ("uplift_removed", defence, None)
        )
        assert f'"y_low": {100 * removed["simultaneous_low"]}' in spec


def test_no_label_of_the_frontier_lies_on_another():
    places = {
        "cap": (0.0, 40.0), "cap-one": (0.1, 40.5), "near": (5.0, 41.0), "far": (0.0, 10.0), "right": (90.0, 40.0),
        "facing": (60.0, 11.0), "opposite": (40.0, 10.0),
    }  # fmt: skip
    data = [{"name": name, "x": x, "y": y} for name, (x, y) in places.items()]
    place_labels(data, (0.0, 100.0), (0.0, 80.0))
    labels = {datum["name"]: datum["label"] for datum in data}
    assert labels == {name: name for name in places} | {"cap": "cap, cap-one", "cap-one": ""}
    assert [datum["name"] for datum in data if datum["below"]] == ["near", "opposite"]
    assert [datum["name"] for datum in data if datum["left"]] == ["right", "facing"]


def test_the_cheapest_attacker_is_the_one_with_the_fewest_queries_who_passes(document):
    view = View(document)
    assert cheapest(view, "open", 0.08) == ("passive", 900)
    assert cheapest(view, "noise", 0.08) == ("filter", 1400)
    assert cheapest(view, "all", 0.08) is None
    assert cheapest(view, "open", 0.5) is None


def test_the_literature_stands_beside_the_study(document):
    tables = defences.build(View(document)).tables
    cells = [[cell.text for cell in row] for row in tables[-1].cells()]
    assert {row[0] for row in cells} == {"noise"}
    assert [row[6] for row in cells[:1]] == ["+18.0"]
    without = [{**one, "literature": []} for one in document["defences"]]
    assert len(defences.build(View({**document, "defences": without})).tables) == len(tables) - 1


def test_the_first_screen_says_every_outcome(document):
    said = [str(line) for line in about(View(document))]
    assert any("noise does not work; all works" in line for line in said)
    assert not any("Defences" in str(line) for line in about(View({**document, "defences": []})))


def test_the_page_is_drawn(document):
    page = render(document)
    assert 'id="defences"' in page
    assert "Against these attackers all works" in page
