"""The literature's slopes in a study's document: the pre-specified ones, on the scale of scores."""

from gauger.evidence.clean import prepare
from gauger.evidence.moderators import MODERATORS, moderate
from gauger.evidence.table import load
from gauger.study.published_slopes import ASKED, who_gains_in_literature


def test_slopes_are_the_pre_specified_ones_in_the_units_of_a_document() -> None:
    found = who_gains_in_literature()
    known = {one.name for one in MODERATORS}
    assert set(ASKED) <= known
    (size,) = moderate(prepare(load()), [one for one in MODERATORS if one.name == "student's size"])
    rows = [row for row in found["slopes"] if row["against"] == "student's size"]
    assert [(row["where"], row["n_rows"], row["n_studies"]) for row in rows] == [
        (one.name, one.n_rows, one.n_studies) for one in size.effects
    ]
    for row, one in zip(rows, size.effects, strict=True):
        assert one.estimate is not None
        assert abs(row["slope"] - one.estimate / 100) < 1e-9
        assert row["low"] < row["slope"] < row["high"]


def test_the_caveat_stands_beside_them_and_the_answer_is_always_the_same() -> None:
    found = who_gains_in_literature()
    assert "minus sign" in found["caveat"]
    assert {(row["against"], row["unit"]) for row in found["slopes"]} == {
        ("starting score", "10 points higher"),
        ("student's size", "doubling of parameters"),
    }
    assert found == who_gains_in_literature()
