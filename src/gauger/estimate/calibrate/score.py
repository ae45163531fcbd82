"""Scores every estimator on planted studies: bias, coverage, width, power and false verdicts.

Beside each estimate stands the field's habit on the same data: the same number with an interval over items alone
(normal, replicates averaged away as if they were exact). A check that this naive interval also passed would show
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np

from gauger.estimate.calibrate.designs import CalibrationDesign
from gauger.estimate.calibrate.estimate_score import DrawTally, Score
from gauger.estimate.calibrate.planted import Planted, true_means
from gauger.estimate.calibrate.planted_pipeline import PlantedPipeline
from gauger.estimate.calibrate.score_pipelines import PipelineScore, score_pipeline
from gauger.estimate.calibrate.simulate import Generator, prepare
from gauger.estimate.calibrate.statement_score import StatementScore, StatementTally
from gauger.estimate.calibrate.verdict_score import VerdictScore, VerdictTally
from gauger.estimate.cell_means import Cells
from gauger.estimate.contrasts import run_batch
from gauger.estimate.estimands import estimands
from gauger.estimate.wanted import Planned, plan_estimates

P = TypeVar("P", bound=Planted | PlantedPipeline)

CALIBRATION_SCHEMA = "gauger.calibration/1"
ARMS = ("distilled1", "matched", "format", "placebo", "leak", "reference")
"""Arms whose role averages are scored; the others of a planted study are there to be borrowed from."""


@dataclass(frozen=True)
class CellScore:
    """One planted study, scored."""

    planted: Planted
    estimates: tuple[Score, ...]
    verdict: VerdictScore
    statements: tuple[StatementScore, ...] = ()
    """*Memorised* and *bound*: how often said, and how often one scale alone would have said it."""


def calibrate(design: CalibrationDesign, progress: Callable[[Planted], None] | None = None) -> tuple[CellScore, ...]:
    """Draw every cell of a design and score what the estimator says of it.

    Parameters
    ----------
    design : CalibrationDesign
        Cells, draws per cell, seed. Every cell has its own stream of random numbers, so that a cell's scores do not
        depend on the other cells.
    progress : callable, optional
        Called with each cell before it is drawn.
    """
    drawn = _with_streams(design.cells, design.seed, progress)
    return tuple(score_cell(planted, design.draws, rng) for planted, rng in drawn)


def calibrate_pipelines(
    design: CalibrationDesign, progress: Callable[[PlantedPipeline], None] | None = None
) -> tuple[PipelineScore, ...]:
    """Draw every planted pipeline of a design and score what is attributed to its ingredients.

    Parameters
    ----------
    design : CalibrationDesign
        Pipelines, draws per pipeline, seed. Each pipeline has its own stream of random numbers, from the seed and its
        name.
    progress : callable, optional
        Called with each pipeline before it is drawn.

    Returns
    -------
    tuple of PipelineScore
        In the order of the design; empty where it has no pipelines.

    Notes
    -----
    Tested in tests/estimate/test_calibrate_pipelines.py.
    """
    drawn = _with_streams(design.pipelines, design.seed, progress)
    return tuple(score_pipeline(planted, design.draws, rng) for planted, rng in drawn)


def _with_streams(
    truths: Sequence[P], seed: int, progress: Callable[[P], None] | None
) -> Iterator[tuple[P, np.random.Generator]]:
    """Yield what is planted, each with a stream of random numbers of its own, which others do not move."""
    for planted in truths:
        if progress is not None:
            progress(planted)
        yield planted, np.random.default_rng(np.random.SeedSequence([seed, *planted.name.encode()]))


def score_cell(planted: Planted, draws: int, rng: np.random.Generator) -> CellScore:
    """Draw one planted study many times and score every estimate and the verdict.

    The plan is made once: every draw has the same arms, benchmarks and items.

    Parameters
    ----------
    planted : Planted
        Truths, sizes and noise.
    draws : int
        Studies to draw. The Monte Carlo error of a coverage c is sqrt(c (1 - c) / draws): 1.5 points for 95 % and 200.
    rng : np.random.Generator
        Where the draws are from.

    Returns
    -------
    CellScore
        Averages over roles, of one arm of each kind (`ARMS`), each beside the interval over items alone.

    Notes
    -----
    Results over a grid of studies are in validation/calibrate.
    """
    generator = prepare(planted)
    verdict = VerdictTally.of(planted)
    tallies: list[DrawTally] = []
    linear: list[Planned] = []
    statements = StatementTally(planted, ARMS)
    for cells in _draws(generator, draws, rng):
        if not linear:
            linear = _scored_estimates(cells)
            tallies = [DrawTally.of(entry, true_means(planted)) for entry in linear]
        judging, rescaled = verdict.plan(cells, planted), statements.plan(cells)
        batch = run_batch(cells, [*linear, *judging, *rescaled])
        for p, tally in enumerate(tallies):
            tally.add(batch, p)
        verdict.add(batch, len(tallies))
        statements.add(batch, len(tallies) + len(judging))
    return CellScore(planted, tuple(tally.score() for tally in tallies), verdict.score(), statements.score())


def _draws(generator: Generator, draws: int, rng: np.random.Generator) -> Iterator[Cells]:
    """Draw studies one after the other."""
    for _ in range(draws):
        yield Cells(generator.draw(rng), generator.design)


def _scored_estimates(cells: Cells) -> list[Planned]:
    """Choose the estimates to score: every estimand, averaged over roles, for one arm of each kind."""
    return [
        entry
        for entry in plan_estimates(cells, estimands())
        if entry.case.arm.name in ARMS and entry.case.target.benchmark is None
    ]


def to_document(
    design: CalibrationDesign, scores: tuple[CellScore, ...], pipelines: tuple[PipelineScore, ...] = ()
) -> dict[str, Any]:
    """Return the JSON-able result of a calibration (schema `gauger.calibration/1`).

    Parameters
    ----------
    design : CalibrationDesign
        Gives draws and seed.
    scores : tuple of CellScore
        Planted studies, scored.
    pipelines : tuple of PipelineScore
        Planted pipelines, scored.

    Returns
    -------
    dict
        `schema`, `draws`, `seed`, `cells`; `pipelines` only where there are any.
    """
    cells = [
        {
            "planted": asdict(cell.planted),
            "estimates": [asdict(score) for score in cell.estimates],
            "verdict": asdict(cell.verdict),
            "statements": [asdict(score) for score in cell.statements],
        }
        for cell in scores
    ]
    document = {"schema": CALIBRATION_SCHEMA, "draws": design.draws, "seed": design.seed, "cells": cells}
    if pipelines:
        document["pipelines"] = [
            {"planted": asdict(pipeline.planted), "estimates": [asdict(score) for score in pipeline.estimates]}
            for pipeline in pipelines
        ]
    return document
