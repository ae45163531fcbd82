"""Reads what the literature has published about defences: students and teachers before and after, as printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from gauger.evidence.table import data_path
from gauger.store import read_csv

FILE = "defences.csv"
DEFENCE_KINDS = {
    "reasoning-hidden": "reasoning hidden",
    "temperature": "raised temperature",
    "product-of-experts": "product of experts with a proxy student",
    "tilted-sampling": "sampling tilted against a proxy student",
    "rewriting": "rewriting by a second model",
    "paraphrase": "paraphrase",
    "wrong-answers": "wrong content in a share of the answers",
    "trained-output": "a teacher fine-tuned to write poor training data",
}
"""Kind of a defence in the table -> the same in words."""
POINTS = 100.0


@dataclass(frozen=True)
class PublishedDefence:
    """One line: a defence in one study on one benchmark. Scores on the 0-1 scale, None where not published."""

    study_id: str
    kind: str
    """A key of `DEFENCE_KINDS`."""
    defence: str
    """In the study's own words."""
    benchmark: str
    n_items: int | None
    teacher_before: float | None
    """What honest users get without the defence."""
    teacher_after: float | None
    student_open: float | None
    """The student without the defence."""
    student_defended: float | None
    """A student that does not react."""
    student_adaptive: float | None
    """A student that does."""
    source: str
    """Where it stands, how it was read, and what is doubtful."""

    @property
    def removed(self) -> float | None:
        """What the defence takes from a passive student: a difference of two distilled students, no uplift."""
        return _less(self.student_open, self.student_defended)

    @property
    def regained(self) -> float | None:
        """What an adaptive student gets back."""
        return _less(self.student_adaptive, self.student_defended)

    @property
    def honest_cost(self) -> float | None:
        """What the teacher's own score loses."""
        return _less(self.teacher_before, self.teacher_after)

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping that stands in a study's document."""
        more = {"removed": self.removed, "regained": self.regained, "honest_cost": self.honest_cost}
        return {**asdict(self), **more}


@cache
def defences_in_literature() -> tuple[PublishedDefence, ...]:
    """Return every published line, in the order of the table."""
    table = read_csv(data_path() / FILE)
    return tuple(_line(dict(zip(table.header, cells, strict=True))) for _, cells in table.rows)


def _line(row: Mapping[str, str]) -> PublishedDefence:
    return PublishedDefence(
        row["study_id"],
        row["kind"],
        row["defence"],
        row["benchmark"],
        int(row["n_items"]) if row["n_items"] else None,
        _score(row["teacher_score_before"]),
        _score(row["teacher_score_after"]),
        _score(row["student_score_undefended"]),
        _score(row["student_score_defended"]),
        _score(row["adaptive_student_score"]),
        row["source_line"],
    )


def _score(cell: str) -> float | None:
    return float(cell) / POINTS if cell else None


def _less(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else round(first - second, 6)
