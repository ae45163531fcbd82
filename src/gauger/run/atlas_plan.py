"""The jobs of a study in the embedded world."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from gauger.records import ArmKind
from gauger.run.plan import BASE, TEACHER, seed_of
from gauger.run.planner import Planner, of_kind
from gauger.run.registry import CODE
from gauger.spec import (
    AtlasWorld,
    ModelSize,
    ResolvedStage,
    ScaledCell,
    ScratchStudent,
    ScratchTeacher,
    Surface,
    TextSource,
    Training,
)
from gauger.spec.recipes import ON_POLICY, OWN_SAMPLES, PREFERENCE, RL, Preferring

ROWS_PER_SAMPLE, ROWS_PER_ITEM = 3.0, 0.4
"""What obtaining a sample and answering an item cost, in training rows (measured on the quickstart)."""
GIVEN = ("web", "reference")
"""Seed sources that give other questions than the benchmark's own train split."""
TRAIN_JOBS = {
    "on-policy-distill": "train-on-policy",
    "preference": "train-on-pairs",
    "rl": "train-on-rewards",
    "mixture": "train-on-mixture",
}
"""Kind of stage -> kind of its training job, where it is not `train`."""
SCALED = "scale:"
"""Begins the name of every cell of a scale."""


class AtlasPlanner(Planner):
    """Small decoders trained from scratch; teacher and base are one model each."""

    code = CODE

    def make_teacher(self) -> str:
        """Pre-train it on the whole world."""
        teacher = of_kind(self.study.teacher, ScratchTeacher)
        return self._pretrain(TEACHER, "library", teacher.model, teacher.training)

    def make_base(self) -> str:
        """Pre-train it on the web."""
        student = of_kind(self.study.student, ScratchStudent)
        return self._pretrain(BASE, "web", student.model, student.training)

    def models_of(self, cell: ScaledCell) -> tuple[str, str]:
        """Pre-train the cell's teacher, where it has one, and its base; cells share them."""
        teacher, student = of_kind(self.study.teacher, ScratchTeacher), of_kind(self.study.student, ScratchStudent)
        asked, base = self.teacher, self.base
        if cell.teacher_steps is not None:
            training = teacher.training.model_copy(update={"steps": cell.teacher_steps})
            asked = self._pretrain(TEACHER, "library", teacher.model, training)
        if cell.kind is not ArmKind.TEACHER:
            training = student.training.model_copy(update={"steps": cell.base_steps})
            base = self._pretrain(BASE, "web", cell.student, training)
        return asked, base

    def _pretrain(self, name: str, text: str, model: ModelSize, training: Training) -> str:
        params = {
            "text": text,
            "model": model.model_dump(mode="json"),
            **training.model_dump(mode="json"),
            "seed": seed_of(self.study.seed, name),
        }
        return self.job("pretrain", "pre-train", params, {}, training.steps * training.batch)

    def measurement(self) -> tuple[dict[str, Any], float]:
        """Greedy answers to every benchmark."""
        params = {
            "benchmarks": list(self.study.benchmarks),
            "max_new_tokens": self.study.decoding.max_new_tokens,
        }
        if self.current[0].startswith(SCALED):
            params["loss"] = True
        world = of_kind(self.study.world, AtlasWorld)
        return params, ROWS_PER_ITEM * world.benchmark_items * len(self.study.benchmarks)

    def asking(self, stage: ResolvedStage) -> dict[str, Any]:
        """Whether log-probabilities are wanted too, and which questions are given."""
        given = {"seeds": stage.seeds} if stage.seeds in GIVEN else {}
        return {"soft": stage.kind == "logit-distill", "top_k": stage.top_k, **given}

    def cost_of_samples(self, stage: ResolvedStage) -> float:
        """In training rows."""
        return (stage.samples or 0) * ROWS_PER_SAMPLE

    def training(self, stage: ResolvedStage) -> dict[str, Any]:
        """Schedule, loss and kept-in share."""
        return {
            "steps": stage.steps,
            "batch": stage.batch,
            "learning_rate": stage.learning_rate,
            "web_share": stage.web_share,
            "divergence": stage.divergence,
            "temperature": stage.temperature,
        }

    # --- stages in which the student writes, and mixtures ------------------------------------------------------------

    def corpus(self, stage: ResolvedStage, copied: ResolvedStage, replicate: int, start: str) -> str:
        """Plan prompts, pairs or a mixture's corpora; everything else as in every world."""
        if stage.kind == PREFERENCE:
            return self._pairs(stage, replicate, start)
        if stage.kind in OWN_SAMPLES:
            return self._questions(stage)
        if not stage.parts:
            return super().corpus(stage, copied, replicate, start)
        inputs = {
            f"part{number}": self.corpus(part.stage, own.stage, replicate, start)
            for number, (part, own) in enumerate(zip(stage.parts, copied.parts, strict=True))
        }
        return self.job("blend", "blend", {}, inputs, stage.batch)

    def _questions(self, stage: ResolvedStage) -> str:
        params = {"answered": stage.source is TextSource.TRUTH, "seed": seed_of(self.study.seed, "questions")}
        return self.job("gather-questions", "gather questions", params | self._prompts(stage), {}, stage.batch)

    def _prompts(self, stage: ResolvedStage) -> dict[str, Any]:
        """Which prompts are put."""
        return {
            "strategy": stage.strategy,
            "seeds": stage.seeds,
            "forms": list(stage.forms or ()),
            "skills": self.skills,
            "samples": stage.samples,
        }

    def _pairs(self, stage: ResolvedStage, replicate: int, start: str) -> str:
        settings = of_kind(stage.preferring, Preferring)
        judge, model = self._other(stage)
        params = {
            "judge": judge,
            "surface": self._surface(judge),
            "candidates": settings.candidates,
            "seed": seed_of(self.study.seed, "pairs", replicate),
            **self._prompts(stage),
        }
        inputs = {"start": start, "questions": self._questions(stage)} | ({"judge": model} if model else {})
        cost = (stage.samples or 0) * (1 + settings.candidates) * ROWS_PER_ITEM
        return self.job("draw-pairs", "draw pairs", params, inputs, cost)

    def _other(self, stage: ResolvedStage) -> tuple[str | None, str | None]:
        """Who scores or judges what the student writes, and the job that made it; None where the truth does."""
        others = {TextSource.TEACHER: (TEACHER, self.teacher), TextSource.SELF: (BASE, self.base)}
        return others.get(stage.source, (None, None))

    def _surface(self, who: str | None) -> dict[str, Any] | None:
        """What that model shows: the base shows everything, without a budget."""
        if who is None:
            return None
        shown = self.study.teacher.surface if who == TEACHER else Surface(log_probabilities="full")
        return shown.model_dump(mode="json")

    def train(self, stage: ResolvedStage, number: int, replicate: int, start: str, corpus: str) -> str:
        """Plan the training on a stage."""
        if stage.kind not in TRAIN_JOBS:
            return super().train(stage, number, replicate, start, corpus)
        who, model = self._other(stage)
        params: dict[str, Any] = {
            "steps": stage.steps,
            "batch": stage.batch,
            "learning_rate": stage.learning_rate,
            "seed": seed_of(self.study.seed, "train", replicate, number),
            **_own_settings(stage),
        }
        inputs = {"start": start, "corpus": corpus}
        if stage.kind == ON_POLICY:
            params |= {"scorer": who, "surface": self._surface(who)}
            inputs["scorer"] = model or ""
        return self.job(TRAIN_JOBS[stage.kind], stage.kind, params, inputs, stage.steps * stage.batch * _effort(stage))


def _own_settings(stage: ResolvedStage) -> dict[str, Any]:
    """Return the settings that only this kind of stage has."""
    if stage.preferring:
        return {"beta": stage.preferring.beta}
    if stage.rewarding:
        return asdict(stage.rewarding)
    if stage.kind == ON_POLICY:
        return {"top_k": stage.top_k, "web_share": stage.web_share}
    return {"parts": [{"weight": part.weight, "tokens": part.tokens} for part in stage.parts]}


def _effort(stage: ResolvedStage) -> float:
    """Return what training on a row costs, with drawing it where the student draws its own, in training rows."""
    draws = {ON_POLICY: 1.0, RL: 1.0 / stage.rewarding.updates if stage.rewarding else 1.0}
    return 1.0 + ROWS_PER_SAMPLE * draws.get(stage.kind, 0.0)
