"""The grounds of an open verdict are its cause, and the interval is said to hold the threshold only where it does."""

from __future__ import annotations

from typing import Any

import pytest

from gauger.report import conclusion

RULE = {"estimand": "gap_recovered", "arm": "label", "role": "near", "threshold": 0.25, "level": 0.95, "stopping": ""}
ROW = {
    "estimand": "gap_recovered", "arm": "label", "value": 0.3, "se": 0.1, "low": 0.1, "high": 0.5, "kind": "interval",
    "scale": "points", "level": 0.95, "reason": None,
}  # fmt: skip
ADDED = "Replicates were added after results were seen."


def verdict(row: dict[str, Any], *, stopping: str = "", chance: float | None = 0.6) -> dict[str, Any]:
    rule = {**RULE, "stopping": stopping}
    estimate = {**ROW, **row}
    return {"rule": rule, "outcome": "undetermined", "estimate": estimate, "probability_major": chance,
            "settled_by": stopping or "Why not.", "noise_ratio": None}  # fmt: skip


@pytest.mark.parametrize(
    ("judged", "ground", "label"),
    [
        (verdict({}), conclusion.HOLDS, "What would settle it"),
        (verdict({"value": None, "se": None, "kind": "none"}, chance=None), conclusion.UNDEFINED, "Why"),
        (verdict({"se": None}, chance=None), conclusion.CONSTANT, "What would settle it"),
        (verdict({"kind": "outside", "low": -3.0, "high": 0.9}, chance=None), conclusion.NO_LEAD, "Why"),
        (verdict({"low": 0.48, "high": 0.72}, stopping=ADDED), conclusion.ADDED, None),
        (verdict({"kind": "outside", "low": -3.0, "high": 0.9}), conclusion.UNBOUNDED, "What would settle it"),
    ],
)
def test_an_open_verdict_gives_its_cause(judged: dict[str, Any], ground: str, label: str | None) -> None:
    first, *rest = map(str, conclusion.lines(judged))
    assert first == ground
    labels = [line.partition(":")[0].removeprefix("<strong>") for line in rest if "</strong> Why not." in line]
    assert labels == ([] if label is None else [label])
