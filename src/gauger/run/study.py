"""Run a study from start to end: freeze its rule, run its jobs, estimate, and put the document together."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from gauger.errors import InputError, Place
from gauger.estimate.design import Design, VerdictRule
from gauger.estimate.study import estimate_study
from gauger.records import BenchmarkInfo, Document
from gauger.run.cache import Cache
from gauger.run.collect import Collected, collect
from gauger.run.describe import arm_infos, examples, ledger_rows, limits, threats
from gauger.run.local import RunResult, run_jobs
from gauger.run.plan import Plan, plan_study
from gauger.run.progress import Progress
from gauger.spec import LoadedStudy, Study, compare_frozen, fingerprint, frozen_rule, load_study, switched_off
from gauger.store.atomic import read_json, write_json, write_parquet
from gauger.store.directory import RunDirectory
from gauger.store.documents import write_document
from gauger.worlds.atlas import Atlas
from gauger.worlds.atlas.forms import FORMS

REPORTED_PACKAGES = ("gauger", "torch", "numpy", "polars", "scipy")


@dataclass(frozen=True)
class Finished:
    """What a run ends with."""

    document: Document
    directory: RunDirectory
    result: RunResult


def open_study(path: Path | str, overrides: tuple[str, ...] = ()) -> LoadedStudy:
    """Load a study file, with the names that its world offers checked."""
    return load_study(path, overrides, benchmarks_known={"atlas": Atlas.catalogue()}, forms_known={"atlas": FORMS})


def plan_loaded(loaded: LoadedStudy) -> tuple[Plan, Atlas]:
    """Plan a loaded study and build its world."""
    atlas = build_world(loaded)
    skills = {name: atlas.benchmark(name).skill for name in loaded.study.benchmarks}
    return plan_study(loaded.study, skills), atlas


def build_world(loaded: LoadedStudy) -> Atlas:
    """Build the study's world; sizes that contradict each other are the user's mistake."""
    try:
        return Atlas(loaded.study.world)
    except ValueError as error:
        raise InputError(f"a world that can be built: {error}", where=Place(str(loaded.path), key="world")) from error


def run_study(loaded: LoadedStudy, out: Path, *, workers: int, progress: Progress) -> Finished:
    """Run or resume a study in a directory.

    Parameters
    ----------
    loaded : LoadedStudy
        The study.
    out : Path
        Directory of the run; what an earlier run of the same work left there is used.
    workers : int
        Worker processes; 0 is one per core.
    progress : Progress
        The display.

    Returns
    -------
    Finished
        With `estimates.json`, `records.parquet` and `ledger.parquet` written; the report is the caller's.
    """
    run = RunDirectory(out)
    plan, atlas = plan_loaded(loaded)
    changes = freeze(run, loaded.study)
    write_json(run.study, loaded.study.model_dump(mode="json"))
    result = run_jobs(
        list(plan.jobs.values()), Cache(run.jobs), workers=workers, registry=_registry(), progress=progress
    )
    collected = collect(plan, result)
    write_parquet(run.records, collected.records)
    write_parquet(run.ledger, collected.ledger)
    document = make_document(loaded, plan, atlas, collected, changes, _texts(plan, result))
    write_document(run.estimates, document)
    return Finished(document, run, result)


def _registry() -> dict[str, str]:
    from gauger.run.jobs import REGISTRY

    return REGISTRY


def freeze(run: RunDirectory, study: Study) -> tuple[str, ...]:
    """Store the verdict rule at the first start; later, say what has changed since."""
    if run.frozen.exists():
        return compare_frozen(read_json(run.frozen), study).changes
    write_json(run.frozen, frozen_rule(study))
    return ()


def make_document(
    loaded: LoadedStudy,
    plan: Plan,
    atlas: Atlas,
    collected: Collected,
    changes: tuple[str, ...],
    texts: dict[str, list[tuple[str, str]]],
) -> Document:
    """Estimate, and put together everything that `estimates.json` and the report hold."""
    study, off = loaded.study, switched_off(loaded.study)
    benchmarks = {name: atlas.benchmark(name) for name in study.benchmarks}
    arms = arm_infos(plan.arms, collected)
    design = Design(
        arms=tuple(arms),
        roles={name: str(benchmark.role) for name, benchmark in study.benchmarks.items()},
        paired=study.estimation.paired,
        moderated=study.estimation.moderated,
        level=study.estimation.level,
        rule=VerdictRule(
            arm=study.verdict.arm,
            estimand=study.verdict.estimand,
            role=str(study.verdict.role),
            threshold=study.verdict.threshold,
            level=study.verdict.level,
            post_hoc=bool(changes),
        ),
        unparsed_wrong=study.unparsed == "wrong",
        skills={name: benchmark.skill for name, benchmark in benchmarks.items()},
        switched_off=off,
    )
    difficulty = pl.DataFrame(
        [(name, item.id, item.difficulty) for name, benchmark in benchmarks.items() for item in benchmark.items],
        schema={"benchmark": pl.String, "item": pl.String, "difficulty": pl.Float64},
        orient="row",
    )
    found = estimate_study(collected.records, design, difficulty)
    return Document(
        study=_about(loaded),
        estimates=found.estimates,
        verdict=found.verdict,
        assay=found.assay,
        arms=arms,
        benchmarks=[
            BenchmarkInfo(name, design.roles[name], len(b.items), b.skill, b.form, b.description)
            for name, b in benchmarks.items()
        ],
        ledger=ledger_rows(collected),
        outcomes=found.outcomes,
        difficulty=found.difficulty,
        examples=examples(plan.arms, texts),
        threats=threats(study, plan.arms, off),
        limits=limits(study),
        failures=collected.failures,
        switched_off=off,
        warnings=[*(f"Changed after the run had started: {change}." for change in changes), *collected.notes],
    )


def _about(loaded: LoadedStudy) -> dict[str, Any]:
    study = loaded.study
    settings = "".join(f" --set {override}" for override in loaded.overrides)
    return {
        "name": study.study,
        "fingerprint": fingerprint(study),
        "question": study.question,
        "kind": "study",
        "replicates": study.replicates,
        "seed": study.seed,
        "world": study.world.model_dump(mode="json"),
        "command": f"gauger run {loaded.path.name}{settings}",
        "versions": {"python": platform.python_version()} | {name: version(name) for name in REPORTED_PACKAGES},
    }


def _texts(plan: Plan, result: RunResult) -> dict[str, list[tuple[str, str]]]:
    """Read the first few texts of every asked arm's last corpus."""
    texts: dict[str, list[tuple[str, str]]] = {}
    for cell in plan.cells:
        if cell.corpora and cell.replicate == 0 and cell.corpora[-1] in result.done:
            table = pl.read_parquet(result.done[cell.corpora[-1]] / "corpus.parquet", n_rows=3)
            texts[cell.arm] = list(table.select("prompt", "answer").iter_rows())
    return texts
