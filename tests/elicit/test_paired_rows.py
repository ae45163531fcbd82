"""Rows of a control that are paired with a teacher's: as many, of the same forms, as long."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elicit.cases import CASES
from gauger.elicit.corpus import Text, words_in
from gauger.elicit.paired_rows import paired_rows, web_texts
from gauger.worlds import Wording


class Forms:
    """A world that knows no more than that the first word of a prompt names its form."""

    def form_of(self, prompt):
        return prompt.split()[0] if prompt.split() else None


def texts(form, sizes):
    """One text for each size, in words, the form's name included; every one another."""
    return [Text(form, "".join(f" w{place}" for _ in range(size - 1)), whole=False) for place, size in enumerate(sizes)]


def pool(form, sizes):
    return [Wording(text.prompt, text.answer.replace("w", "p"), form) for text in texts(form, sizes)]


def paired(rows, choices, seed=0):
    return paired_rows(Forms(), rows, choices, words_in, np.random.default_rng(seed))


def lengths(corpus):
    return sorted(words_in(corpus.samples))


def test_where_the_lengths_are_there_every_row_has_its_own():
    rows = texts("a", [3, 3, 5, 9]) + texts("b", [4, 4])
    corpus = paired(rows, pool("a", [3, 4, 5, 9, 3]) + pool("b", [4, 4, 5]))
    forms = [sample.prompt_text for sample in corpus.samples]
    assert Counter(forms) == {"a": 4, "b": 2}
    assert lengths(corpus) == [3, 3, 4, 4, 5, 9]
    assert len({sample.id for sample in corpus.samples}) == 6, "no text comes twice while there are others as long"
    assert corpus.notes == ()


def test_where_there_are_too_few_of_a_length_they_repeat_equally_often():
    corpus = paired(texts("a", [8] * 10), pool("a", [8, 8, 8, 20, 3]))
    used = Counter(sample.id for sample in corpus.samples)
    assert lengths(corpus) == [8] * 10
    assert sorted(used.values()) == [3, 3, 4]


def test_a_text_nearly_as_long_that_was_not_used_comes_before_one_that_was():
    corpus = paired(texts("a", [40] * 4), pool("a", [40, 41, 39, 42]))
    assert lengths(corpus) == [39, 40, 41, 42]


def test_what_one_row_lacks_the_next_makes_up_for():
    corpus = paired(texts("a", [10] * 200), pool("a", [5] * 90 + [20] * 90))
    assert abs(sum(words_in(corpus.samples)) - 2000) <= 15
    assert corpus.notes == ()


@pytest.mark.parametrize(("own", "ratio"), [([10] * 30, "50.0%"), ([2] * 30, "250.0%")])
def test_lengths_that_are_not_to_be_had_are_said(own, ratio):
    corpus = paired(texts("a", own), pool("a", [5] * 40))
    assert len(corpus.samples) == 30
    assert [note for note in corpus.notes if ratio in note], corpus.notes


def test_forms_that_are_not_to_be_had_are_said_and_get_texts_of_any():
    rows = texts("a", [4] * 5) + texts("c", [4] * 3)
    corpus = paired(rows, pool("a", [4] * 9) + pool("b", [4] * 9))
    assert len(corpus.samples) == 8
    assert corpus.notes == ("3 of 8 rows found no text of the teacher's form to be paired with",)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.integers(2, 60), min_size=1, max_size=40),
    st.lists(st.integers(2, 60), min_size=1, max_size=40),
    st.integers(0, 5),
)
def test_totals_differ_by_less_than_a_row_wherever_longer_and_shorter_texts_are_there(own, there, seed):
    choices = [min(own), max(own), *there]
    corpus = paired(texts("a", own), pool("a", choices), seed)
    assert len(corpus.samples) == len(own)
    gap = max(np.diff(sorted({*choices})), default=0)
    # a text that is within 5 % is taken before a nearer one that was used: 3 words of 60
    assert abs(sum(words_in(corpus.samples)) - sum(own)) <= max(gap, 4)
    again = paired(texts("a", own), pool("a", choices), seed)
    assert [sample.id for sample in again.samples] == [sample.id for sample in corpus.samples]


@pytest.mark.parametrize("name", list(CASES))
def test_a_world_gives_its_known_texts_in_the_forms_and_running_text_without(name):
    case = CASES[name]
    world, forms = case.world, case.forms[:1]
    known = web_texts(world, forms, np.random.default_rng(0))
    assert {text.form for text in known} == set(forms)
    assert len({text.text for text in known}) == len(known)
    told = {text.text for own in world.known.values() for text in world.word(own, forms)}
    assert {text.text for text in known} == told
    running = web_texts(world, (), np.random.default_rng(0))
    assert {text.text for text in running} == {text.text for text in world.web}


@pytest.mark.parametrize("name", list(CASES))
def test_rows_are_paired_within_a_hundredth_of_the_tokens_or_the_share_is_said(name):
    case = CASES[name]
    world, forms, rng = case.world, case.forms[:2], np.random.default_rng(1)
    pool = web_texts(world, forms, rng)
    there = {text.form for text in pool}
    asked = [text for own in world.benchmark_train.values() for text in world.word(own, forms)]
    rows = [Text(text.prompt, text.answer, whole=False) for text in asked if text.form in there]
    corpus = paired_rows(world, rows, pool, words_in, rng)
    of_form = Counter(world.form_of(row.prompt) for row in rows)
    assert Counter(world.form_of(sample.prompt_text) for sample in corpus.samples) == of_form
    own = sum(len(f"{row.prompt}\n\n{row.answer}".split()) for row in rows)
    ratio = sum(words_in(corpus.samples)) / own
    if name == "atlas":
        assert abs(ratio - 1) < 0.01
        assert corpus.notes == ()
    else:  # its base has had words to spell alone, all of six words
        assert ratio < 0.75
        assert corpus.notes == (
            f"rows paired with the teacher's have {ratio:.1%} of its tokens: the text at hand has no nearer lengths",
        )
