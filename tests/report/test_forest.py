from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.records import Estimate
from gauger.report.forest import HEADING, ForestLine, Reference, drawn_bars, drawn_ends, forest, lines_of, window


def estimate(value: float | None, low: float | None, high: float | None, **more: Any) -> dict[str, Any]:
    reason = "no scored rows" if value is None else None
    return Estimate("uplift", "a", value=value, low=low, high=high, reason=reason, **more).to_dict()


def rows_of(chart: dict[str, Any]) -> list[dict[str, Any]]:
    return chart["layer"][-1]["data"]["values"]


def test_names_of_rows_are_unique_even_when_groups_share_them() -> None:
    lines = lines_of(
        {"near": [ForestLine("a"), ForestLine("b")], "far": [ForestLine("a")], "": [ForestLine("near")], "none": []}
    )
    labels = [line.label for line in lines]
    assert len(set(labels)) == len(labels)
    assert [label.strip(HEADING) for label in labels] == ["near", "a", "b", "far", "a", "near"]
    assert [label.startswith(HEADING) for label in labels] == [True, False, False, True, False, False]


@given(st.floats(-9, 9), st.floats(0, 9))
def test_both_parts_of_a_set_outside_two_ends_are_drawn_wherever_the_plot_ends(low: float, width: float) -> None:
    """Beyond +385 % there are values too, though the axis ends at 120: one bar alone would look like minor."""
    row = estimate(0.0, low, low + width) | {"kind": "outside"}
    (left, end), (begin, right) = drawn_bars(row, -50.0, 120.0)
    assert (left, right) == (-50.0, 120.0)
    assert end - left >= 5.0
    assert right - begin >= 5.0
    if low > -0.4 and low + width < 1.1:
        assert (end, begin) == pytest.approx((100 * low, 100 * (low + width)))


ENDS = st.none() | st.floats(-5, 5)


@given(st.lists(st.tuples(st.floats(-3, 3), ENDS, ENDS), max_size=5))
def test_the_window_holds_every_value_and_no_end_beyond_the_limits(rows: list[tuple[float, Any, Any]]) -> None:
    low, high = window([estimate(*row) for row in rows], include=(0.0, 1.0), limits=(-1.0, 1.5))
    assert low < high
    assert all(low <= value <= high for value in [0.0, 1.0, *(row[0] for row in rows)])
    lowest, highest = min([-1.0, *(row[0] for row in rows)]), max([1.5, *(row[0] for row in rows)])
    margin = 0.04 * (highest - lowest)
    assert low >= lowest - margin
    assert high <= highest + margin


@given(ENDS, ENDS)
def test_drawn_ends_stay_inside_the_plot(low: float | None, high: float | None) -> None:
    ends = drawn_ends(estimate(0.0, low, high), "", -100.0, 100.0)
    assert ends is not None
    assert all(-100.0 <= end <= 100.0 for end in ends)


def test_an_open_end_gets_an_arrowhead_and_a_closed_one_none() -> None:
    lines = [ForestLine("open", estimate(0.1, None, 0.2)), ForestLine("closed", estimate(0.1, 0.0, 0.2))]
    chart = forest(lines, unit="points", x_title="", extent=(-0.5, 0.5))
    assert [(row["left"], row["right"]) for row in rows_of(chart)] == [(True, False), (False, False)]


def test_without_a_family_interval_the_thin_bar_is_the_thick_one() -> None:
    chart = forest([ForestLine("a", estimate(0.1, 0.0, 0.2))], unit="points", x_title="", extent=(-0.5, 0.5))
    row = rows_of(chart)[0]
    assert (row["family_low"], row["family_high"]) == (row["low"], row["high"]) == (0.0, 20.0)


def test_a_half_open_family_interval_reaches_the_edge() -> None:
    assert drawn_ends(estimate(0.1, 0.0, 0.2, simultaneous_low=-0.1), "simultaneous_", -50.0, 50.0) == (-10.0, 50.0)


def test_an_undefined_estimate_is_drawn_as_its_reason_and_as_no_number() -> None:
    lines = [ForestLine("gone", estimate(None, None, None)), ForestLine("absent")]
    rows = rows_of(forest(lines, unit="points", x_title="", extent=(-1, 1)))
    assert [row["missing"] for row in rows] == ["no scored rows", "not in this study"]
    assert not any("value" in row for row in rows)


@pytest.mark.parametrize(("at", "drawn"), [(0.25, 25.0), (9.0, 50.0)])
def test_a_reference_stays_inside_the_plot(at: float, drawn: float) -> None:
    chart = forest([], unit="points", x_title="", extent=(-0.5, 0.5), references=[Reference(at, "here")])
    assert chart["layer"][0]["data"]["values"] == [{"at": drawn, "label": "here"}]
