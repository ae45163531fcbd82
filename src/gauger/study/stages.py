"""How stages are planned in which the student itself writes, in every world; a world fills in what its jobs need."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from gauger.spec import BASE, TEACHER, ResolvedStage, Surface, TextSource
from gauger.spec.recipes import ON_POLICY, OWN_SAMPLES, PREFERENCE, RL, Preferring
from gauger.study.jobs_of_study import seed_of
from gauger.study.planner import Planner, of_kind

TRAIN_JOBS = {
    "on-policy-distill": "train-on-policy",
    "preference": "train-on-pairs",
    "rl": "train-on-rewards",
    "mixture": "train-on-mixture",
}
"""Kind of stage -> kind of its training job, where it is not `train`."""
GIVEN = ("web", "reference")
"""Seed sources that give other questions than the benchmark's own train split."""


class StagePlanner(Planner):
    """A planner that knows the stages in which the student writes, and mixtures."""

    rows_per_sample: ClassVar[float]
    """What obtaining a sample costs, in training rows."""
    rows_per_item: ClassVar[float]
    """What answering an item costs, in training rows."""
    rows_of_loading: ClassVar[float] = 0.0
    """What loading a model costs, in training rows."""

    # --- what a world fills in ---------------------------------------------------------------------------------------

    def answering(self, who: str | None) -> dict[str, Any]:  # noqa: ARG002 - what a world does not need it does not read
        """Parameters of drawing answers and, where `who` is asked about them, of asking."""
        return {}

    def other_inputs(self, role: str, who: str | None) -> dict[str, str]:
        """Inputs of a job that has the teacher or the base score or judge, under that role; None where nobody does."""
        return {role: self.teacher if who == TEACHER else self.base} if who else {}

    def own_training(self) -> dict[str, Any]:
        """Parameters of training on what the student wrote, besides those of the stage."""
        return {}

    # --- corpora -----------------------------------------------------------------------------------------------------

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
        settings, judge = of_kind(stage.preferring, Preferring), _other(stage)
        params = {
            "judge": judge,
            "surface": self._surface(judge),
            "candidates": settings.candidates,
            "seed": seed_of(self.study.seed, "pairs", replicate),
            **self._prompts(stage),
            **self.answering(judge),
        }
        inputs = {"start": start, "questions": self._questions(stage)}
        inputs |= self.training_inputs() | self.other_inputs("judge", judge)
        answers = (stage.samples or 0) * (1 + settings.candidates)
        return self.job("draw-pairs", "draw pairs", params, inputs, self.rows_of_loading + answers * self.rows_per_item)

    def _surface(self, who: str | None) -> dict[str, Any] | None:
        """What that model shows: the base shows everything, without a budget."""
        if who is None:
            return None
        shown = self.study.teacher.surface if who == TEACHER else Surface(log_probabilities="full")
        return shown.model_dump(mode="json")

    # --- training ----------------------------------------------------------------------------------------------------

    def train(self, stage: ResolvedStage, number: int, replicate: int, start: str, corpus: str) -> str:
        """Plan the training on a stage."""
        if stage.kind not in TRAIN_JOBS:
            return super().train(stage, number, replicate, start, corpus)
        params: dict[str, Any] = {
            "steps": stage.steps,
            "batch": stage.batch,
            "learning_rate": stage.learning_rate,
            "seed": seed_of(self.study.seed, "train", replicate, number),
            **_own_settings(stage),
            **self.own_training(),
        }
        inputs = {"start": start, "corpus": corpus} | self.training_inputs()
        if stage.kind == RL:
            params |= self.answering(None)
        if stage.kind == ON_POLICY:
            who = _other(stage)
            params |= {"scorer": who, "surface": self._surface(who), **self.answering(None)}
            inputs |= self.other_inputs("scorer", who)
        return self.job(TRAIN_JOBS[stage.kind], stage.kind, params, inputs, self._cost_of_training(stage))

    def _cost_of_training(self, stage: ResolvedStage) -> float:
        """In training rows, with drawing the samples where the student draws its own while it is trained."""
        draws = {ON_POLICY: 1.0, RL: 1.0 / stage.rewarding.updates if stage.rewarding else 1.0}
        return stage.steps * stage.batch * (1.0 + self.rows_per_sample * draws.get(stage.kind, 0.0))


def _other(stage: ResolvedStage) -> str | None:
    """Who scores or judges what the student writes; None where the truth does."""
    return {TextSource.TEACHER: TEACHER, TextSource.SELF: BASE}.get(stage.source)


def _own_settings(stage: ResolvedStage) -> dict[str, Any]:
    """Return the settings that only this kind of stage has."""
    if stage.preferring:
        return {"beta": stage.preferring.beta}
    if stage.rewarding:
        return asdict(stage.rewarding)
    if stage.kind == ON_POLICY:
        return {"top_k": stage.top_k, "web_share": stage.web_share}
    return {"parts": [{"weight": part.weight, "tokens": part.tokens} for part in stage.parts]}
