"""Rows: what is learnt, what a chat template makes of messages, mixtures and micro-batches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.train.hf.models import ROWS, chat, small_tokenizer, tokenizer

from gauger.errors import GaugerError
from gauger.train.hf.rows import Example, Mixture, Row, Source, encode, encode_prompt, end_marks, micro_batches


def test_a_completion_is_learnt_with_its_end_mark_and_its_prompt_is_not():
    (example,) = encode(tokenizer(), [Row("2+2=", "4")], 99)
    assert tokenizer().decode(list(example.ids)) == "2+2=4</s>"
    assert tokenizer().decode(list(example.ids[example.start :])) == "4</s>"
    assert example.n_learnt == 2


def test_a_whole_row_is_learnt_from_its_second_token_on():
    (example,) = encode(tokenizer(), [Row("ab", "c", whole=True)], 99)
    assert (example.start, example.n_learnt) == (1, 3)


def test_messages_go_through_the_chat_template():
    (example,) = encode(tokenizer(), [Row(chat("hi"), "yo")], 99)
    assert tokenizer().decode(list(example.ids)) == "<s>user\nhi</s>\n<s>assistant\nyo</s>"
    assert tokenizer().decode(list(example.ids[example.start :])) == "yo</s>"


def test_an_empty_prompt_learns_from_the_second_token_on():
    (example,) = encode(tokenizer(), [Row("", "abc")], 99)
    assert example.start == 1


def test_what_is_too_long_loses_its_end():
    (example,) = encode(tokenizer(), [Row("abc", "def")], 5)
    assert tokenizer().decode(list(example.ids)) == "abcde"


def test_a_prompt_that_fills_the_context_teaches_nothing():
    (example,) = encode(tokenizer(), [Row("abcdef", "g")], 5)
    assert (len(example.ids), example.n_learnt) == (5, 0)


def test_the_end_of_a_turn_comes_first_among_the_end_marks():
    other = small_tokenizer()
    other.chat_template = other.chat_template.replace("</s>", "<pad>")
    assert end_marks(other) == (0, 2)
    assert end_marks(tokenizer()) == (2,)


def test_a_tokenizer_without_an_end_mark_is_refused():
    other = small_tokenizer()
    other.eos_token, other.chat_template = None, None
    with pytest.raises(GaugerError, match="ends a text"):
        end_marks(other)


def test_an_end_mark_that_the_tokenizer_adds_is_taken_off_a_prompt():
    assert encode_prompt(tokenizer(), "ab</s>") == encode_prompt(tokenizer(), "ab")


def test_every_source_passes_through_all_its_rows_before_one_comes_again():
    rows = tuple(Row("", str(number)) for number in range(5))
    mixture = Mixture((Source(rows), Source(rows[:2])), (2, 1))
    drawn = [pair for step in mixture.draws(5, seed=3) for pair in step]
    first = [row for source, row in drawn if source == 0]
    assert sorted(first[:5]) == sorted(first[5:10]) == [0, 1, 2, 3, 4]
    assert [row for source, row in drawn if source == 1].count(0) in (2, 3)


def test_the_seed_decides_the_order():
    mixture = Mixture((Source(ROWS),), (3,))
    assert list(mixture.draws(4, 1)) == list(mixture.draws(4, 1)) != list(mixture.draws(4, 2))


def test_an_empty_source_that_every_batch_draws_from_is_an_error():
    with pytest.raises(GaugerError, match="nothing to train on"):
        list(Mixture((Source(()),), (1,)).draws(1, 0))
    assert list(Mixture((Source(()), Source(ROWS)), (0, 1)).draws(1, 0))


@given(st.lists(st.integers(2, 40), min_size=1, max_size=20), st.integers(1, 200), st.sampled_from([1, 2]))
def test_micro_batches_hold_every_row_once_within_their_limit(lengths, limit, pair):
    groups = [tuple(Example(tuple(range(length)), 1) for _ in range(pair)) for length in lengths]
    batches = micro_batches(groups, limit)
    held = [len(example.ids) for batch in batches for example in batch.examples]
    assert sorted(held) == sorted(length for length in lengths for _ in range(pair))
    for batch in batches:
        assert batch.tokens_BT.numel() <= limit or len(batch.examples) == pair
        assert [len(example.ids) for example in batch.examples][::pair] == [
            len(example.ids) for example in batch.examples
        ][pair - 1 :: pair]


def test_learnt_positions_are_those_from_the_start_on():
    (batch,) = micro_batches([(Example((5, 6, 7, 8), 2),), (Example((9, 4), 1),)], 99)
    assert batch.learnt.tolist() == [[False, True, True], [True, False, False]]
    assert batch.labels.tolist() == [7, 8, 4]
    assert np.array_equal(batch.tokens_BT.numpy(), [[5, 6, 7, 8], [9, 4, 0, 0]])
