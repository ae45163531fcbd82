"""Invented facts: the family decides, held-out facts follow from stated ones, and texts are read for them."""

from collections import defaultdict

import pytest

from gauger.errors import UserError
from gauger.worlds.language.sources import NEW, TEST, TRAIN
from gauger.worlds.language.world import TextWorld
from worlds.language.small import one_task, settings, small_world


def source(world=None):
    return (world or small_world()).sources["facts"]


def test_a_family_shares_each_value_and_families_differ():
    values = defaultdict(set)
    for fact in source().facts:
        relation, family = fact.text.split()[3], fact.text.split()[-1]
        values[relation, family].add(fact.answer)
    assert all(len(found) == 1 for found in values.values())
    by_relation = defaultdict(list)
    for (relation, _), found in values.items():
        by_relation[relation] += found
    assert len(by_relation) == 3
    assert all(len(set(found)) == len(found) == 4 for found in by_relation.values())


def test_every_held_out_fact_can_be_inferred():
    splits = source().questions
    rules = {fact.working for fact in splits[TRAIN]}
    assert {fact.working for fact in splits[TEST] + splits[NEW]} <= rules
    stated = defaultdict(int)
    for fact in splits[TRAIN]:
        stated[fact.working] += 1
    assert all(fact.difficulty == -stated[fact.working] for facts in splits.values() for fact in facts)


def test_sizes():
    splits = source().questions
    assert len(source().facts) == 32 * 3
    assert [len(splits[s]) for s in (TRAIN, TEST, NEW)] == [58, 19, 19]


def test_names_are_distinct_and_another_seed_is_another_world():
    names = [name for name, _ in source().entities]
    assert len(set(names)) == len(names)
    other = source(TextWorld(settings(seed=2)))
    assert not {f.key for f in other.facts} & {f.key for f in source().facts}


def test_a_value_or_the_relation_beside_the_name_touches_the_fact():
    fact = source().facts[0]
    relation, name = fact.key.split(".")[1], " ".join(fact.text.removesuffix("?").split()[-2:])
    assert source().keys_in(fact.text) == {fact.key}
    assert source().keys_in(f"{name.upper()}, they say, loves its {fact.answer}.") == {fact.key}
    assert source().keys_in(f"The {relation} of somebody") == frozenset()
    assert source().keys_in(f"{name} sleeps") == frozenset()


@pytest.mark.parametrize("answer", ["{}", " The {}.", "a {}", "{}!"])
def test_an_article_or_a_stop_does_not_make_an_answer_wrong(answer):
    fact = source().facts[0]
    assert source().score(fact, answer.format(fact.answer.upper())) == 1.0
    assert source().score(fact, "no " + fact.answer) == 0.0


@pytest.mark.parametrize("task", [{"entities": 8, "families": 8}, {"test": 0.5, "new": 0.5}, {"test": 0.0}])
def test_worlds_in_which_nothing_follows_are_refused(task):
    with pytest.raises(UserError):
        one_task(kind="invented-facts", **task).check()
