"""Content is recognised in any wording, and every wording can be taken apart again."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.worlds.atlas.forms import FORMS, PROMPT_ENDS, content_keys, form_of, has_form, render
from gauger.worlds.atlas.knowledge import fact_key
from worlds.literal import held_out_questions, touched
from worlds.small import small_world

ATLAS = small_world()
HELD_OUT = held_out_questions(ATLAS)
ALL = [question for questions in ATLAS.questions.values() for question in questions]
FACTS = [question for question in ALL if question.skill in ATLAS.domains]
SETS = [question for question in ALL if question.skill not in ATLAS.domains]


@pytest.mark.parametrize("form", FORMS)
def test_every_question_is_recognised_in_every_form_even_without_its_answer(form):
    for question in ALL:
        if has_form(question.skill, form):
            worded = render(question, form)
            assert content_keys(worded.prompt) == content_keys(worded.text) == {question.key}


def test_facts_are_recognised_mirrored_reworded_wrong_and_half_finished():
    for question in FACTS:
        entity, relation = question.arguments
        domain = ATLAS.domains[question.skill]
        values = domain.values[domain.relations.index(relation)]
        wrong = next(value for value in values if value != question.answer)
        others = (
            f"{question.answer} is the {relation} of {entity}",
            f"{relation} {entity}",
            f"about {entity} : {relation} {wrong}",
            f"ask {entity} {relation}",
            f"is {relation} ? sort {entity}",
            f"largest of {entity} is {question.answer}",
            f"about {entity} : {question.answer}",
        )
        for text in others:
            assert content_keys(text) == {question.key}, text


def test_letters_are_recognised_in_every_order_and_under_every_name():
    for question in SETS:
        names = {"max": ("max", "largest"), "sort": ("sort", "sorted"), "middle": ("middle", "central")}
        for order in list(permutations(question.arguments))[:12]:
            for name in names[question.skill]:
                letters = " ".join(order)
                assert content_keys(f"the {name} of {letters}") == {question.key}
                assert content_keys(f"{letters} ? {name}") == {question.key}
                assert content_keys(f"ask {name} {letters} ? {question.arguments[0]}") == {question.key}


def test_an_answer_touches_the_set_it_belongs_to_whatever_was_asked():
    for question in SETS:
        if question.skill == "sort":
            first, second, _ = question.arguments
            assert question.key in content_keys(f"ask sort {first} {first} {second} ? {question.answer}")
            assert question.key in content_keys(f"sorted {first} F1 {second} gives {question.answer}")
        assert question.key in content_keys(f"{question.answer} is {question.skill} of {question.text}")


def test_letters_on_both_sides_of_another_word_are_no_set():
    first, second = " ".join(ATLAS.letters[:3]), " ".join(ATLAS.letters[3:6])
    assert content_keys(f"ask sort {first} ? {second}") == {"sort:'a-'b-'c", "sort:'d-'e-'f"}


def test_a_story_touches_every_fact_it_tells():
    domain = ATLAS.domains["fauna"]
    told = " ".join(word for r in range(3) for word in (domain.relations[r], domain.values[r][0]))
    keys = {fact_key("fauna", domain.entities[4], relation) for relation in domain.relations[:3]}
    assert content_keys(f"about {domain.entities[4]} : {told}") == keys


NOTHING = ("", "about F1 :", "ask F1 M-rel2 ?", "ask 'a 'b 'c ?", "ask max 'a 'b ?", "the of is")


@pytest.mark.parametrize("text", NOTHING)
def test_texts_that_ask_nothing_touch_nothing(text):
    assert content_keys(text) == frozenset()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(ATLAS.vocabulary), max_size=9))
def test_reading_equals_the_slow_literal_reading_on_any_text(words):
    text = " ".join(words)
    assert content_keys(text) & ATLAS.splits.held_out == touched(ATLAS, text, HELD_OUT)


ENTITIES, RELATIONS = ("F1", "F2", "M1"), ("F-rel1", "F-rel2", "M-rel1")
dense = st.sampled_from([*ATLAS.letters[:5], "max", "sorted", "central", *ENTITIES, *RELATIONS])


@settings(max_examples=300, deadline=None)
@given(st.lists(dense, max_size=9))
def test_reading_equals_the_slow_literal_reading_on_dense_texts(words):
    text = " ".join(words)
    assert content_keys(text) & ATLAS.splits.held_out == touched(ATLAS, text, HELD_OUT)


@pytest.mark.parametrize("form", FORMS)
def test_a_prompt_is_of_the_form_that_it_was_worded_in(form):
    for question in ALL:
        if has_form(question.skill, form):
            (prompt,) = ATLAS.prompts(question, [form])
            assert form_of(prompt) == form
            assert prompt.split()[-1] in PROMPT_ENDS
            begun = prompt.split()[:-1]
            assert form_of(" ".join(begun)) is None or begun[-1] in PROMPT_ENDS


NO_FORM = ("", "'a", "is the", "sorted", "ask F1 F-rel1", "about F1", "central of 'a", "? ask")


@pytest.mark.parametrize("text", NO_FORM)
def test_what_begins_otherwise_or_does_not_end_is_of_no_form(text):
    assert form_of(text) is None


@pytest.mark.parametrize(("text", "form"), [("sorted gives", "cloze"), ("ask ?", "quiz"), ("about :", "story")])
def test_the_first_word_tells_the_form_of_what_ends(text, form):
    assert form_of(text) == form


def test_only_facts_are_told_in_stories():
    assert [skill for skill in ATLAS.questions if has_form(skill, "story")] == ["fauna", "minerals"]
