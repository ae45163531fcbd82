"""Published defences are read as printed: nothing is made up where a cell is empty."""

from __future__ import annotations

import csv
import re

from gauger.evidence.published_defences import DEFENCE_KINDS, FILE, defences_in_literature
from gauger.evidence.table import data_path


def test_every_line_is_read_as_it_is_printed():
    lines = list(csv.DictReader((data_path() / FILE).read_text(encoding="utf-8").splitlines()))
    found = defences_in_literature()
    assert len(found) == len(lines) == 22
    for one, line in zip(found, lines, strict=True):
        assert one.kind in DEFENCE_KINDS
        for value, column in (
            (one.teacher_before, "teacher_score_before"),
            (one.teacher_after, "teacher_score_after"),
            (one.student_open, "student_score_undefended"),
            (one.student_defended, "student_score_defended"),
            (one.student_adaptive, "adaptive_student_score"),
        ):
            assert (value is None) == (line[column] == "")
            assert value is None or abs(100 * value - float(line[column])) < 1e-9
        assert re.fullmatch(r"[a-z0-9-]+-20\d\d", one.study_id)


def test_differences_are_of_what_was_published():
    poe = next(one for one in defences_in_literature() if one.student_adaptive is not None)
    assert (poe.removed, poe.regained, poe.honest_cost) == (0.1798, 0.102, 0.0561)
    hidden = next(one for one in defences_in_literature() if one.study_id == "trace-inversion-2026")
    assert hidden.removed is None
    assert hidden.honest_cost is None
    assert hidden.regained == 0.208
    assert hidden.to_dict()["removed"] is None
