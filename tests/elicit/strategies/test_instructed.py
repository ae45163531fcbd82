"""Strategies: what they ask, what they make of the replies, and where every sample comes from."""

import re
from collections import Counter
from dataclasses import replace

import pytest

from elicit.teacher.answering import Answering, last, plain, seeds
from gauger.elicit.collect import MOST_BARREN_ROUNDS, Setting, collect_corpus
from gauger.elicit.filters.filters import Filters
from gauger.elicit.strategies.registry import STRATEGIES, program
from gauger.elicit.strategies.seeds import Seed
from gauger.elicit.teacher.messages import Reply, ReplyOutcome
from gauger.elicit.teacher.surfaced import Surfaced
from gauger.errors import UserError
from gauger.spec.models import Surface


def collect(strategy, wanted=None, say=plain, own=None, **more):
    teacher, student = Answering(say), Answering(lambda request: f"guess {request.seed % 3}", name="student")
    own = seeds(20) if own is None else own
    corpus = collect_corpus(teacher, program(strategy), own, wanted, setting=Setting(student=student), **more)
    return corpus, teacher


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_strategy_gives_what_is_wanted_and_its_ledger_adds_up(strategy):
    corpus, teacher = collect(strategy, 12)
    assert len(corpus.kept) == 12
    assert corpus.notes == ()
    keys = {request.key for request in teacher.asked}
    asked = [sample for sample in corpus.samples if sample.request in keys]
    assert sum(sample.took.queries for sample in asked) == len(teacher.asked)
    assert sum(sample.took.tokens_in for sample in asked) == 10 * len(teacher.asked)
    assert {sample.request for sample in asked} == keys
    for sample in corpus.kept:
        assert (sample.terms, sample.strategy, sample.outcome) == ("for tests", strategy, ReplyOutcome.ANSWERED)
        assert sample.source == ("self" if strategy == "self" else "teacher")
        assert (sample.seed_ids == ()) == (strategy == "seedless")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_order_of_replies_does_not_matter_and_the_seed_does(strategy):
    def run(backwards, seed):
        teacher = Answering(plain, backwards=backwards)
        student = Answering(plain, "student", backwards=backwards)
        return collect_corpus(teacher, program(strategy), seeds(20), 8, seed=seed, setting=Setting(student=student))

    assert run(True, 0) == run(False, 0)
    assert run(True, 0).samples != run(True, 1).samples


def test_label_asks_every_seed_once_as_it_is():
    corpus, teacher = collect("label")
    assert sorted(last(request) for request in teacher.asked) == sorted(seed.prompt for seed in seeds(20))
    assert {request.temperature for request in teacher.asked} == {0.0}
    sample = corpus.kept[0]
    assert (sample.seed.prompt, sample.seed_ids, sample.parents) == (sample.prompt_text, (sample.seed.id,), ())
    assert (sample.benchmark, sample.split, sample.generation) == ("sums", "train", 0)


def test_label_ends_with_a_note_where_the_seeds_are_too_few():
    corpus, teacher = collect("label", 30)
    assert len(corpus.kept) == len(teacher.asked) == 20
    assert corpus.notes == ("20 of 30 samples: nothing new was left to ask",)


def test_at_a_temperature_seeds_are_drawn_again():
    warm, teacher = program("label").limited(temperature=1.0), Answering(plain)
    corpus = collect_corpus(teacher, warm, seeds(5), 12)
    assert len(corpus.kept) == 12
    assert Counter(request.seed for request in teacher.asked) == {0: 5, 1: 5, 2: 2}
    assert len(collect_corpus(Answering(plain), warm, seeds(5)).samples) == 5


def test_self_asks_what_label_asks():
    asked = {name: {request.key for request in collect(name)[1].asked} for name in ("label", "self")}
    assert asked["label"] == asked["self"]


def test_rationale_shows_the_student_the_bare_question():
    corpus, teacher = collect("rationale", 3)
    assert all("step by step" in last(request) for request in teacher.asked)
    assert {sample.prompt_text for sample in corpus.kept} <= {seed.prompt for seed in seeds(20)}


def test_expand_writes_dedupes_and_answers():
    corpus, teacher = collect("expand", 10)
    steps = [sample for sample in corpus.samples if sample.dropped == "step"]
    assert len(steps) == sum("numbered list" in last(request) for request in teacher.asked)
    by_id = {sample.id: sample for sample in corpus.samples}
    for sample in corpus.kept:
        (parent,) = sample.parents
        assert by_id[parent] in steps
        assert sample.seed_ids == by_id[parent].seed_ids
        assert sample.prompt_text in by_id[parent].answer
        assert sample.prompt_text not in {seed.prompt for seed in seeds(20)}
        assert sample.filters[:2] == ("prompt-duplicate", "prompt-near-duplicate")


def test_expand_develops_what_was_kept_up_to_the_last_generation():
    corpus, _ = collect("expand", 120)
    by_id = {sample.id: sample for sample in corpus.samples}
    assert {sample.generation for sample in corpus.kept} == {1, 2, 3}
    for sample in corpus.kept:
        step = by_id[sample.parents[0]]
        assert sample.generation == step.generation + 1
        if step.parents:
            origin = by_id[step.parents[0]]
            assert (origin.dropped, origin.generation) == (None, step.generation)
            assert origin.prompt_text in step.prompt_text


def test_expand_without_a_number_uses_every_seed_once():
    corpus, _ = collect("expand", own=seeds(5))
    steps = [sample for sample in corpus.samples if sample.dropped == "step"]
    assert sorted(sample.seed_ids for sample in steps) == [(f"s{n}",) for n in range(5)]
    assert len(corpus.kept) == 20


def test_problems_that_are_there_already_are_not_asked():
    def same(request):
        return "1. What is 1 plus 1?\n2. What is 3 plus 9?" if "numbered list" in last(request) else "4"

    corpus, teacher = collect("expand", 8, say=same, own=seeds(3))
    assert Counter(last(request) for request in teacher.asked if "numbered" not in last(request)) == {
        "What is 3 plus 9?": 1
    }
    assert len(corpus.kept) == 1
    assert corpus.notes == (f"1 of 8 samples: given up after {MOST_BARREN_ROUNDS} rounds that kept nothing",)
    assert {sample.dropped for sample in corpus.samples} == {None, "step", "prompt-duplicate"}


def test_replies_that_are_no_list_are_named():
    corpus, _ = collect("seedless", 3, say=lambda _: "I would rather not.")
    assert {sample.dropped for sample in corpus.samples} == {"unparsed"}


def test_of_a_list_that_was_cut_off_the_last_problem_is_left_out():
    def cut(request):
        if "numbered list" not in last(request):
            return "4"
        return Reply(ReplyOutcome.TRUNCATED, f"1. Whole {request.key[:9]} problem?\n2. Half a pro", tokens_out=9)

    corpus, _ = collect("seedless", 2, say=cut)
    assert all(sample.prompt_text.startswith("Whole") for sample in corpus.kept)


def test_seedless_needs_no_seeds_but_a_number():
    corpus, _ = collect("seedless", 9, own=())
    assert len(corpus.kept) == 9
    with pytest.raises(UserError, match="how many samples"):
        collect("seedless")


def test_a_topic_that_several_seeds_share_has_one_section_of_all_of_them():
    def say(request):
        text = last(request)
        if "Name in two" in text:
            return "Topic: Even numbers." if re.search(r"[02468] plus", text) else "odd numbers"
        return f"Section {request.key[:6]}."

    corpus, _ = collect("textbook", say=say)
    sections = [sample for sample in corpus.samples if sample.dropped is None]
    seen = [key for sample in sections for key in sample.seed_ids]
    assert sorted(seen) == sorted(seed.id for seed in seeds(20))
    assert any(len(sample.seed_ids) > 1 for sample in sections)
    assert all(
        sample.prompt_text == f"Write a section of a textbook on this topic: {topic}"
        for sample in sections
        for topic in [sample.prompt_text.rpartition(": ")[2]]
    )
    assert {sample.prompt_text.rpartition(": ")[2] for sample in sections} == {"Even numbers", "odd numbers"}
    assert all(len(sample.parents) == len(sample.seed_ids) for sample in sections)


def test_a_topic_is_written_of_in_every_manner_before_any_again():
    def say(request):
        return "sums" if "Name in two" in last(request) else f"Section {request.key}."

    corpus, teacher = collect("textbook", 10, say=say, own=seeds(1))
    asked = [last(request) for request in teacher.asked if "Write it as" in last(request)]
    assert len(corpus.kept) == 10
    assert set(Counter(asked).values()) == {2}


def test_feedback_makes_pairs_of_the_students_answers():
    corpus, teacher = collect("feedback", 5)
    for sample in corpus.kept:
        ranked = next(request for request in teacher.asked if request.key == sample.request)
        shown = re.findall(r"Answer \d:\n(guess \d)", last(ranked))
        assert sorted(shown) == ["guess 0", "guess 1", "guess 2"]
        assert (sample.answer, sample.rejected) == (shown[-1], shown[0])
        assert len(sample.parents) == 3
    steps = [sample for sample in corpus.samples if sample.dropped == "step"]
    assert {(sample.teacher, sample.source) for sample in steps} == {("student", "self")}


def test_feedback_corrects_an_only_answer():
    own = [Seed(id="a", prompt="Why?", student_answers=("Because.", " Because. "))]
    corpus, teacher = collect("feedback", own=own)
    (sample,) = corpus.kept
    assert (sample.answer, sample.rejected, len(teacher.asked)) == ("The corrected answer.", "Because.", 1)
    corpus, _ = collect("feedback", own=own, say=lambda _: "CORRECT.")
    assert [sample.dropped for sample in corpus.samples] == ["no-pair"]
    corpus, _ = collect(
        "feedback", own=[Seed(id="a", prompt="Why?", student_answers=("A", "B"))], say=lambda _: "Both."
    )
    assert [sample.dropped for sample in corpus.samples] == ["unparsed"]


@pytest.mark.parametrize(
    "said",
    [
        "CORRECT!",
        "The answer is CORRECT.",
        "`CORRECT`",
        "CORRECT: nothing to change",
        "The student's answer is correct.",
    ],
)
def test_an_answer_that_is_said_to_be_correct_is_no_better_answer(said):
    own = [Seed(id="a", prompt="Why?", student_answers=("Because.",))]
    assert [sample.dropped for sample in collect("feedback", own=own, say=lambda _: said)[0].samples] == ["no-pair"]


@pytest.mark.parametrize(
    "said", ["INCORRECT. 43", "Correct answer: 43", "CORRECT answer: 43", "The answer is correct where x > 0", "43"]
)
def test_a_correction_is_the_better_answer(said):
    own = [Seed(id="a", prompt="Why?", student_answers=("Because.",))]
    assert [sample.answer for sample in collect("feedback", own=own, say=lambda _: said)[0].kept] == [said]


def test_feedback_needs_a_student():
    with pytest.raises(UserError, match="a student for the strategy feedback"):
        collect_corpus(Answering(plain), program("feedback"), seeds(2))


@pytest.mark.parametrize(("given", "said"), [((), "seeds for the strategy label"), (seeds(2), "a positive number")])
def test_what_is_missing_is_said_before_anything_is_asked(given, said):
    teacher = Answering(plain)
    with pytest.raises(UserError, match=said):
        collect_corpus(teacher, program("label"), given, 0 if given else None)
    assert teacher.asked == []


def test_shown_reasoning_is_learnt_before_the_answer_unless_the_template_drops_it_and_hidden_never():
    def think(request):
        return Reply(ReplyOutcome.ANSWERED, "Answer: 4", reasoning="two and two", tokens_reasoning=2)

    tagging = program("label")
    dropping = replace(tagging, template=tagging.template.model_copy(update={"reasoning": "drop"}))
    own = [Seed(id="a", prompt="2 + 2", answer="4")]
    for chosen, answer in ((dropping, "Answer: 4"), (tagging, "<think>\ntwo and two\n</think>\n\nAnswer: 4")):
        setting = Setting(Surface(reasoning="shown"))
        (sample,) = collect_corpus(Surfaced(Answering(think), setting.surface), chosen, own, setting=setting).kept
        assert (sample.answer, sample.reasoning, sample.surface) == (answer, "two and two", "text and reasoning")
        assert (sample.score, sample.took.tokens_reasoning) == (1.0, 2)
        (sample,) = collect_corpus(Surfaced(Answering(think), Surface()), chosen, own).kept
        assert (sample.answer, sample.reasoning, sample.surface) == ("Answer: 4", None, "text")


def test_an_answer_with_a_mark_that_nobody_knows_is_learnt_only_where_reasoning_is_shown():
    said, own = "<reflection>two and two</reflection> 4", [Seed(id="a", prompt="2 + 2")]
    for reasoning, dropped in (("hidden", "unknown-reasoning"), ("shown", None)):
        setting = Setting(Surface(reasoning=reasoning))
        teacher = Surfaced(Answering(lambda _: said), setting.surface)
        corpus = collect_corpus(teacher, program("label"), own, setting=setting)
        (sample,) = corpus.samples
        assert (sample.dropped, sample.flags[0]) == (dropped, "unknown mark <reflection>")
        assert "1 replies hold what nobody here knows how to read: unknown mark <reflection>" in corpus.notes


def test_filters_are_those_that_are_given():
    corpus, _ = collect("label", filters=Filters(longest=2))
    assert {sample.dropped for sample in corpus.samples} == {"length"}
