"""Every chart is valid Vega-Lite, brings its own data, and comes with words and a table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import altair as alt
import pytest
from altair.utils.schemapi import validate_jsonschema
from jsonschema import ValidationError

from gauger.report.blocks import Figure
from gauger.report.chapters import CHAPTERS
from gauger.report.document_view import View
from gauger.report.drawing import composed, dress
from gauger.report.export import figure_files, figure_svg
from gauger.report.palette import DARK, arm_style, dark_css


def figures(document: dict[str, Any]) -> list[Figure]:
    sections = [section for build in CHAPTERS if (section := build(View(document)))]
    return [figure for section in sections for figure in section.figures]


NAMES = ("verdict", "uplift", "scores", "gap", "carryover", "attribution", "forgetting", "memorisation", "difficulty")


def test_a_full_study_has_all_its_figures(study: dict[str, Any]) -> None:
    assert tuple(figure.id for figure in figures(study)) == NAMES


def check(spec: dict[str, Any]) -> None:
    """Raise where a specification of a layered chart is not valid Vega-Lite."""
    validate_jsonschema(without_rows(spec), alt.LayerChart._schema, alt.LayerChart._rootschema)


def test_the_check_of_charts_can_fail() -> None:
    good = {"layer": [{"mark": "point", "encoding": {"x": {"field": "a", "type": "quantitative"}}}], "data": {}}
    with pytest.raises(ValidationError):
        check({**good, "config": {"background": 3}})
    with pytest.raises(ValidationError):
        check({**good, "layer": [{"mark": "pint"}]})


def without_rows(spec: Any) -> Any:
    if isinstance(spec, dict):
        return {key: [] if key == "values" else without_rows(value) for key, value in spec.items()}
    return [without_rows(value) for value in spec] if isinstance(spec, list) else spec


@pytest.mark.parametrize("kind", ["study", "compare"])
def test_charts_are_valid_by_the_schema(kind: str, request: pytest.FixtureRequest) -> None:
    for figure in figures(request.getfixturevalue(kind)):
        check(dress(figure.panels[0].spec))
        spec = composed([(panel.title, panel.spec) for panel in figure.panels], title=figure.title, wide=figure.wide)
        assert len(spec["vconcat"][-1]["concat"]) == len(figure.panels)


def test_figures_carry_a_caption_a_table_and_words_for_those_who_cannot_see(study: dict[str, Any]) -> None:
    for figure in figures(study):
        assert figure.caption.endswith(".")
        assert figure.table.rows
        assert all(panel.alt for panel in figure.panels)


def layers(spec: dict[str, Any], rows: Any = None) -> Iterator[tuple[dict[str, Any], Any]]:
    """Yield each drawn layer with the rows it draws: its own, or those of the layer around it."""
    rows = spec.get("data", {}).get("values", rows)
    if "layer" in spec:
        for inner in spec["layer"]:
            yield from layers(inner, rows)
    else:
        yield spec, rows


def test_every_layer_has_rows_to_draw(study: dict[str, Any]) -> None:
    for figure in figures(study):
        for panel in figure.panels:
            for layer, rows in layers(dict(panel.spec)):
                assert rows, (figure.id, layer)


def test_saved_figures_show_their_numbers(study: dict[str, Any]) -> None:
    saved = [figure for figure in figures(study) if figure.id in ("uplift", "gap")]
    files = figure_files(saved)
    assert sorted(files) == ["gap.png", "gap.svg", "uplift.png", "uplift.svg"]
    svg = files["uplift.svg"].decode()
    assert svg.count(">+35.5</text>") == 1
    assert "expand, against matched" in svg
    assert svg.count(">targeted benchmark</text>") == 1  # a file brings its legend
    assert files["uplift.png"][:8] == b"\x89PNG\r\n\x1a\n"


def test_an_undefined_estimate_is_printed_in_the_figure(study: dict[str, Any]) -> None:
    gone = {"value": None, "low": None, "high": None, "simultaneous_low": None, "simultaneous_high": None}
    rows = [
        {**row, **gone, "reason": "arm missing"} if (row["estimand"], row["arm"]) == ("gap_recovered", "label") else row
        for row in study["estimates"]
    ]
    figure = next(one for one in figures({**study, "estimates": rows}) if one.id == "gap")
    assert figure_svg(figure).count(">arm missing</text>") == 4


def test_hostile_names_are_drawn_as_text(hostile: dict[str, Any]) -> None:
    svg = figure_svg(next(one for one in figures(hostile) if one.id == "uplift"))
    assert "expand&lt;/script>" in svg or "expand&lt;/script&gt;" in svg
    assert "<script" not in svg


def test_names_from_the_document_never_become_expressions(hostile: dict[str, Any]) -> None:
    expressions = [
        text
        for figure in figures(hostile)
        for panel in figure.panels
        for text in re.findall(
            r'"(?:test|filter|expr|labelExpr|calculate)": *("(?:[^"\\]|\\.)*")', json.dumps(panel.spec)
        )
    ]
    assert expressions
    assert not any("pwned" in text for text in expressions)


def test_every_colour_in_the_charts_has_a_dark_counterpart(study: dict[str, Any]) -> None:
    used = set()
    for figure in figures(study):
        used |= set(re.findall(r"#[0-9a-f]{6}", json.dumps([dress(panel.spec) for panel in figure.panels])))
    assert used <= set(DARK)
    assert all(f'fill="{colour}"' in dark_css() for colour in used)


def luminance(colour: str) -> float:
    """WCAG 2.2 relative luminance."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_in_charts_is_readable_on_both_pages() -> None:
    from gauger.report.palette import INK, MUTED

    # WCAG 2.2 asks 4.5 to 1 of text (success criterion 1.4.3).
    for text in (INK, MUTED):
        assert (1.05) / (luminance(text) + 0.05) >= 4.5
        assert (luminance(DARK[text]) + 0.05) / (luminance("#151b22") + 0.05) >= 4.5


def test_arms_differ_in_colour_and_shape_for_as_long_as_possible() -> None:
    styles = [arm_style(place) for place in range(24)]
    assert len(set(styles)) == 24
    assert all(len(set(pair)) == 2 for pair in zip(*styles[:2], strict=True))
