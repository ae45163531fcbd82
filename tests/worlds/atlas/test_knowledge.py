"""Domains: the genus decides every value, and guessing is worth no more than 1 / values."""

from collections import Counter

import numpy as np
import pytest

from gauger.worlds.atlas.knowledge import fact_key, make_domain


@pytest.fixture
def domain():
    return make_domain("fauna", "F", (24, 6, 5, 3), np.random.default_rng(1))


def test_all_words_of_a_domain_differ(domain):
    words = [*domain.entities, *domain.relations, *(value for values in domain.values for value in values)]
    assert len(words) == len(set(words)) == 24 + 5 + 5 * 3


def test_genera_are_equally_common(domain):
    assert set(Counter(domain.genus_E).values()) == {24 // 6}


def test_each_value_of_a_relation_is_equally_common_among_genera(domain):
    for relation in range(5):
        counts = Counter(values[relation] for values in domain.value_GR)
        assert set(counts.values()) == {6 // 3}


def test_entities_of_one_genus_agree_in_every_relation(domain):
    answers = {}
    for question in domain.questions():
        entity, relation = question.arguments
        genus = domain.genus_E[domain.entities.index(entity)]
        answers.setdefault((genus, relation), set()).add(question.answer)
    assert all(len(found) == 1 for found in answers.values())


def test_every_fact_is_asked_once(domain):
    keys = [question.key for question in domain.questions()]
    assert len(keys) == len(set(keys)) == 24 * 5
    assert keys[0] == fact_key("fauna", "F0", "F-rel0") == "fauna:F0.F-rel0"


def test_the_generator_decides_the_draw():
    sizes = (24, 6, 5, 3)
    first, same, other = (make_domain("fauna", "F", sizes, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == same
    assert (first.genus_E, first.value_GR) != (other.genus_E, other.value_GR)
