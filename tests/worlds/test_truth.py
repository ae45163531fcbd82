"""The true answer against brute force, and none where nothing sensible is asked."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.worlds.atlas.forms import render
from gauger.worlds.atlas.questions import Question
from gauger.worlds.atlas.truth import true_answer

from .literal import SIZE_OF_SKILL, answer_of
from .small import small_world

ATLAS = small_world()
ALL = [question for questions in ATLAS.questions.values() for question in questions]


@pytest.mark.parametrize("form", ["quiz", "cloze"])
def test_every_question_is_answered_truly_whatever_was_said(form):
    for question in ALL:
        prompt, _ = render(question, form)
        for said in ((), ("'a",), ("F-rel1", "F-rel1-0")):
            assert true_answer(ATLAS, prompt, said) == answer_of(ATLAS, question.family, question.arguments)


def test_a_story_keeps_what_it_tells_of_and_gets_the_true_values():
    said = ("M-rel3", "M-rel3-0", "M-rel1", "F-rel2", "M-rel5-2", "M-rel3")
    expected = []
    for relation in ("M-rel3", "M-rel1", "M-rel3"):
        expected += [relation, *answer_of(ATLAS, "minerals", ("M7", relation))]
    assert true_answer(ATLAS, ("about", "M7", ":"), said) == tuple(expected)


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("ask sort 'a 'b ?", ""),
        ("ask sort 'a 'b 'a ?", ""),
        ("ask max 'a 'b 'c 'd ?", ""),
        ("ask F1 M-rel1 ?", ""),
        ("ask F1 ?", ""),
        ("the F-rel1 of is", ""),
        ("about F1 :", ""),
        ("about F1 :", "F-rel1-0 M-rel1-1"),
        ("about F1 :", "M-rel1 M-rel1-1"),
        ("about F1 F-rel1 :", "F-rel1 F-rel1-0"),
        ("about max 'a 'b 'c :", "F-rel1 F-rel1-0"),
        ("ask F1 F2 F-rel1 ?", ""),
        ("ask F1 F-rel1 F-rel2 ?", ""),
        ("ask F-rel1 F1 ?", ""),
        ("sorted 'a 'b F1 'c gives", ""),
        ("ask sort 'a 'b 'c", ""),
        ("about :", "F-rel1 F-rel1-0"),
        ("", ""),
    ],
)
def test_what_asks_nothing_sensible_has_no_answer(prompt, said):
    assert true_answer(ATLAS, tuple(prompt.split()), tuple(said.split())) is None


def everything_that_can_be_asked():
    """Every question of the world in both forms, with its answer, whether it was drawn for this world or not."""
    arguments = [(q.family, q.arguments) for q in ALL if q.family in ATLAS.domains]
    arguments += [(s, order) for s, size in SIZE_OF_SKILL.items() for order in permutations(ATLAS.letters[:6], size)]
    return {
        render(Question(family, words, (), "", 0.0), form)[0]: answer_of(ATLAS, family, words)
        for family, words in arguments
        for form in ("quiz", "cloze")
    }


ASKED = everything_that_can_be_asked()
dense = st.sampled_from([*ATLAS.letters[:4], "ask", "?", "sort", "sorted", "gives", "F1", "F-rel1", "the", "of", "is"])
near_misses = st.tuples(st.sampled_from(sorted(ASKED)), st.integers(0, 9), dense)


@settings(max_examples=300, deadline=None)
@given(near_misses)
def test_a_question_with_one_word_changed_is_answered_if_and_only_if_it_is_a_question(case):
    prompt, place, word = case
    changed = (*prompt[: place % len(prompt)], word, *prompt[place % len(prompt) + 1 :])
    assert true_answer(ATLAS, changed, ()) == ASKED.get(changed)


words = st.lists(st.sampled_from(ATLAS.language.words[3:]), max_size=8).map(tuple)


@settings(max_examples=300, deadline=None)
@given(words, words)
def test_any_prompt_has_an_answer_in_the_language_or_none(prompt, said):
    answer = true_answer(ATLAS, prompt, said)
    assert answer is None or (answer and set(answer) <= set(ATLAS.language.words[3:]))
