"""Reads finished runs as further studies: their uplifts over matched arms, with covariance and what they are not.

A run's uplifts are rows of one study. The embedded world tells direction and shape only; language models enter with
their size and a discrepancy of the level. Both have a discrepancy of the slope: a small study's curve need not be the
scenario's. How they enter is in `entered.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from gauger.errors import DamagedError, InputError, Place
from gauger.forecast.designs import Rows
from gauger.forecast.literature import UNKNOWN, Array, Codes
from gauger.forecast.predictors import CATEGORIES, NUMBERS, ROLES
from gauger.store import RunDirectory, read_document, read_json, read_parquet

ROLE_OF: Mapping[str, str] = {"targeted": "targeted", "parallel": "fresh", "near": "fresh", "far": "held-out"}
TAUGHT_BY: Mapping[str, tuple[str, str]] = {
    "logit-distill": ("log-probabilities", "logits"), "on-policy-distill": ("log-probabilities", "on-policy"),
}  # fmt: skip
"""Kind of stage -> surface and method; text is answers, or rationales where the strategy asks for them."""
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
        Not a finished run of a study, one whose checks failed, or one without an uplift over a matched arm.
    """
    run = RunDirectory(folder)
    document, study = _documents(run, folder)
    try:
        return _read(run, study, document["estimates"])
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise InputError("the settings of a finished run", f"{type(error).__name__}", Place(str(run.study))) from error


def _read(run: RunDirectory, study: Mapping[str, Any], estimates: Sequence[Mapping[str, Any]]) -> RunRows:
    wanted = [
        row for row in estimates
        if row["estimand"] == "uplift" and row["benchmark"] and row["value"] is not None and row["se"]
        and row.get("scale", "points") == "points" and row["role"] in ROLE_OF and row["arm"] in study["arms"]
    ]  # fmt: skip
    if not wanted:
        raise InputError("a run with uplifts over matched arms", "none with an error of its own", Place(str(run.root)))
    return _arranged(study, wanted, _means(run.records, wanted))


def _documents(run: RunDirectory, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read a run's estimates and its study; every way in which a folder is not a finished run is one message."""
    hint = "gauger run STUDY.yaml --out DIR makes such a directory, and resumes one that was stopped."
    if not folder.is_dir():
        given = "a file" if folder.exists() else "nothing there"
        raise InputError("the directory of a finished run", given, Place(str(folder)), hint)
    for path in (run.study, run.estimates, run.records):
        if not path.is_file():
            raise InputError("the directory of a finished run", f"no {path.name}", Place(str(folder)), hint)
    document = read_document(run.estimates).to_dict()
    try:
        study = read_json(run.study)
    except DamagedError as error:
        raise InputError("the study that a run was planned from", str(error), Place(str(run.study)), hint) from error
    if not isinstance(study, dict) or not {"study", "world", "arms"} <= study.keys():
        raise InputError("the study that a run was planned from", "another file", Place(str(run.study)), hint)
    verdict = document.get("verdict") or {}
    if verdict.get("outcome") == "invalid":
        why = "Its checks failed, so it says nothing of what it measured."
        raise InputError("a run whose instrument passed its checks", "an invalid one", Place(str(folder)), why)
    return document, study


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
    taught = [_taught_by(study, estimate["arm"]) for estimate in wanted]
    categories["surface"] = np.array([surface for surface, _ in taught], dtype="<U24")
    categories["method"] = np.array([method for _, method in taught], dtype="<U24")
    role = np.array([ROLES.index(ROLE_OF[estimate["role"]]) for estimate in wanted], dtype=np.intp)
    arms = np.unique([estimate["arm"] for estimate in wanted], return_inverse=True)[1].ravel().astype(np.intp)
    effect = np.arcsin(np.sqrt(end)) - np.arcsin(np.sqrt(start))
    return RunRows(str(study["study"]), world, Rows(role, numbers, categories), effect, covariance, arms, shape_only)


def _mean(means: pl.DataFrame, arm: str, benchmark: str) -> float:
    here = means.filter((pl.col("arm") == arm) & (pl.col("benchmark") == benchmark))["score"]
    return float(np.clip(here.to_numpy().mean(), 0.005, 0.995))


def _asked(study: Mapping[str, Any], arm: str) -> list[Mapping[str, Any]]:
    """Stages that ask the teacher, those of the arms that an arm starts from first."""
    own = [stage for stage in study["arms"][arm]["stages"] if stage.get("strategy") or stage["kind"] in TAUGHT_BY]
    before = study["arms"][arm].get("start")
    return [*(_asked(study, before) if before in study["arms"] else []), *own]


def _samples(study: Mapping[str, Any], arm: str) -> float:
    """Training samples from the teacher: those of all stages that ask it."""
    stages = _asked(study, arm)
    return max(float(sum(stage.get("samples") or stage.get("prompts") or 0 for stage in stages)), 1.0)


def _taught_by(study: Mapping[str, Any], arm: str) -> tuple[str, str]:
    """Surface and method of the last stage that asks the teacher; not told where none says how."""
    stages = _asked(study, arm)
    if not stages:
        return UNKNOWN, UNKNOWN
    text = ("reasoning", "rationales") if stages[-1].get("strategy") == "rationale" else ("answers", "answers")
    return TAUGHT_BY.get(stages[-1]["kind"], text)


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
