"""The chapter on ingredients: waterfall and matrix, drawn from a planted pipeline."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import altair as alt
import numpy as np
import pytest

from gauger.estimate.calibrate.planted import Planted
from gauger.estimate.calibrate.planted_pipeline import PlantedPipeline, prepare_pipeline
from gauger.estimate.cell_means import Cells
from gauger.estimate.estimator import estimate_cells
from gauger.records import BenchmarkInfo, Document
from gauger.report.document_view import View
from gauger.report.drawing import dress
from gauger.report.palette import DARK
from gauger.report.parts import ingredients

PIPELINE = PlantedPipeline(
    dividends={"web": 0.05, "human": 0.1, "distil": 0.15, "rl": -0.03, "human:rl": 0.08},
    noise=Planted(items=60, replicates=3, benchmarks=2),
)


def document(**changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    generator = prepare_pipeline(replace(PIPELINE, **changes), rng)
    estimates, _, _ = estimate_cells(Cells(generator.draw(rng), generator.design))
    benchmarks = [BenchmarkInfo(name, role, 60) for name, role in generator.design.roles.items()]
    made = Document({"name": "pipeline", "kind": "study"}, estimates, arms=generator.design.arms, benchmarks=benchmarks)
    plain: dict[str, Any] = json.loads(json.dumps(made.to_dict()))
    return plain


@pytest.fixture(scope="module")
def pipeline() -> dict[str, Any]:
    return document()


def section(document: dict[str, Any]) -> Any:
    return ingredients.build(View(document))


def marks(spec: Any, found: list[Any] | None = None) -> list[dict[str, Any]]:
    """All rows of data in a specification."""
    found = [] if found is None else found
    if isinstance(spec, dict):
        found += spec.get("data", {}).get("values", []) if isinstance(spec.get("data"), dict) else []
        for part in spec.values():
            marks(part, found)
    elif isinstance(spec, list):
        for part in spec:
            marks(part, found)
    return found


def test_a_share_whose_set_lies_outside_two_ends_is_not_worded_as_what_it_excludes(pipeline: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(pipeline))
    for row in changed["estimates"]:
        if row["estimand"] == "teacher_share":
            row.update(low=-0.4, high=2.4, kind="outside")
    text = " ".join(map(str, section(changed).lead))
    assert "(below \u221240.0 or above +240.0) is due to the teacher" in text


def test_a_document_without_ingredients_has_no_chapter(study: dict[str, Any]) -> None:
    assert section(study) is None


def test_bars_follow_one_another_to_the_whole_gain(pipeline: dict[str, Any]) -> None:
    (waterfall, _) = section(pipeline).figures
    assert [panel.title for panel in waterfall.panels] == ["targeted", "near"]
    view = View(pipeline)
    for panel in waterfall.panels:
        rows = marks(panel.spec)
        total = view.over("pipeline_gain", "web+human+distil+rl", panel.title)
        assert total is not None
        for kind in ("Shapley value", "added in order"):
            bars = [row for row in rows if row.get("kind") == kind]
            assert [bar["label"] for bar in bars] == ["web", "human", "distil", "rl"]
            end = 0.0
            for bar in bars:
                assert min(abs(end - bar["start"]), abs(end - bar["end"])) < 1e-6
                end = bar["end"] if abs(end - bar["start"]) < 1e-6 else bar["start"]
            assert end == pytest.approx(100 * total["value"], abs=1e-6)


def test_the_matrix_is_symmetric_and_marks_what_is_clear_of_zero(pipeline: dict[str, Any]) -> None:
    (_, matrix) = section(pipeline).figures
    cells = {(row["row"], row["column"]): row for row in marks(matrix.panels[0].spec)}
    assert len(cells) == 16
    for (one, other), cell in cells.items():
        assert cells[other, one]["shown"] == cell["shown"]
        assert cell["own"] == (one == other)
    row = View(pipeline).over("shapley_interaction", "human:rl", "targeted")
    assert row is not None
    assert ("*" in cells["human", "rl"]["shown"]) == (row["low"] > 0 or row["high"] < 0)
    assert cells["human", "rl"]["between"]


def test_charts_are_valid_and_use_the_palette_alone(pipeline: dict[str, Any]) -> None:
    for figure in section(pipeline).figures:
        assert figure.caption
        assert figure.table.rows
        for panel in figure.panels:
            spec = dress(panel.chart)
            alt.Chart.from_dict(spec, validate=True)
            colours = {part for part in json.dumps(panel.spec).split('"') if part.startswith("#") and len(part) == 7}
            assert colours <= set(DARK)


def test_the_lead_says_the_share_and_what_usual_tables_would_say(pipeline: dict[str, Any]) -> None:
    told = " ".join(map(str, section(pipeline).lead))
    assert "All ingredients together gained" in told
    assert "due to the teacher: to distil." in told
    assert "leaving one out would credit it with" in told
    assert len(section(pipeline).summary.rows) == 4


def test_a_fraction_is_drawn_without_steps_and_without_a_teacher_nobody_is_credited() -> None:
    found = section(document(words=("web:human:distil:rl",), teacher=()))
    labels = [key.label for key in found.figures[0].legend]
    assert labels == ["Shapley value", "whole gain"]
    assert "teacher" not in " ".join(map(str, found.lead))


def test_undefined_values_leave_a_waterfall_out_and_stand_in_the_matrix(pipeline: dict[str, Any]) -> None:
    gone = {"value": None, "low": None, "high": None, "se": None, "reason": "arm missing"}
    rows = [
        {**row, **gone} if row["estimand"] in ("shapley", "shapley_interaction") and "human" in row["arm"] else row
        for row in pipeline["estimates"]
    ]
    (matrix,) = section({**pipeline, "estimates": rows}).figures
    cells = {(row["row"], row["column"]): row for row in marks(matrix.panels[0].spec)}
    assert cells["web", "human"]["shown"] == "?"
    assert cells["web", "human"]["note"] == "arm missing"
    assert cells["web", "distil"]["shown"] != "?"
