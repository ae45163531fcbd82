"""What every world keeps to: one contract, checked on the embedded world and on a world for language models."""

import numpy as np
import pytest

from gauger.errors import UserError
from gauger.records import Outcome
from gauger.worlds.base import World
from gauger.worlds.items import FLEXIBLE, STRICT, VerifierError, Wording
from gauger.worlds.registry import WORLDS, describe_world, open_world, reopen_world
from worlds.language.small import settings as language_settings
from worlds.small import small_world as small_atlas

OPENED = {"atlas": small_atlas(), "language": open_world(language_settings())}
OUTSIDE = {
    "atlas": ("", "ask", "'a 'b 'c", "about nobody :", "ask F1 M-rel1 ?", "hello ?"),
    "language": ("", "Question: What is it?\nAnswer:", "What is 1 + 2?", "Complete: nothing of the kind", "12 + 7 ="),
}
"""Texts that ask nothing sensible."""


@pytest.fixture(params=list(OPENED))
def kind(request):
    return request.param


@pytest.fixture
def world(kind):
    return OPENED[kind]


def rng(seed=0):
    return np.random.default_rng(seed)


def asked_forms(world):
    return [name for name, form in world.forms.items() if not form.free]


def wordings(world, each=12):
    """Some training questions of every skill in every form that is asked."""
    return [
        text for skill in world.skills for text in world.word(world.train_questions(skill)[:each], asked_forms(world))
    ]


def test_every_kind_of_world_is_checked_here():
    assert set(WORLDS.own) == set(OPENED)
    assert all(isinstance(world, World) for world in OPENED.values())
    assert all(type(world) is WORLDS.load(kind) for kind, world in OPENED.items())


# --- questions and benchmarks -------------------------------------------------------------------------------------


def test_every_listed_benchmark_builds_as_it_is_listed(world):
    for name, listed in world.listed().items():
        benchmark = world.benchmark(name)
        assert (benchmark.name, benchmark.skill, benchmark.form, benchmark.description) == (
            name,
            listed.skill,
            listed.form,
            listed.told,
        )
        assert listed.skill in world.skills
        assert listed.form in world.forms
        assert len({item.id for item in benchmark.items}) == len(benchmark.items) > 0
        assert {item.form for item in benchmark.items} == {listed.form}


def test_an_unknown_benchmark_is_told_the_nearest(world):
    name = next(iter(world.listed()))
    with pytest.raises(UserError, match=f"Did you mean '{name}'"):
        world.benchmark(name[:-1] + "x")


def test_items_are_held_out_and_what_may_be_trained_on_is_not(world):
    for name in world.listed():
        for item in world.benchmark(name).items:
            assert item.question.key in world.overlaps(item.prompt) <= world.held_out
            assert item.question.key in world.overlaps(f"Well, {item.prompt}{item.answer} indeed")
    for skill in world.skills:
        assert not {question.key for question in world.train_questions(skill)} & world.held_out


def test_what_a_seed_source_offers_may_be_trained_on(world):
    for skill in world.skills:
        trainable = {question.key for question in world.train_questions(skill)}
        for seeds in ("web", "reference", "benchmark-train"):
            assert {question.key for question in world.questions_from(seeds, skill)} <= trainable
        assert list(world.questions_from("reference", skill)) == list(world.train_questions(skill))
        assert list(world.questions_from("benchmark-train", skill)) == list(world.benchmark_train[skill])
        assert list(world.questions_from("web", skill)) == list(world.known.get(skill, ()))


@pytest.mark.parametrize("seeds", ["web", "reference", "benchmark-train"])
def test_a_world_seeded_otherwise_differs_in_its_benchmarks_train_split_alone(world, seeds):
    before = {skill: list(questions) for skill, questions in world.benchmark_train.items()}
    other = world.seeded_by(seeds)
    assert type(other) is type(world)
    for skill in world.skills:
        assert list(other.benchmark_train[skill]) == list(world.questions_from(seeds, skill))
    assert {skill: list(questions) for skill, questions in world.benchmark_train.items()} == before
    assert (other.known, other.held_out, list(other.listed())) == (world.known, world.held_out, list(world.listed()))
    if seeds != "benchmark-train":
        assert other.benchmark_train != world.benchmark_train


def test_a_world_comes_back_from_its_description(world, tmp_path):
    again = reopen_world(describe_world(world.settings, tmp_path))
    name = next(iter(world.listed()))
    assert again.benchmark(name) == world.benchmark(name)
    assert again.held_out == world.held_out


# --- texts --------------------------------------------------------------------------------------------------------


def test_answers_begin_with_the_space_that_divides_them_and_prompts_end_without_one(world):
    for text in wordings(world):
        assert not text.prompt.endswith(" ")
        assert text.text == text.prompt + text.answer
        assert text.prompt.endswith("\n") or text.answer.startswith(" ")
        assert not text.answer.startswith("  ")


def test_every_worded_question_is_read_back(world):
    """Its form, its question, its subject, its content, its true answer, and that this answer is right."""
    texts = wordings(world)
    assert {text.form for text in texts} == set(asked_forms(world))
    assert {text.question.skill for text in texts} == set(world.skills)
    for text in texts:
        assert world.has_form(text.question.skill, text.form)
        assert world.form_of(text.prompt) == text.form
        assert world.question_of(text.prompt).key == text.question.key
        assert world.subjects(text.prompt, text.answer) == {text.question.skill}
        assert text.question.key in world.content_keys(text.prompt)
        assert world.true_answer(text.prompt) == text.answer
        assert world.grade(text.prompt, text.answer, ended=True) == 1.0


def test_texts_that_ask_nothing_have_no_question_no_answer_and_no_reward(world, kind):
    for prompt in OUTSIDE[kind]:
        assert world.question_of(prompt) is None
        assert world.true_answer(prompt) is None
        assert world.grade(prompt, " 1", ended=True) == 0.0


def test_prompts_of_a_question_are_those_of_its_wordings(world):
    for skill in world.skills:
        question = world.train_questions(skill)[0]
        worded = [text.prompt for text in world.word([question], asked_forms(world))]
        assert world.prompts(question, asked_forms(world)) == worded
        assert len(worded) == len({*worded}) > 0


def test_held_out_questions_are_never_worded_for_training(world):
    held = {item.question.key: item.question for name in world.listed() for item in world.benchmark(name).items}
    trained = [*world.web, *world.library, *wordings(world, each=10**6)]
    assert len(trained) > 500
    assert len(held) > 50
    for text in trained:
        assert isinstance(text, Wording)
        assert not world.overlaps(text.text)


def test_free_text_is_asked_for_by_topics_alone(world):
    free = [name for name, form in world.forms.items() if form.free]
    topics = world.topics(world.skills)
    assert bool(topics) == bool(free)
    for topic in topics:
        assert world.form_of(topic) in free
        assert world.question_of(topic) is None
        assert world.temperature(topic) == 1.0
    assert {world.temperature(text.prompt) for text in wordings(world, each=2)} == {0.0}
    assert world.temperature("nothing of the kind") == 0.0


def test_an_answer_ends_where_its_form_ends(world, kind):
    for text in wordings(world, each=2):
        assert world.stops(text.prompt) == world.forms[text.form].stops
        assert not any(stop in text.answer for stop in world.stops(text.prompt))
    for prompt in OUTSIDE[kind][:2]:
        assert world.stops(prompt) == world.forms[world.own_form].stops


# --- having somebody write prompts --------------------------------------------------------------------------------


def test_a_cut_off_prompt_that_somebody_goes_on_with_as_before_is_a_prompt_of_its_form_again(world):
    """Whoever writes exactly what was cut off, up to the first string that ends a prompt, gives the prompt back."""
    generator, n_cut = rng(3), set()
    for text in wordings(world, each=8):
        opening = world.opening(text.prompt, generator)
        assert text.prompt.startswith(opening)
        assert len(opening) < len(text.prompt)
        n_cut.add(len(opening))
        written, stop = go_on(text.text, opening, world.prompt_ends(opening, (text.form,)))
        assert world.finished(written, stop, (text.form,)) == text.prompt
        assert world.form_of(world.finished(written, stop, (text.form,))) == text.form
    assert len(n_cut) > 5


def go_on(whole, opening, ends):
    """Write on until the first of the strings that end it, as whoever continues texts does; (text, what ended it)."""
    rest = whole[len(opening) :]
    places = {
        end: place
        for end in ends
        if (place := f"{rest} ".find(f" {end} " if end.isalpha() or end in "?:" else end)) >= 0
    }
    if not places:
        return whole, None
    stop = min(places, key=places.get)
    return opening + rest[: places[stop]], stop


def test_somebody_may_begin_from_nothing_in_every_wanted_form(world):
    generator = rng(5)
    begun = {world.blank_opening(asked_forms(world), generator) for _ in range(60)}
    for text in wordings(world, each=4):
        (opening,) = {one for one in begun if text.prompt.startswith(one)}
        written, stop = go_on(text.text, opening, world.prompt_ends(opening, (text.form,)))
        assert world.finished(written, stop, (text.form,)) == text.prompt


# --- putting answers into a form, and judging them ----------------------------------------------------------------


@pytest.mark.parametrize("around", ["{}", " {}", "  {}\n", "\n{} "])
def test_what_was_said_is_joined_to_its_prompt_by_one_space_or_line(world, around):
    for text in wordings(world, each=2):
        assert world.joined(text.prompt, around.format(text.answer.strip())) == text.answer
        assert world.joined(text.prompt, around.format("")) == ""


def test_a_problem_in_somebodys_own_words_gets_a_form_and_a_prompt_keeps_its_own(world):
    for text in wordings(world, each=2):
        assert {world.as_prompt(text.prompt, asked_forms(world), place) for place in range(9)} == {text.prompt}
    first = world.as_prompt("How many?", asked_forms(world), 3)
    assert first == world.as_prompt("How many?", asked_forms(world), 3)


def test_items_are_judged_by_whether_an_answer_can_be_read_and_is_right(world):
    for name in world.listed():
        for item in world.benchmark(name).items[:3]:
            for reading in world.readings:
                assert world.judge(reading, item, item.answer, ended=True) == (Outcome.SCORED, 1.0)
            other = next(i for i in world.benchmark(name).items if i.question.answer != item.question.answer)
            assert world.judge(STRICT, item, other.answer, ended=True) == (Outcome.SCORED, 0.0)
            outcome, score = world.judge(STRICT, item, "", ended=False)
            assert (outcome, score) == (Outcome.TRUNCATED, None)


def test_a_verifier_that_breaks_gives_no_score_and_no_reward(world, monkeypatch):
    def breaks(question, answer):
        raise VerifierError("broken")

    monkeypatch.setattr(world, "verify", breaks)
    item = world.benchmark(next(iter(world.listed()))).items[0]
    assert world.judge(STRICT, item, item.answer, ended=True) == (Outcome.FAILED, None)
    assert world.grade(item.prompt, item.answer, ended=True) is None
    assert world.grade(item.prompt, item.answer, ended=False) == 0.0, "what did not end is never verified"


def test_rewards_are_1_for_the_truth_0_for_another_answer_and_for_one_that_did_not_end(world):
    for text in wordings(world, each=3):
        others = world.word(world.train_questions(text.question.skill), [text.form])
        other = next(one for one in others if one.question.answer != text.question.answer)
        assert world.grade(text.prompt, text.answer, ended=True) == 1.0
        assert world.grade(text.prompt, other.answer, ended=True) == 0.0
        assert world.grade(text.prompt, text.answer, ended=False) == 0.0


def test_answers_agree_where_they_say_the_same(world):
    for text in wordings(world, each=2):
        other = next(
            one
            for one in world.word(world.train_questions(text.question.skill), [text.form])
            if one.question.answer != text.question.answer
        )
        assert world.agrees(text.prompt, text.answer, f" {text.answer} ")
        assert not world.agrees(text.prompt, text.answer, other.answer)
        assert not world.agrees(text.prompt, "", text.answer)
    assert world.agrees("hello", "a  b", "a b")
    assert not world.agrees("hello", "a b", "b a")


def test_readings_begin_with_the_strict_one(world, kind):
    assert world.readings[0] == STRICT
    assert (FLEXIBLE in world.readings) == (kind == "language")


def test_questions_of_one_answer_group_are_of_one_skill(world):
    groups = {}
    for skill in world.skills:
        for question in world.train_questions(skill):
            groups.setdefault(world.answer_group(question), set()).add(question.skill)
    assert all(len(skills) == 1 for skills in groups.values())
    assert {skill for skills in groups.values() for skill in skills} == set(world.skills)


def test_a_closed_vocabulary_and_a_longest_text_come_together(world):
    assert bool(world.vocabulary) == (world.longest_text is not None)
    for text in (*world.library, *world.web):
        if world.vocabulary:
            assert set(text.text.split()) <= set(world.vocabulary)
            assert len(text.text.split()) + 2 <= world.longest_text
