from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.report.wording import (
    codes,
    count,
    estimand,
    fill,
    interval,
    listing,
    number,
    printable,
    probability,
    quantity,
    with_unit,
)


@pytest.mark.parametrize(
    ("value", "unit", "told"),
    [
        (0.1234, "points", "+12.3\u202fpoints"),
        (-0.05, "points", "\u22125.0\u202fpoints"),
        (0.31, "percent", "31.0\u202f%"),
        (-0.0004, "points", "0.0\u202fpoints"),
        (None, "points", "undefined"),
        (1.5, "plain", "1.500"),
        (0.000086, "rate", "+0.0086\u202fpoints"),
        (-0.000086, "rate", "\u22120.0086\u202fpoints"),
    ],
)
def test_values_are_printed_in_their_unit(value: float | None, unit: str, told: str) -> None:
    assert with_unit(value, unit) == told


def test_open_intervals_are_said_to_be_open() -> None:
    assert interval(0.1, 0.2, "points") == "+10.0 to +20.0"
    assert interval(None, 0.2, "percent") == "at most 20.0"
    assert interval(0.1, None, "percent") == "at least 10.0"
    assert interval(None, None, "percent") == "no bounded interval"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.0, "below 1\u202f%"),
        (0.0004, "below 1\u202f%"),
        (0.31, "31\u202f%"),
        (0.998, "above 99\u202f%"),
        (1.0, "above 99\u202f%"),
    ],
)
def test_no_probability_prints_as_certain(value: float, told: str) -> None:
    assert probability(value) == told


@given(st.floats(-1e6, 1e6))
def test_a_printed_number_reads_back_within_half_a_digit(value: float) -> None:
    # One decimal is printed, so at most 0.05 is lost, plus what the binary form of `value` itself costs.
    assert abs(float(number(value).replace("\u2212", "-")) - value) <= 0.05 + 1e-9


@given(st.integers(0, 10**12))
def test_a_count_keeps_its_digits(value: int) -> None:
    assert count(value).replace("\u202f", "") == str(value)


def test_a_missing_count_is_no_zero() -> None:
    assert count(None) == "–"
    assert count(None) != count(0)


@given(st.text(st.characters(exclude_categories=[])))
def test_shown_text_holds_nothing_that_steers_or_breaks_the_page(text: str) -> None:
    shown = printable(text)
    shown.encode("utf-8")
    assert not any(unicodedata.category(letter) == "Cc" and letter not in "\n\t" for letter in shown)
    assert not any(unicodedata.bidirectional(letter) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
                   for letter in shown)  # fmt: skip


def test_long_text_is_cut_and_counted() -> None:
    assert printable("a" * 1_500, limit=1_000) == "a" * 1_000 + " … (500 more characters)"
    assert printable("a" * 1_000, limit=1_000) == "a" * 1_000


def test_inserted_text_is_escaped() -> None:
    assert str(fill("<b>{x}</b>", x="<i>")) == "<b>&lt;i&gt;</b>"
    assert str(codes(["<i>", "b", "c"])) == "<code>&lt;i&gt;</code>, <code>b</code> and <code>c</code>"


def test_lists_read_as_sentences() -> None:
    assert [listing(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def test_every_estimand_of_the_registry_has_a_name_and_a_unit() -> None:
    from gauger.estimate.estimands import REGISTRY
    from gauger.report.wording import ESTIMANDS

    assert set(REGISTRY) <= set(ESTIMANDS)
    assert {ESTIMANDS[name].unit for name in REGISTRY} <= {"points", "percent", "rate"}


def test_an_unknown_estimand_prints_plainly_under_its_own_name() -> None:
    told = estimand("shiny_new_number")
    assert (told.label, quantity(0.5, told.unit)) == ("shiny new number", "0.500")
