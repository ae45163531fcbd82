"""What a report says of a study in words: arms, threats, limits."""

from pathlib import Path

import pytest

from gauger.records import ArmInfo
from gauger.spec import expand_arms, switched_off
from gauger.study.description import arm_infos, examples, limits, setting
from gauger.study.load import open_study
from gauger.study.results import KEPT_IN
from gauger.study.threats import threats


@pytest.fixture
def study(tiny_study):
    return lambda *overrides: open_study(tiny_study, overrides).study


def stands(study):
    return {row["threat"]: row["stands"] for row in threats(study, expand_arms(study), switched_off(study))}


def answer(study, threat):
    rows = threats(study, expand_arms(study), switched_off(study))
    return next(row["answer"] for row in rows if row["threat"] == threat)


ONE_STAGE = "{kind: text-distill, strategy: label, seeds: benchmark-train, forms: [quiz], samples: 9, steps: 9}"
ONE_ARM = f"arms={{label: {{stages: [{ONE_STAGE}]}}}}"
WITH_SFT = "arms.label.stages=[{kind: sft, forms: [quiz], steps: 9}]"


def test_the_five_threats_as_they_stand_by_default(study):
    assert stands(study()) == {
        "Seeds": "controlled",
        "Mixture": "controlled",
        "Benchmarks": "controlled",
        "Context": "open",
        "Scale": "open",
    }
    assert "benchmark-train, seedless" in answer(study(), "Seeds")


def test_one_seed_source_says_nothing_of_seeds(study):
    one = study(ONE_ARM, "verdict.arm=label")
    assert stands(one)["Seeds"] == "partly"
    assert "the effect of seeds is unknown" in answer(one, "Seeds")


def test_one_arm_with_stages_of_two_seed_sources_says_nothing_of_seeds(study):
    seedless = ONE_STAGE.replace("label", "seedless").replace("benchmark-train", "seedless")
    one = study(f"arms={{label: {{stages: [{ONE_STAGE}, {seedless}]}}}}", "verdict.arm=label")
    assert stands(one)["Seeds"] == "partly"


REWARDED = "{kind: rl, seeds: reference, forms: [quiz], steps: 2, batch: 16}"
JUDGED = "{kind: preference, judge: teacher, seeds: benchmark-train, forms: [quiz], prompts: 9, steps: 2, batch: 16}"
MIXED = f"{{kind: mixture, steps: 9, sources: [{{source: SOURCE}}, {ONE_STAGE}]}}".replace(
    "kind: text-distill", "source: teacher"
).replace("samples: 9, steps: 9", "samples: 9")


@pytest.mark.parametrize(
    ("arms", "outcome", "says"),
    [
        (f"label: {{stages: [{ONE_STAGE}]}}", "open", "Distillation follows pre-training directly."),
        (f"label: {{stages: [{ONE_STAGE}, {JUDGED}]}}", "partly", "also have preference optimisation;"),
        (f"label: {{stages: [{ONE_STAGE}, {REWARDED}]}}", "partly", "also have reinforcement learning;"),
        (
            f"label: {{stages: [{MIXED}]}}".replace("SOURCE", "web"),
            "open",
            "Distillation follows pre-training directly.",
        ),
        (
            f"label: {{stages: [{MIXED}]}}".replace("source: SOURCE", "source: reference, forms: [quiz]"),
            "partly",
            "also have fine-tuning on data that no teacher wrote;",
        ),
        (
            f"label: {{stages: [{ONE_STAGE}]}}, other: {{stages: [{REWARDED}]}}",
            "open",
            "Arms without a teacher have reinforcement learning, which was not combined with distillation.",
        ),
    ],
)
def test_the_context_is_that_of_the_stages_of_all_declared_arms(study, arms, outcome, says):
    one = study(f"arms={{{arms}}}", "verdict.arm=label")
    assert stands(one)["Context"] == outcome
    assert says in answer(one, "Context")
    missing = answer(one, "Context").partition("Not in this study: ")[2]
    for name in ("preference optimisation", "reinforcement learning"):
        assert (name in missing) == (name not in says)


def test_what_a_checkpoint_went_through_before_is_not_known():
    one = open_study(Path(__file__).parents[2] / "studies" / "language.yaml", ()).study
    assert "what post-training that has had is not known" in answer(one, "Context")
    assert "directly" not in answer(one, "Context")


def test_a_scale_speaks_of_what_it_varied_and_predicted_alone(study):
    budgets = study("scale={arm: logits, role: targeted, budgets: [1, 2], held_out: 0}")
    assert answer(budgets, "Scale").startswith("Budget was varied; no larger cell was predicted. The student size, ")
    assert setting(budgets) == setting(study())
    (row,) = [r for r in threats(budgets, expand_arms(budgets), {}, (), 2) if r["threat"] == "Scale"]
    assert "and the largest cells predicted from the others" in row["answer"]
    sizes = study("scale={arm: logits, role: targeted, budgets: [1], students: [{width: 8, heads: 2}, {heads: 2}]}")
    assert answer(sizes, "Scale").startswith("Student size was varied;")
    assert "and other sizes" in setting(sizes)
    none = study("scale={arm: logits, role: targeted, budgets: [1]}")
    assert stands(none)["Scale"] == "open"


def share(name, matched_tokens):
    return ArmInfo(name, "distilled", "", matched="matched", matched_tokens=matched_tokens)


@pytest.mark.parametrize(
    ("infos", "outcome", "said"),
    [
        ([share("label", 1.0099), share("seedless", 0.991)], "controlled", "tokens agree within 1 %"),
        ([share("label", 1.012), share("seedless", 1.0)], "partly", "not the arm's own (101.2% for label of them)"),
        ([share("label", None), share("seedless", 1.0)], "partly", "tokens of label and its control are not known"),
    ],
)
def test_tokens_of_controls_are_claimed_to_agree_only_where_they_do(study, infos, outcome, said):
    one = study()
    rows = {row["threat"]: row for row in threats(one, expand_arms(one), switched_off(one), infos)}
    assert rows["Mixture"]["stands"] == outcome
    assert said in rows["Mixture"]["answer"]
    assert ("tokens agree within 1 %" in rows["Mixture"]["answer"]) == (outcome == "controlled")


def test_the_tokens_of_a_control_count_no_kept_in_web(study):
    counts = {("label", "teacher"): 1000, ("label", KEPT_IN): 500, ("matched-quiz", "web"): 900}
    one = study(ONE_ARM, "verdict.arm=label")
    names = {"matched-quiz": next(arm.matched for arm in expand_arms(one) if arm.name == "label")}
    keys = ("tokens", "unique_tokens", "teacher_tokens_out", "queries", "usd_low", "usd_high")
    ledger = [
        {"arm": names.get(arm, arm), "source": source} | dict.fromkeys(keys, n) for (arm, source), n in counts.items()
    ]
    infos = {info.name: info for info in arm_infos(expand_arms(one), ledger)}
    assert infos["label"].matched_tokens == 0.9
    assert infos["placebo"].matched_tokens is None


def test_a_control_that_is_off_leaves_its_threat_open(study):
    off = study(
        "verdict.estimand=gain", "controls.matched.off=There is no web text.", "controls.leak.off=Shown before."
    )
    assert (stands(off)["Mixture"], stands(off)["Benchmarks"]) == ("open", "partly")
    assert answer(off, "Mixture") == "The matched control is off: There is no web text."
    assert "The leak control is off: Shown before." in answer(off, "Benchmarks")


def test_a_role_without_benchmark_is_named(study):
    poor = study("benchmarks={fauna-quiz: {role: targeted}, max-cloze: {role: near}}")
    assert stands(poor)["Benchmarks"] == "partly"
    assert "No benchmark has the role parallel, far." in answer(poor, "Benchmarks")


def test_other_stages_are_part_of_the_answer_on_context(study):
    assert stands(study(WITH_SFT))["Context"] == "partly"


def test_limits(study):
    assert len(limits(study())) == 2
    assert limits(study("replicates=1"))[-1].startswith("Nothing was replicated")


def test_every_arm_has_a_description(study):
    described = study("arms.label.description=''")
    arms = {arm.name: arm for arm in arm_infos(expand_arms(described), ())}
    assert next(iter(arms)) == "teacher"
    assert arms["label"].description == "Label prompts, text-distill in cloze"
    assert arms["logits"].description.endswith("; then seedless prompts, logit-distill in quiz, cloze")
    assert all(arm.description for arm in arms.values())
    sft = {arm.name: arm for arm in arm_infos(expand_arms(study(WITH_SFT, "arms.label.description=''")), ())}
    assert sft["label"].description == "Web text, sft in quiz"


def test_arms_without_ledger_have_unknown_tokens(study):
    for arm in arm_infos(expand_arms(study()), ()):
        assert (arm.tokens, arm.unique_tokens, arm.teacher_tokens, arm.queries) == (None, None, None, None)


def test_examples_are_a_few_of_each_arm(study):
    texts = {"label": [("q", "a")] * 5, "nobody": [("x", "y")]}
    rows = examples(expand_arms(study()), texts)
    assert rows == [{"arm": "label", "strategy": "label", "prompt": "q", "answer": "a"}] * 3
