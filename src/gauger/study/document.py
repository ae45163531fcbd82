"""Puts a study's document together: the estimates of its records, and all that stands beside them in the report."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from gauger.estimate import (
    Design,
    FixedRule,
    Ingredients,
    ScoredBenchmark,
    Scoring,
    StudyEstimates,
    amounts,
    disagreements,
    estimate_study,
    ingredients_of,
    outcome_scorings,
    primary_scorings,
    sensitivity,
)
from gauger.measure import readings
from gauger.records import ArmInfo, BenchmarkInfo, Document
from gauger.spec import LoadedStudy, Study, fingerprint, switched_off
from gauger.study.description import arm_infos, examples, limits, threats
from gauger.study.ledger import ledger_rows
from gauger.study.plan import Plan
from gauger.study.results import Collected
from gauger.study.scale import scaling
from gauger.worlds import Benchmark, World

REPORTED_PACKAGES = {
    "train": ("gauger", "torch", "numpy", "polars", "scipy"),
    "hf": ("gauger", "torch", "numpy", "polars", "scipy", "transformers", "peft", "reasoning-gym"),
}
"""Extra that the world needs -> packages whose versions are reported."""
Benchmarks = Mapping[str, Benchmark]
Texts = Mapping[str, Sequence[tuple[str, str]]]
"""Arm -> a few (prompt, answer) of what it was trained on."""


@dataclass(frozen=True)
class Material:
    """What a document is made of."""

    loaded: LoadedStudy
    plan: Plan
    world: World
    collected: Collected
    changes: tuple[str, ...] = ()
    """What of the frozen rule was changed after the start of the run."""
    texts: Texts | None = None
    done: Mapping[str, Path] | None = None
    """Key of a job -> the directory of its result; what only the scale reads."""


def make_document(material: Material) -> Document:
    """Estimate, and put together everything that `estimates.json` and the report hold.

    The same for the same study and records: no time, place or host enters.
    """
    study, plan = material.loaded.study, material.plan
    whole, collected = material.collected, _without_scale(plan, material.collected)
    off = switched_off(study)
    benchmarks = {name: material.world.benchmark(name) for name in study.benchmarks}
    ledger = ledger_rows(collected)
    arms = arm_infos(plan.arms, ledger)
    ingredients = _ingredients(study, collected)
    design = make_design(study, arms, benchmarks, ingredients, post_hoc=bool(material.changes))
    found = estimate_study(collected.records, design, _difficulty(benchmarks))
    scorings, scoring_warnings = _scorings(collected, found, design)
    return Document(
        study=about(material.loaded) | ({"extraction": [one.to_dict() for one in scorings]} if scorings else {}),
        estimates=found.estimates,
        verdict=found.verdict,
        assay=found.assay,
        arms=arms,
        benchmarks=[
            BenchmarkInfo(name, design.roles[name], len(b.items), b.skill, b.form, b.description)
            for name, b in benchmarks.items()
        ],
        ledger=ledger,
        outcomes=found.outcomes,
        seeds=found.seeds,
        difficulty=found.difficulty,
        examples=examples(plan.arms, material.texts or {}),
        threats=threats(study, plan.arms, off),
        limits=limits(study),
        scaling=scaling(plan, whole, material.done or {}, study.estimation.level),
        failures=collected.failures,
        switched_off=off,
        warnings=[f"Changed after the run had started: {change}." for change in material.changes]
        + [f"{note}." for note in collected.notes]
        + [f"{warning}." for warning in found.warnings]
        + scoring_warnings
        + disagreements(scorings),
    )


def _without_scale(plan: Plan, collected: Collected) -> Collected:
    """Leave the cells of the scale out: they are estimated by themselves."""
    names = sorted(cell.name for cell in plan.scaled)
    if not names:
        return collected
    tables = {name: getattr(collected, name) for name in ("records", "ledger", "training")}
    return replace(collected, **{name: table.filter(~pl.col("arm").is_in(names)) for name, table in tables.items()})


def _ingredients(study: Study, collected: Collected) -> Ingredients | None:
    """Describe the study's factorial, with the tokens that each ingredient's stages trained on."""
    if study.factorial is None:
        return None
    by_stage = (
        collected.training.group_by("arm", "replicate", "stage")
        .agg(pl.col("tokens").sum())
        .group_by("arm", "stage")
        .agg(pl.col("tokens").mean())
    )
    tokens = {(arm, stage): total for arm, stage, total in by_stage.select("arm", "stage", "tokens").iter_rows()}
    return ingredients_of(study.factorial, amounts(study.factorial, tokens))


def _scorings(collected: Collected, found: StudyEstimates, design: Design) -> tuple[list[Scoring], list[str]]:
    """Estimate once more with answers read flexibly, where the records hold that reading, and with missing ones scored.

    Returns the scorings, the primary ones first, and a warning where the verdict depends on them.
    """
    primary = {name: str(choice.primary) for name, choice in readings(list(design.roles)).items()}
    outcomes, warnings = outcome_scorings(collected.records, found, design, primary)
    if collected.flexible is None:
        return (primary_scorings(found.estimates, primary) if outcomes else []) + outcomes, warnings
    choices = readings(list(design.roles))
    others = [
        ScoredBenchmark(name, choice.others[0], collected.flexible.filter(benchmark=name))
        for name, choice in choices.items()
    ]
    return sensitivity(collected.records, found.estimates, design, others, choices) + outcomes, warnings


def make_design(
    study: Study,
    arms: Sequence[ArmInfo],
    benchmarks: Benchmarks,
    ingredients: Ingredients | None = None,
    *,
    post_hoc: bool = False,
) -> Design:
    """Say to the estimator what it must know of a study."""
    estimation, verdict = study.estimation, study.verdict
    return Design(
        arms=tuple(arms),
        roles={name: str(benchmark.role) for name, benchmark in study.benchmarks.items()},
        paired=estimation.paired,
        moderated=estimation.moderated,
        level=estimation.level,
        rule=FixedRule(
            arm=verdict.arm,
            estimand=verdict.estimand,
            role=str(verdict.role),
            threshold=verdict.threshold,
            level=verdict.level,
            post_hoc=post_hoc,
            placebo_margin=verdict.placebo_margin,
        ),
        unparsed_wrong=study.unparsed == "wrong",
        skills={name: benchmark.skill for name, benchmark in benchmarks.items()},
        switched_off=switched_off(study),
        ingredients=ingredients,
    )


def _difficulty(benchmarks: Benchmarks) -> pl.DataFrame:
    rows = [(name, item.id, item.difficulty) for name, benchmark in benchmarks.items() for item in benchmark.items]
    return pl.DataFrame(
        rows, schema={"benchmark": pl.String, "item": pl.String, "difficulty": pl.Float64}, orient="row"
    )


def about(loaded: LoadedStudy) -> dict[str, Any]:
    """Say which study it is and how it is run again: `Document.study`."""
    study = loaded.study
    packages = REPORTED_PACKAGES.get(study.world.extra, REPORTED_PACKAGES["train"])
    settings = [part for override in loaded.overrides for part in ("--set", override)]
    return {
        "name": study.study,
        "fingerprint": fingerprint(study),
        "question": study.question,
        "kind": "study",
        "replicates": study.replicates,
        "seed": study.seed,
        "world": study.world.model_dump(mode="json"),
        "command": shlex.join(["gauger", "run", loaded.path.name, *settings]),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in packages},
    }
