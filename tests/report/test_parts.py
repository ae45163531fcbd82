from __future__ import annotations

import math
from typing import Any

import pytest
from report_documents import study_document

from gauger.report.blocks import Section
from gauger.report.document_view import View
from gauger.report.parts import (
    assay,
    attribution,
    carryover,
    difficulty,
    extraction,
    forgetting,
    gap,
    material,
    reproduce,
    uplift,
    verdict,
)
from gauger.report.parts.cards import cards


def judged(outcome: str, **rule: Any) -> dict[str, Any]:
    document = study_document(outcome).to_dict()
    document["verdict"]["rule"] = {**document["verdict"]["rule"], **rule}
    return document


def texts(section: Section | None) -> str:
    assert section is not None
    return " ".join(str(text) for text in (section.data["sentence"], *section.data["lines"]))


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("major", ["major difference", "42.0\u202f%", "34.0 to 50.0", "25\u202f%", "above the threshold", "above 99"]),
        ("minor", ["minor difference", "7.9\u202f%", "below the threshold", "below 1\u202f%"]),
        ("undetermined", ["does not settle", "13.0 to 31.0", "What would settle it:", "8 replicates", "31\u202f%"]),
        ("invalid", ["No verdict", "failed a check", "nothing may be concluded", "placebo: its uplift"]),
        ("not_powered", ["No verdict", "could not have shown", "Why:", "no twin of the leak"]),
        ("not_replicated", ["No verdict", "noise of training is unknown", "Why:", "choice of items alone"]),
    ],
)
def test_the_verdict_says_outcome_number_interval_threshold_and_what_follows(outcome: str, words: list[str]) -> None:
    told = texts(verdict.build(View(judged(outcome))))
    assert [word for word in words if word not in told] == []


def test_a_check_that_was_not_made_is_said_under_the_verdict() -> None:
    told = texts(verdict.build(View(judged("major"))))
    assert "Not checked, reference:</strong> Switched off: no ground truth" in told
    assert "Not checked, placebo" not in told


def test_an_arm_trained_once_says_at_which_noise_the_outcome_would_turn() -> None:
    document = judged("major")
    document["verdict"]["noise_ratio"] = 1.84
    assert "1.8 times as noisy" in texts(verdict.build(View(document)))
    assert "times as noisy" not in texts(verdict.build(View(judged("major"))))


def test_an_invalid_study_prints_no_probability() -> None:
    document = judged("invalid")
    document["verdict"]["probability_major"] = 0.99
    assert "Probability" not in texts(verdict.build(View(document)))


def test_a_rule_changed_after_the_start_is_said_three_times() -> None:
    section = verdict.build(View(judged("minor", post_hoc=True)))
    assert section is not None
    assert section.data["stamp"] == "Verdict: minor · post hoc"
    assert "changed after results were there" in texts(section)
    assert section.data["notices"][0].title == "Post hoc verdict."
    before = verdict.build(View(judged("minor")))
    assert before is not None
    assert "fixed before the run" in texts(before)
    assert all(box.title != "Post hoc verdict." for box in before.data["notices"])


def test_an_undefined_judged_number_gives_its_reason_and_no_figure() -> None:
    document = judged("undetermined")
    gone = {"value": None, "low": None, "high": None, "reason": "denominator is zero"}
    document["verdict"]["estimate"] = {**document["verdict"]["estimate"], **gone}
    section = verdict.build(View(document))
    assert "denominator is zero" in texts(section)
    assert section is not None
    assert not section.figures


@pytest.mark.parametrize("name", ["uplift", "gain", "carryover", "memorisation"])
def test_a_rule_on_another_estimand_still_reads_as_a_sentence(name: str) -> None:
    document = judged("minor", estimand=name)
    document["verdict"]["estimate"] = {**document["verdict"]["estimate"], "estimand": name}
    told = texts(verdict.build(View(document)))
    assert "expand" in told
    assert "{" not in told


def test_the_cards_tell_the_story_from_raw_gain_to_what_carries_over(study: dict[str, Any]) -> None:
    found = cards(View(study))
    assert [(card.value, card.unit) for card in found] == [
        ("+36.0", "points"),
        ("+35.5", "points"),
        ("+5.5", "points"),
        ("15.5", "%"),
    ]


def test_a_card_without_a_value_gives_the_reason(study: dict[str, Any]) -> None:
    gone = {"value": None, "low": None, "high": None, "reason": "arm missing"}
    rows = [{**row, **gone} if row["estimand"] == "uplift" else row for row in study["estimates"]]
    values = {card.title: (card.value, card.interval) for card in cards(View({**study, "estimates": rows}))}
    assert values["Uplift, near benchmarks"] == ("–", "undefined: arm missing")


def test_a_comparison_without_means_says_the_range(compare: dict[str, Any]) -> None:
    rows = [{**row, "role": None} for row in compare["estimates"]]
    bare = {**compare, "estimates": rows, "benchmarks": []}
    section = verdict.build(View(bare))
    assert section is None  # no card either, as nothing is averaged
    assert "4 benchmarks ranges from +1.0 to +17.0" in str(verdict.without_rule(View(bare)))
    assert "+17.0\u202fpoints" in str(verdict.without_rule(View(compare)))


@pytest.mark.parametrize("arm", ["expand", "label", "seedless", "logits"])
@pytest.mark.parametrize("role", ["targeted", "parallel", "near", "far"])
def test_the_parts_of_a_gain_add_up_to_it(study: dict[str, Any], arm: str, role: str) -> None:
    view = View(study)
    parts, gain = attribution.parts_of(view, arm, role), view.headline("gain", arm, role)
    assert parts is not None
    assert gain is not None
    assert set(parts) == {"format_effect", "training_effect", "uplift"}
    assert math.isclose(sum(parts.values()), gain["value"], abs_tol=1e-12)  # three sums of two-digit decimals


def test_without_a_format_arm_format_and_training_stand_together(study: dict[str, Any]) -> None:
    rows = [row for row in study["estimates"] if row["estimand"] not in ("format_effect", "training_effect")]
    view = View({**study, "estimates": rows})
    parts = attribution.parts_of(view, "expand", "near")
    assert parts is not None
    assert set(parts) == {"both", "uplift"}
    section = attribution.build(view)
    assert section is not None
    assert "format and more training, not told apart" in [key.label for key in section.figures[0].legend]


def test_losses_are_shown_worst_first(study: dict[str, Any]) -> None:
    section = forgetting.build(View(study))
    assert section is not None
    told = str(section.lead[0])
    assert told.startswith("8 of 12 changes")
    assert told.index("expand on sort-quiz") < told.index("seedless on sort-quiz")
    rows = [{**row, "high": 0.1} for row in study["estimates"]]
    calm = forgetting.build(View({**study, "estimates": rows}))
    assert calm is not None
    assert "No far benchmark" in str(calm.lead[0])


def test_a_planted_leak_stands_beside_the_arms_in_the_carry_over(study: dict[str, Any]) -> None:
    section = carryover.build(View(study))
    assert section is not None
    assert section.summary is not None
    rows = {row[0].text: [cell.text for cell in row[1:]] for row in section.summary.cells()}
    assert list(rows) == ["expand", "label", "seedless", "logits", "leak", "reference"]
    assert rows["label"][0].endswith("(at least −35.2)")


def test_the_threshold_stands_in_the_figure_of_the_judged_estimand(study: dict[str, Any]) -> None:
    def labels(document: dict[str, Any]) -> list[str]:
        section = gap.build(View(document))
        assert section is not None
        layers = section.figures[0].panels[0].chart["layer"]
        return [layer["data"]["values"][0].get("label", "") for layer in layers]

    assert "threshold (near)" in labels(study)
    assert not any("threshold" in label for label in labels(judged("minor", estimand="uplift")))


def test_gap_recovered_without_means_falls_back_to_benchmarks(study: dict[str, Any]) -> None:
    rows = [row for row in study["estimates"] if row["benchmark"]]
    section = gap.build(View({**study, "estimates": rows}))
    assert section is not None
    drawn = section.figures[0].panels[0].chart["layer"][-1]["data"]["values"]
    assert sum("value" in row for row in drawn) == 4 * 8  # four arms, nine benchmarks, one of them undefined
    assert sum(row.get("missing") == "denominator not distinguishable from zero" for row in drawn) == 4


def test_each_distilled_arm_has_its_panel_on_one_axis(study: dict[str, Any]) -> None:
    section = uplift.build(View(study))
    assert section is not None
    panels = section.figures[0].panels
    assert [panel.title for panel in panels] == [
        "expand, against matched",
        "label, against matched",
        "seedless, against matched-forms",
        "logits, against matched",
    ]
    domains = {tuple(panel.chart["layer"][-1]["layer"][2]["encoding"]["x"]["scale"]["domain"]) for panel in panels}
    assert len(domains) == 1


def test_a_check_that_was_switched_off_gives_the_reason(study: dict[str, Any]) -> None:
    section = assay.build(View({**study, "assay": [], "switched_off": {"placebo": "too dear"}}))
    assert section is not None
    assert [cell.text for cell in section.tables[0].cells()[0]][1:] == ["– not made", "too dear"]


def test_checks_print_as_words_and_not_as_colour_alone(study: dict[str, Any]) -> None:
    failed = [{"name": "leak", "outcome": "failed", "detail": "not caught"}]
    section = assay.build(View({**study, "assay": failed}))
    assert section is not None
    assert section.tables[0].cells()[0][1].text == "✕ failed"


def test_only_benchmarks_scored_in_several_ways_are_shown(compare: dict[str, Any]) -> None:
    section = extraction.build(View(compare))
    assert section is not None
    assert len(section.tables[0].rows) == 3
    single = {**compare, "study": {**compare["study"], "extraction": compare["study"]["extraction"][:1]}}
    assert extraction.build(View(single)) is None


def test_difficulty_without_scores_is_left_out(study: dict[str, Any]) -> None:
    assert difficulty.build(View({**study, "difficulty": []})) is None
    rare = [{**row, "n_items": 9} for row in study["difficulty"]]
    assert difficulty.build(View({**study, "difficulty": rare})) is None
    one_level = [row for row in study["difficulty"] if row["difficulty"] == 1]
    assert difficulty.build(View({**study, "difficulty": one_level})) is None


def test_uplift_on_the_hardest_quarter_stands_beside_uplift_on_all_items(study: dict[str, Any]) -> None:
    whole = [row for row in study["estimates"] if row["estimand"] == "uplift" and row["over"] in ("targeted", "near")]
    hard = [{**row, "estimand": "hardest_quartile_uplift", "value": row["value"] - 0.1} for row in whole]
    spread = [{**row, "estimand": "hard_minus_easy_uplift", "value": -0.2} for row in whole]
    section = difficulty.build(View({**study, "estimates": [*study["estimates"], *hard, *spread]}))
    assert section is not None
    figure = section.figures[0]
    assert figure.title.startswith("Uplift on the hardest quarter")
    table = [" ".join(cell.text for cell in row) for row in figure.table.cells()]
    averages = [row for row in whole if row["benchmark"] is None and row["arm"] in View(study).distilled]
    assert averages
    assert len(table) == 3 * len(averages)
    assert sum("hard minus easy" in row for row in table) == len(averages)


def test_difficulties_print_as_whole_numbers_in_their_order(study: dict[str, Any]) -> None:
    rows = [{**row, "difficulty": -float(row["difficulty"])} for row in study["difficulty"]]
    section = difficulty.build(View({**study, "difficulty": rows}))
    assert section is not None
    x = section.figures[0].panels[0].chart["layer"][0]["encoding"]["x"]
    assert x["scale"]["domain"] == ["\u22124", "\u22123", "\u22122", "\u22121"]


def test_ledger_counts_and_outcomes_are_those_of_the_document(study: dict[str, Any]) -> None:
    section = material.outcomes(View(study))
    assert section is not None
    every = sum(row[name] for row in study["outcomes"] for name in material.OUTCOMES)
    assert f"Of {every:,} answers".replace(",", "\u202f") in section.lead[0]


def test_every_estimate_stands_in_the_table_and_undefined_ones_as_their_reason(study: dict[str, Any]) -> None:
    section = reproduce.every_estimate(View(study))
    assert section is not None
    table = section.tables[0]
    assert len(table.rows) == len(study["estimates"])
    value = list(table.columns).index("Value")
    for cells, row in zip(table.cells(), study["estimates"], strict=True):
        assert (cells[value].text == row["reason"]) == (row["value"] is None)
        assert cells[value].sort == row["value"]


def test_a_bill_is_a_range_where_it_is_one(study: dict[str, Any]) -> None:
    assert "US dollars" not in str(material.build(View(study)))
    for row in study["ledger"]:
        asked = row["source"] == "teacher"
        row |= {"usd_low": 1.25 if asked else None, "usd_high": 1.25 if asked else None}
    section = material.build(View(study))
    assert section is not None
    assert "1.25" in str(section.summary)
    assert "most possible" not in str(section.lead)
    study["ledger"][0] |= {"usd_low": 0.0123, "usd_high": 0.0456}
    study["ledger"][1] |= {"usd_low": 1234.5, "usd_high": 2345.6}
    section = material.build(View(study))
    assert section is not None
    assert "0.0123 to 0.0456" in str(section.summary)
    assert "1,234.50 to 2,345.60" in str(section.summary)
    assert "most possible" in str(section.lead)
