"""Scores every attribution on planted pipelines: bias, coverage, width and power, beside the items-only interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gauger.estimate.attribution.plan import plan_attributions
from gauger.estimate.calibrate.estimate_score import DrawTally, Score
from gauger.estimate.calibrate.planted_pipeline import PipelineGenerator, PlantedPipeline, prepare_pipeline, true_values
from gauger.estimate.calibrate.simulate import FloatArray
from gauger.estimate.cell_means import Cells
from gauger.estimate.contrasts import run_batch


@dataclass(frozen=True)
class PipelineScore:
    """One planted pipeline, scored."""

    planted: PlantedPipeline
    estimates: tuple[Score, ...]
    """Every attribution, averaged over roles."""


def score_pipeline(planted: PlantedPipeline, draws: int, rng: np.random.Generator) -> PipelineScore:
    """Draw one planted pipeline many times and score every attribution averaged over roles.

    The cells that are run stay the same in every draw; of a sample of cells only what these cells estimate is scored,
    not what drawing others would have given (validation/attribution does that).

    Parameters
    ----------
    planted : PlantedPipeline
        Truths, design, sizes and noise.
    draws : int
        How often it is drawn.
    rng : np.random.Generator
        Chooses the cells first, then draws.

    Returns
    -------
    PipelineScore
        Attributions that the chosen cells cannot give are left out.
    """
    generator = prepare_pipeline(planted, rng)
    means = planted_means(planted, generator)
    tallies: list[DrawTally] = []
    for _ in range(draws):
        cells = Cells(generator.draw(rng), generator.design)
        if not tallies:
            entries = [entry for entry in plan_attributions(cells) if entry.case.target.benchmark is None]
            tallies = [DrawTally.of(entry, means) for entry in entries if entry.reason is None]
        batch = run_batch(cells, [tally.planned for tally in tallies])
        for p, tally in enumerate(tallies):
            tally.add(batch, p)
    return PipelineScore(planted, tuple(tally.score() for tally in tallies))


def planted_means(planted: PlantedPipeline, generator: PipelineGenerator) -> FloatArray:
    """Return the planted cell means in the order of the generator's design.

    Parameters
    ----------
    planted : PlantedPipeline
        Gives the truths.
    generator : PipelineGenerator
        Names the cells that are run, and the benchmarks with their roles.

    Returns
    -------
    float array, (A, B)
        Scores between 0 and 1.

    Notes
    -----
    Draws are held against them in tests/estimate/test_simulate.py.
    """
    roles = generator.design.roles.values()
    return np.stack([true_values(planted, role)[generator.cells] for role in roles], axis=1)
