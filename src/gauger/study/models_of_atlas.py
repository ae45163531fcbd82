"""The jobs of a study in the embedded world."""

from __future__ import annotations

from typing import Any

from gauger.jobs.registry import CODE
from gauger.records import ArmKind
from gauger.spec import (
    BASE,
    TEACHER,
    AtlasWorld,
    ModelSize,
    ResolvedStage,
    ScaledCell,
    ScratchStudent,
    ScratchTeacher,
    Training,
)
from gauger.study.jobs_of_study import seed_of
from gauger.study.planner import of_kind
from gauger.study.stages import GIVEN, StagePlanner

ROWS_PER_SAMPLE, ROWS_PER_ITEM = 3.0, 0.4
"""What obtaining a sample and answering an item cost, in training rows (measured on the quickstart)."""
SCALED = "scale:"
"""Begins the name of every cell of a scale."""


class AtlasPlanner(StagePlanner):
    """Small decoders trained from scratch; teacher and base are one model each."""

    code = CODE
    rows_per_sample, rows_per_item = ROWS_PER_SAMPLE, ROWS_PER_ITEM

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
