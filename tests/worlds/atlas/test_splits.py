"""Contents are divided by key, in the announced numbers."""

from collections import Counter

import numpy as np
import pytest

from gauger.worlds.atlas.knowledge import make_domain
from gauger.worlds.atlas.skills import skill_questions
from gauger.worlds.atlas.splits import Splits, split_facts, split_skill

LETTERS = tuple("'" + letter for letter in "abcdefgh")


def facts(relations=9):
    return make_domain("fauna", "F", (30, 5, relations, 4), np.random.default_rng(0)).questions()


@pytest.mark.parametrize("held_out", [1, 2, 4])
def test_every_entity_gives_each_test_split_as_many_facts_and_states_at_least_half_of_the_rest(held_out):
    questions = facts()
    split_of = split_facts(questions, held_out, np.random.default_rng(1))
    rest = 9 - 2 * held_out
    stated = []
    for entity in {question.arguments[0] for question in questions}:
        count = Counter(split_of[question.key] for question in questions if question.arguments[0] == entity)
        assert count["targeted"] == count["parallel"] == held_out
        assert rest / 2 <= count["train"] <= rest
        assert count["train"] + count["unstated"] == rest
        stated.append(count["train"])
    # 30 entities draw among at least the two or more possible numbers: all alike has probability <= 2^-29.
    assert held_out == 4 or len(set(stated)) > 1


def test_one_split_per_content_of_a_skill_in_the_announced_numbers():
    questions = skill_questions("sort", LETTERS, 50, 3, np.random.default_rng(0))
    split_of = split_skill(questions, 12, np.random.default_rng(1))
    assert set(split_of) == {question.key for question in questions}
    assert Counter(split_of.values()) == {"targeted": 12, "parallel": 12, "train": 26}


def test_questions_are_chosen_by_content_in_their_order():
    questions = skill_questions("sort", LETTERS, 50, 3, np.random.default_rng(0))
    splits = Splits(split_skill(questions, 12, np.random.default_rng(1)))
    chosen = splits.choose(questions, "targeted")
    assert [question.key for question in chosen] == [q.key for q in questions if q.key in splits.keys("targeted")]
    assert len(chosen) == 12 * 3
    assert splits.held_out == splits.keys("targeted") | splits.keys("parallel")
    assert not splits.held_out & splits.keys("train")


def test_too_few_contents_are_refused_in_words():
    questions = skill_questions("sort", LETTERS, 20, 1, np.random.default_rng(0))
    with pytest.raises(ValueError, match="20 contents cannot give two test splits of 7"):
        split_skill(questions, 7, np.random.default_rng(1))
    with pytest.raises(ValueError, match="4 relations are too few to hold out 2 facts twice"):
        split_facts(facts(relations=4), 2, np.random.default_rng(1))
