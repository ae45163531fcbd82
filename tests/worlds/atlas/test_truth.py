"""The true answer against brute force, and none where nothing sensible is asked."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.worlds.atlas.forms import render
from gauger.worlds.items import Question
from worlds.literal import SIZE_OF_SKILL, answer_of
from worlds.small import small_world

ATLAS = small_world()
ALL = [question for questions in ATLAS.questions.values() for question in questions]


@pytest.mark.parametrize("form", ["quiz", "cloze"])
def test_every_question_is_answered_truly_whatever_was_said(form):
    for question in ALL:
        prompt = render(question, form).prompt
        for said in ("", " 'a", " F-rel1 F-rel1-0"):
            assert ATLAS.true_answer(prompt, said) == f" {answer_of(ATLAS, question.skill, question.arguments)}"


def test_a_story_keeps_what_it_tells_of_and_gets_the_true_values():
    said = " M-rel3 M-rel3-0 M-rel1 F-rel2 M-rel5-2 M-rel3"
    expected = ""
    for relation in ("M-rel3", "M-rel1", "M-rel3"):
        expected += f" {relation} {answer_of(ATLAS, 'minerals', ('M7', relation))}"
    assert ATLAS.true_answer("about M7 :", said) == expected


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
    assert ATLAS.true_answer(prompt, said) is None


def everything_that_can_be_asked():
    """Every question of the world in both forms, with its answer, whether it was drawn for this world or not."""
    arguments = [(q.skill, q.arguments) for q in ALL if q.skill in ATLAS.domains]
    arguments += [(s, order) for s, size in SIZE_OF_SKILL.items() for order in permutations(ATLAS.letters[:6], size)]
    return {
        render(Question(skill, "", "", "", arguments=words), form).prompt: f" {answer_of(ATLAS, skill, words)}"
        for skill, words in arguments
        for form in ("quiz", "cloze")
    }


ASKED = everything_that_can_be_asked()
dense = st.sampled_from([*ATLAS.letters[:4], "ask", "?", "sort", "sorted", "gives", "F1", "F-rel1", "the", "of", "is"])
near_misses = st.tuples(st.sampled_from(sorted(ASKED)), st.integers(0, 9), dense)


@settings(max_examples=300, deadline=None)
@given(near_misses)
def test_a_question_with_one_word_changed_is_answered_if_and_only_if_it_is_a_question(case):
    prompt, place, word = case
    words = prompt.split()
    words[place % len(words)] = word
    changed = " ".join(words)
    assert ATLAS.true_answer(changed) == ASKED.get(changed)


texts = st.lists(st.sampled_from(ATLAS.vocabulary), max_size=8).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(texts, texts)
def test_any_prompt_has_an_answer_in_the_vocabulary_or_none(prompt, said):
    answer = ATLAS.true_answer(prompt, said)
    assert answer is None or (answer.split() and set(answer.split()) <= set(ATLAS.vocabulary))
