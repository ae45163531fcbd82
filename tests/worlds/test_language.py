"""Words to ids and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.worlds.atlas.language import BEGIN, END, PAD, Language

from .small import small_world

ATLAS = small_world()
WORDS = ATLAS.language.words[3:]
texts = st.lists(st.sampled_from(WORDS), max_size=9)


@given(texts)
def test_words_come_back(words):
    language = ATLAS.language
    assert language.words_of(language.ids(words)) == tuple(words)


@given(texts, texts)
def test_the_end_mark_ends_and_special_tokens_are_no_words(words, after):
    language = ATLAS.language
    ids = [BEGIN, *language.ids(words), PAD, END, *language.ids(after)]
    assert language.words_of(ids) == tuple(words)


@given(st.lists(texts, max_size=4))
def test_padding_is_on_the_right_and_nowhere_else(rows):
    language = ATLAS.language
    ids = [language.ids(row) for row in rows]
    padded = language.pad(ids)
    assert padded.shape == (len(rows), language.context)
    for given_ids, row in zip(ids, padded, strict=True):
        assert row.tolist() == given_ids + [PAD] * (language.context - len(given_ids))


def test_every_word_of_the_world_has_an_id_of_its_own():
    assert len(set(ATLAS.language.words)) == len(ATLAS.language)
    assert ATLAS.language.ids(WORDS) == list(range(3, len(ATLAS.language)))
    assert (PAD, BEGIN, END) == (0, 1, 2)


def test_a_text_that_is_too_long_is_refused():
    language = Language(["a"], context=3)
    assert np.array_equal(language.pad([[3, 3, 3]]), [[3, 3, 3]])
    with pytest.raises(ValueError, match="broadcast"):
        language.pad([[3, 3, 3, 3]])


def test_an_unknown_word_is_refused():
    with pytest.raises(KeyError):
        ATLAS.language.ids(["never heard"])
