"""What jobs cost, world by world: tokens, weights, queries, money and time."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from gauger.elicit.twin_strategies import seed_questions
from gauger.execute.job import Job
from gauger.spec import TEACHER, CheckpointStudent, EndpointTeacher, ScratchStudent, ScratchTeacher, Study
from gauger.study.jobs_of_study import SAMPLED
from gauger.study.planner import of_kind
from gauger.study.stages import TRAIN_JOBS
from gauger.worlds.atlas import Atlas
from gauger.worlds.atlas.world import CONTEXT
from gauger.worlds.language import TextWorld

ROWS_PER_SECOND = 4500.0
"""Training rows per second and core of a model of `REFERENCE_PARAMETERS`, measured on the quickstart."""
REFERENCE_PARAMETERS = 130_000
SMOLLM2_PARAMETERS = 134_515_008
SMOLLM2_TOKENS_PER_SECOND = 150.0
"""Training tokens per second and core of SmolLM2-135M with LoRA, measured on studies/language.yaml."""
CHARACTERS_PER_TOKEN = 3.0
"""Of short questions and numbers; prose has more."""


class Costs(ABC):
    """Costs of the jobs of one study."""

    trains: ClassVar[tuple[str, ...]]
    """Kinds of jobs that train."""

    @abstractmethod
    def tokens(self, job: Job) -> int:
        """Tokens that a training job reads, repeats included."""

    @abstractmethod
    def parameters(self, job: Job) -> int:
        """Weights of the model that a job trains or asks."""

    def asks(self, job: Job) -> bool:
        """Whether a job asks the teacher anything: for text, to judge or to score."""
        return job.kind.endswith("ask-teacher") or TEACHER in (job.params.get("judge"), job.params.get("scorer"))

    @abstractmethod
    def queries(self, job: Job) -> int:
        """Requests of a job that asks the teacher, at least."""

    def usd(self, job: Job) -> float:  # noqa: ARG002 - what costs nothing needs no look at the job
        """Money that a job spends; a model of one's own costs none."""
        return 0.0

    @abstractmethod
    def seconds_per_row(self, job: Job) -> float:
        """Seconds of one unit of a job's cost."""


class AtlasCosts(Costs):
    """Costs in the embedded world."""

    trains = ("pretrain", "train", *TRAIN_JOBS.values())

    def __init__(self, study: Study, atlas: Atlas) -> None:
        self.study, self.atlas = study, atlas

    def tokens(self, job: Job) -> int:
        """Steps x batch x mean length of the base's or the teacher's texts."""
        texts = self.atlas.library if job.arm == TEACHER else self.atlas.web
        mean = sum(len(text.words) + 2 for text in texts) / max(1, len(texts))
        return round(float(job.params["steps"]) * float(job.params["batch"]) * mean)  # type: ignore[arg-type]

    def queries(self, job: Job) -> int:
        """One per sample, and one more where the teacher writes the prompt; never above the surface's budget."""
        params: Mapping[str, Any] = job.params
        if job.kind == "train-on-policy":
            return _scored(params)
        samples: int = params["samples"]
        if params["strategy"] == "label":
            seeds = params.get("seeds", "benchmark-train")
            questions = [one for skill in params["skills"] for one in seed_questions(self.atlas, skill, seeds)]
            # which facts stories tell is no matter
            texts = self.atlas.word(questions, params["forms"], np.random.default_rng(0))
            samples = min(samples, len({text.prompt for text in texts}))
        return _within_budget(params, samples)

    def parameters(self, job: Job) -> int:
        """Blocks, embeddings and positions."""
        is_teacher = job.arm == TEACHER or job.kind == "ask-teacher"
        study = self.study
        size = (
            of_kind(study.teacher, ScratchTeacher).model if is_teacher else of_kind(study.student, ScratchStudent).model
        )
        blocks = size.layers * (12 * size.width**2 + 2 * size.width)
        return blocks + size.width * (len(self.atlas.language) + CONTEXT + 1)

    def seconds_per_row(self, job: Job) -> float:
        """In proportion to the weights."""
        return self.parameters(job) / REFERENCE_PARAMETERS / ROWS_PER_SECOND


class LanguageCosts(Costs):
    """Costs of real language models on a CPU; on a GPU far less time."""

    trains = (
        "language-specialise",
        "language-train",
        "language-train-on-policy",
        "language-train-on-pairs",
        "language-train-on-rewards",
    )

    def __init__(self, study: Study, world: TextWorld) -> None:
        self.study, self.world = study, world

    @cached_property
    def row_tokens(self) -> float:
        """Mean tokens of a row, from the benchmarks' items at `CHARACTERS_PER_TOKEN`."""
        items = [item for name in self.study.benchmarks for item in self.world.benchmark(name).items]
        return sum(len(item.prompt) + len(item.answer) for item in items) / len(items) / CHARACTERS_PER_TOKEN + 1

    def tokens(self, job: Job) -> int:
        """Steps x batch x mean length of a row."""
        return round(float(job.params["steps"]) * float(job.params["batch"]) * self.row_tokens)  # type: ignore[arg-type]

    def parameters(self, job: Job) -> int:  # noqa: ARG002 - teacher and student are taken to be of one size
        """Weights of the student, from its configuration; those of the packaged model are known."""
        reference = of_kind(self.study.student, CheckpointStudent).model
        sizes = sum(path.stat().st_size for path in Path(reference).glob("*.safetensors"))
        return sizes // _bytes_each(Path(reference)) if sizes else SMOLLM2_PARAMETERS

    def queries(self, job: Job) -> int:
        """One per sample, and one more where the teacher writes the prompt; never above the surface's budget."""
        params: Mapping[str, Any] = job.params
        if job.kind == "language-train-on-policy":
            return _scored(params)
        samples: int = params["samples"]
        if "judge" in params:
            questions = [q for task in params["skills"] for q in self.world.questions_from(params["seeds"], task)]
            samples = min(samples, len(self.world.word(questions, params["forms"])))
        return _within_budget(params, samples)

    def usd(self, job: Job) -> float:
        """Queries x (tokens of a row in, most tokens out), at the study's prices; 0 where it states none."""
        teacher = self.study.teacher
        if not isinstance(teacher, EndpointTeacher):
            return 0.0
        price_in, price_out = teacher.usd_per_million_in or 0.0, teacher.usd_per_million_out or 0.0
        each = self.row_tokens * price_in + self.study.decoding.max_new_tokens * price_out
        return self.queries(job) * each / 1e6

    def seconds_per_row(self, job: Job) -> float:
        """In proportion to weights and length of a row."""
        return self.parameters(job) / SMOLLM2_PARAMETERS * self.row_tokens / SMOLLM2_TOKENS_PER_SECOND


def _scored(params: Mapping[str, Any]) -> int:
    """Count the samples that a teacher scores: all but the kept-in share, never above the surface's budget."""
    per_step = params["batch"] - round(params["web_share"] * params["batch"])
    return _within_budget({**params, "strategy": None}, params["steps"] * per_step)


def _within_budget(params: Mapping[str, Any], samples: int) -> int:
    writes_prompts = params["strategy"] in SAMPLED and params["strategy"] != "textbook"
    queries = samples * (2 if writes_prompts else 1)
    limit: int | None = params["surface"]["max_queries"]
    return queries if limit is None else min(queries, limit)


def _bytes_each(checkpoint: Path) -> int:
    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    return 4 if config.get("dtype", config.get("torch_dtype")) == "float32" else 2
