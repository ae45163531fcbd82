"""The first filter that a sample fails is named, and what it passed before stands in its row."""

import pytest

from gauger.elicit.twin_filters import IN_ORDER, Filters
from gauger.elicit.twin_samples import Sample
from gauger.worlds.atlas.forms import render


def sample(prompt, answer="", **more):
    return Sample(tuple(prompt.split()), tuple(answer.split()), "seedless", "teacher", **more)


@pytest.fixture
def secret(atlas):
    """A held-out fact as (entity, relation)."""
    return next(q for q in atlas.questions["fauna"] if q.key in atlas.splits.held_out).arguments


@pytest.fixture
def open_fact(atlas):
    return atlas.train_questions("fauna")[0].arguments


@pytest.fixture
def filters(atlas):
    return Filters(("quiz",), ("fauna",), atlas.splits.held_out)


def test_the_first_failing_filter_is_named(filters, secret, open_fact, atlas):
    entity, relation = secret
    other = next(q for q in atlas.questions["minerals"] if q.key in atlas.splits.held_out).arguments
    cases = [
        (f"the {relation} of {entity} is", "form"),  # overlaps as well
        (f"the {other[1]} of {other[0]} is", "form"),  # another topic, and overlaps
        (f"ask {entity} {relation}", "form"),  # never ends
        (f"ask {other[0]} {other[1]} ?", "topic"),  # overlaps as well
        ("ask F1 ?", "topic"),  # asks nothing
        (f"ask {entity} {relation} ?", "overlap"),
        (f"ask {relation} {entity} ?", "overlap"),
        (f"ask {open_fact[0]} {open_fact[1]} ?", None),
        (f"ask {open_fact[0]} {open_fact[1]} ?", "duplicate"),
        (f"ask {entity} {relation} ?", "overlap"),  # a duplicate as well
    ]
    marked = filters.prompts([sample(prompt) for prompt, _ in cases], set())
    assert [one.dropped for one in marked] == [dropped for _, dropped in cases]
    for one in marked:
        assert one.filters == (IN_ORDER[: IN_ORDER.index(one.dropped)] if one.dropped else IN_ORDER)


def test_nothing_at_all_has_no_form(filters):
    (marked,) = filters.prompts([Sample((), (), "seedless", "teacher")], set())
    assert marked.dropped == "form"


def test_overlaps_are_written_down_whatever_dropped_the_sample(filters, secret):
    entity, relation = secret
    (marked,) = filters.prompts([sample(f"the {relation} of {entity} is")], set())
    assert (marked.dropped, marked.overlaps) == ("form", (f"fauna:{entity}.{relation}",))


def test_seen_prompts_are_remembered_from_call_to_call(filters, open_fact):
    known = set()
    prompt = f"ask {open_fact[0]} {open_fact[1]} ?"
    assert [filters.prompts([sample(prompt)], known)[0].dropped for _ in range(2)] == [None, "duplicate"]


def test_texts_are_read_whole(atlas, secret, open_fact):
    entity, relation = secret
    filters = Filters(("story", "quiz"), ("fauna",), atlas.splits.held_out)
    texts = [
        sample(f"about {entity} :", f"{relation} {relation}-0"),
        sample(f"about {open_fact[0]} :", f"{open_fact[1]} {open_fact[1]}-0"),
        sample(f"about {open_fact[0]} :", f"{open_fact[1]} {open_fact[1]}-1"),
        sample(f"about {open_fact[0]} :", f"{open_fact[1]} {open_fact[1]}-0"),
        sample(f"ask {open_fact[0]} {open_fact[1]} ?"),
    ]
    marked = filters.texts(texts, set())
    assert [one.dropped for one in marked] == ["overlap", None, None, "duplicate", "empty"]
    assert marked[4].filters == IN_ORDER


def test_what_was_dropped_before_stays_dropped_and_is_said_to_have_passed_nothing(filters, open_fact):
    cut_off = sample(f"ask {open_fact[0]} {open_fact[1]} ?", "x", dropped="truncated", filters=IN_ORDER)
    (marked,) = filters.texts([cut_off], set())
    assert (marked.dropped, marked.filters) == ("truncated", ())


def test_without_topics_anything_in_form_is_wanted(atlas):
    filters = Filters(("quiz",), None, atlas.splits.held_out)
    known = {family: render(atlas.train_questions(family)[0], "quiz")[0] for family in atlas.questions}
    marked = filters.prompts([Sample(prompt, (), "seedless", "teacher") for prompt in known.values()], set())
    assert [one.dropped for one in marked] == [None] * 5
