"""Does the interval of a pooled effect cover the truth when studies are few, tails heavy and controls shared?

Draws literatures with a known mean uplift and a known difference between targeted and held-out benchmarks, and counts
how often 95 % intervals contain them. Three analyses of the same rows:

- `cr2`: study and row levels, shared-control covariance, CR2 errors by study (what `gauger evidence fit` uses);
- `model`: the same model, its own z interval;
- `rows`: every row as an independent study (inverse-variance random effects, z), the habit this is to replace.

Run: python validation/random_effects/simulate.py > validation/random_effects/results.csv
About 6 minutes on one core; --draws N for fewer.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from gauger.stats.random_effects import MetaData, MetaFit, fit

MEAN, DIFFERENCE = 0.10, -0.08
"""Uplift on targeted benchmarks, and how much less it is on held-out ones (0-1 scale)."""
TAU_STUDY, TAU_STUDY_ROLE, TAU_ROW = 0.08, 0.05, 0.08
"""Standard deviations of true effects: studies, each study's own difference between roles, rows.

The second is in no fitted model: real studies differ in how much carries over. CR2 has to cope with it."""
N_ITEMS = np.array([30, 100, 164, 198, 500, 1000, 1319])
"""Test-set sizes as they occur."""
ESTIMANDS = ("mean", "targeted", "difference")


@dataclass(frozen=True)
class Cell:
    """One condition."""

    studies: int
    tails: str
    """normal, t3 (variance-matched Student t with 3 df), or skewed (shifted exponential)."""
    sharing: int
    """Most rows that share one control score."""


CELLS = [Cell(*cell) for cell in product((10, 20, 40), ("normal", "t3", "skewed"), (4,))]
CELLS += [Cell(studies, "t3", 1) for studies in (10, 20, 40)]


def standard(rng: np.random.Generator, tails: str, size: int) -> np.ndarray:
    """Draw effects with mean 0 and variance 1."""
    if tails == "normal":
        return rng.normal(size=size)
    if tails == "t3":
        return rng.standard_t(3, size=size) / np.sqrt(3.0)
    return rng.exponential(size=size) - 1.0


def draw(rng: np.random.Generator, cell: Cell) -> tuple[MetaData, np.ndarray]:
    """Draw one literature: data with [1, held-out] as moderators, and the study of each row.

    A study reports a skewed number of models (1-12) on 2-6 benchmarks; up to `sharing` models share one control score
    per benchmark, whose sampling error is common to them.
    """
    rows = [
        (study, benchmark, model)
        for study in range(cell.studies)
        for benchmark, model in product(range(rng.integers(2, 7)), range(min(12, rng.geometric(0.35))))
    ]
    study, benchmark, model = np.array(rows).T
    control = np.unique(np.stack([study, benchmark, model // cell.sharing]), axis=1, return_inverse=True)[1].ravel()
    cell_of = np.unique(study * 10 + benchmark, return_inverse=True)[1]
    n_items = rng.choice(N_ITEMS, cell_of.max() + 1)[cell_of]
    held_out = (rng.random(cell_of.max() + 1) < 0.5)[cell_of].astype(float)
    accuracy = rng.uniform(0.15, 0.8, cell_of.max() + 1)[cell_of]
    control_variance = (accuracy * (1 - accuracy)) / n_items
    own = np.clip(accuracy + MEAN, 0.05, 0.95) * (1 - np.clip(accuracy + MEAN, 0.05, 0.95)) / n_items
    true = MEAN + DIFFERENCE * held_out + TAU_STUDY * standard(rng, cell.tails, cell.studies)[study]
    true += TAU_STUDY_ROLE * (held_out - 0.5) * standard(rng, cell.tails, cell.studies)[study]
    true += TAU_ROW * standard(rng, cell.tails, len(study))
    first = np.unique(control, return_index=True)[1]
    shared_error = rng.normal(size=control.max() + 1) * np.sqrt(control_variance[first])
    effect = true + rng.normal(size=len(study)) * np.sqrt(own) - shared_error[control]
    design = np.column_stack([np.ones(len(study)), held_out])
    levels = (study, np.arange(len(study)))
    data = MetaData(effect, own + control_variance, levels, design, ("study", "row"), ("targeted", "held-out"),
                    control, control_variance)  # fmt: skip
    return data, study


def independent(data: MetaData) -> MetaData:
    """Forget studies and shared controls."""
    return MetaData(data.effect, data.variance, (), data.moderators)


def without_roles(data: MetaData) -> MetaData:
    """Forget the moderator: the mean over this mixture of roles."""
    return MetaData(data.effect, data.variance, data.levels, None, data.level_names, (), data.shared_group,
                    data.shared_variance)  # fmt: skip


def analyse(data: MetaData, study: np.ndarray) -> dict[str, MetaFit]:
    """Fit the three analyses; `model` is `cr2`'s fit with its own errors."""
    robust = fit(data, robust=study)
    return {"cr2": robust, "model": replace(robust, robust=None), "rows": fit(independent(data))}


def contains(rng: np.random.Generator, cell: Cell) -> Iterator[tuple[str, str, bool, float, float | None]]:
    """Yield (analysis, estimand, covered, width, df) for one literature.

    The truth of "mean" is the mean over equally many targeted and held-out benchmarks.
    """
    data, study = draw(rng, cell)
    regressions, means = analyse(data, study), analyse(without_roles(data), study)
    for name, regression in regressions.items():
        mean = means[name]
        for estimand, one, truth in (
            ("mean", mean.coefficients[0], MEAN + DIFFERENCE / 2),
            ("targeted", regression.coefficients[0], MEAN),
            ("difference", regression.coefficients[1], DIFFERENCE),
        ):
            yield name, estimand, one.low <= truth <= one.high, one.high - one.low, one.df


def simulate(cell: Cell, draws: int, seed: int) -> list[dict[str, object]]:
    """Return one line per analysis and estimand: coverage, its Monte Carlo error, mean width, median df."""
    rng = np.random.default_rng([seed, cell.studies, ("normal", "t3", "skewed").index(cell.tails), cell.sharing])
    seen: dict[tuple[str, str], list[tuple[bool, float, float | None]]] = {}
    for _ in range(draws):
        for name, estimand, covered, width, df in contains(rng, cell):
            seen.setdefault((name, estimand), []).append((covered, width, df))
    lines = []
    for (name, estimand), results in seen.items():
        coverage = float(np.mean([covered for covered, _, _ in results]))
        df = [value for _, _, value in results if value is not None]
        lines.append(
            {
                "studies": cell.studies, "tails": cell.tails, "sharing": cell.sharing, "analysis": name,
                "estimand": estimand, "draws": draws, "coverage": round(coverage, 4),
                "mc_error": round((coverage * (1 - coverage) / draws) ** 0.5, 4),
                "width": round(float(np.mean([width for _, width, _ in results])), 4),
                "median_df": round(float(np.median(df)), 1) if df else "",
            }
        )  # fmt: skip
    return lines


def main() -> None:
    """Write one CSV line per cell, analysis and estimand."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=800)
    parser.add_argument("--seed", type=int, default=20260801)
    options = parser.parse_args()
    writer = None
    for cell in CELLS:
        for line in simulate(cell, options.draws, options.seed):
            if writer is None:
                writer = csv.DictWriter(sys.stdout, line)
                writer.writeheader()
            writer.writerow(line)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
