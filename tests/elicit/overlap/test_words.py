"""Words of texts are those that a literal, slow reading finds, and their hashes tell them apart."""

import re
import unicodedata

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gauger.elicit.overlap.words import comparable, hashes_of_runs, run_hashes, words_of

WORD = re.compile(r"\d+(?:[.,]\d+)*|[a-z]+|(?<![-+*/=<>%^])[-+*/=<>%^](?= ?\d)")


def read(texts):
    words = words_of(texts)
    found = [[] for _ in texts]
    for start, end, text in zip(words.start, words.end, words.text, strict=True):
        found[text].append(comparable(texts[text]).encode("utf-8", "replace")[start:end].decode("utf-8", "replace"))
    return found


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text("abzAZ019 .,-+*=<\n\t'\"()#_/", max_size=40), min_size=1, max_size=5))
@example(["**12** and 18", "3.5 1,000 .5 5.", "", "--5 a-7 a -7 a - 7 a- 7"])
def test_words_of_plain_text_are_those_of_a_literal_reading(texts):
    assert [[one.lower() for one in found] for found in read(texts)] == [WORD.findall(text.lower()) for text in texts]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Café’s NAÏVE—test…", ["café", "s", "naïve", "test"]),
        ("東京は日本", ["東", "京", "は", "日", "本"]),
        ("abc東京def", ["abc", "東", "京", "def"]),
        ("Привет, мир!", ["привет", "мир"]),
        ("5 × 3 − 2", ["5", "*", "3", "-", "2"]),
        ("１２ ＡＢ", ["12", "ab"]),
        ("good 😀 day", ["good", "day"]),
        ("a\u00a0b\u3000c。d", ["a", "b", "c", "d"]),
        ("안녕 세계", ["안녕", "세계"]),
    ],
)
def test_other_writing(text, words):
    assert read([text]) == [words]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=4))
@example(["\ud800x", "é\ud9ff"])
@example(["0", "‐1-\U00011f3a"])
def test_no_text_breaks_it_and_no_word_crosses_texts(texts):
    alone = [found for text in texts for found in read([text])]
    assert read(texts) == alone


def test_case_width_and_signs_do_not_count_and_letters_do():
    same = words_of(["Hello WORLD 7", "hello, world... 7", "ｈｅｌｌｏ world 7"])
    assert len(set(same.exact[0::3])) == len(set(same.exact[1::3])) == len(set(same.exact[2::3])) == 1
    other = words_of(["hello world", "hallo world", "world hello"])
    assert len(set(other.exact)) == 3


def test_numbers_are_alike_only_where_they_are_masked():
    words = words_of(["12 cats", "7 cats"])
    assert words.exact[0] != words.exact[2]
    assert words.masked[0] == words.masked[2]
    assert (words.exact[[1, 3]] == words.masked[[1, 3]]).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=40), st.integers(1, 9))
def test_runs_have_equal_hashes_exactly_where_their_words_are_equal(words, n):
    hashes = run_hashes(words_of([" ".join(words)]).exact, n)
    runs = [tuple(words[k : k + n]) for k in range(len(words) - n + 1)]
    assert len(hashes) == len(runs)
    assert len(set(hashes.tolist())) == len(set(runs))
    assert len(set(zip(hashes.tolist(), runs, strict=True))) == len(set(runs))
    at = np.arange(len(runs))[::2]
    assert (hashes_of_runs(words_of([" ".join(words)]).exact, at, n) == hashes[at]).all()


def test_many_words_have_many_hashes():
    words = words_of(
        [" ".join(f"w{chr(97 + a)}{chr(97 + b)}{chr(97 + c)}" for a in range(26) for b in range(26) for c in range(26))]
    )
    assert len(np.unique(words.exact)) == 26**3


def test_normal_forms_are_compared():
    assert comparable(unicodedata.normalize("NFD", "é")) == "é"
    assert comparable("Plain TEXT") == "Plain TEXT"
