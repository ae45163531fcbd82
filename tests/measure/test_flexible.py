"""Reading answers: the strict reading takes the form alone, the flexible one the answer wherever it stands."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.worlds.base import Question
from gauger.worlds.language.flexible import flexible
from gauger.worlds.language.forms import FORMS, read_strictly, render

NUMBER = Question("sums", "What is 12 + 7?", "19", "k", statement="12 + 7 =", working="12 + 7 = 19.")
WORD = Question("facts", "What is the animal of Zor Blaxon?", "sea lion", "k", statement="It is", working="All are.")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("19", "19"),
        (" The answer is 19.", "19"),
        ("12 + 7 = 19", "19"),
        ("Answer: 19 because 12 + 7", "19"),
        ("The answer is nineteen, that is 19, not 20", "19"),
        (r"So \boxed{19} of 30", "19"),
        ("#### 19", "19"),
        ("<answer>19</answer> and 20", "19"),
        ("I say <answer>19", "19"),
        ("It is 1,019", "1019"),
        ("-19", "-19"),
        ("no idea", None),
        ("", None),
    ],
)
def test_numbers(said, expected):
    assert flexible(said, NUMBER) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("The Sea\n Lion, of course", "sea lion"),
        ("sea lions", "sea lions"),
        ("I think the answer is: wolf", "wolf"),
        ("\nwolf\nbear", "wolf"),
        ("<answer> wolf </answer> sea lion", "wolf"),
        (" \n ", None),
    ],
)
def test_words(said, expected):
    assert flexible(said, WORD) == expected


@pytest.mark.parametrize("question", [NUMBER, WORD])
@pytest.mark.parametrize("form", FORMS)
def test_both_read_the_right_answer_of_every_form(form, question):
    said = render(question, form).answer
    assert read_strictly(said, form) == flexible(said, question) == question.answer


@settings(deadline=None, max_examples=50)
@given(said=st.text(max_size=40))
def test_nothing_that_is_said_breaks_a_reading(said):
    for form in FORMS:
        assert read_strictly(said, form) != ""
    for question in (NUMBER, WORD):
        assert flexible(said, question) != ""
