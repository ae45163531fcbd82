from __future__ import annotations

import json

import pytest

from gauger.spec import compare_frozen, frozen_rule, parse_study

from .study_files import DOCUMENTED, FULL

STORED = json.loads(json.dumps(frozen_rule(parse_study(DOCUMENTED))))


def test_an_unchanged_study_is_not_post_hoc() -> None:
    comparison = compare_frozen(STORED, parse_study(DOCUMENTED))
    assert (comparison.post_hoc, comparison.changes) == (False, ())


@pytest.mark.parametrize(
    ("override", "change"),
    [
        ("verdict.threshold=0.1", "verdict.threshold was 0.25 and is now 0.1"),
        ("verdict.estimand=uplift", "verdict.estimand was gap_recovered and is now uplift"),
        ("verdict.level=0.9", "verdict.level was 0.95 and is now 0.9"),
        ("verdict.role=parallel", "verdict.role was near and is now parallel"),
        ("verdict.arm=label", "verdict.arm was seedless and is now label"),
        ("estimation.level=0.9", "estimation.level was 0.95 and is now 0.9"),
        ("estimation.moderated=false", "estimation.moderated was True and is now False"),
        ("unparsed=wrong", "unparsed was missing and is now wrong"),
        ("benchmarks.sort-quiz.role=near", "roles.sort-quiz was far and is now near"),
        ("benchmarks.max-quiz={role: far}", "roles.max-quiz was absent and is now far"),
        ("controls.leak.off=No audit", "controls.leak.on was True and is now False"),
        ("controls.format.answers=shuffled", "controls.format.answers was unrelated and is now shuffled"),
        ("controls.placebo.of=label", "controls.placebo.of was seedless and is now label"),
        (
            "arms.seedless.stages.0.forms=[quiz]",
            "contrasts.label was ['matched-quiz', 'base'] and is now ['matched-label', ",
        ),
    ],
)
def test_a_change_of_the_rule_is_post_hoc_and_named(override: str, change: str) -> None:
    comparison = compare_frozen(STORED, parse_study(DOCUMENTED, [override]))
    assert comparison.post_hoc
    assert change in "; ".join(comparison.changes)


@pytest.mark.parametrize(
    "override", ["seed=5", "study=other", "question=Other?", "arms.label.description=Other", "replicates=9"]
)
def test_what_decides_nothing_is_free(override: str) -> None:
    assert not compare_frozen(STORED, parse_study(DOCUMENTED, [override])).post_hoc


def test_the_wording_of_a_reason_is_free() -> None:
    stored = frozen_rule(parse_study(FULL))
    assert not compare_frozen(stored, parse_study(FULL, ["controls.reference.off=In other words"])).post_hoc


def test_a_rule_of_another_schema_counts_as_changed() -> None:
    comparison = compare_frozen({**STORED, "schema": "gauger.frozen/0"}, parse_study(DOCUMENTED))
    assert comparison.changes == ("schema was gauger.frozen/0 and is now gauger.frozen/1",)
    assert compare_frozen({}, parse_study(DOCUMENTED)).post_hoc
