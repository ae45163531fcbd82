from __future__ import annotations

import pytest

from gauger.errors import StudyError
from gauger.spec import parse_study
from gauger.spec.overrides import half_changed

from .study_files import DOCUMENTED, FULL, full_study


def test_any_key_can_be_replaced() -> None:
    study = full_study(
        "world.seed=11",
        "arms.mixed.stages.1.steps=10",
        "arms.label.stages.0.forms=[cloze]",
        "teacher.surface.max_tokens=null",
        "arms.label.description=a = b",
        "controls.leak={off: No audit here}",
    )
    assert study.world.seed == 11
    assert study.arms["mixed"].stages[1].steps == 10
    assert study.arms["label"].stages[0].forms == ("cloze",)
    assert study.teacher.surface.max_tokens is None
    assert study.arms["label"].description == "a = b"
    assert study.controls.leak.off == "No audit here"


def test_what_the_file_leaves_out_can_be_added() -> None:
    study = parse_study(
        DOCUMENTED, ["estimation.level=0.9", "controls.leak.off=No audit", "benchmarks.max-quiz={role: far}"]
    )
    assert study.estimation.level == 0.9
    assert study.controls.leak.off == "No audit"
    assert study.benchmarks["max-quiz"].role == "far"


def test_the_last_one_stands() -> None:
    assert full_study("seed=1", "seed=2", "verdict={arm: label}", "verdict.threshold=0.5").verdict.threshold == 0.5


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed=x", "--set seed=x: seed: expected a whole number from 0 to 4294967295, got 'x'"),
        ("sed=1", "--set sed=1: sed: expected a key of a study, got 'sed'. Did you mean 'seed'?"),
        (
            "teacher.modle.width=4",
            "--set teacher.modle.width=4: teacher.modle: expected a key of teacher, got 'modle'. Did",
        ),
        (
            "arms.lable.start=base",
            "--set arms.lable.start=base: expected a name under arms, got 'lable'. Did you mean 'label'",
        ),
        (
            "arms.mixed.stages.3.steps=1",
            "--set arms.mixed.stages.3.steps=1: expected an index of arms.mixed.stages from 0 to 2, got '3'",
        ),
        ("arms.mixed.stages.x=1", "from 0 to 2, got 'x'"),
        ("arms.mixed.stages.²=1", "from 0 to 2, got '²'"),
        ("seed.x.y=1", "--set seed.x.y=1: expected seed to be a mapping or list, got 3"),
        ("seed.x=1", "--set seed.x=1: expected seed to be a mapping or list, got 3"),
        ("seed", "--set: expected a key and a value, got 'seed'. For example: --set world.seed=11"),
        ("=1", "--set: expected a key and a value, got '=1'"),
        ("seed=[1", "--set seed=[1: not readable as YAML"),
        ("seed=!x 1", "--set seed=!x 1: expected plain YAML, got the tag !x"),
        ("seed=", "--set seed=: seed: expected a whole number from 0 to 4294967295, got nothing"),
        ("..=1", "--set: expected a key and a value, got '..=1'"),
        ("verdict.arm=sofa", "--set verdict.arm=sofa: verdict.arm: expected a declared arm, got 'sofa'"),
        ("0=1", "--set 0=1: 0: expected a key of a study, got '0'"),
        (
            "question=" + "x" * 20_000,
            "--set question=" + "x" * 68 + "...: question: expected text of at most 10000 characters",
        ),
    ],
)
def test_a_mistake_says_that_it_comes_from_the_command_line(override: str, message: str) -> None:
    with pytest.raises(StudyError) as caught:
        full_study(override)
    assert [str(problem)[: len(message)] for problem in caught.value.problems] == [message] or message in str(
        caught.value
    )
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].where.line is None


def test_mistakes_of_file_and_command_line_are_told_together() -> None:
    with pytest.raises(StudyError) as caught:
        parse_study(FULL.replace("replicates: 5", "replicates: no"), ["seed=x", "sed=1"], file="f.yaml")
    assert [problem.where.file for problem in caught.value.problems] == ["--set seed=x", "--set sed=1", "f.yaml"]


def test_an_override_mends_the_file() -> None:
    assert parse_study(FULL.replace("replicates: 5", "replicates: no"), ["replicates=3"]).replicates == 3


ANCHORED = """
arms:
  first: {stages: [&stage {steps: 300, forms: &forms [cloze]}]}
  second: {stages: [*stage, {steps: 5, forms: *forms}]}
ingredients: {one: {stage: *stage}}
plain: {stages: [{steps: 300}]}
"""


def test_an_override_of_one_use_of_an_anchor_names_the_others_and_what_to_add():
    (said,) = half_changed(ANCHORED, ["arms.second.stages.0.steps=10"])
    assert said == (
        "--set arms.second.stages.0.steps changes one use of a YAML anchor; arms.first.stages.0.steps and "
        "ingredients.one.stage.steps keep their values (for all: --set arms.first.stages.0.steps=10 "
        "--set ingredients.one.stage.steps=10)"
    )
    rest = said.partition("for all: ")[2].rstrip(")").split(" ")[1::2]
    assert half_changed(ANCHORED, ["arms.second.stages.0.steps=10", *rest]) == (), (
        "with what it says to add, it is done"
    )


@pytest.mark.parametrize(
    ("overrides", "others"),
    [
        (["plain.stages.0.steps=10"], None),
        (["arms.second.stages.1.steps=10"], None),
        (["arms.first.stages.0.steps=300"], None),
        (["arms.second.stages.1.forms=[quiz]"], 3),
        (["ingredients.one.stage={steps: 1}"], 2),
        (["arms.first.stages.0.steps=10", "arms.second.stages.0.steps=11"], 2),
    ],
)
def test_only_what_leaves_uses_apart_is_said(overrides, others):
    said = half_changed(ANCHORED, overrides)
    assert [line.count("--set ") - 1 for line in said] == ([] if others is None else [others] * len(overrides))
