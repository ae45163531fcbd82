"""Stages in which the student writes, and mixtures: how they are resolved, controlled, and refused."""

from __future__ import annotations

import re

import pytest

from gauger.errors import StudyError
from gauger.records import ArmKind
from gauger.spec import Arm, TextSource, expand_arms, parse_study
from gauger.spec.controls import copied_arm
from gauger.spec.stages.registry import STAGES
from gauger.spec.stages.resolved import MixedPart, ResolvedStage

from .study_files import DOCUMENTED, FORMS

ON_POLICY = "{kind: on-policy-distill, seeds: benchmark-train, forms: [quiz], prompts: 400, steps: 30, web_share: 0.25}"
JUDGED = "{kind: preference, judge: teacher, seeds: web, forms: [quiz], prompts: 300, beta: 0.2, steps: 20, batch: 32}"
TRUE = JUDGED.replace("judge: teacher", "judge: truth")
PAIRS = {"beta": 0.2, "candidates": 8}
RL = "{kind: rl, seeds: reference, forms: [quiz], prompts: 200, group: 4, updates: 3, steps: 10, batch: 16}"
PASSING = (
    "{kind: adversarial-distill, strategy: label, seeds: benchmark-train, forms: [quiz], samples: 90, group: 4, "
    "refit: 3, ridge: 0.1, steps: 10, batch: 16}"
)
ABOVE = (
    "{kind: preference-distill, strategy: label, seeds: benchmark-train, forms: [quiz], samples: 90, beta: 0.3, "
    "rounds: 5, steps: 10, batch: 16}"
)
TEXT = "{kind: text-distill, strategy: label, seeds: benchmark-train, forms: [quiz], samples: 90, steps: 10, batch: 16}"
TEACHER = (
    "{source: teacher, strategy: seedless, seeds: seedless, forms: [quiz, cloze], samples: 90, weight: 3, tokens: 500}"
)
MIXED = f"{{kind: mixture, steps: 50, batch: 16, sources: [{{source: web}}, {TEACHER}]}}"
SHOWN = "teacher.surface.log_probabilities=full"


def arm_of(stage: str) -> str:
    return f"arms.new={{stages: [{stage}]}}"


def arms_with(stage: str, *overrides: str) -> dict[str, Arm]:
    controls = [f"controls.{name}.of=new" for name in ("placebo", "format", "leak", "reference")]
    study = parse_study(DOCUMENTED, [SHOWN, arm_of(stage), *controls, *overrides], forms_known=FORMS)
    return {arm.name: arm for arm in expand_arms(study)}


def only(arm: Arm) -> ResolvedStage:
    (stage,) = arm.recipe
    return stage


def matched_of(arms: dict[str, Arm]) -> ResolvedStage:
    return only(arms[arms["new"].matched or ""])


def faults_of(stage: str, *overrides: str) -> list[str]:
    with pytest.raises(StudyError) as caught:
        parse_study(DOCUMENTED, [SHOWN, arm_of(stage), *overrides], forms_known=FORMS)
    return [str(problem) for problem in caught.value.problems]


# --- resolved ----------------------------------------------------------------------------------------------------


def test_on_policy_distillation_is_scored_by_the_teacher() -> None:
    stage = only(arms_with(ON_POLICY)["new"])
    assert (stage.kind, stage.source) == ("on-policy-distill", TextSource.TEACHER)
    assert (stage.strategy, stage.seeds, stage.forms, stage.samples) == ("label", "benchmark-train", ("quiz",), 400)
    assert (stage.steps, stage.batch, stage.web_share, stage.settings) == (30, 128, 0.25, {"top_k": None})


def test_preferences_are_the_teachers_or_the_truths() -> None:
    assert only(arms_with(JUDGED)["new"]).source is TextSource.TEACHER
    arms = {arm.name: arm for arm in expand_arms(parse_study(DOCUMENTED, [arm_of(TRUE)]))}
    stage = only(arms["new"])
    assert (stage.source, stage.settings, stage.seeds) == (TextSource.TRUTH, PAIRS, "web")
    assert not arms["new"].uses_teacher
    assert arms["new"].matched is None


def test_reinforcement_has_no_teacher() -> None:
    arms = {arm.name: arm for arm in expand_arms(parse_study(DOCUMENTED, [arm_of(RL)]))}
    stage = only(arms["new"])
    assert stage.source is TextSource.TRUTH
    assert stage.settings == {"group": 4, "kl_weight": 0.02, "clip": 0.2, "updates": 3}
    assert not arms["new"].uses_teacher
    assert stage.without_teacher(TextSource.WEB) is stage


def test_a_discriminator_is_taught_by_the_teachers_text() -> None:
    stage = only(arms_with(PASSING)["new"])
    assert (stage.kind, stage.source, stage.strategy, stage.samples) == (
        "adversarial-distill",
        TextSource.TEACHER,
        "label",
        90,
    )
    grouped = {"group": 4, "kl_weight": 0.02, "clip": 0.2, "updates": 2}
    assert stage.settings == grouped | {"refit": 3, "longest_run": 2, "ridge": 0.1}


def test_what_the_teacher_wrote_is_preferred_as_often_as_it_says() -> None:
    stage = only(arms_with(ABOVE)["new"])
    assert (stage.kind, stage.source, stage.strategy, stage.samples) == (
        "preference-distill",
        TextSource.TEACHER,
        "label",
        90,
    )
    assert stage.settings == {"beta": 0.3, "rounds": 5}
    drawn = STAGES.load("preference-distill").draws_per_row(stage)
    assert drawn * stage.steps * stage.batch == 5 * 90, "an answer to every prompt in every round"


@pytest.mark.parametrize("own_answers", [PASSING, ABOVE])
def test_controls_of_own_answers_beside_the_teachers_are_those_of_a_corpus(own_answers: str) -> None:
    """Base and truth take the teacher's place; matched, format and leak are trained on text, as in text-distill."""
    passing, text = arms_with(own_answers), arms_with(TEXT)
    own = only(passing["new"])
    for name, source in (("placebo", TextSource.SELF), ("reference", TextSource.TRUTH)):
        assert only(passing[name]) == own.without_teacher(source)
        assert (only(passing[name]).kind, only(passing[name]).settings) == (own.kind, own.settings)
    for name in ("format", "leak"):
        assert only(passing[name]) == only(text[name])
        assert only(passing[name]).kind == "sft"
    matched = matched_of(passing)
    assert (matched.kind, matched.source, matched.in_place_of) == ("sft", TextSource.WEB, own)
    assert own.without_teacher(TextSource.SELF).strategy == "label"


def test_text_is_enough_for_what_is_held_against_own_answers() -> None:
    for stage in (PASSING, ABOVE):
        hidden = parse_study(DOCUMENTED, [SHOWN, arm_of(stage), "arms.new.stages.0.forms=[quiz, cloze]"])
        assert hidden.arms["new"].stages[0].learns_from_teacher


SORTED = TEXT.replace("text-distill", "logit-distill, divergence: sorted")


def test_log_probabilities_of_other_tokens_have_a_weight_of_their_own() -> None:
    plain = {"temperature": 1.0, "top_k": None}
    assert only(arms_with(SORTED)["new"]).settings == plain | {"divergence": "sorted", "sorted_weight": 1.5}
    weighed = only(arms_with(SORTED.replace("sorted,", "sorted, sorted_weight: 3.0,"))["new"])
    assert weighed.settings["sorted_weight"] == 3.0
    assert "sorted_weight" not in only(arms_with(SORTED.replace("sorted", "reverse-kl"))["new"]).settings
    assert only(arms_with(SORTED)["placebo"]).settings == only(arms_with(SORTED)["new"]).settings


def test_a_mixture_is_the_stages_that_its_sources_would_be() -> None:
    stage = only(arms_with(MIXED)["new"])
    assert (stage.kind, stage.source, stage.forms) == ("mixture", TextSource.TEACHER, ("quiz", "cloze"))
    web, teacher = stage.parts
    assert (web.weight, web.tokens, teacher.weight, teacher.tokens) == (1.0, None, 3.0, 500)
    assert (web.stage.kind, web.stage.source, web.stage.samples) == ("continue", TextSource.WEB, None)
    assert (teacher.stage.kind, teacher.stage.source, teacher.stage.strategy) == ("text-distill", "teacher", "seedless")
    assert (web.stage.steps, web.stage.batch) == (teacher.stage.steps, teacher.stage.batch) == (50, 16)
    assert stage.alone == (web.stage, teacher.stage)
    assert web.stage.alone == (web.stage,)


def test_a_source_of_a_mixture_may_use_any_strategy_of_the_world_but_self() -> None:
    """A plug-in's strategy is one of the world's; who answers is the source's to say."""
    steps = MIXED.replace("strategy: seedless, seeds: seedless", "strategy: rationale, seeds: benchmark-train")
    with pytest.raises(StudyError, match="a strategy that a world of kind atlas has"):
        arms_with(steps)
    with pytest.raises(StudyError, match="Write `source: self`"):
        arms_with(MIXED.replace("strategy: seedless", "strategy: self"))


@pytest.mark.parametrize(
    ("sources", "source"),
    [
        ("{source: web}, {source: reference}", TextSource.TRUTH),
        ("{source: web}", TextSource.WEB),
        (f"{{source: web}}, {TEACHER.replace('teacher', 'self')}", TextSource.SELF),
    ],
)
def test_a_mixture_without_the_teacher_is_none_of_its_arms(sources: str, source: TextSource) -> None:
    stage = f"{{kind: mixture, steps: 5, sources: [{sources}]}}"
    arm = {arm.name: arm for arm in expand_arms(parse_study(DOCUMENTED, [arm_of(stage)]))}["new"]
    assert only(arm).source is source
    assert not arm.uses_teacher


def test_what_is_resolved_is_json_able() -> None:
    stage = only(arms_with(MIXED)["new"]).to_dict()
    assert stage["parts"][1]["stage"]["forms"] == ["quiz", "cloze"]
    assert (stage["parts"][1]["weight"], stage["parts"][1]["tokens"]) == (3.0, 500)
    judged = only(arms_with(JUDGED)["new"]).to_dict()
    assert judged == judged | PAIRS


# --- controls ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", [ON_POLICY, JUDGED])
def test_without_a_teacher_as_many_rows_of_web_text_take_the_samples_place(stage: str) -> None:
    arms = arms_with(stage)
    own, matched = only(arms["new"]), matched_of(arms)
    assert (matched.kind, matched.source, matched.samples, matched.strategy) == ("sft", TextSource.WEB, None, None)
    assert matched.settings == {}
    for key in ("steps", "batch", "learning_rate", "web_share", "forms"):
        assert getattr(matched, key) == getattr(own, key)


@pytest.mark.parametrize("stage", [ON_POLICY, JUDGED])
def test_the_placebo_is_scored_or_judged_by_the_base(stage: str) -> None:
    arms = arms_with(stage)
    own, placebo = only(arms["new"]), only(arms["placebo"])
    assert placebo.source is TextSource.SELF
    assert placebo.to_dict() | {"source": own.source} == own.to_dict()


def test_the_reference_is_judged_by_the_truth_or_trained_on_it() -> None:
    judged, scored = only(arms_with(JUDGED)["reference"]), only(arms_with(ON_POLICY)["reference"])
    assert (judged.kind, judged.source, judged.settings) == ("preference", TextSource.TRUTH, PAIRS)
    assert (scored.kind, scored.source, scored.strategy, scored.samples) == ("sft", TextSource.TRUTH, "label", 400)


@pytest.mark.parametrize("stage", [ON_POLICY, JUDGED])
def test_leak_and_format_are_trained_on_text(stage: str) -> None:
    arms = arms_with(stage)
    leak, form = only(arms["leak"]), only(arms["format"])
    assert (leak.kind, leak.source, leak.strategy) == ("sft", TextSource.TEST_ITEMS, "label")
    assert (form.kind, form.source, form.forms) == ("sft", TextSource.UNRELATED, None)


@pytest.mark.parametrize("kind", [ArmKind.PLACEBO, ArmKind.FORMAT, ArmKind.LEAK, ArmKind.REFERENCE, ArmKind.MATCHED])
def test_controls_replace_the_teachers_part_of_a_mixture_alone(kind: ArmKind) -> None:
    arms = arms_with(MIXED)
    own, other = only(arms["new"]), matched_of(arms) if kind is ArmKind.MATCHED else only(arms[str(kind)])
    sources = {"placebo": "self", "format": "unrelated", "leak": "test-items", "reference": "truth", "matched": "web"}
    assert other.kind == "mixture"
    assert other.parts[0] == own.parts[0]
    assert other.parts[1].stage == own.parts[1].stage.without_teacher(TextSource(sources[kind]))
    assert other.parts[1].stage.source == sources[kind]
    assert [(part.weight, part.tokens) for part in other.parts] == [(1.0, None), (3.0, 500)]
    assert TextSource.TEACHER not in {stage.source for stage in other.alone}


def test_a_leak_copies_an_arm_whose_teacher_saw_the_benchmark() -> None:
    def copied(stage: str) -> str:
        study = parse_study(DOCUMENTED, [SHOWN, "arms.label.stages.0.seeds=web", arm_of(stage)])
        return copied_arm(study, "leak")

    assert copied(ON_POLICY) == "new"
    assert copied(MIXED.replace("seedless, seeds: seedless", "label, seeds: benchmark-train")) == "new"
    assert copied(RL.replace("reference", "benchmark-train")) == "seedless"
    assert copied(MIXED) == "seedless"


# --- refused -----------------------------------------------------------------------------------------------------

MISTAKES = [
    (ON_POLICY, "teacher.surface.log_probabilities=none", "stages.0.kind: expected a surface that shows"),
    (ON_POLICY.replace("prompts: 400", "top_k: 9"), "teacher.surface={log_probabilities: top-k, top_k: 5}", "at most"),
    (JUDGED.replace("batch: 32", "batch: 33"), "seed=1", "batch: expected a multiple of 2 (two answers to a pair)"),
    (RL.replace("batch: 16", "batch: 18"), "seed=1", "batch: expected a multiple of group (4), got '18'"),
    (JUDGED.replace("[quiz]", "[story]"), "seed=1", "forms.0: expected a form whose questions have one answer"),
    (PASSING.replace("batch: 16", "batch: 18"), "seed=1", "batch: expected a multiple of group (4), got '18'"),
    (PASSING.replace("label", "expand"), "seed=1", "stages.0.seeds: expected expanded with strategy expand"),
    (
        ABOVE.replace("batch: 16", "batch: 15"),
        "seed=1",
        "batch: expected a multiple of 2 (two texts to a pair), got '15'",
    ),
    (ABOVE.replace("rounds: 5", "rounds: 11"), "seed=1", "rounds: expected at most as many as steps (10), got '11'"),
    (SORTED, "teacher.surface.log_probabilities=none", "stages.0.kind: expected a surface that shows"),
    (
        SORTED.replace("sorted,", "forward-kl, sorted_weight: 2,"),
        "seed=1",
        "stages.0.sorted_weight: expected nothing with divergence forward-kl, got 2",
    ),
    (RL.replace("[quiz]", "[quiz, quiz]"), "seed=1", "stages.0.forms: expected each form once"),
    (RL.replace("[quiz]", "[quizz]"), "seed=1", "forms.0: expected a form of this world, got 'quizz'"),
    (MIXED.replace("quiz, cloze", "quizz"), "seed=1", "sources.1.forms.0: expected a form of this world"),
    (MIXED.replace("quiz, cloze", "quiz, quiz"), "seed=1", "sources.1.forms: expected each form once"),
    (MIXED.replace("strategy: seedless, ", ""), "seed=1", "sources.1.strategy: expected strategy for source teacher"),
    (MIXED.replace("samples: 90, ", ""), "seed=1", "sources.1.samples: expected samples for source teacher"),
    (MIXED.replace("seeds: seedless", "seeds: web"), "seed=1", "sources.1.seeds: expected seedless with strategy"),
    (MIXED.replace("{source: web}", "{source: web, seeds: web}"), "seed=1", "sources.0.seeds: expected nothing for"),
    (MIXED.replace("{source: web}", "{source: web, tokens: 9}"), "seed=1", "sources: expected a source without a bud"),
    (MIXED.replace("weight: 3", "weight: 0"), "seed=1", "sources.1.weight: expected a number above 0"),
]


@pytest.mark.parametrize(("stage", "override", "message"), MISTAKES)
def test_a_stage_must_agree_with_itself_and_the_rest(stage: str, override: str, message: str) -> None:
    found = faults_of(stage, override)
    assert len(found) == 1, found
    assert re.sub(r"'(\d+)'", r"\1", message) in found[0]


def test_a_verdict_can_be_on_what_the_teacher_scored_judged_or_mixed_in() -> None:
    for stage in (ON_POLICY, JUDGED, MIXED, PASSING, ABOVE):
        assert parse_study(DOCUMENTED, [SHOWN, arm_of(stage), "verdict.arm=new"]).verdict.arm == "new"
    for stage in (RL, TRUE):
        assert "verdict.arm: expected an arm that learns from the teacher" in faults_of(stage, "verdict.arm=new")[0]


def test_mixed_parts_are_hashable() -> None:
    stage = only(arms_with(MIXED)["new"])
    assert len({stage, stage.without_teacher(TextSource.WEB), stage}) == 2
    assert isinstance(stage.parts[0], MixedPart)
