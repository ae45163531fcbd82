"""Simulates literatures with planted effects, so that what a forecast finds can be held against what is true.

A row's change in log-odds is a sum of what its role, start, dose and surface give, of deviations of its study, its
model and itself, and of the sampling error of both scores. Nothing here is used by a forecast of real studies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from gauger.forecast.literature import Array, LiteratureRows, arrange
from gauger.forecast.predictors import ROLES

METHOD_OF = {"reasoning": "reasoning-trace", "answers": "instruction-expansion"}
SURFACE_NAMES = {"reasoning": "text-reasoning", "answers": "text-answer"}


@dataclass(frozen=True)
class PlantedEffects:
    """What is true."""

    role_means: tuple[float, float, float] = (0.6, 0.4, 0.1)
    """Mean change in log-odds per role, at the middle of every predictor, over the untouched start."""
    dose: float = 0.0
    """Change per tenfold dose."""
    start: float = -0.2
    """Change per logit of the starting score."""
    answers: float = 0.0
    """Change where only answers are shown, against reasoning."""
    over_rl: float = -0.4
    """Change where the control is RL."""
    bend_at: float | None = None
    """log10 dose from which the dose's slope turns round; None: never."""
    study_sd: float = 0.3
    model_sd: float = 0.15
    row_sd: float = 0.2
    tail_df: float | None = None
    """Degrees of freedom of a study's deviation; None: normal."""
    missing: float = 0.4
    """Share of studies that do not print their dose."""
    selected: float = 0.0
    """Share of results that are no significant gain and are left unpublished."""
    highest: float = 6.0
    """log10 of the largest dose."""
    years: int = 4
    """Years from 2023 on in which studies are published, in turn."""
    shift_by_year: tuple[float, ...] = ()
    """Change of every effect in each year, log-odds; empty: none. Drift of the mean."""
    scatter_by_year: tuple[float, ...] = ()
    """Factor on `study_sd` in each year; empty: 1. Drift of what studies differ by."""


def true_mean(
    planted: PlantedEffects, role: int, start: Array, samples: Array, answers: Array, over_rl: Array
) -> Array:
    """Return the expected change in log-odds of rows (m,) given what is known of them.

    Parameters
    ----------
    planted : PlantedEffects
    role : int
        Position in `ROLES`.
    start : array (m,)
        Logit of the starting score.
    samples : array (m,)
        log10 dose.
    answers, over_rl : bool arrays (m,)
    """
    dose = samples - 4.5
    if planted.bend_at is not None:
        dose = np.where(samples > planted.bend_at, 2.0 * (planted.bend_at - 4.5) - dose, dose)
    return np.asarray(
        planted.role_means[role]
        + planted.dose * dose
        + planted.start * start
        + planted.answers * answers
        + planted.over_rl * over_rl
    )


def draw_literature(
    planted: PlantedEffects,
    studies: int,
    rng: np.random.Generator,
    first: int = 0,
    doses: Sequence[float] | None = None,
) -> LiteratureRows:
    """Draw a literature of some studies.

    Parameters
    ----------
    planted : PlantedEffects
    studies : int
    rng : Generator
    first : int
        Number of the first study: its name.
    doses : sequence of float, optional
        log10 doses to draw from evenly, in place of 3 to `highest`.
    """
    rows = [row for study in range(first, first + studies) for row in _study(planted, study, rng, doses)]
    numbers = dict.fromkeys(("n_samples", "n_tokens", "score_teacher"), pl.Float64)
    frame = pl.DataFrame(rows, infer_schema_length=None, schema_overrides=numbers)
    return arrange(frame)


def _study(
    planted: PlantedEffects, study: int, rng: np.random.Generator, doses: Sequence[float] | None
) -> list[dict[str, object]]:
    turn = study % planted.years
    scale = planted.study_sd * (planted.scatter_by_year[turn] if planted.scatter_by_year else 1.0)
    tail = rng.standard_normal() if planted.tail_df is None else rng.standard_t(planted.tail_df)
    shared, own = scale * tail, scale * 0.5 * rng.standard_normal(len(ROLES))
    shared += planted.shift_by_year[turn] if planted.shift_by_year else 0.0
    samples = float(rng.uniform(3.0, planted.highest)) if doses is None else float(rng.choice(doses))
    surface = "answers" if rng.random() < 0.4 else "reasoning"
    over_rl = bool(rng.random() < 0.3)
    is_printed = bool(rng.random() >= planted.missing)
    rows: list[dict[str, object]] = []
    for model in range(int(rng.integers(1, 4))):
        of_model = planted.model_sd * rng.standard_normal()
        for role in range(len(ROLES)):
            for bench in range(int(rng.integers(1, 4))):
                start = float(rng.normal(0.0, 1.0))
                mean = float(
                    true_mean(
                        planted,
                        role,
                        np.array([start]),
                        np.array([samples]),
                        np.array([surface == "answers"]),
                        np.array([over_rl]),
                    )[0]
                )
                change = mean + shared + own[role] + of_model + planted.row_sd * rng.standard_normal()
                n = int(rng.integers(150, 1500))
                before, after = (rng.binomial(n, 1 / (1 + np.exp(-x))) / n for x in (start, start + change))
                error = np.sqrt(max(before * (1 - before) + after * (1 - after), 1e-4) / n)
                if after - before < 1.96 * error and rng.random() < planted.selected:
                    continue
                rows.append(
                    _row(study, model, role, bench, n, before, after, samples if is_printed else None, surface, over_rl)
                    | {"year": 2023 + turn, "reference": f"arXiv:{23 + turn}{1 + study * 5 % 12:02d}.{study:05d}"}
                )
    return rows


def _row(
    study: int,
    model: int,
    role: int,
    bench: int,
    n: int,
    before: float,
    after: float,
    samples: float | None,
    surface: str,
    over_rl: bool,
) -> dict[str, object]:
    name = f"planted{study:04d}"
    return {
        "study_id": name,
        "model": f"{name}-m{model}",
        "base": f"base-{name}-{model}",
        "student_base": f"base-{name}-{model}",
        "bench": f"{name}-{ROLES[role]}-{bench}",
        "benchmark": f"task {bench}",
        "benchmark_role": ROLES[role],
        "n_items": n,
        "score_control": 100.0 * before,
        "score_distilled": 100.0 * after,
        "score_teacher": None,
        "gap": False,
        "n_samples": None if samples is None else 10.0**samples,
        "n_tokens": None,
        "student_params_b": 7.0 * 2.0 ** (study % 4),
        "surface": SURFACE_NAMES[surface],
        "distill_method": METHOD_OF[surface],
        "contrast": "rl-instead" if over_rl else "untouched-base",
        "hard": bool(bench % 2),
        "post_trained": bool(study % 2),
        "teacher_access": "api" if study % 3 else "weights",
        "cell_control": f"{name}|{model}|{role}|{bench}",
        "decimals_control": 0,
    }
