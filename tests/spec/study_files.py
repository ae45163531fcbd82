"""Study files that the tests of this room start from."""

from __future__ import annotations

from pathlib import Path

from gauger.spec.load import parse_study
from gauger.spec.study import Study

ROOT = Path(__file__).parents[2]
FULL = Path(__file__).with_name("full.yaml").read_text("utf-8")
"""A study file in which every key stands."""
PAGE = (ROOT / "docs" / "study-file.md").read_text("utf-8")
DOCUMENTED = PAGE.partition("```yaml\n")[2].partition("```")[0]
"""The example of the documentation."""
KNOWN = {"atlas": ("fauna-quiz", "fauna-quiz-new", "fauna-cloze", "sort-quiz")}
FORMS = {"atlas": ("quiz", "cloze", "story")}


def full_study(*overrides: str) -> Study:
    return parse_study(FULL, overrides, benchmarks_known=KNOWN, forms_known=FORMS)


def line_of(text: str, part: str) -> int:
    """1-based line on which a part of a text first stands."""
    before, found, _ = text.partition(part)
    assert found, part
    return before.count("\n") + 1
