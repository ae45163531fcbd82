"""The first screen: what was studied, what the threshold means and where it comes from, which threats are open."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from gauger.report import headline, render, summary
from gauger.report.document_view import View
from gauger.report.first_screen import DEFAULT_RULE, about
from gauger.spec import load_study
from gauger.spec.study import VerdictRule
from gauger.study.description import setting


def lines(document: dict[str, Any], **rule: Any) -> dict[str, str]:
    if document.get("verdict"):
        document = {**document, "verdict": {**document["verdict"], "rule": {**document["verdict"]["rule"], **rule}}}
    said = [line.striptags() for line in about(View(document))]
    return dict(line.split(": ", 1) for line in said)


def test_the_usual_rule_is_the_one_of_the_study_file() -> None:
    rule = VerdictRule(arm="any")
    assert (rule.estimand, str(rule.role), rule.threshold) == DEFAULT_RULE


def test_a_study_says_what_it_is_in_its_own_words(study: dict[str, Any]) -> None:
    said = "A made-up world <b>of its own</b>."
    document = {**study, "study": {**study["study"], "setting": said}}
    assert lines(document)["What this is"] == said
    assert "A made-up world &lt;b&gt;of its own" in render(document)


def test_a_document_of_an_earlier_version_still_says_that_its_world_is_made_up(study: dict[str, Any]) -> None:
    bare = {key: value for key, value in study["study"].items() if key not in ("setting", "world")}
    assert "What this is" not in lines({**study, "study": bare})
    assert "made-up world" in lines({**study, "study": {**bare, "world": {"kind": "atlas"}}})["What this is"]
    assert "What this is" not in lines({**study, "study": {**bare, "world": {"kind": "language"}}})


def test_a_comparison_says_whose_logs_it_compares(compare: dict[str, Any]) -> None:
    said = lines(compare)["What this is"]
    assert all(arm["name"] in said for arm in compare["arms"])
    assert "Threshold" not in lines(compare)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({}, "25 % of the distance to the teacher on near benchmarks (same skill, another form)"),
        ({}, "Gauger's usual one, a convention and no finding, fixed before the run."),
        ({"threshold": 0.4}, "40 % of the distance"),
        ({"threshold": 0.4}, "It is this study's own, fixed before the run."),
        ({"role": "far"}, "on far benchmarks (another skill)"),
        ({"role": "far"}, "this study's own"),
        ({"estimand": "uplift", "threshold": 0.05}, "+5.0 points uplift on near benchmarks"),
        ({"post_hoc": True}, "what can move the verdict was changed after results were there, the warnings say what."),
    ],
)
def test_the_threshold_says_what_it_means_and_whose_it_is(study: dict[str, Any], rule: dict, says: str) -> None:
    fixed = {"estimand": "gap_recovered", "role": "near", "threshold": 0.25, "post_hoc": False}
    assert says in lines(study, **{**fixed, **rule})["Threshold"]


@pytest.mark.parametrize(
    ("stands", "says"),
    [
        (("open", "open", "partly"), "seeds and mixture are open here; scale is controlled in part only."),
        (("controlled", "open", "controlled"), "mixture is open here; seeds and scale are controlled."),
        (("controlled",) * 3, "none is open; seeds, mixture and scale are controlled."),
    ],
)
def test_the_threats_are_sorted_by_how_the_study_stands(study: dict[str, Any], stands: tuple, says: str) -> None:
    named = zip(("Seeds", "Mixture", "Scale"), stands, strict=True)
    threats = [{"threat": name, "question": "", "answer": "", "stands": one} for name, one in named]
    assert lines({**study, "threats": threats})["Open threats"].endswith(says)
    assert "Open threats" not in lines({**study, "threats": []})


def test_the_terminal_says_what_stands_at_the_head_of_the_page(study: dict[str, Any]) -> None:
    said = summary(study).splitlines()
    assert said[0] == headline(study)
    assert [line.split(":")[0] for line in said[1:]] == ["What this is", "Threshold", "Open threats"]
    page = render(study)
    head = page[: page.index('class="cards"')]
    assert all(f"<strong>{line.split(':')[0]}:</strong>" in head for line in said[1:])


def test_an_open_verdict_names_its_remedy_in_the_terminal(study: dict[str, Any]) -> None:
    settled = {**study["verdict"], "outcome": "not_powered", "settled_by": "leak: more items would let it see"}
    said = summary({**study, "verdict": settled}).splitlines()
    assert said[1] == "Why: leak: more items would let it see"


def test_the_terminal_s_summary_needs_no_drawing_library(study: dict[str, Any], tmp_path: Any) -> None:
    (tmp_path / "study.json").write_text(json.dumps(study))
    code = (
        "import json, sys; from gauger.report import summary; summary(json.load(open(sys.argv[1])));"
        "print('altair' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "study.json")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"


def test_the_quickstart_and_the_language_study_say_what_they_are() -> None:
    made_up, real = (setting(load_study(f"studies/{name}.yaml").study) for name in ("quickstart", "language"))
    assert made_up.startswith("A made-up world")
    assert "Teacher: 2 layers of width 64, trained from scratch." in made_up
    assert real.startswith("Language models that exist.")
    assert "Student: packaged:smollm2-135m-instruct." in real
