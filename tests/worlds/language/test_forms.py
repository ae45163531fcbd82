"""Forms: what is rendered is read back, strictly, and nothing else is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.errors import UserError
from gauger.worlds.items import Question
from gauger.worlds.language.forms import FORMS, asked_in, has_form, read_strictly, render

SUM = Question("sums", "What is 12 + 7?", "19", "sums:+7+12", statement="12 + 7 =", working="12 + 7 = 19.")
BARE = Question("spell", "Spell cat backward.", "tac", "spell:1")
GRID = Question("grid", "Turn it.", "1 2\n3 4", "grid:1")
WORDS = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=8)


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None, max_examples=50)
@given(text=WORDS, answer=WORDS)
def test_the_answer_of_a_rendered_question_is_read_back(form, text, answer):
    question = Question("t", f"{text}?", answer, "t:1", statement=f"{text} is", working=f"{text}.")
    worded = render(question, form)
    assert read_strictly(worded.answer, form) == answer
    assert asked_in(worded.prompt) == (form, question.statement if form == "cloze" else question.text)
    assert not worded.prompt.endswith(" ")


def test_forms_need_what_they_put():
    assert {form for form in FORMS if has_form(SUM, form)} == set(FORMS)
    assert {form for form in FORMS if has_form(BARE, form)} == {"qa", "tagged"}
    assert {form for form in FORMS if has_form(GRID, form)} == {"tagged"}


@pytest.mark.parametrize(
    ("said", "form", "expected"),
    [
        (" 19\nQuestion: more", "qa", "19"),
        (" The answer is 19.", "qa", "The answer is 19."),
        ("", "qa", None),
        ("\n19", "qa", None),
        ("Sure! <answer>19</answer> bye", "tagged", "19"),
        ("<answer>19", "tagged", None),
        ("19", "tagged", None),
        ("<answer> </answer>", "tagged", None),
        (" 12 + 7 = 19.\nAnswer: 19", "rationale", "19"),
        (" 12 + 7 = 19.\nAnswer: 19\nAnswer: 20", "rationale", "19"),
        (" The Answer: 19", "rationale", None),
    ],
)
def test_the_strict_reading_takes_the_form_alone(said, form, expected):
    assert read_strictly(said, form) == expected


def test_prompts_of_no_form_are_not_read():
    assert asked_in("Question: What?\nHm:") is None
    assert asked_in("  ") is None


def test_an_unknown_form_names_the_nearest():
    with pytest.raises(UserError, match="Did you mean 'tagged'"):
        has_form(SUM, "taged")
