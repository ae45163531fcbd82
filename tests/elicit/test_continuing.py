"""Corpora of teachers that continue text: what is asked, what is kept, and why the rest is not."""

import itertools
from collections import Counter
from dataclasses import dataclass, field

import polars as pl
import pytest

from gauger.elicit.teacher.messages import ChatReply, ReplyOutcome
from gauger.elicit.twin_continuing import TextFilters, WantedTexts, _up_to_answer, answer_texts, elicit_texts
from gauger.elicit.twin_text_samples import TextSample, kept, read_text_rows, write_texts
from gauger.spec import LanguageWorld
from gauger.worlds.language import TextWorld
from gauger.worlds.language.forms import asked_in

SETTINGS = {
    "kind": "language",
    "tasks": {
        "sums": {
            "kind": "reasoning-gym",
            "task": "chain_sum",
            "train": 30,
            "test": 10,
            "new": 10,
            "settings": {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 2},
        },
        "facts": {"kind": "invented-facts", "entities": 8, "families": 2, "relations": 2},
    },
}


@pytest.fixture(scope="module")
def world():
    return TextWorld(LanguageWorld.model_validate(SETTINGS))


@dataclass
class Scripted:
    """Replies are a function of the prompt; after `budget` requests there are none."""

    say: object
    budget: int = 10**9
    name: str = "scripted"
    terms: None = None
    asked: list = field(default_factory=list)

    def ask(self, requests):
        for index, request in enumerate(requests):
            if len(self.asked) == self.budget:
                return
            self.asked.append(request)
            said = self.say(request)
            reply = said if isinstance(said, ChatReply) else ChatReply(ReplyOutcome.ANSWERED, said)
            yield index, reply if reply.tokens_in else ChatReply(reply.outcome, reply.text, tokens_in=5, tokens_out=2)


def wanted(strategy, samples=12, forms=("qa",), tasks=("sums",)):
    return WantedTexts(strategy, forms, samples, tasks, 8)


def truly(world):
    """Answers what is asked; what is only begun goes on as a sum of numbers that nobody else asks about."""
    count = iter(range(1000, 10**6))

    def say(request):
        prompt = request.messages[-1].content
        if found := world.read(prompt):
            return " " + found[1].answer
        return f"What is {next(count)} + 1?"

    return say


def test_label_asks_the_train_split_once_and_answers_stand_as_said(world):
    teacher = Scripted(truly(world))
    samples, notes = elicit_texts(world, teacher, wanted("label", 100), seed=3)
    own = {question.key for question in world.benchmark_train["sums"]}
    assert {key for sample in samples for key in sample.seed_ids} == own
    assert Counter(len(sample.seed_ids) for sample in samples) == {1: len(own)}
    assert all(sample.answer == world.true_answer(sample.prompt) for sample in kept(samples))
    assert notes == (f"{len(own)} of 100 samples: nothing new was left to ask",)
    assert {(r.temperature, r.max_tokens, r.stop) for r in teacher.asked} == {(0.0, 8, ("\n",))}


def test_a_label_corpus_is_never_longer_than_wanted_and_depends_on_the_seed_alone(world):
    first, notes = elicit_texts(world, Scripted(truly(world)), wanted("label", 5), seed=3)
    again, _ = elicit_texts(world, Scripted(truly(world)), wanted("label", 5), seed=3)
    other, _ = elicit_texts(world, Scripted(truly(world)), wanted("label", 5), seed=4)
    assert (len(first), notes) == (5, ())
    assert first == again != other


def test_expand_goes_on_from_cut_off_seeds_and_counts_both_requests(world):
    teacher = Scripted(truly(world))
    samples, notes = elicit_texts(world, teacher, wanted("expand", 10), seed=1)
    good = kept(samples)
    assert (len(good), notes) == (10, ())
    prompts = {text.prompt for text in world.word(world.benchmark_train["sums"], ["qa"])}
    written = [request for request in teacher.asked if request.temperature == 1.0]
    for request in written:
        assert any(prompt.startswith(request.messages[-1].content) for prompt in prompts)
        assert request.stop == ("\nAnswer:",)
    assert all(sample.queries == 2 and sample.tokens_in == 10 for sample in good)
    assert sum(sample.queries for sample in samples) == len(teacher.asked), "what was spent stands in the ledger"
    assert {sample.dropped for sample in samples} <= {None, "unasked", "overlap", "duplicate", "form"}
    assert len({request.seed for request in written}) > 1


def test_seedless_takes_any_task_and_has_no_seeds(world):
    facts = itertools.cycle(world.word(world.train_questions("facts"), ["qa"]))

    def say(request):
        prompt = request.messages[-1].content
        found = world.read(prompt)
        return " x" if found else next(facts).prompt.removeprefix("Question: ").removesuffix("\nAnswer:")

    samples, _ = elicit_texts(world, Scripted(say), wanted("seedless", 4), seed=1)
    assert len(kept(samples)) == 4
    assert {sample.seed_ids for sample in samples} == {()}
    of_topic, _ = elicit_texts(world, Scripted(lambda _: "no question"), wanted("textbook", 4), seed=1)
    assert {sample.dropped for sample in of_topic} == {"form"}


@pytest.mark.parametrize("budget", [0, 1, 7])
def test_a_spent_budget_ends_with_what_there_is(world, budget):
    teacher = Scripted(truly(world), budget=budget)
    samples, notes = elicit_texts(world, teacher, wanted("label", 12), seed=1)
    assert len(teacher.asked) == len(samples) == budget
    assert notes == (f"{budget} of 12 samples: the budget is spent",)


def test_filters_name_the_first_that_fails(world):
    held = world.word([world.sources["sums"].questions["test"][0]], ["qa"], guarded=False)[0]
    free = world.word(world.train_questions("sums"), ["qa"])[0]
    fact = world.word(world.train_questions("facts"), ["qa"])[0]
    filters = TextFilters(world, ("qa",), ("sums",))
    asked = [
        held.prompt,
        free.prompt,
        free.prompt,
        fact.prompt,
        "Question: why?\nAnswer:",
        free.question.statement or "",
    ]
    marked = filters.prompts([TextSample(prompt, "", "expand", "teacher") for prompt in asked])
    assert [sample.dropped for sample in marked] == ["overlap", None, "duplicate", "topic", "form", "form"]
    assert marked[0].overlaps == (held.question.key,)
    assert marked[1].filters == ("form", "topic", "overlap", "duplicate")
    assert marked[3].filters == ("form",)


def test_an_answer_that_names_held_out_content_is_dropped(world):
    held = world.sources["sums"].questions["test"][0]
    free = world.word(world.train_questions("sums"), ["qa"])[0]
    samples = TextFilters(world, ("qa",), None).texts([TextSample(free.prompt, f" {held.text}", "label", "teacher")])
    assert samples[0].dropped == "overlap"


@pytest.mark.parametrize(("outcome", "dropped"), [("answered", None), ("truncated", "truncated"), ("failed", "failed")])
def test_only_an_answer_that_ended_is_kept(world, outcome, dropped):
    prompt = world.word(world.train_questions("sums"), ["qa"])[0].prompt
    teacher = Scripted(lambda _: ChatReply(ReplyOutcome(outcome), " 7"))
    said = answer_texts(teacher, [TextSample(prompt, "", "label", "teacher")], 8, 0)
    assert [(sample.answer, sample.dropped) for sample in said] == [(" 7", dropped)]


@pytest.mark.parametrize(
    ("text", "form", "prompt"),
    [
        ("Complete: 3 + 4 = 7", "cloze", "Complete: 3 + 4 ="),
        ("Complete: The tree of Bo is oak", "cloze", "Complete: The tree of Bo is"),
        ("Complete: nothing of the kind", "cloze", "Complete: nothing of the kind"),
        ("Question: What is 3 + 4?", "qa", "Question: What is 3 + 4?\nAnswer:"),
    ],
)
def test_a_written_prompt_ends_where_its_answer_begins(text, form, prompt):
    assert _up_to_answer(text, form) == prompt
    assert (asked_in(prompt) or ("",))[0] == form


def test_a_corpus_comes_back_as_it_was_written(tmp_path):
    samples = [
        TextSample("a\nb:", " c", "label", "teacher", seed_ids=("k",)),
        TextSample("d", "", "label", "teacher", dropped="empty"),
    ]
    write_texts(samples, tmp_path, lambda texts: [len(text) for text in texts], ["said"])
    assert read_text_rows(tmp_path) == [("a\nb:", " c", False)]
    ledger = pl.read_parquet(tmp_path / "ledger.parquet")
    assert ledger["length"].to_list() == [len("a\nb: c"), 1]
    assert ledger["dropped"].to_list() == [None, "empty"]
    assert ledger["id"][0] == samples[0].id
