"""Scores truncated, refused and unparsed answers both ways, as wrong and as missing, and says where it matters.

Answers go missing for reasons that have to do with what they would have been: a long derivation is cut off where the
model is lost, so leaving truncated answers out flatters the arm that is lost more often. Neither way is right in
general; a conclusion that holds only under one of them is not one that the study can draw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from gauger.estimate.compare.sensitivity import Scoring, scorings_of
from gauger.estimate.design import Design
from gauger.estimate.estimator import StudyEstimates, estimate_study
from gauger.records import Estimate, Outcome

KINDS = (Outcome.TRUNCATED, Outcome.REFUSED, Outcome.UNPARSED)
WRONG, LEFT_OUT = "counted as wrong", "left out"


def outcome_scorings(
    records: pl.DataFrame, result: StudyEstimates, design: Design, primary: Mapping[str, str]
) -> tuple[list[Scoring], list[str]]:
    """Estimate uplift and gain once more for every kind of missing answer, scored the other way.

    Parameters
    ----------
    records : pl.DataFrame
        The contract table, with the rows that carry no score.
    result : StudyEstimates
        What these records gave as the design scores them.
    design : Design
    primary : mapping of benchmark -> measure
        What the scores are called; benchmarks absent here are left out.

    Returns
    -------
    scorings : list of Scoring
        One per kind, benchmark, arm and estimand; only kinds and benchmarks of which there are any. Where a comparison
        (a design without a rule) counts unparsed answers as wrong, `compare.sensitivity` has shown them already.
    warnings : list of str
        Where the verdict depends on it; where an uplift does, `compare.sensitivity.disagreements` says so.
    """
    scorings: list[Scoring] = []
    warnings: list[str] = []
    for kind in KINDS:
        if kind == Outcome.UNPARSED and design.unparsed_wrong and design.rule is None:
            continue
        touched = records.filter(pl.col("outcome") == str(kind))["benchmark"].unique().to_list()
        names = {name: measure for name, measure in primary.items() if name in touched}
        if not names:
            continue
        other, treatment = _other_way(records, design, kind)
        names = {name: f"{measure}, {kind} answers {treatment}" for name, measure in names.items()}
        scorings += scorings_of(other.estimates, names, primary=False)
        warnings += _verdict_warning(result, other, f"{kind} answers are {treatment}")
    return scorings, warnings


def primary_scorings(estimates: Sequence[Estimate], primary: Mapping[str, str]) -> list[Scoring]:
    """List the estimates as the design scores them, to hold the others against.

    Parameters
    ----------
    estimates : sequence of Estimate
        Of a study; only those estimands that sensitivity looks at, and only single benchmarks, are taken.
    primary : mapping of benchmark -> measure
        What the scores are called; benchmarks absent here are left out.

    Returns
    -------
    list of Scoring
        Marked as primary; undefined ones carry their reason.

    Notes
    -----
    Tested in tests/estimate/test_outcomes_both_ways.py.
    """
    return scorings_of(estimates, primary, primary=True)


def _other_way(records: pl.DataFrame, design: Design, kind: Outcome) -> tuple[StudyEstimates, str]:
    """Estimate with one kind of answer scored the other way, and say which."""
    if kind == Outcome.UNPARSED and design.unparsed_wrong:
        return estimate_study(records, replace(design, unparsed_wrong=False)), LEFT_OUT
    chosen = pl.col("outcome") == str(kind)
    wrong = records.with_columns(
        score=pl.when(chosen).then(0.0).otherwise("score"),
        outcome=pl.when(chosen).then(pl.lit(str(Outcome.SCORED))).otherwise("outcome"),
    )
    return estimate_study(wrong, design), WRONG


def _verdict_warning(result: StudyEstimates, other: StudyEstimates, case: str) -> list[str]:
    ours, theirs = result.verdict, other.verdict
    if ours is None or theirs is None or ours.outcome == theirs.outcome:
        return []
    words = (verdict.outcome.replace("_", " ") for verdict in (ours, theirs))
    return ["The verdict depends on the scoring: {} as it stands, {} where {}".format(*words, case)]
