"""Duplicates, exact and near: against slow comparisons of every pair."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.elicit.filters.duplicates import Known, Near, jaccard
from gauger.elicit.filters.normalise import normal, shingles, tokens

WORD = st.sampled_from(["what", "is", "the", "sum", "of", "two", "and", "three", "plus", "four"])
TEXT = st.lists(WORD, max_size=14).map(" ".join)


def test_case_spaces_and_typography_do_not_tell_texts_apart():
    known = Known(["It’s  “so”\n– yes"])
    assert not known.add('it\'s "SO" - yes')
    assert known.add("it's not so")
    assert not known.add("IT'S NOT SO")


def test_numbers_and_signs_tell_texts_apart():
    assert tokens("What is **12 + 7.5**, then?") == ("what", "is", "12", "+", "7.5", "then")
    assert tokens("12 - 7") != tokens("12 + 7")
    near = Near(0.8)
    assert near.add("What is 12 plus 7?")
    assert near.add("What is 12 plus 8?")
    assert not near.add("what is 12 plus 8")


@settings(max_examples=50, deadline=None)
@given(st.lists(TEXT, max_size=12), st.sampled_from([0.3, 0.5, 0.8, 1.0]))
def test_near_duplicates_are_those_that_comparing_every_pair_finds(texts, threshold):
    near, kept = Near(threshold), []
    for text in texts:
        words = tokens(text)
        runs = {tuple(words[i : i + 3]) for i in range(max(1, len(words) - 2))} if words else set()
        twin = bool(runs) and any(len(runs & other) / len(runs | other) >= threshold for other in kept)
        assert near.add(text) is not twin
        if runs and not twin:
            kept.append(runs)


def test_the_threshold_matters():
    one, other = "the sum of two and three and four", "the sum of two and three and five"
    index = jaccard(shingles(tokens(one), 3), shingles(tokens(other), 3))
    assert index == 5 / 7
    for threshold, is_new in ((0.7, False), (0.72, True)):
        near = Near(threshold)
        near.add(one)
        assert near.add(other) is is_new


def test_wide_letters_and_odd_spaces_are_made_plain():
    assert normal("Ｗｉｄｅ\u00a0\u2003×\tSTRASSE − ½") == "wide * strasse - 1⁄2"
