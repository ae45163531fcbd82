"""Rows of a control that are matched with a teacher's: as many, of its forms, as many tokens, the pool's content."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elicit.cases import CASES
from gauger.elicit.corpus import Text, words_in
from gauger.elicit.matched_rows import drawn_times, matched_rows, web_texts
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


def matched(rows, choices, seed=0):
    return matched_rows(Forms(), rows, choices, words_in, np.random.default_rng(seed))


def lengths(corpus):
    return sorted(words_in(corpus.samples))


def test_rows_have_the_forms_and_the_tokens_of_the_teachers():
    rows = texts("a", [3, 3, 5, 9]) + texts("b", [4, 4])
    corpus = matched(rows, pool("a", [3, 4, 5, 8, 3]) + pool("b", [4, 4, 5]))
    forms = [sample.prompt_text for sample in corpus.samples]
    assert Counter(forms) == {"a": 4, "b": 2}
    assert sum(lengths(corpus)) == 28
    assert corpus.notes == ()


def test_where_the_pool_has_the_mean_length_every_text_is_used_equally_often():
    corpus = matched(texts("a", [10] * 30), pool("a", [4, 16, 7, 13, 10]))
    used = Counter(sample.id for sample in corpus.samples)
    assert sorted(used.values()) == [6] * 5


def test_where_no_text_is_long_enough_the_longest_are_used_equally_often():
    corpus = matched(texts("a", [30] * 10), pool("a", [8, 20, 20, 20, 3]))
    assert lengths(corpus) == [20] * 10
    assert sorted(Counter(sample.id for sample in corpus.samples).values()) == [3, 3, 4]


def weights_drawn(sizes, rows, total, draws=400):
    rng = np.random.default_rng(0)
    return sum(drawn_times(sizes, rows, total, rng) for _ in range(draws)) / (draws * rows)


def divergence(weights):
    return float(np.sum(weights[weights > 0] * np.log(weights[weights > 0] * len(weights))))


def test_no_draw_with_those_tokens_departs_less_from_an_even_one():
    sizes = np.random.default_rng(3).integers(3, 40, 60)
    rows, mean = 600, 27.0
    weights = weights_drawn(sizes, rows, int(rows * mean))
    assert weights @ sizes == pytest.approx(mean, abs=1e-9)
    # literal: by the slope of log weights on lengths, which is one straight line and nothing else
    slope, level = np.polyfit(sizes, np.log(weights), 1)
    # drawn up or down to a whole number: at most .5/√400 = .025 of about 2.6 times, so .01 in logs; five of those
    np.testing.assert_allclose(np.log(weights), slope * sizes + level, atol=0.05)
    rng, others = np.random.default_rng(4), []
    for _ in range(300):
        other = rng.dirichlet(np.full(60, rng.choice([1.0, 20.0, 500.0])))
        longer = int(other @ sizes < mean)
        extreme = np.eye(60)[sizes.argmax() if longer else sizes.argmin()]
        share = (mean - other @ sizes) / (extreme @ sizes - other @ sizes)
        others.append(divergence((1 - share) * other + share * extreme))
    assert divergence(weights) < min(others)


def paired_row_by_row(wanted, sizes):
    """The naive way: every row gets the text nearest to it in length."""
    return np.array([np.abs(sizes - length).argmin() for length in wanted])


def test_a_teachers_choice_of_content_is_not_taken_over_with_its_lengths():
    """Where lengths tell content, pairing row by row copies what the teacher wrote about; the control does not."""
    rng = np.random.default_rng(5)
    asked, other = rng.integers(8, 13, 300), np.concatenate([rng.integers(4, 8, 150), rng.integers(13, 17, 150)])
    sizes, about = np.concatenate([asked, other]), np.repeat([1, 0], 300)
    wanted = rng.integers(8, 13, 500)  # the teacher wrote of what the benchmark asks, and of nothing else
    copied = about[paired_row_by_row(wanted, sizes)].mean()
    times = drawn_times(sizes, 500, int(wanted.sum()), rng)
    assert times @ sizes == wanted.sum()
    assert copied == 1.0
    assert times @ about / 500 == pytest.approx(0.5, abs=0.02)


def test_what_one_row_lacks_the_next_makes_up_for():
    corpus = matched(texts("a", [10] * 200), pool("a", [5] * 90 + [20] * 90))
    assert abs(sum(words_in(corpus.samples)) - 2000) <= 15
    assert corpus.notes == ()


@pytest.mark.parametrize(("own", "ratio"), [([10] * 30, "50.0%"), ([2] * 30, "250.0%")])
def test_lengths_that_are_not_to_be_had_are_said(own, ratio):
    corpus = matched(texts("a", own), pool("a", [5] * 40))
    assert len(corpus.samples) == 30
    assert [note for note in corpus.notes if ratio in note], corpus.notes


def test_forms_that_are_not_to_be_had_are_said_and_get_texts_of_any():
    rows = texts("a", [4] * 5) + texts("c", [4] * 3)
    corpus = matched(rows, pool("a", [4] * 9) + pool("b", [4] * 9))
    assert len(corpus.samples) == 8
    assert corpus.notes == ("3 of 8 rows found no text of the teacher's form to be matched with",)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.integers(2, 60), min_size=1, max_size=40),
    st.lists(st.integers(2, 60), min_size=1, max_size=40),
    st.integers(0, 5),
)
def test_totals_differ_by_less_than_a_row_wherever_longer_and_shorter_texts_are_there(own, there, seed):
    choices = [min(own), max(own), *there]
    corpus = matched(texts("a", own), pool("a", choices), seed)
    assert len(corpus.samples) == len(own)
    gap = max(np.diff(sorted({*choices})), default=0)
    assert abs(sum(words_in(corpus.samples)) - sum(own)) <= gap / 2 + 1e-9
    again = matched(texts("a", own), pool("a", choices), seed)
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
def test_rows_are_matched_within_a_hundredth_of_the_tokens_or_the_share_is_said(name):
    case = CASES[name]
    world, forms, rng = case.world, case.forms[:2], np.random.default_rng(1)
    pool = web_texts(world, forms, rng)
    there = {text.form for text in pool}
    asked = [text for own in world.benchmark_train.values() for text in world.word(own, forms)]
    rows = [Text(text.prompt, text.answer, whole=False) for text in asked if text.form in there]
    corpus = matched_rows(world, rows, pool, words_in, rng)
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
            f"rows matched with the teacher's have {ratio:.1%} of its tokens: the text at hand has no nearer lengths",
        )


def test_tokens_that_one_form_cannot_give_another_makes_up_for():
    rows = texts("a", [6] * 10) + texts("b", [9] * 10)
    corpus = matched(rows, pool("a", [5] * 4) + pool("b", range(3, 30)))
    assert sum(lengths(corpus)) == 150
    assert Counter(sample.prompt_text for sample in corpus.samples) == {"a": 10, "b": 10}
    assert corpus.notes == ()
