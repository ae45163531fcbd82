"""Scores at an end of their scale: named, and where all arms stand there, said to show nothing."""

from __future__ import annotations

import pytest

from gauger.estimate.room import CEILING, FLOOR, end_of, room_warnings, without_room


@pytest.mark.parametrize(
    ("score", "end"),
    [(1.0, "ceiling"), (CEILING, "ceiling"), (CEILING - 1e-9, None), (0.5, None), (FLOOR, "floor"), (0.0, "floor")],
)
def test_ends(score: float, end: str | None) -> None:
    assert end_of(score) == end


def test_a_benchmark_has_no_room_only_where_every_arm_stands_at_the_same_end() -> None:
    scores = [
        *(("easy", arm, 1.0) for arm in "abc"),
        *(("hard", arm, 0.0) for arm in "abc"),
        ("apart", "a", 1.0), ("apart", "b", 0.0),
        ("one left", "a", 1.0), ("one left", "b", 0.99), ("one left", "c", 0.97),
        ("unscored", "a", 1.0), ("unscored", "b", 1.0), ("unscored", "c", None),
        ("alone", "a", 1.0),
    ]  # fmt: skip
    assert without_room(scores) == {"easy": "ceiling", "hard": "floor", "unscored": "ceiling"}
    easy, hard, _ = room_warnings(scores)
    assert easy.startswith("easy: every arm stands at its ceiling (98 % or more), so it can show no difference")
    assert "hard: every arm stands at its floor (2 % or less)" in hard
    assert room_warnings(scores[6:11]) == []
