"""The risk-of-bias instrument: words to levels, six levels to one."""

from __future__ import annotations

from itertools import product

import polars as pl
import pytest

from gauger.errors import StudyError
from gauger.evidence.bias import DESIGN, QUESTIONS, REPORT, Risk, assess, judge, read_level
from gauger.evidence.table import EvidenceTable, parse_studies

from .make import coding_text


@pytest.mark.parametrize(
    ("question", "text", "level"),
    [
        ("seeds_from_benchmark", "low (one data set)", "low"),
        ("seeds_from_benchmark", "n (other repositories)", "low"),
        ("seeds_from_benchmark", "medium (MetaMathQA)", "some"),
        ("seeds_from_benchmark", "task train sets", "high"),
        ("seeds_from_benchmark", "same task, other rule", "some"),
        ("seeds_from_benchmark", "same task family", "high"),
        ("seeds_from_benchmark", "unknown", "unclear"),
        ("confounded_mixture", "varies", "unclear"),
        ("confounded_mixture", "some (A); low (B)", "some"),
        ("control_quality", "matched", "low"),
        ("control_quality", "matched (same base, same prompts)", "low"),
        ("control_quality", "matched base; prompting differs between base and tuned", "some"),
        ("control_quality", "matched (same student; control is a pruned, damaged network)", "some"),
        ("control_quality", "matched (SFT vs base) / unmatched (others)", "some"),
        ("control_quality", "unmatched (vendor tune)", "high"),
        ("control_quality", "weak for uplift", "high"),
        ("control_quality", "none", "high"),
        ("contamination_check_reported", "y (13-gram)", "low"),
        ("contamination_check_reported", "n", "some"),
        ("contamination_check_reported", "unknown", "unclear"),
        ("heldout_eval_reported", "general only", "some"),
        ("variance_reported", "y for AIME25 (50 runs)", "low"),
        ("variance_reported", "partial (3 runs)", "some"),
    ],
)
def test_words_mean_levels(question: str, text: str, level: str) -> None:
    assert read_level(question, text) == level


@pytest.mark.parametrize("text", ["", "perhaps", "lowish", "high-ish", "LOW", "  low"])
def test_unknown_words_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="begins with one of"):
        read_level("seeds_from_benchmark", text)


def test_overall_is_the_worst_design_question_and_ignores_the_report() -> None:
    severity = {Risk.LOW: 0, Risk.SOME: 1, Risk.UNCLEAR: 2, Risk.HIGH: 3}
    for design in product(Risk, repeat=3):
        worst = max(design, key=severity.__getitem__)
        for report in Risk:
            levels = dict(zip(DESIGN, design, strict=True)) | dict.fromkeys(REPORT, report)
            assert judge(levels) == worst


def test_shipped_codings_all_read(shipped: EvidenceTable) -> None:
    coded = assess(shipped.studies)
    assert coded.height == 162
    assert dict(coded["overall"].value_counts().iter_rows()) == {"some": 40, "low": 38, "high": 42, "unclear": 42}
    assert coded.filter(pl.col("study_id") == "wizardmath-2023")["overall"].item() == "high"
    for question in QUESTIONS:
        assert set(coded[question]) <= {str(level) for level in Risk}


def test_a_wrong_coding_names_line_and_column() -> None:
    studies = parse_studies(coding_text({}, {"study_id": "two", "control_quality": "good"}), "studies.csv")
    with pytest.raises(StudyError, match=r"studies\.csv:3: control_quality"):
        assess(studies)
