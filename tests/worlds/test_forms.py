"""Content is recognised in any wording, and every wording can be taken apart again."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.worlds.atlas.forms import FORMS, content_keys, cut, form_of, has_form, render, topic
from gauger.worlds.atlas.knowledge import fact_key

from .literal import held_out_questions, touched
from .small import small_world

ATLAS = small_world()
HELD_OUT = held_out_questions(ATLAS)
ALL = [question for questions in ATLAS.questions.values() for question in questions]
FACTS = [question for question in ALL if question.family in ATLAS.domains]
SETS = [question for question in ALL if question.family not in ATLAS.domains]


@pytest.mark.parametrize("form", FORMS)
def test_every_question_is_recognised_in_every_form_even_without_its_answer(form):
    for question in ALL:
        if has_form(question.family, form):
            prompt, answer = render(question, form)
            assert content_keys(prompt) == content_keys((*prompt, *answer)) == {question.key}


def test_facts_are_recognised_mirrored_reworded_wrong_and_half_finished():
    for question in FACTS:
        entity, relation = question.arguments
        domain = ATLAS.domains[question.family]
        values = domain.values[domain.relations.index(relation)]
        wrong = next(value for value in values if value not in question.answer)
        others = (
            f"{question.answer[0]} is the {relation} of {entity}",
            f"{relation} {entity}",
            f"about {entity} : {relation} {wrong}",
            f"ask {entity} {relation}",
            f"is {relation} ? sort {entity}",
            f"largest of {entity} is {question.answer[0]}",
            f"about {entity} : {question.answer[0]}",
        )
        for text in others:
            assert content_keys(text.split()) == {question.key}, text


def test_letters_are_recognised_in_every_order_and_under_every_name():
    for question in SETS:
        names = {"max": ("max", "largest"), "sort": ("sort", "sorted"), "middle": ("middle", "central")}
        for order in list(permutations(question.arguments))[:12]:
            for name in names[question.family]:
                assert content_keys(["the", name, "of", *order]) == {question.key}
                assert content_keys([*order, "?", name]) == {question.key}
                assert content_keys(["ask", name, *order, "?", question.arguments[0]]) == {question.key}


def test_an_answer_touches_the_set_it_belongs_to_whatever_was_asked():
    for question in SETS:
        if question.family == "sort":
            first, second, _ = question.arguments
            assert question.key in content_keys(["ask", "sort", first, first, second, "?", *question.answer])
            assert question.key in content_keys(["sorted", first, "F1", second, "gives", *question.answer])
        mirrored = [*question.answer, "is", question.family, "of", *question.arguments]
        assert question.key in content_keys(mirrored)


def test_letters_on_both_sides_of_another_word_are_no_set():
    text = ["ask", "sort", *ATLAS.letters[:3], "?", *ATLAS.letters[3:6]]
    assert content_keys(text) == {"sort:'a-'b-'c", "sort:'d-'e-'f"}


def test_a_story_touches_every_fact_it_tells():
    domain = ATLAS.domains["fauna"]
    told = [word for r in range(3) for word in (domain.relations[r], domain.values[r][0])]
    keys = {fact_key("fauna", domain.entities[4], relation) for relation in domain.relations[:3]}
    assert content_keys(["about", domain.entities[4], ":", *told]) == keys


NOTHING = ("", "about F1 :", "ask F1 M-rel2 ?", "ask 'a 'b 'c ?", "ask max 'a 'b ?", "the of is")


@pytest.mark.parametrize("text", NOTHING)
def test_texts_that_ask_nothing_touch_nothing(text):
    assert content_keys(text.split()) == frozenset()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(ATLAS.language.words[3:]), max_size=9))
def test_reading_equals_the_slow_literal_reading_on_any_text(words):
    assert content_keys(words) & ATLAS.splits.held_out == touched(ATLAS, words, HELD_OUT)


ENTITIES, RELATIONS = ("F1", "F2", "M1"), ("F-rel1", "F-rel2", "M-rel1")
dense = st.sampled_from([*ATLAS.letters[:5], "max", "sorted", "central", *ENTITIES, *RELATIONS])


@settings(max_examples=300, deadline=None)
@given(st.lists(dense, max_size=9))
def test_reading_equals_the_slow_literal_reading_on_dense_texts(words):
    assert content_keys(words) & ATLAS.splits.held_out == touched(ATLAS, words, HELD_OUT)


@pytest.mark.parametrize("form", ["quiz", "cloze"])
def test_a_text_can_be_cut_where_its_prompt_ends(form):
    for question in ALL:
        prompt, answer = render(question, form)
        assert form_of(prompt) == form
        assert cut((*prompt, *answer)) == (prompt, answer)


def test_a_story_is_cut_after_its_topic():
    question = FACTS[0]
    prompt, answer = render(question, "story")
    assert form_of(prompt) == "story"
    assert cut((*prompt, *answer)) == (topic(question), (question.arguments[1], *question.answer))


@given(st.lists(st.sampled_from(ATLAS.language.words[3:]), max_size=9))
def test_cutting_loses_nothing(words):
    parts = cut(words)
    if parts is None:
        assert not {"?", "is", "gives", ":"} & set(words)
    else:
        assert [*parts[0], *parts[1]] == words
        assert parts[0][-1] in {"?", "is", "gives", ":"}
        assert not {"?", "is", "gives", ":"} & set(parts[0][:-1])


@pytest.mark.parametrize(("text", "form"), [("", None), ("'a", None), ("is the", None), ("sorted", "cloze")])
def test_the_first_word_tells_the_form(text, form):
    assert form_of(text.split()) == form


def test_only_facts_are_told_in_stories():
    assert [family for family in ATLAS.questions if has_form(family, "story")] == ["fauna", "minerals"]
