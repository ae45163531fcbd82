from __future__ import annotations

import pytest

from gauger.records import ArmKind
from gauger.spec import Arm, Study, TextSource, expand_arms, kind_of, parse_study, switched_off
from gauger.spec.controls import copied_arm
from gauger.spec.stages.resolved import ResolvedStage, without_pairing

from .study_files import DOCUMENTED, full_study

LABEL = "{kind: text-distill, strategy: label, seeds: benchmark-train, forms: [quiz], samples: 1500, steps: 300}"


def arms_of(study: Study) -> dict[str, Arm]:
    arms = expand_arms(study)
    assert len({arm.name for arm in arms}) == len(arms)
    return {arm.name: arm for arm in arms}


def documented(*overrides: str) -> dict[str, Arm]:
    return arms_of(parse_study(DOCUMENTED, overrides))


def test_every_control_of_the_vocabulary_is_generated() -> None:
    arms = documented()
    assert list(arms) == [
        "base",
        "matched-quiz",
        "matched-quiz-cloze",
        "label",
        "seedless",
        "placebo",
        "format",
        "leak",
        "leak-twin",
        "reference",
    ]
    not_controls = {ArmKind.TEACHER, ArmKind.CELL, ArmKind.UNTAUGHT, ArmKind.ATTACK, ArmKind.SURFACE}
    where_asked_for = {ArmKind.LAUNDER, ArmKind.LEAKY_TEACHER}
    assert {arm.kind for arm in arms.values()} == set(ArmKind) - not_controls - where_asked_for


def test_the_base_is_untouched() -> None:
    base = documented()["base"]
    assert (base.kind, base.stages, base.recipe, base.matched) == (ArmKind.BASE, (), (), None)


def test_a_declared_arm_asks_the_teacher() -> None:
    label = documented()["label"]
    assert label.stages == label.recipe
    assert label.stages == (
        ResolvedStage(
            kind="text-distill",
            source=TextSource.TEACHER,
            steps=300,
            batch=128,
            learning_rate=0.001,
            forms=("quiz",),
            samples=1500,
            strategy="label",
            seeds="benchmark-train",
        ),
    )
    assert label.uses_teacher


def test_a_matched_arm_changes_the_source_and_nothing_of_the_budget() -> None:
    arms = documented()
    for name in ("label", "seedless"):
        matched = arms[arms[name].matched or ""]
        assert matched.kind == ArmKind.MATCHED
        for own, other in zip(arms[name].recipe, matched.recipe, strict=True):
            assert (other.source, other.kind, other.strategy, other.seeds) == (TextSource.WEB, "sft", None, None)
            budget = ("steps", "batch", "learning_rate", "web_share", "forms", "samples")
            assert [getattr(own, key) for key in budget] == [getattr(other, key) for key in budget]
        assert not matched.uses_teacher


AGAIN = "arms.again={stages: [" + LABEL + "]}"


@pytest.mark.parametrize("change", ["", "kind=logit-distill"])
def test_arms_with_one_budget_and_the_same_questions_share_one_matched_arm(change: str) -> None:
    changes = [f"arms.seedless.stages.0.{change}", "teacher.surface.log_probabilities=full"] if change else []
    arms = documented("arms.seedless.stages.0=" + LABEL, *changes)
    assert [arm.name for arm in arms.values() if arm.kind == ArmKind.MATCHED] == ["matched"]
    assert arms["label"].matched == arms["seedless"].matched == "matched"
    assert arms["matched"].recipe[0].in_place_of == arms["label"].recipe[0], "settings of its own reach no control"


@pytest.mark.parametrize(
    "change",
    [
        "steps=301",
        "batch=64",
        "learning_rate=0.01",
        "web_share=0.5",
        "forms=[cloze]",
        "samples=1501",
        "strategy=expand",
        "filters=[terse]",
    ],
)
def test_every_part_of_the_budget_and_of_the_questions_needs_a_matched_arm_of_its_own(change: str) -> None:
    seeds = ["arms.again.stages.0.seeds=expanded"] if "expand" in change else []
    assert documented(AGAIN)["label"].matched == documented(AGAIN)["again"].matched
    arms = documented(AGAIN, f"arms.again.stages.0.{change}", *seeds)
    assert arms["label"].matched != arms["again"].matched


def test_a_matched_arm_is_paired_with_the_rows_of_its_arm_and_a_student_that_writes_has_none() -> None:
    arms = arms_of(full_study())
    distilled = [arm for arm in arms.values() if arm.kind == ArmKind.DISTILLED and arm.matched]
    pairs = [pair for arm in distilled for pair in zip(arm.recipe, arms[arm.matched or ""].recipe, strict=True)]
    for own, stage in pairs:
        asked = own.source is TextSource.TEACHER and kind_of(own).corpus == "texts"
        assert (stage.in_place_of is not None) == asked, own.kind
    assert {stage.in_place_of is None for _, stage in pairs} == {True, False}


def test_matched_arms_are_named_by_what_tells_them_apart() -> None:
    same_forms = "arms.seedless.stages.0.forms=[quiz]"
    by_steps = documented(same_forms, "arms.seedless.stages.0.steps=600")
    assert (by_steps["label"].matched, by_steps["seedless"].matched) == (
        "matched-quiz-300-steps",
        "matched-quiz-600-steps",
    )
    by_arm = documented(same_forms, "arms.seedless.stages.0.batch=64")
    assert (by_arm["label"].matched, by_arm["seedless"].matched) == ("matched-label", "matched-seedless")


def test_names_do_not_depend_on_the_order_of_arms() -> None:
    overrides = ["arms.seedless.stages.0.forms=[quiz]", "arms.seedless.stages.0.batch=64"]
    study = parse_study(DOCUMENTED, overrides)
    turned = study.model_copy(update={"arms": dict(reversed(study.arms.items()))})
    here, there = arms_of(study), arms_of(turned)
    assert {name: arm.matched for name, arm in here.items()} == {name: arm.matched for name, arm in there.items()}
    assert here == there


def test_an_arm_that_continues_another_has_the_whole_recipe() -> None:
    arms = arms_of(full_study())
    soft = arms["soft"]
    assert soft.start == "label"
    assert soft.recipe == (*arms["label"].recipe, *soft.stages)
    matched = arms[soft.matched or ""]
    assert (matched.start, matched.stages) == ("base", matched.recipe)
    assert [stage.steps for stage in matched.recipe] == [300, 200]


def test_only_the_teacher_is_replaced() -> None:
    arms = arms_of(full_study())
    mixed, matched = arms["mixed"], arms[arms["mixed"].matched or ""]
    assert matched.recipe[:2] == mixed.recipe[:2]
    assert [stage.source for stage in mixed.recipe] == [TextSource.WEB, TextSource.TRUTH, TextSource.TEACHER]


def test_the_placebo_keeps_prompts_and_loss() -> None:
    arms = arms_of(full_study("controls.placebo.of=soft"))
    for own, other in zip(arms["soft"].recipe, arms["placebo"].recipe, strict=True):
        assert other.source == TextSource.SELF
        assert other == own.without_teacher(TextSource.SELF)
        assert (other.kind, other.strategy, other.seeds, other.own) == (own.kind, own.strategy, own.seeds, own.own)


@pytest.mark.parametrize(
    ("changes", "source", "strategy", "seeds"),
    [
        ((), TextSource.UNRELATED, None, None),
        (("controls.format.answers=shuffled",), TextSource.SHUFFLED, "label", "benchmark-train"),
    ],
)
def test_the_format_arm_trains_as_long_on_the_targeted_form(
    changes: tuple[str, ...], source: TextSource, strategy: str | None, seeds: str | None
) -> None:
    arms = documented("controls.format.of=seedless", *changes)
    (own,), (other,) = arms["seedless"].recipe, arms["format"].recipe
    found = (other.source, other.kind, other.strategy, other.seeds, other.forms)
    assert found == (source, "sft", strategy, seeds, None)
    assert (other.steps, other.batch, other.learning_rate) == (own.steps, own.batch, own.learning_rate)
    assert ("shuffled" in arms["format"].description) == (source is TextSource.SHUFFLED)


def test_leak_and_reference_keep_the_prompts_and_train_on_text() -> None:
    arms = arms_of(full_study("controls.leak.of=soft", "controls.reference={of: soft}"))
    for name, source in (("leak", TextSource.TEST_ITEMS), ("reference", TextSource.TRUTH)):
        for own, other in zip(arms["soft"].recipe, arms[name].recipe, strict=True):
            assert (other.source, other.kind, other.own) == (source, "sft", ())
            assert (other.strategy, other.seeds, other.forms) == (own.strategy, own.seeds, own.forms)


def test_controls_are_compared_with_the_matched_arm_of_what_they_copy() -> None:
    arms = arms_of(full_study())
    for arm in arms.values():
        if arm.of is not None:
            assert arm.matched == arms[arm.of].matched


def test_a_control_copies_the_verdicts_arm_unless_told() -> None:
    arms = documented()
    copied = {name: arm.of for name, arm in arms.items() if arm.of is not None}
    of_judged = dict.fromkeys(("placebo", "format", "reference"), "seedless")
    assert copied == of_judged | {"leak": "label", "leak-twin": "label"}
    assert (arms["leak"].twin, arms["leak-twin"].kind) == ("leak-twin", ArmKind.LEAK_TWIN)
    assert not {"leak", "leak-twin"} & set(documented("controls.leak.off=Shown before."))
    assert documented("controls.placebo.of=label")["placebo"].of == "label"
    assert documented("controls.leak.of=seedless")["leak"].of == "seedless"
    assert documented("verdict.arm=label")["leak"].of == "label"


def test_the_leak_copies_the_verdicts_arm_where_no_benchmark_seeds() -> None:
    study = parse_study(DOCUMENTED, ["arms.label.stages.0.seeds=web"])
    assert copied_arm(study, "leak") == "seedless"


def test_the_leak_prefers_the_first_name_whatever_the_order() -> None:
    study = parse_study(DOCUMENTED, [f"arms.a={{stages: [{LABEL}]}}"])
    assert copied_arm(study, "leak") == "a"


def test_a_switched_off_control_is_left_out_with_its_reason() -> None:
    overrides = [f"controls.{name}.off=Not needed for {name}" for name in ("base", "placebo", "format", "leak")]
    study = parse_study(DOCUMENTED, overrides)
    assert not {"base", "placebo", "format", "leak"} & set(arms_of(study))
    assert switched_off(study) == {name: f"Not needed for {name}" for name in ("base", "placebo", "format", "leak")}


def test_without_matched_arms_nothing_is_compared_with_one() -> None:
    arms = documented("controls.matched.off=Only gains are asked for", "verdict.estimand=gain")
    assert all(arm.kind != ArmKind.MATCHED and arm.matched is None for arm in arms.values())


def test_an_arm_without_a_teacher_has_no_matched_arm() -> None:
    own = LABEL.replace("strategy: label", "strategy: self")
    arms = documented(
        "arms.web={stages: [{kind: continue, steps: 10}]}", f"arms.own={{stages: [{own}]}}", "arms.own.start=web"
    )
    assert (arms["web"].matched, arms["own"].matched) == (None, None)
    assert not arms["own"].uses_teacher
    (stage,) = arms["own"].stages
    assert (stage.source, stage.strategy, stage.seeds) == (TextSource.SELF, "label", "benchmark-train")


def test_an_arm_that_is_what_a_matched_arm_would_be_has_none_itself() -> None:
    same = "{kind: sft, source: web, forms: [quiz], samples: 1500, steps: 300}"
    arms = documented(f"arms.web={{stages: [{same}]}}")
    matched = arms[arms["label"].matched or ""].recipe
    assert arms["web"].recipe == tuple(without_pairing(stage) for stage in matched)
    assert arms["web"].matched is None


def test_a_stage_is_json_able() -> None:
    stage = arms_of(full_study())["soft"].stages[0]
    assert stage.to_dict() == {
        "kind": "logit-distill",
        "source": "teacher",
        "steps": 200,
        "batch": 128,
        "learning_rate": 0.001,
        "forms": ["quiz", "cloze"],
        "samples": 900,
        "web_share": 0.0,
        "strategy": "seedless",
        "seeds": "seedless",
        "divergence": "reverse-kl",
        "temperature": 2.0,
        "top_k": 4,
    }
