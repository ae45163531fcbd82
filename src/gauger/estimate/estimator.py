"""Estimates a whole study: a records table and a design in; every estimate, the assay checks and the verdict out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from gauger.estimate.answer_outcomes import count_outcomes, scores_by_difficulty
from gauger.estimate.attribution.plan import plan_attributions
from gauger.estimate.cell_means import Cells
from gauger.estimate.contrasts import run_batch
from gauger.estimate.defences.findings import NO_DEFENCES, find_defences
from gauger.estimate.defences.outcome import DefenceVerdict
from gauger.estimate.design import Design
from gauger.estimate.difficulty_estimates import difficulty_estimates
from gauger.estimate.estimands import estimands
from gauger.estimate.other_averages import other_benchmarks, plan_by_items
from gauger.estimate.results import collect_estimates
from gauger.estimate.room import room_warnings
from gauger.estimate.scales import plan_rescaled, scale_warnings, state_scales
from gauger.estimate.score_arrays import build_cube
from gauger.estimate.seeds import seed_scores, seed_warnings
from gauger.estimate.table import complete_table
from gauger.estimate.verdict import judge_study, plan_judging
from gauger.estimate.wanted import plan_estimates
from gauger.records import AssayCheck, Estimate, Scale, Verdict


@dataclass(frozen=True)
class StudyEstimates:
    """Everything that the records of one study say."""

    estimates: tuple[Estimate, ...]
    """In the order of the registry, arms and benchmarks within; then uplift on hard items where levels are known."""
    verdict: Verdict | None = None
    """None where the design has no rule."""
    assay: tuple[AssayCheck, ...] = ()
    """Placebo, leak, reference: the checks that come before the verdict."""
    difficulty: tuple[Mapping[str, Any], ...] = ()
    """Rows for `Document.difficulty`; empty where no difficulty was given."""
    outcomes: tuple[Mapping[str, Any], ...] = ()
    """Rows for `Document.outcomes`: counts per arm and benchmark."""
    seeds: tuple[Mapping[str, Any], ...] = ()
    """Rows for `Document.seeds`: every training seed's score."""
    defences: tuple[DefenceVerdict, ...] = ()
    """What is said of every defence; empty where the design asks nothing of defences."""
    warnings: tuple[str, ...] = ()
    """What a reader must know of the whole: seeds that disagree, statements that depend on the scale."""


def estimate_study(records: pl.DataFrame, design: Design, difficulty: pl.DataFrame | None = None) -> StudyEstimates:
    """Estimate everything that the arms of a study allow.

    Parameters
    ----------
    records : pl.DataFrame
        The records table (`records.RECORD_COLUMNS`); missing optional columns take their defaults.
    design : Design
        Arms by kind, roles, pairing, level, verdict rule.
    difficulty : pl.DataFrame, optional
        Columns benchmark, item, difficulty: gives mean scores per difficulty level, and uplift on the hardest quartile.

    Returns
    -------
    StudyEstimates
        The same for the same records in any order of rows. An estimate is undefined, with its reason, where arms,
        benchmarks or scores are missing; no table of records gives NaN.

    Raises
    ------
    UserError
        Records that contradict themselves or the design (`table.complete_table`, `cube.build_cube`).

    Notes
    -----
    Proven in validation/estimands (planted truths) and validation/calibrate (coverage, false verdicts); recomputed
    literally in tests/estimate.
    """
    table = complete_table(records, design)
    cells = Cells(build_cube(table, design), design)
    estimates, verdict, assay = estimate_cells(cells)
    levels = () if difficulty is None else scores_by_difficulty(table, difficulty)
    hard = () if difficulty is None else difficulty_estimates(cells, difficulty)
    defended = NO_DEFENCES if design.defences is None else find_defences(cells, design.defences)
    seeds = seed_scores(cells)
    return StudyEstimates(
        estimates=(*estimates, *hard, *defended.estimates),
        defences=defended.verdicts,
        verdict=verdict,
        assay=assay,
        difficulty=levels,
        outcomes=count_outcomes(table),
        seeds=seeds,
        warnings=(*seed_warnings(seeds), *scale_warnings(estimates), *room_warnings(_scores(estimates))),
    )


def _scores(estimates: Sequence[Estimate]) -> list[tuple[str, str, float | None]]:
    rows = [row for row in estimates if row.estimand == "score" and row.scale == Scale.POINTS]
    return [(row.benchmark, row.arm, row.value) for row in rows if row.benchmark is not None]


def estimate_cells(cells: Cells) -> tuple[tuple[Estimate, ...], Verdict | None, tuple[AssayCheck, ...]]:
    """Estimate every entry of the registries from dense scores, make the assay checks, and judge.

    What the rule judges and what the checks look at is planned behind all others, so that it need not be one of them.
    """
    design = cells.design
    own = plan_estimates(cells, estimands())
    planned = [*own, *plan_by_items(cells, own), *plan_rescaled(own), *plan_attributions(cells)]
    judging = None if design.rule is None else plan_judging(cells, design.rule)
    batch = run_batch(cells, [*planned, *(judging.entries if judging else ())])
    estimates = (*state_scales(collect_estimates(batch, len(planned))), *other_benchmarks(cells, batch, len(own)))
    if judging is None:
        return estimates, None, ()
    verdict, assay = judge_study(batch, len(planned), judging, design)
    return estimates, verdict, assay
