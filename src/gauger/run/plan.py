"""A study becomes a DAG of jobs: models, corpora, stages, measurements; arms that share a prefix share its jobs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from gauger.records import Role
from gauger.run.job import Job, make_job, source_version
from gauger.run.registry import CODE
from gauger.spec import Arm, ResolvedStage, Study, TextSource, expand_arms
from gauger.spec.models import ModelSize, Training

TEACHER = "teacher"
BASE = "base"
SAMPLED = ("expand", "textbook", "seedless")
"""Strategies that draw at random: every replicate asks anew. The others give every replicate the same corpus."""
ROWS_PER_SAMPLE, ROWS_PER_ITEM = 3.0, 0.4
"""What obtaining a sample and answering an item cost, in training rows (measured on the quickstart)."""


@dataclass(frozen=True)
class Cell:
    """One arm x replicate: the jobs whose results are its corpora, its model and its records."""

    arm: str
    replicate: int
    corpora: tuple[str, ...]
    """Keys of the corpora, one per stage."""
    stages: tuple[str, ...]
    """Keys of the training jobs, one per stage."""
    records: str
    """Key of the measurement."""


@dataclass
class Plan:
    """Everything a study needs done."""

    study: Study
    arms: tuple[Arm, ...]
    jobs: dict[str, Job] = field(default_factory=dict)
    """Key -> job, in an order in which inputs come first."""
    cells: list[Cell] = field(default_factory=list)
    requested: int = 0
    """Jobs before those that several arms share were counted once."""

    def add(self, job: Job) -> str:
        """Add a job, unless it is there already, and return its key."""
        self.requested += 1
        self.jobs.setdefault(job.key, job)
        return job.key


def plan_study(study: Study, skills: dict[str, str]) -> Plan:
    """Plan a study.

    Parameters
    ----------
    study : Study
        A checked study.
    skills : dict
        Benchmark -> its skill or knowledge domain.
    """
    return _Planner(study, skills).plan()


def seed_of(*parts: object) -> int:
    """Derive a seed below 2^31 from words and numbers; unrelated parts give unrelated seeds."""
    digest = hashlib.sha256("\0".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


class _Planner:
    def __init__(self, study: Study, skills: dict[str, str]) -> None:
        self.study = study
        self.version = source_version(*CODE)
        self.world = study.world.model_dump(mode="json")
        self.targeted = [name for name, b in study.benchmarks.items() if b.role is Role.TARGETED]
        self.skills = list(dict.fromkeys(skills[name] for name in self.targeted))
        self.result = Plan(study, expand_arms(study))
        self.recipes = {arm.name: arm.recipe for arm in self.result.arms}

    def plan(self) -> Plan:
        self.teacher = self._pretrain(TEACHER, "library", self.study.teacher.model, self.study.teacher.training)
        self.base = self._pretrain(BASE, "web", self.study.student.model, self.study.student.training)
        self._cell(TEACHER, 0, (), (), self.teacher)
        for arm in self.result.arms:
            if arm.name == BASE:
                self._cell(BASE, 0, (), (), self.base)
                continue
            for replicate in range(self.study.replicates):
                self._arm(arm, replicate)
        return self.result

    def _job(self, kind: str, what: str, params: dict[str, Any], inputs: dict[str, str], cost: float) -> str:
        arm, replicate = self.current
        words = arm if replicate is None else f"{arm} · replicate {replicate}"
        job = make_job(
            kind,
            f"{words} · {what}",
            {"world": self.world, **params},
            inputs,
            cost=cost,
            arm=arm,
            replicate=replicate,
            stage=what,
            version=self.version,
        )
        return self.result.add(job)

    def _pretrain(self, name: str, text: str, model: ModelSize, training: Training) -> str:
        self.current: tuple[str, int | None] = (name, None)
        params = {
            "text": text,
            "model": model.model_dump(mode="json"),
            **training.model_dump(mode="json"),
            "seed": seed_of(self.study.seed, name),
        }
        return self._job("pretrain", "pre-train", params, {}, training.steps * training.batch)

    def _arm(self, arm: Arm, replicate: int) -> None:
        """Plan every stage of an arm from the base on; what another arm has planned already is found by its key."""
        self.current = (arm.name, replicate)
        model, corpora, stages = self.base, [], []
        for number, stage in enumerate(arm.recipe):
            copied = self.recipes[arm.of][number] if arm.of else stage
            corpora.append(self._corpus(stage, copied, replicate))
            model = self._train(stage, number, replicate, model, corpora[-1])
            stages.append(model)
        self._cell(arm.name, replicate, tuple(corpora), tuple(stages), model)

    def _cell(self, arm: str, replicate: int, corpora: tuple[str, ...], stages: tuple[str, ...], model: str) -> None:
        self.current = (arm, replicate if stages else None)
        params = {
            "benchmarks": list(self.study.benchmarks),
            "max_new_tokens": self.study.decoding.max_new_tokens,
        }
        cost = ROWS_PER_ITEM * self.study.world.benchmark_items * len(self.study.benchmarks)
        records = self._job("measure", "measure", params, {"model": model}, cost)
        self.result.cells.append(Cell(arm, replicate, corpora, stages, records))

    def _corpus(self, stage: ResolvedStage, copied: ResolvedStage, replicate: int) -> str:
        """Plan a stage's corpus; `copied` is the stage of which it is a control, whose prompts it then shares."""
        if stage.source is TextSource.TEACHER:
            return self._ask_teacher(stage, replicate)
        if stage.source is TextSource.SELF:
            return self._ask_base(stage, self._ask_teacher(copied, replicate), replicate)
        if stage.source is TextSource.TEST_ITEMS or (stage.source is TextSource.TRUTH and stage.strategy):
            return self._gather(stage, {"prompts": self._ask_teacher(copied, replicate)}, "all")
        return self._gather(stage, {}, replicate)

    def _ask_teacher(self, stage: ResolvedStage, replicate: int) -> str:
        params = self._asking(stage, "ask", replicate) | {
            "samples": stage.samples,
            "skills": self.skills,
            "surface": self.study.teacher.surface.model_dump(mode="json"),
        }
        cost = (stage.samples or 0) * ROWS_PER_SAMPLE
        return self._job("ask-teacher", "ask the teacher", params, {"teacher": self.teacher}, cost)

    def _ask_base(self, stage: ResolvedStage, prompts: str, replicate: int) -> str:
        inputs = {"base": self.base, "prompts": prompts}
        params = self._asking(stage, "self", replicate)
        return self._job("ask-base", "ask the base", params, inputs, (stage.samples or 0) * ROWS_PER_SAMPLE)

    def _asking(self, stage: ResolvedStage, who: str, replicate: int) -> dict[str, Any]:
        drawn = replicate if stage.strategy in SAMPLED else "all"
        return {
            "strategy": stage.strategy,
            "forms": list(stage.forms or ()),
            "soft": stage.kind == "logit-distill",
            "top_k": stage.top_k,
            "seed": seed_of(self.study.seed, who, drawn),
        }

    def _gather(self, stage: ResolvedStage, inputs: dict[str, str], drawn: int | str) -> str:
        """Plan a corpus that the teacher did not write; only what its source reads enters its address."""
        params = {
            "source": str(stage.source),
            "kind": stage.kind,
            "strategy": stage.strategy,
            "forms": list(stage.forms or ()),
            "samples": stage.samples or stage.steps * stage.batch,
            "seed": seed_of(self.study.seed, "gather", drawn),
        }
        if stage.source is TextSource.SHUFFLED:
            params["skills"] = self.skills
        if stage.source is TextSource.TEST_ITEMS:
            params["benchmarks"] = self.targeted
        return self._job("gather", f"gather {stage.source}", params, inputs, stage.steps)

    def _train(self, stage: ResolvedStage, number: int, replicate: int, start: str, corpus: str) -> str:
        params = {
            "steps": stage.steps,
            "batch": stage.batch,
            "learning_rate": stage.learning_rate,
            "web_share": stage.web_share,
            "divergence": stage.divergence,
            "temperature": stage.temperature,
            "seed": seed_of(self.study.seed, "train", replicate, number),
        }
        return self._job("train", stage.kind, params, {"start": start, "corpus": corpus}, stage.steps * stage.batch)
