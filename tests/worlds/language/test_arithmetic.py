"""Arithmetic: every written problem is found again, steps are true, swapped operands are one content."""

import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.worlds.language.arithmetic import ARITHMETIC, content, digits

WHOLE = st.integers(-999, 999)
SMALL = st.integers(1, 400)
OPERANDS = {
    "chain_sum": st.lists(WHOLE, min_size=2, max_size=5),
    "products": st.lists(WHOLE, min_size=2, max_size=3),
    "gcd": st.lists(SMALL, min_size=2, max_size=4),
    "lcm": st.lists(SMALL, min_size=2, max_size=3),
}


@pytest.mark.parametrize("task", ARITHMETIC)
@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_a_written_problem_is_found_with_the_same_operands(task, data):
    numbers, kind = tuple(data.draw(OPERANDS[task])), ARITHMETIC[task]
    assert kind.find(f"Well. {kind.text(numbers)} I ask.") == [numbers]
    assert kind.find(kind.opening(numbers)) == [numbers]


def value(expression):
    """Compute left to right, with * and / before + and -: a reader of its own."""
    terms = re.findall(r"([+-]?) ?(-?\d+(?: [*/] -?\d+)*)(?= |$)", expression)
    total = Fraction(0)
    for sign, term in terms:
        first, *rest = re.split(r" ([*/]) ", term)
        product = Fraction(int(first))
        for operator, factor in zip(rest[::2], rest[1::2], strict=True):
            product = product * int(factor) if operator == "*" else product / int(factor)
        total += -product if sign == "-" else product
    return total


@pytest.mark.parametrize("task", ARITHMETIC)
@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_every_step_of_a_working_is_true(task, data):
    numbers, kind = tuple(data.draw(OPERANDS[task])), ARITHMETIC[task]
    steps = kind.work(numbers).removesuffix(".").split(", ")
    for left, right in (step.split(" = ") for step in steps):
        assert value(left) == value(right)


@pytest.mark.parametrize("task", ["chain_sum", "products", "lcm"])
@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_the_last_step_of_a_working_holds_the_answer(task, data):
    numbers, kind = tuple(data.draw(OPERANDS[task])), ARITHMETIC[task]
    assert kind.work(numbers).endswith(f" = {kind.solve(numbers)}.")


@settings(deadline=None, max_examples=50)
@given(
    st.lists(WHOLE, min_size=2, max_size=4).flatmap(
        lambda numbers: st.tuples(st.just(numbers), st.permutations(numbers))
    )
)
def test_swapped_operands_are_one_content(both):
    assert content(both[0]) == content(both[1])


def test_other_operands_are_another_content():
    assert len({content(numbers) for numbers in ((1, 2), (1, -2), (12,), (1, 2, 0), (-1, 2))}) == 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12 plus 7", [(12, 7)]),
        ("12 minus 7?", [(12, -7)]),
        ("12-7", [(12, -7)]),
        ("12 − 7", [(12, -7)]),
        ("-12 + -7 - -3", [(-12, -7, 3)]),
        ("47 + 20 = 67, 67 + 5 = 72", [(47, 20), (67, 5)]),
        ("It is 12. 7 remain", []),
        ("3.5 + 2", []),
    ],
)
def test_sums_are_found_in_other_wordings(text, expected):
    assert ARITHMETIC["chain_sum"].find(text) == expected


def test_products_and_divisors_are_found_in_other_wordings():
    assert ARITHMETIC["products"].find("6 times 7 and 3×4") == [(6, 7), (3, 4)]
    assert ARITHMETIC["gcd"].find("Find the Greatest Common Divisor (GCD) of these numbers: 12, 18. Go") == [(12, 18)]
    assert ARITHMETIC["gcd"].find("the gcd of 12, 18 and 4") == [(12, 18, 4)]
    assert ARITHMETIC["lcm"].find("the LCM of 12 and 18") == [(12, 18)]


def test_worked_examples():
    assert ARITHMETIC["chain_sum"].work((47, 25)) == "47 + 20 = 67, 67 + 5 = 72."
    assert ARITHMETIC["chain_sum"].work((7, -2)) == "7 - 2 = 5."
    assert ARITHMETIC["products"].work((14, 6)) == "10 * 6 = 60, 4 * 6 = 24, 60 + 24 = 84."
    assert ARITHMETIC["gcd"].work((12, 18)) == "18 = 1 * 12 + 6, 12 = 2 * 6 + 0."
    assert digits((47, -5)) == 3
