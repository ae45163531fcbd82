"""Skills: answers against Python's own sorting, difficulties against their definitions, keys that ignore order."""

import statistics
from itertools import combinations, permutations
from math import comb

import numpy as np
import pytest

from gauger.worlds.atlas.skills import SKILLS, letters_key, skill_questions

LETTERS = tuple("'" + letter for letter in "abcdefg")


@pytest.mark.parametrize("order", list(permutations((1, 4, 6))))
def test_sort_and_max_are_right_for_every_order(order):
    assert SKILLS["sort"].solve(order)[0] == [1, 4, 6]
    assert SKILLS["max"].solve(order) == ([6], -2.0)


def test_sort_difficulty_counts_the_pairs_in_the_wrong_order():
    inversions = {order: SKILLS["sort"].solve(order)[1] for order in permutations((1, 4, 6))}
    assert inversions == {
        (1, 4, 6): 0.0,
        (1, 6, 4): 1.0,
        (4, 1, 6): 1.0,
        (4, 6, 1): 2.0,
        (6, 1, 4): 2.0,
        (6, 4, 1): 3.0,
    }


def test_middle_is_the_median_and_hardest_next_to_a_neighbour():
    for letters in combinations(range(9), 5):
        answer, difficulty = SKILLS["middle"].solve(letters[::-1])
        assert answer == [statistics.median(letters)]
        assert difficulty == -min(abs(other - answer[0]) for other in letters if other != answer[0])


def test_the_key_ignores_order_and_keeps_skills_apart():
    assert {letters_key("sort", order) for order in permutations(LETTERS[:3])} == {"sort:'a-'b-'c"}
    assert letters_key("max", LETTERS[:3]) != letters_key("sort", LETTERS[:3])


@pytest.mark.parametrize("skill", list(SKILLS))
def test_questions_are_different_sets_in_different_orders(skill):
    questions = skill_questions(skill, LETTERS, 10, 3, np.random.default_rng(3))
    assert len({question.key for question in questions}) == 10
    assert len({question.arguments for question in questions}) == 30
    assert all(len(set(question.arguments)) == SKILLS[skill].size for question in questions)


def test_no_more_sets_than_exist():
    questions = skill_questions("max", LETTERS, 10_000, 1, np.random.default_rng(3))
    assert len(questions) == comb(7, 3)
