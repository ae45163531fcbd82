"""Words to tokens and back."""

import pytest
from tests.train.models import chat

from gauger.errors import UserError
from gauger.train.rows import TrainingRow
from gauger.train.tiny.tokens import BEGIN, END, Words

WORDS = Words(["a", "b", "c", "?"])
A, B, C, ASK = (WORDS.numbers[word] for word in ("a", "b", "c", "?"))
ROWS = [
    TrainingRow("a ?", " b"),
    TrainingRow("c", " a b", whole=True),
    TrainingRow("", "c"),
    TrainingRow(chat("a ?"), "b"),
]


def test_texts_are_wrapped_in_marks_and_the_answer_is_learnt():
    rows = WORDS.encode(ROWS, 7)
    texts = [rows.tokens_of(row) for row in range(4)]
    assert texts == [(BEGIN, A, ASK, B, END), (BEGIN, C, A, B, END), (BEGIN, C, END), (BEGIN, A, ASK, B, END)]
    assert rows.start_N.tolist() == [3, 1, 1, 3]
    assert len(WORDS.encode([], 7)) == 0


def test_what_is_too_long_loses_its_end_and_a_prompt_that_fills_the_context_teaches_nothing():
    rows = WORDS.encode([TrainingRow("a b", " c c c c"), TrainingRow("a a a a a", " b")], 5)
    assert rows.tokens_of(0) == (BEGIN, A, B, C, C)
    assert (len(rows.tokens_of(1)), rows.n_learnt.tolist()) == (5, [2, 0])


def test_an_answer_follows_its_prompt_after_a_space_and_marks_are_written_out():
    assert WORDS.text([A, B], "c") == " a b"
    assert WORDS.text([A, B], "") == "a b"
    assert WORDS.text([], "c") == ""
    assert WORDS.text([0, A, BEGIN], "c") == " <pad> a <begin>"


def test_an_unknown_word_is_named_with_the_nearest():
    with pytest.raises(UserError, match=r"the 7 words.*'bb'.*Did you mean"):
        WORDS.ids("a bb")
