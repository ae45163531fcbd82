"""Words to rows."""

import numpy as np
import pytest

from gauger.elicit.twin_teacher import Shown
from gauger.train.tiny.corpora import load_soft, rows_of, save_soft, stack_shown
from gauger.worlds.atlas.language import BEGIN, END, Language

LANGUAGE = Language(["a", "b", "c", "?"], context=7)
TEXTS = [(("a", "?"), ("b",), False), (("c",), ("a", "b"), True), ((), ("c",), False)]


def test_texts_are_wrapped_in_marks_and_padded():
    rows = rows_of(LANGUAGE, TEXTS)
    a, b, c, end = LANGUAGE.ids(["a", "b", "c", "?"])
    assert rows.tokens_NT.tolist() == [
        [BEGIN, a, end, b, END, 0, 0],
        [BEGIN, c, a, b, END, 0, 0],
        [BEGIN, c, END, 0, 0, 0, 0],
    ]
    assert rows.n_tokens == 5 + 5 + 3


def test_the_answer_is_learnt_and_running_text_is_learnt_whole():
    assert rows_of(LANGUAGE, TEXTS).start_N.tolist() == [3, 1, 1]


def test_no_texts_are_no_rows():
    rows = rows_of(LANGUAGE, [])
    assert (len(rows), rows.n_tokens) == (0, 0)
    assert rows.tokens_NT.shape == (0, 7)


def shown(length, start):
    tokens = np.arange(start, start + 2 * length).reshape(length, 2)
    return Shown(tokens, -tokens.astype(np.float32))


def test_shown_log_probabilities_stand_one_after_the_other():
    soft = stack_shown([shown(3, 0), shown(1, 10), shown(2, 20)])
    assert soft.first_N.tolist() == [0, 3, 4]
    assert soft.token_PK.tolist() == [[0, 1], [2, 3], [4, 5], [10, 11], [20, 21], [22, 23]]
    assert soft.log_probability_PK.tolist() == (-soft.token_PK).tolist()


def test_soft_targets_come_back_from_disk(tmp_path):
    soft = stack_shown([shown(3, 0), shown(1, 10)])
    save_soft(soft, tmp_path)
    again = load_soft(tmp_path)
    for name in ("first_N", "token_PK", "log_probability_PK"):
        before, after = getattr(soft, name), getattr(again, name)
        assert before.dtype == after.dtype
        assert np.array_equal(before, after)


def test_a_corpus_without_soft_targets_has_none(tmp_path):
    assert load_soft(tmp_path) is None


@pytest.mark.parametrize("text", [(("a",) * 5, ("b",), False)])
def test_a_text_that_does_not_fit_is_refused(text):
    with pytest.raises(ValueError, match="broadcast"):
        rows_of(LANGUAGE, [text])
