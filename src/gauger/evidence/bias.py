"""Judges the risk of bias: six questions per study, each low, some, high or unclear, and one overall judgement.

The coding in `studies.csv` is free text that begins with a known word ("low", "y (13-gram)", "unmatched (vendor
tune)", ...). This file is the instrument: which word means which level, and how six levels become one.

Three questions are about the **design**, and can create a gain that is not there: do the seeds come from the benchmark,
is the teacher's data mixed with other training, how like is the control? Three are about the **report**, and decide
whether a reader could notice: contamination check, held-out evaluation, any measure of noise. A missing report is
"some" risk, never "high": it does not bias by itself.

Overall: *high* if a design question is high; else *unclear* if one is unclear; else *low* if all three design
questions are low; else *some*.
"""

from __future__ import annotations

import re
from enum import StrEnum

import polars as pl

from gauger.errors import Place, StudyError, UserError


class Risk(StrEnum):
    """Risk of bias of one study on one question."""

    LOW = "low"
    SOME = "some"
    HIGH = "high"
    UNCLEAR = "unclear"


DESIGN = ("seeds_from_benchmark", "confounded_mixture", "control_quality")
REPORT = ("contamination_check_reported", "heldout_eval_reported", "variance_reported")
QUESTIONS = (*DESIGN, *REPORT)

_L, _S, _H, _U = Risk.LOW, Risk.SOME, Risk.HIGH, Risk.UNCLEAR
_DESIGN_WORDS = {"low": _L, "n": _L, "some": _S, "medium": _S, "high": _H, "unknown": _U, "varies": _U}
_REPORT_WORDS = {"y": _L, "partial": _S, "some": _S, "n": _S, "general": _S, "unknown": _U}
_WORDS: dict[str, dict[str, Risk]] = {
    "seeds_from_benchmark": {
        **_DESIGN_WORDS, "same task, other rule": _S, "same task family": _H, "task train sets": _H,
    },
    "confounded_mixture": _DESIGN_WORDS,
    "control_quality": {
        "matched": _L, "partial": _S, "vendor tune": _S, "teacher-or-data swap": _S, "earlier stage": _S,
        "unmatched": _H, "weak": _H, "none": _H, "unknown": _U,
    },
    **dict.fromkeys(REPORT, _REPORT_WORDS),
}  # fmt: skip
_TEMPERS = re.compile(r"\b(but|differs?|unmatched|damaged|artefacts?|inferred|derived|no untouched base|vendor tune)\b")
"""Words that turn a "matched" control into "some" risk: it is matched in part only."""


def read_level(question: str, text: str) -> Risk:
    """Read the level that a free-text coding begins with.

    Parameters
    ----------
    question : str
        One of `QUESTIONS`.
    text : str
        The cell, e.g. "some (merge)".

    Raises
    ------
    ValueError
        The text begins with no known word; its two arguments are what was wanted and what was given.
    """
    words = _WORDS[question]
    matching = [word for word in words if re.match(rf"{re.escape(word)}(?![\w-])", text)]
    if not matching:
        raise ValueError("a coding that begins with one of " + ", ".join(words), repr(text))
    level = words[max(matching, key=len)]
    tempered = question == "control_quality" and level == Risk.LOW and _TEMPERS.search(text)
    return Risk.SOME if tempered else level


def judge(levels: dict[str, Risk]) -> Risk:
    """Fold the levels of the six questions into one, by the rule in this file's first paragraph."""
    design = [levels[question] for question in DESIGN]
    for level in (Risk.HIGH, Risk.UNCLEAR, Risk.SOME):
        if level in design:
            return level
    return Risk.LOW


def assess(studies: pl.DataFrame, source: str = "studies.csv") -> pl.DataFrame:
    """Answer the six questions and the overall judgement for every study.

    Parameters
    ----------
    studies : DataFrame
        `Table.studies`.
    source : str
        File name for messages.

    Returns
    -------
    DataFrame
        study_id, the six questions as levels, `overall`, and the note.

    Raises
    ------
    StudyError
        Codings that begin with no known word, each with its line and column.
    """
    rows, problems = [], []
    for study in studies.iter_rows(named=True):
        levels: dict[str, Risk] = {}
        for question in QUESTIONS:
            try:
                levels[question] = read_level(question, study[question])
            except ValueError as error:
                wanted, given = error.args
                problems.append(UserError(wanted, given, Place(source, study["row"], question)))
        if len(levels) == len(QUESTIONS):
            rows.append({"study_id": study["study_id"], **levels, "overall": judge(levels), "note": study["note"]})
    if problems:
        raise StudyError(problems)
    return pl.DataFrame(rows, schema=dict.fromkeys(("study_id", *QUESTIONS, "overall", "note"), pl.String))
