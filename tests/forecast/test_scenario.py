"""Scenario files: mistakes are told with their place, unknown stays unknown, packaged ones are those shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from gauger.errors import StudyError, UserError
from gauger.forecast.load import load_scenario, packaged, parse_scenario
from gauger.forecast.scenario import UNKNOWN_VALUE, Scenario

ROOT = Path(__file__).parents[2]


def test_the_packaged_scenarios_are_those_of_the_folder() -> None:
    assert {f"{name}.yaml" for name in packaged()} == {path.name for path in (ROOT / "scenarios").glob("*.yaml")}
    inner = ROOT / "src/gauger/forecast/scenarios"
    for path in inner.glob("*.yaml"):
        assert path.read_text() == (ROOT / "scenarios" / path.name).read_text()


def test_the_campaign_states_what_is_reported_and_nothing_else() -> None:
    found = load_scenario()
    assert found.scenario == "api-campaign"
    assert found.doses == (150_000, 3_400_000, 13_000_000)
    assert found.surface == "answers"
    assert found.dose.kept == found.method == UNKNOWN_VALUE
    assert all(one.hard for one in found.benchmarks)
    assert found.sources


def test_everything_but_the_name_may_be_unknown() -> None:
    found = parse_scenario("scenario: bare\n", "bare.yaml")
    assert found.student.parameters_b == UNKNOWN_VALUE
    assert [one.role for one in found.asked()] == ["targeted", "fresh", "held-out"]
    assert found.controls == ("untouched-base", "rl-instead")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("scenario: x\nsurfce: answers\n", "x.yaml:2: surfce: expected a key of a scenario.*surface"),
        ("scenario: x\nstudent: {parameters_b: -7}\n", "x.yaml:2: student.parameters_b: expected .*greater than 0"),
        ("scenario: x\nsurface: everything\n", "x.yaml:2: surface: .*'reasoning'.*unknown"),
        ("scenario: x\ndose:\n  exchanges: [1, 0]\n", "x.yaml:3: dose.exchanges"),
        ("scenario: x\nthresholds: {fresh: {minor: 5, major: 2}}\n", "thresholds.fresh: minor must be below major"),
        ("scenario: x\nbenchmarks:\n  - {role: near}\n", "x.yaml:3: benchmarks.0.role: .*'fresh'"),
        ("scenario: x\nbenchmarks:\n  - {role: fresh, start: {low: 60, high: 20}}\n", "low must be below high"),
        ("surface: answers\n", "expected the key 'scenario', got nothing"),
        ("scenario: Upper Case\n", "scenario: expected .*pattern"),
        ("- 1\n", "a mapping with the key 'scenario'"),
        ("scenario: !!python/object:os.system x\n", "plain YAML"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, wanted: str) -> None:
    with pytest.raises(StudyError) as caught:
        parse_scenario(text, "x.yaml")
    import re

    assert re.search(wanted, str(caught.value)), str(caught.value)


def test_a_mistake_in_a_union_is_one_message() -> None:
    with pytest.raises(StudyError) as caught:
        parse_scenario("scenario: x\nstudent: {parameters_b: [7]}\n", "x.yaml")
    assert len(caught.value.problems) == 1


def test_an_unknown_name_answers_with_the_known_ones() -> None:
    with pytest.raises(UserError, match="api-campaign"):
        load_scenario("api-campain")


def test_a_mapping_is_a_scenario() -> None:
    assert load_scenario({"scenario": "x", "surface": "answers"}) == Scenario(scenario="x", surface="answers")
