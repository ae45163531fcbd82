"""Enters controlled studies: finished runs become further studies, with their covariance and what they are not.

A run's uplifts over its matched arms are rows of one study. The embedded world tells direction and shape only: its
level gets a free mean of its own per role, so that nothing of it reaches a scenario's level. Language models enter with
their size and a discrepancy of the level. Both have a discrepancy of the slope: a small study's curve need not be the
scenario's. The regression with all predictors is fitted to literature and runs together, since the form that was chosen
without them may have no place for a dose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from gauger.errors import InputError, Place
from gauger.forecast.designs import DesignPlan, Rows, plan_design
from gauger.forecast.forms import ForecastForm, form_named
from gauger.forecast.literature import UNKNOWN, Array, Codes, LiteratureRows
from gauger.forecast.predict import Forecaster
from gauger.forecast.predictive import NORMAL_DF, Predictive
from gauger.forecast.predictors import CATEGORIES, NUMBERS, ROLES
from gauger.stats import FREE, PartialFit, PoolingProblem, fit_partial_pooling
from gauger.store import RunDirectory, read_document, read_json, read_parquet

FORM = "all predictors, angles"
ROLE_OF: Mapping[str, str] = {"targeted": "targeted", "parallel": "fresh", "near": "fresh", "far": "held-out"}
SURFACE_OF: Mapping[str, str] = {"rationale": "reasoning"}
LEVEL_SD = 0.15
"""Discrepancy of a language model's level, in angles: about 15 points in the middle of the scale."""
SLOPE_SD = 0.05
"""Discrepancy of the slope per tenfold dose, in angles: about 5 points in the middle of the scale."""


@dataclass(frozen=True)
class RunRows:
    """The uplifts of one run, m rows."""

    name: str
    world: str
    rows: Rows
    effect: Array
    """Change in angles, distilled minus matched."""
    covariance: Array
    """(m, m), discrepancies included."""
    model: Codes
    """Arm of each row."""
    shape_only: bool


def read_run(folder: Path) -> RunRows:
    """Read a finished run's uplifts.

    Parameters
    ----------
    folder : Path
        A run directory.

    Raises
    ------
    InputError
        Not a finished run of a study, or one without an uplift over a matched arm.
    """
    run = RunDirectory(folder)
    for path in (run.estimates, run.study, run.records):
        if not path.is_file():
            raise InputError("the directory of a finished run", f"no {path.name}", Place(str(folder)))
    estimates, study = read_document(run.estimates).to_dict()["estimates"], read_json(run.study)
    try:
        return _read(run, study, estimates)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise InputError("the settings of a finished run", f"{type(error).__name__}", Place(str(run.study))) from error


def _read(run: RunDirectory, study: Mapping[str, Any], estimates: Sequence[Mapping[str, Any]]) -> RunRows:
    wanted = [
        row for row in estimates
        if row["estimand"] == "uplift" and row["benchmark"] and row["value"] is not None and row["se"]
        and row.get("scale", "points") == "points" and row["role"] in ROLE_OF and row["arm"] in study["arms"]
    ]  # fmt: skip
    if not wanted:
        raise InputError("a run with uplifts over matched arms", "none", Place(str(run.root)))
    return _arranged(study, wanted, _means(run.records, wanted))


def _means(records: Path, wanted: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Mean score of every arm, benchmark and item, over replicates and samples."""
    arms = {estimate["arm"] for estimate in wanted} | {estimate["control"] for estimate in wanted}
    frame = read_parquet(records).filter(pl.col("arm").is_in(arms) & (pl.col("outcome") == "scored"))
    return frame.group_by("arm", "benchmark", "item").agg(pl.col("score").mean())


def _arranged(study: Mapping[str, Any], wanted: Sequence[Mapping[str, Any]], means: pl.DataFrame) -> RunRows:
    m = len(wanted)
    start = np.array([_mean(means, estimate["control"], estimate["benchmark"]) for estimate in wanted])
    end = np.clip(start + np.array([estimate["value"] for estimate in wanted]), 0.005, 0.995)
    middle = np.clip((start + end) / 2, 0.02, 0.98)
    sd = np.array([estimate["se"] for estimate in wanted]) / (2.0 * np.sqrt(middle * (1.0 - middle)))
    samples = np.log10([float(_samples(study, estimate["arm"])) for estimate in wanted])
    world = str(study["world"]["kind"])
    shape_only = world != "language"
    slope = samples - samples.mean()
    covariance = np.outer(sd, sd) * _correlation(wanted, means) + SLOPE_SD**2 * np.outer(slope, slope)
    covariance += 0.0 if shape_only else LEVEL_SD**2
    numbers = {number.name: np.full(m, np.nan) for number in NUMBERS}
    numbers |= {"start": np.log(start) - np.log1p(-start), "samples": samples}
    categories = {category.name: np.full(m, UNKNOWN, dtype="<U24") for category in CATEGORIES}
    categories["control"][:] = "no-teacher-training"
    categories["hard"][:], categories["domain"][:], categories["reasoning in"][:] = "other", "other", "short"
    strategies = [str(study["arms"][estimate["arm"]]["stages"][-1].get("strategy")) for estimate in wanted]
    categories["surface"] = np.array([SURFACE_OF.get(strategy, "answers") for strategy in strategies], dtype="<U24")
    categories["method"] = np.array(
        ["rationales" if strategy in SURFACE_OF else "answers" for strategy in strategies], dtype="<U24"
    )
    role = np.array([ROLES.index(ROLE_OF[estimate["role"]]) for estimate in wanted], dtype=np.intp)
    arms = np.unique([estimate["arm"] for estimate in wanted], return_inverse=True)[1].ravel().astype(np.intp)
    effect = np.arcsin(np.sqrt(end)) - np.arcsin(np.sqrt(start))
    return RunRows(str(study["study"]), world, Rows(role, numbers, categories), effect, covariance, arms, shape_only)


def _mean(means: pl.DataFrame, arm: str, benchmark: str) -> float:
    here = means.filter((pl.col("arm") == arm) & (pl.col("benchmark") == benchmark))["score"]
    return float(np.clip(here.to_numpy().mean(), 0.005, 0.995))


def _samples(study: Mapping[str, Any], arm: str) -> float:
    """Training samples from the teacher: those of all stages that ask it."""
    samples = [stage.get("samples") or 0 for stage in study["arms"][arm]["stages"] if stage.get("strategy")]
    return max(float(sum(samples)), 1.0)


def _correlation(wanted: Sequence[Mapping[str, Any]], means: pl.DataFrame) -> Array:
    """Correlation of the rows' errors: of their contrasts over the items of one benchmark, 0 between benchmarks."""
    m = len(wanted)
    correlation = np.eye(m)
    contrasts = []
    for estimate in wanted:
        pair = [
            means.filter((pl.col("arm") == arm) & (pl.col("benchmark") == estimate["benchmark"])).select(
                "item", "score"
            )
            for arm in (estimate["arm"], estimate["control"])
        ]
        contrasts.append(pair[0].join(pair[1], on="item").select("item", d=pl.col("score") - pl.col("score_right")))
    for i in range(m):
        for j in range(i):
            if wanted[i]["benchmark"] == wanted[j]["benchmark"]:
                both = contrasts[i].join(contrasts[j], on="item").select("d", "d_right").to_numpy()
                if len(both) > 2 and (both.std(axis=0) > 0).all():
                    correlation[i, j] = correlation[j, i] = 0.99 * float(np.corrcoef(both.T)[0, 1])
    # pairwise correlations over different items need not be a correlation matrix together
    values, vectors = np.linalg.eigh(correlation)
    fixed = (vectors * np.maximum(values, 1e-6)) @ vectors.T
    scale = np.sqrt(np.diag(fixed))
    return np.asarray(fixed / np.outer(scale, scale))


@dataclass(frozen=True)
class JointFit:
    """The regression fitted to literature and runs."""

    scale: str
    plan: DesignPlan
    fit: PartialFit
    levels: int
    """Free columns of runs, which no scenario has."""

    def predict(self, rows: Rows, start: Array, sampling: Array) -> Predictive:
        """See `forms.Fitted`."""
        design = np.hstack([self.plan.matrix(rows), np.zeros((len(rows.role), self.levels))])
        mean, of_mean = self.fit.predict(design)
        spread = np.tile([1.0, NORMAL_DF], (len(mean), 1))
        return Predictive(self.scale, mean, of_mean, self.fit.components.of_new()[rows.role], sampling, start, spread)


def fit_jointly(literature: LiteratureRows, runs: Sequence[RunRows], form: ForecastForm) -> JointFit:
    """Fit a form to literature and runs together.

    Parameters
    ----------
    literature : LiteratureRows
    runs : sequence of RunRows
    form : ForecastForm
        On the scale of angles.
    """
    plan = plan_design(Rows.of(literature), literature.study, form.predictors, apart=False, by_role=form.by_role)
    designs = [plan.matrix(Rows.of(literature)), *(plan.matrix(run.rows) for run in runs)]
    free = [(k, role) for k, run in enumerate(runs) if run.shape_only for role in np.unique(run.rows.role)]
    ends = np.cumsum([len(literature), *(len(run.effect) for run in runs)])
    levels = np.zeros((ends[-1], len(free)))
    for column, (k, role) in enumerate(free):
        levels[ends[k] : ends[k + 1], column] = runs[k].rows.role == role
    effect = np.concatenate([literature.effects["arcsine"][0], *(run.effect for run in runs)])
    blocks = list(literature.blocks("arcsine"))
    model = [literature.model]
    for k, run in enumerate(runs):
        blocks.append((np.arange(ends[k], ends[k + 1]), run.covariance))
        model.append(run.model + 1_000_000 * (k + 1))
    problem = PoolingProblem(
        effect, tuple(blocks), np.concatenate([literature.role, *(run.rows.role for run in runs)]),
        np.concatenate(model), np.hstack([np.vstack(designs), levels]),
        np.append(plan.penalty, np.full(len(free), FREE)), len(ROLES),
    )  # fmt: skip
    return JointFit(form.scale, plan, fit_partial_pooling(problem), len(free))


def enter(forecaster: Forecaster, folders: Sequence[Path]) -> tuple[Forecaster, list[dict[str, Any]]]:
    """Refit with runs, for the roles that they tell; say what entered as what.

    Parameters
    ----------
    forecaster : Forecaster
    folders : sequence of Path
        Run directories.
    """
    runs = [read_run(folder) for folder in folders]
    form = form_named(FORM)
    joint = fit_jointly(forecaster.literature, runs, form)
    covered = {ROLES[role] for run in runs for role in run.rows.role}
    chosen = replace(
        forecaster.chosen,
        form={role: form if role in covered else previous for role, previous in forecaster.chosen.form.items()},
    )
    words = ("a study of its size, with a discrepancy", "direction and shape only, never level")
    entered = [
        {"run": run.name, "world": run.world, "rows": len(run.effect), "enters_as": words[run.shape_only]}
        for run in runs
    ]
    return replace(forecaster, chosen=chosen, fits={**forecaster.fits, FORM: joint}), entered
