from __future__ import annotations

from pathlib import Path

import pytest

from gauger.errors import StudyError, UserError
from gauger.spec import load_study, parse_study
from gauger.spec.load import MAX_BYTES
from gauger.spec.stages.adversarial import AdversarialStage
from gauger.spec.stages.base import check_web_share
from gauger.spec.stages.distil import LogitDistillStage, TextDistillStage
from gauger.spec.stages.mixture import MixtureStage
from gauger.spec.stages.on_policy import OnPolicyStage
from gauger.spec.stages.preference import PreferenceStage
from gauger.spec.stages.preference_distill import PreferenceDistillStage
from gauger.spec.stages.rl import RlStage
from gauger.spec.stages.truth import ContinueStage, SftStage
from gauger.spec.variants import WorldSettings

from .study_files import DOCUMENTED, FORMS, FULL, KNOWN, PAGE, ROOT, full_study, line_of

ASKED = "kind: text-distill, strategy: label, seeds: benchmark-train, samples: 9"


def problems_of(text: str, *overrides: str) -> list[UserError]:
    with pytest.raises(StudyError) as caught:
        parse_study(text, overrides, file="f.yaml", benchmarks_known=KNOWN, forms_known=FORMS)
    assert caught.value.exit_code == 2
    return list(caught.value.problems)


def messages_of(text: str, *overrides: str) -> list[str]:
    return [str(problem) for problem in problems_of(text, *overrides)]


def test_every_key_arrives() -> None:
    study = full_study()
    assert study.teacher.surface.top_k == 5
    assert study.teacher.training.learning_rate == 2e-3
    assert study.benchmarks["fauna-cloze"].role == "near"
    assert [type(stage) for arm in study.arms.values() for stage in arm.stages] == [
        TextDistillStage,
        LogitDistillStage,
        ContinueStage,
        SftStage,
        TextDistillStage,
        MixtureStage,
        OnPolicyStage,
        PreferenceStage,
        RlStage,
        AdversarialStage,
        PreferenceDistillStage,
    ]
    assert study.arms["soft"].start == "label"
    assert study.controls.reference.off == "The ceiling is known from an earlier study"
    assert study.verdict.level == 0.99


def test_the_documented_example_loads() -> None:
    study = parse_study(DOCUMENTED, benchmarks_known=KNOWN, forms_known=FORMS)
    assert study.study == "my-first-study"


def test_the_documented_messages_are_what_is_said() -> None:
    mistaken = DOCUMENTED.replace("fauna-cloze: {", "fauna-cloz: {").replace("strategy: label", "strategy: lable")
    with pytest.raises(StudyError) as caught:
        parse_study(mistaken, file="my-first-study.yaml", benchmarks_known=KNOWN)
    shown = PAGE.partition("nearest known name:\n\n```\n")[2].partition("```")[0].splitlines()
    said = str(caught.value).splitlines()
    assert [line.removesuffix(" ...") for line in shown] == [
        line[: len(show.removesuffix(" ..."))] for line, show in zip(said, shown, strict=True)
    ]


def test_every_study_of_the_project_loads_and_names_its_schema() -> None:
    for path in [Path(__file__).with_name("full.yaml"), *ROOT.glob("studies/*.yaml")]:
        loaded = load_study(path)
        first = loaded.text.splitlines()[0]
        schema = path.parent / first.removeprefix("# yaml-language-server: $schema=")
        assert first.startswith("# yaml-language-server: $schema="), path
        assert schema.resolve() == (ROOT / "studies" / "study.schema.json").resolve()


def test_a_study_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        full_study().seed = 2  # type: ignore[misc]


SCHEMA_MISTAKES = [
    ("seed: 3", "sed: 3", "sed: expected a key of a study, got 'sed'. Did you mean 'seed'?"),
    ("width: 96", "widht: 96", "teacher.model.widht: expected a key of teacher.model, got 'widht'. Did you mean"),
    ("replicates: 5", "replicates: five", "replicates: expected a whole number from 1 to 1000, got 'five'"),
    ("replicates: 5", "replicates: 0", "replicates: expected a whole number from 1 to 1000, got 0"),
    ("replicates: 5", "replicates: 1e1", "got 10.0. Write 10."),
    ("replicates: 5", "replicates: '5'", "got '5'. Write 5, without quotes"),
    ("replicates: 5", "replicates: 1_000", "got '1_000'. Write 1000, without quotes or separators."),
    ("replicates: 5", "replicates: true", "got true"),
    ("replicates: 5", "replicates: [5]", "got a list"),
    ("replicates: 5", "replicates:", "got nothing"),
    ("question: Does", "question: 5 # Does", "expected text of at most 10000 characters, got 5. Put it in quotes."),
    ("study: every-key", "study: Every key", "study: expected a name (lower-case letters, digits, single hyphens)"),
    ("study: every-key", "study: 2024", "got 2024. Put it in quotes."),
    ("learning_rate: 2e-3", "learning_rate: 0", "expected a number above 0 and at most 1, got 0"),
    ("learning_rate: 2e-3", "learning_rate: .nan", "expected a number above 0 and at most 1, got nan"),
    ("max_usd: null", "max_usd: .inf", "expected a number above 0, or null, got inf"),
    ("max_usd: null", "max_usd: -1", "expected a number above 0, or null, got -1"),
    ("paired: false", "paired: no", "estimation.paired: expected true or false, got 'no'. Write false."),
    ("paired: false", "paired: 'on'", "got 'on'. Write true."),
    ("level: 0.9}", "level: 95}", "estimation.level: expected a number at least 0.5 and below 1, got 95"),
    (
        "unparsed: wrong",
        "unparsed: wrnog",
        "unparsed: expected one of missing, wrong, got 'wrnog'. Did you mean 'wrong'?",
    ),
    ("reasoning: hidden", "reasoning: 1", "expected one of hidden, shown, got 1"),
    ("role: far", "role: farr", "benchmarks.sort-quiz.role: expected one of targeted, parallel, near, far, got 'farr'"),
    ("kind: atlas", "kind: atlass", "world.kind: expected one of atlas, language, got 'atlass'"),
    ("kind: logit-distill", "kind: logits-distill", "arms.soft.stages.0.kind: expected one of adversarial-distill, "),
    ("kind: logit-distill", "kind: logits-distill", "got 'logits-distill'. Did you mean 'logit-distill'?"),
    ("kind: logit-distill", "kind: 3", "arms.soft.stages.0.kind: expected one of"),
    (
        "      - kind: logit-distill\n        strategy",
        "      - strategy",
        "stages.0.kind: expected one of adversarial-distill, ",
    ),
    ("forms: [quiz]\n", "forms: quiz\n", "expected a list of names, at least one, got 'quiz'. Write a list: [a, b]"),
    ("forms: [quiz]\n", "forms: []\n", "expected a list of names, at least one, got an empty list"),
    ("forms: [quiz]\n", "forms: [Quiz!]\n", "arms.label.stages.0.forms.0: expected a name"),
    (
        "divergence: reverse-kl",
        "divergence: jsd",
        "divergence: expected one of forward-kl, reverse-kl, sorted, got 'jsd'",
    ),
    (
        "temperature: 2.0",
        "temperatur: 2.0",
        "expected a key of arms.soft.stages.0, got 'temperatur'. Did you mean 'temp",
    ),
    (
        "sort-quiz: {",
        "Sort Quiz: {",
        "benchmarks.Sort Quiz: expected a name (lower-case letters, digits, single hyphens)",
    ),
    ("sort-quiz: {", "'[key]': {", "benchmarks.[key]: expected a name (lower-case letters, digits, single hyphens)"),
    ("sort-quiz: {", "sort-quiz: {'[key]': 1, ", "expected a key of benchmarks.sort-quiz, got '[key]'. Known: role."),
    ("seed: 3", "'[key]': 3", "[key]: expected a key of a study, got '[key]'. Known: arms"),
    ("matched: {}", "matched: {of: label}", "controls.matched.of: expected a key of controls.matched, got 'of'"),
    (
        "base: {}",
        "base: {off: ''}",
        "controls.base.off: expected a reason in words of at most 1000 characters, or null",
    ),
    ("base: {}", "base: {off: '   '}", "controls.base.off: expected a reason in words"),
    ("base: {}", "base: {off: true}", "controls.base.off: expected a reason in words"),
    ("base: {}", "base:", "got nothing. Leave the key out for its default."),
    ("base: {}", "bsae: {}", "controls.bsae: expected a key of controls, got 'bsae'. Did you mean 'base'?"),
    ("arm: soft, role", "role", "verdict.arm: expected a name"),
    ("arm: soft, role", "role", "got nothing. This key is missing."),
    ("threshold: 0.1", "threshold: 25", "verdict.threshold: expected a number from -1 to 1, got 25"),
    (
        "threshold: 0.1",
        "placebo_margin: 0",
        "verdict.placebo_margin: expected a number above 0 and at most 1, or null, got 0",
    ),
]
CROSS_MISTAKES = [
    (
        "max_usd: null",
        "max_usd: 1.5",
        "teacher.surface.max_usd: expected null for a teacher of kind scratch, got 1.5. "
        "A teacher of kind scratch costs no money: limit max_queries or max_tokens.",
    ),
    (
        "fauna-cloze: {",
        "fauna-clozy: {",
        "benchmarks.fauna-clozy: expected a benchmark of this world, got 'fauna-clozy'",
    ),
    ("fauna-cloze: {", "fauna-clozy: {", "Did you mean 'fauna-cloze'? Known: fauna-cloze, fauna-quiz, "),
    (
        "forms: [quiz]\n",
        "forms: [quizz]\n",
        "stages.0.forms.0: expected a form of this world, got 'quizz'. Did you mean",
    ),
    ("forms: [quiz]\n", "forms: [quiz, quiz]\n", "stages.0.forms: expected each form once"),
    ("arm: soft", "arm: sofa", "verdict.arm: expected a declared arm, got 'sofa'. Did you mean 'soft'?"),
    ("{of: soft}", "{of: sofa}", "controls.format.of: expected a declared arm, got 'sofa'. Did you mean 'soft'?"),
    ("{of: soft}", "{of: base}", "controls.format.of: expected a declared arm, got 'base'"),
    ("{of: soft}", "{of: soft, off: why}", "controls.format.of: expected either of or off for format, got both"),
    (
        "start: label",
        "start: lable",
        "arms.soft.start: expected base or a declared arm, got 'lable'. Did you mean 'label'",
    ),
    ("start: label", "start: soft", "arms.soft.start: expected starts that lead to base, got the cycle soft -> soft"),
    (
        "start: base",
        "start: soft",
        "arms.label.start: expected starts that lead to base, got the cycle label -> soft -> label",
    ),
    (
        "  mixed:",
        "  reference:",
        "arms.reference: expected a name of its own, got 'reference', the name of a control arm",
    ),
    ("  mixed:", "  matched-quiz:", "arms.matched-quiz: expected a name of its own"),
    (
        "seeds: benchmark-train",
        "seeds: expanded",
        "expected benchmark-train or web with strategy label, got 'expanded'",
    ),
    ("seeds: benchmark-train", "seeds: expanded", "Seeds 'expanded' go with strategy expand or self."),
    ("seeds: seedless", "seeds: textbook", "arms.soft.stages.0.seeds: expected seedless with strategy seedless"),
    ("width: 48", "width: 49", "student.model.width: expected a multiple of heads (2), got 49"),
    ("log_probabilities: top-k", "log_probabilities: full", "expected nothing where log_probabilities is full, got 5"),
    ("top_k: 4", "top_k: 6", "stages.0.top_k: expected at most the 5 log-probabilities that the surface shows, got 6"),
    (
        "matched: {}",
        "matched: {off: dear}",
        "controls.matched.off: expected the control matched to be on, because the verdict",
    ),
]


@pytest.mark.parametrize(("part", "mistake", "message"), SCHEMA_MISTAKES + CROSS_MISTAKES)
def test_a_mistake_is_one_message_with_its_line(part: str, mistake: str, message: str) -> None:
    found = problems_of(FULL.replace(part, mistake, 1))
    assert [message in str(problem) for problem in found] == [True], found
    assert abs((found[0].where.line or 0) - line_of(FULL, part)) <= 1
    assert str(found[0]).startswith(f"f.yaml:{found[0].where.line}: ")


def test_what_is_missing_is_told_at_what_it_is_missing_from() -> None:
    (message,) = messages_of(FULL.replace("    top_k: 5\n", ""))
    line = line_of(FULL, "  surface:")
    expected = f"f.yaml:{line}: teacher.surface.top_k: expected how many log-probabilities 'top-k' shows, got nothing"
    assert message.startswith(expected)


LANGUAGE = (ROOT / "studies" / "language.yaml").read_text("utf-8")
ENDPOINT = "{kind: endpoint, url: 'https://host.example/v1', model: m, surface: {max_usd: 2.5, reasoning: shown}%s}"


def test_money_is_limited_only_where_it_is_counted() -> None:
    prices = ", usd_per_million_in: 1.0, usd_per_million_out: 2.0"
    study = parse_study(LANGUAGE, ["teacher=" + ENDPOINT % prices])
    assert (study.teacher.surface.max_usd, study.teacher.surface.reasoning) == (2.5, "shown")
    with pytest.raises(StudyError) as caught:
        parse_study(LANGUAGE, ["teacher=" + ENDPOINT % prices.partition(", usd_per_million_out")[0]])
    assert str(caught.value).endswith(
        "teacher.usd_per_million_out: expected the price of a million tokens, beside max_usd, got nothing. "
        "Money cannot be counted without it; or take max_usd away."
    )


def test_a_local_checkpoint_costs_nothing_and_may_show_the_reasoning_that_it_writes() -> None:
    with pytest.raises(StudyError, match=r"for a teacher of kind checkpoint, got 2\.5\. .*limit max_"):
        parse_study(LANGUAGE, ["teacher.surface.max_usd=2.5"])
    study = parse_study(LANGUAGE, ["teacher.surface.reasoning=shown"])
    assert study.teacher.surface.reasoning == "shown"


def test_the_embedded_world_shows_reasoning_only_where_a_skill_needs_written_steps() -> None:
    assert full_study("teacher.surface.reasoning=shown").world.writes_steps
    (message,) = messages_of(FULL, "teacher.surface.reasoning=shown", "world.total_sets=0")
    assert message.endswith(
        "teacher.surface.reasoning: expected hidden for a teacher of kind scratch, got 'shown'. "
        "Models of the embedded world write steps where world.total_sets is above 0; or leave reasoning out."
    )


def test_the_verdict_needs_a_benchmark_of_its_role() -> None:
    (message,) = messages_of(FULL.replace("role: near}", "role: far}"))
    line = line_of(FULL, "verdict:")
    assert message.startswith(f"f.yaml:{line}: verdict.role: expected a role that some benchmark has, got 'near'")
    assert message.endswith("or judge on one of: targeted, parallel, far.")


def test_logit_distillation_needs_log_probabilities() -> None:
    text = FULL.replace("log_probabilities: top-k\n    top_k: 5", "log_probabilities: none")
    message, own = messages_of(text)
    assert "arms.own-samples.stages.1.kind: expected a surface that shows log-probabilities" in own
    assert "arms.soft.stages.0.kind: expected a surface that shows log-probabilities for logit-distill" in message
    assert "Text distillation (kind: text-distill) is the way" in message


@pytest.mark.parametrize(
    ("batch", "share", "wanted"),
    [(4, 0.9, "0.75 or 1"), (4, 0.1, "0 or 0.25"), (16, 0.03, "0 or 0.0625"), (4, 0.6, "0.25 or 0.5 or 0.75")],
)
def test_a_share_of_a_batch_that_whole_rows_cannot_have_is_refused(batch: int, share: float, wanted: str) -> None:
    (fault,) = check_web_share(share, batch, ("arms", "label"))
    assert (fault.path, fault.given) == (("arms", "label", "web_share"), f"{share:g}")
    assert fault.wanted == f"a share of whole rows of a batch of {batch}, such as {wanted}"


@pytest.mark.parametrize(
    ("batch", "share"), [(4, 0.0), (4, 1.0), (4, 0.75), (64, 0.2), (16, 0.2), (128, 0.01), (2, 0.5)]
)
def test_a_share_that_whole_rows_have_nearly_is_taken(batch: int, share: float) -> None:
    assert not list(check_web_share(share, batch, ()))
    assert abs(round(batch * share) / batch - share) <= 0.02


@pytest.mark.parametrize(
    "kind", ["kind: sft, source: reference", ASKED, "kind: on-policy-distill, seeds: benchmark-train"]
)
def test_every_stage_with_kept_in_text_is_checked_for_its_share(kind: str) -> None:
    stage = f"{{{kind}, forms: [quiz], steps: 5, batch: 4, web_share: 0.9}}"
    text = FULL.replace("arms:\n", f"arms:\n  shared: {{stages: [{stage}]}}\n", 1)
    assert ["web_share: expected a share of whole rows of a batch of 4" in said for said in messages_of(text)].count(
        True
    ) == 1


def test_without_a_targeted_benchmark_nothing_can_be_seeded_by_it() -> None:
    messages = messages_of(FULL.replace("role: targeted", "role: parallel"))
    assert "benchmarks: expected at least one benchmark with role targeted, got only parallel, near, far" in messages[0]
    assert [message.split(": ")[1] for message in messages[1:]] == [
        "arms.label.stages.0.seeds",
        "arms.mixed.stages.2.seeds",
        "arms.own-samples.stages.1.seeds",
    ]


def test_the_verdict_needs_an_arm_that_learns_from_the_teacher() -> None:
    web = "\n  plain:\n    stages: [{kind: continue, steps: 5}]\ncontrols:"
    own = web.replace("plain", "own").replace(
        "{kind: continue, steps: 5}",
        "{kind: text-distill, strategy: self, seeds: web, forms: [quiz], samples: 5, steps: 5}",
    )
    for name, arm in (("plain", web), ("own", own)):
        (message,) = messages_of(FULL.replace("\ncontrols:", arm).replace("arm: soft", f"arm: {name}"))
        assert f"verdict.arm: expected an arm that learns from the teacher, got '{name}'" in message
    assert parse_study(
        FULL.replace("\ncontrols:", web.replace("stages", "start: label\n    stages")), ["verdict.arm=plain"]
    )


def test_carryover_is_not_judged_on_targeted_benchmarks() -> None:
    (message,) = messages_of(
        FULL.replace("estimand: uplift", "estimand: carryover").replace("role: near,", "role: targeted,")
    )
    assert "verdict.role: expected another role than targeted for carryover" in message


def test_beside_a_threshold_of_nothing_placebo_and_leak_need_a_margin() -> None:
    """Held against 0 a control without an effect would never pass, however large the study."""
    nothing = FULL.replace("threshold: 0.1", "threshold: 0")
    (message,) = messages_of(nothing)
    assert "verdict.placebo_margin: expected a placebo margin above 0, beside a threshold of 0, got none" in message
    for more in ("verdict.placebo_margin=0.02", "verdict.threshold=-0.05", "verdict.threshold=0.01"):
        assert parse_study(nothing, [more])
    off = {name: f"controls.{name}={{off: not wanted}}" for name in ("placebo", "leak")}
    for name in off:
        with pytest.raises(StudyError, match="beside a threshold of 0"):
            parse_study(nothing, [off[name]])
    assert parse_study(nothing, list(off.values()))
    assert parse_study(nothing, [off["placebo"], "verdict.role=targeted"]), "a leak is not held against it there"


def test_a_placebo_margin_above_the_threshold_is_refused_where_that_would_be_major() -> None:
    with pytest.raises(StudyError, match="a placebo margin of at most the threshold"):
        parse_study(FULL, ["verdict.placebo_margin=0.2"])
    assert parse_study(FULL, ["verdict.placebo_margin=0.2", "verdict.threshold=-0.1"])


def test_a_gain_needs_the_base_and_no_matched_arm() -> None:
    gain = FULL.replace("estimand: uplift", "estimand: gain")
    assert parse_study(gain.replace("matched: {}", "matched: {off: dear}"))
    (message,) = messages_of(gain.replace("base: {}", "base: {off: dear}"))
    assert "controls.base.off: expected the control base to be on, because the verdict's gain" in message


def test_a_factorial_needs_the_base_that_is_its_empty_cell() -> None:
    human = "{kind: sft, source: reference, forms: [quiz], steps: 4}"
    both = f"human: {{stages: [{human}]}}, web: {{stages: [{{kind: continue, steps: 5}}]}}"
    factorial = f"factorial={{order: [human, web], ingredients: {{{both}}}}}"
    without = FULL.replace("base: {}", "base: {off: dear}").replace("paired: false", "paired: true")
    (message,) = messages_of(without, factorial)
    assert "controls.base.off: expected the control base to be on, with this factorial" in message


def test_two_cycles_are_told_once_each() -> None:
    arms = "\n".join(
        f"  {name}:\n    start: {start}\n    stages: [{{kind: continue, steps: 5}}]"
        for name, start in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "e"), ("e", "d"), ("f", "a"))
    )
    messages = messages_of(FULL.replace("arms:\n", f"arms:\n{arms}\n"))
    assert [message.partition("cycle ")[2].partition(".")[0] for message in messages] == [
        "a -> b -> c -> a",
        "d -> e -> d",
    ]


def test_all_mistakes_are_told_together_in_the_order_of_the_file() -> None:
    text = FULL
    parts = {
        "seed: 3",
        "width: 96",
        "temperature: 2.0",
        "threshold: 0.1",
        "base: {}",
        "arm: soft",
        "width: 48",
        "  mixed:",
    }
    chosen = list({row[0]: row for row in SCHEMA_MISTAKES + CROSS_MISTAKES if row[0] in parts}.values())
    assert len(chosen) == len(parts)
    for part, mistake, _ in chosen:
        text = text.replace(part, mistake, 1)
    text = text.replace("seed: 2\n", "seed: 2\n  seed: 3\n")
    found = problems_of(text)
    assert len(found) == len(chosen) + 1
    assert all(sum(message in str(problem) for problem in found) == 1 for _, _, message in chosen)
    lines = [problem.where.line or 0 for problem in found]
    assert lines == sorted(lines)


def test_a_mistake_brings_no_consequences_with_it() -> None:
    """A misspelt role is not also a missing role, nor does a broken arm make its name unknown."""
    (message,) = messages_of(FULL.replace("role: near}", "role: nere}"))
    assert "Did you mean 'near'?" in message
    (message,) = messages_of(FULL.replace("start: label\n    stages:", "start: label\n    stage:"))
    assert "arms.soft.stage" in message


def test_a_wrong_name_does_not_take_its_part_out_of_the_study() -> None:
    arms = FULL.replace("  label:", "  Label!:").replace("  soft:", "  SOFT:").replace("  mixed:", "  Mixed:")
    messages = messages_of(arms)
    assert [message.partition("got ")[2] for message in messages] == [
        "'Label!'. For example: label",
        "'SOFT'. For example: soft",
        "'Mixed'. For example: mixed",
    ]


def test_an_unreadable_value_is_not_also_missing() -> None:
    (message,) = messages_of(FULL.replace("replicates: 5", "replicates: !five 5").replace("role: near}", "role: near}"))
    assert "the tag !five" in message
    (message,) = messages_of(FULL.replace("stages:\n      - kind: logit", "stages: !x\n      - kind: logit"))
    assert "the tag !x" in message


def test_a_study_that_is_no_mapping_is_told() -> None:
    (message,) = messages_of("- a\n- b\n")
    assert message.startswith("f.yaml:1: expected a mapping with the keys study, question, ")
    assert message.endswith("got a list")


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n"])
def test_an_empty_file_is_told(text: str) -> None:
    (message,) = messages_of(text)
    assert message.startswith("f.yaml:1: expected a study, got an empty file.")


def test_a_world_may_refuse_its_settings() -> None:
    def catalogue(world: WorldSettings) -> tuple[str, ...]:
        raise UserError("a seed that makes a world", f"{world.seed}", hint="Take another.")

    with pytest.raises(StudyError) as caught:
        parse_study(FULL, file="f.yaml", benchmarks_known=catalogue)
    line = line_of(FULL, "world:")
    assert str(caught.value) == f"f.yaml:{line}: world: expected a seed that makes a world, got 2. Take another."


def test_a_function_of_the_world_names_its_benchmarks() -> None:
    def catalogue(world: WorldSettings) -> list[str]:
        return [*KNOWN["atlas"]][: world.seed]

    assert parse_study(FULL, ["world.seed=4"], benchmarks_known=catalogue)
    with pytest.raises(StudyError, match="expected a benchmark of this world, got 'sort-quiz'"):
        parse_study(FULL, ["world.seed=3"], benchmarks_known=catalogue)


def test_a_file_is_read_with_its_text(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + FULL.replace("\n", "\r\n").encode())
    loaded = load_study(str(path), ["seed=9"], benchmarks_known=KNOWN)
    assert (loaded.path, loaded.overrides, loaded.study.seed) == (path, ("seed=9",), 9)
    assert loaded.text == FULL.replace("\n", "\r\n")


def told(path: Path) -> str:
    with pytest.raises(StudyError) as caught:
        load_study(path)
    assert len(caught.value.problems) == 1
    return str(caught.value).removeprefix(str(path))


def test_a_file_that_cannot_be_read_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "quickstart.yaml").write_text("")
    assert told(tmp_path / "quickstrat.yaml").startswith(
        ": expected a study file, got no such file. Did you mean 'quickstart.yaml'?"
    )
    assert told(tmp_path / "nowhere" / "x.yaml") == ": expected a study file, got no such file"
    assert told(tmp_path).startswith(": expected a study file, got a directory. Known: quickstart.yaml.")
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("study: x\nquestion: Größe\n".encode("latin-1"))
    assert told(latin) == ":2: expected text in UTF-8, got the byte 0xf6. Save the file as UTF-8."
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (MAX_BYTES + 1))
    assert told(large) == ": expected a study file of at most 200 kB, got a larger one"


def test_a_file_that_may_not_be_read_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(FULL)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert told(path) == ": expected a readable study file, got Permission denied"
