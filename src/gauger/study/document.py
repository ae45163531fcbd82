"""Puts a study's document together: the estimates of its records, and all that stands beside them in the report."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from gauger.spec import EvaluatorTask, LoadedStudy, Study, fingerprint, switched_off
from gauger.study.defences import defence_entries, defence_question
from gauger.study.description import arm_infos, examples, limits, program_versions, setting
from gauger.study.flipped_items import flipped_items
from gauger.study.history import NO_HISTORY, RunHistory
from gauger.study.ledger import ledger_rows, of_measured
from gauger.study.marks import mark_tests
from gauger.study.plan import Plan
from gauger.study.results import Collected
from gauger.study.scale import scaling
from gauger.study.threats import threats
from gauger.worlds import Benchmark, World

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
    history: RunHistory = NO_HISTORY
    """What was changed after results were there, and how often the study was judged."""
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
    arms = arm_infos(plan.arms, ledger, plan.study.teacher.surface)
    ingredients = _ingredients(study, collected)
    design = make_design(study, arms, benchmarks, ingredients, history=material.history)
    design = replace(design, unfinished=collected.unfinished)
    if study.defences is not None:
        design = replace(design, defences=defence_question(study.defences, plan, material.done or {}))
    result = estimate_study(collected.records, design, _difficulty(benchmarks))
    scorings, scoring_warnings = _scorings(collected, result, design)
    scaled = scaling(plan, of_measured(whole), material.done or {}, study.estimation.level)
    return Document(
        study=about(material.loaded, material.history.registered)
        | _items(study, arms, collected, benchmarks)
        | ({"extraction": [scoring.to_dict() for scoring in scorings]} if scorings else {}),
        estimates=result.estimates,
        verdict=result.verdict,
        assay=result.assay,
        arms=arms,
        benchmarks=[
            BenchmarkInfo(name, design.roles[name], len(b.items), b.skill, b.form, b.description)
            for name, b in benchmarks.items()
        ]
        + [_evaluated(name, part, collected.records) for name, part in study.evaluated.items()],
        ledger=ledger,
        outcomes=result.outcomes,
        seeds=result.seeds,
        difficulty=result.difficulty,
        examples=examples(plan.arms, material.texts or {}),
        threats=threats(study, plan.arms, off, arms, scaled["covered"]["of"] if scaled else 0),
        limits=limits(study),
        defences=defence_entries(study, plan.arms, result, collected.records),
        marks=mark_tests(plan, material.done or {}),
        scaling=scaled,
        failures=collected.failures,
        switched_off=off,
        warnings=[f"Changed after the run had started: {change}." for change in material.history.changes]
        + [f"{note}." for note in collected.notes]
        + [f"{warning}." for warning in result.warnings]
        + scoring_warnings
        + disagreements(scorings),
    )


def _evaluated(name: str, task: EvaluatorTask, records: pl.DataFrame) -> BenchmarkInfo:
    """Introduce a benchmark that a program of others ran: its items are those that it logged."""
    n_items = records.filter(pl.col("benchmark") == name)["item"].n_unique()
    return BenchmarkInfo(name, str(task.role), n_items, "", "", f"{task.task}, run by {task.kind}")


def _items(
    study: Study, arms: Sequence[ArmInfo], collected: Collected, benchmarks: Benchmarks
) -> dict[str, dict[str, Any]]:
    """List the items on which the judged arm and its matched control differ; nothing where it has none."""
    judged = next((arm for arm in arms if arm.name == study.verdict.arm), None)
    if judged is None or judged.matched is None:
        return {}
    wrong = study.unparsed == "wrong"
    flipped = flipped_items(collected.records, (judged.name, judged.matched), benchmarks, unparsed_wrong=wrong)
    return {} if flipped is None else {"items": flipped}


def _without_scale(plan: Plan, collected: Collected) -> Collected:
    """Leave the cells of the scale out: they are estimated by themselves."""
    names = sorted(cell.name for cell in plan.scaled)
    if not names:
        return collected
    others = ~pl.col("arm").is_in(names)
    return replace(
        collected,
        records=collected.records.filter(others),
        ledger=collected.ledger.without(names),
        training=collected.training.filter(others),
    )


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


def _scorings(collected: Collected, result: StudyEstimates, design: Design) -> tuple[list[Scoring], list[str]]:
    """Estimate once more with answers in every other reading that the records hold, and with missing ones scored.

    Returns the scorings, the primary ones first, and a warning where the verdict depends on them.
    """
    further = list(collected.readings)
    choices = readings(list(design.roles), further)
    primary = {name: str(choice.primary) for name, choice in choices.items()}
    outcomes, warnings = outcome_scorings(collected.records, result, design, primary)
    if not further:
        return (primary_scorings(result.estimates, primary) if outcomes else []) + outcomes, warnings
    others = [
        ScoredBenchmark(name, measure, collected.readings[reading].filter(benchmark=name))
        for name, choice in choices.items()
        for reading, measure in zip(further, choice.others, strict=True)
    ]
    return sensitivity(collected.records, result.estimates, design, others, choices) + outcomes, warnings


def make_design(
    study: Study,
    arms: Sequence[ArmInfo],
    benchmarks: Benchmarks,
    ingredients: Ingredients | None = None,
    *,
    history: RunHistory | None = None,
) -> Design:
    """Say to the estimator what it must know of a study."""
    estimation, verdict, history = study.estimation, study.verdict, history or NO_HISTORY
    return Design(
        arms=tuple(arms),
        roles={name: str(role) for name, role in study.roles.items()},
        paired=estimation.paired,
        moderated=estimation.moderated,
        level=estimation.level,
        rule=FixedRule(
            arm=verdict.arm,
            estimand=verdict.estimand,
            role=str(verdict.role),
            threshold=verdict.threshold,
            level=1 - (1 - verdict.level) / verdict.looks,
            looks=verdict.looks,
            post_hoc=bool(history.changes),
            stopping=history.stopping,
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


NOT_ANCHORED = (
    "not externally anchored: nothing outside this directory holds what was fixed before the run "
    "(gauger plan --register prints a digest to publish)"
)


def about(loaded: LoadedStudy, registered: str | None = None) -> dict[str, Any]:
    """Say which study it is and how it is run again: `Document.study`."""
    study = loaded.study
    settings = [part for override in loaded.overrides for part in ("--set", override)]
    return {
        "name": study.study,
        "fingerprint": fingerprint(study),
        "question": study.question,
        "kind": "study",
        "setting": setting(study),
        "replicates": study.replicates,
        "seed": study.seed,
        "registered": registered or NOT_ANCHORED,
        "world": study.world.model_dump(mode="json"),
        "command": shlex.join(["gauger", "run", loaded.path.name, *settings]),
        "versions": program_versions(study),
    }
