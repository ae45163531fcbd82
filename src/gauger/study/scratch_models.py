"""Plans models that are trained from scratch on the texts of a world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gauger.jobs import Asked, Pretrain
from gauger.spec import (
    BASE,
    TEACHER,
    ModelSize,
    ScratchStudent,
    ScratchTeacher,
    Surface,
)
from gauger.study.makers import Made, Maker
from gauger.study.plan import seed_of
from gauger.worlds import World

if TYPE_CHECKING:
    from gauger.study.planner import Planner

REFERENCE_PARAMETERS, ROWS_PER_SECOND = 130_000, 4500.0
"""Training rows per second and core of a small model of that many weights, measured on the quickstart."""


class ScratchMaker(Maker):
    """Small models trained from scratch on the world's texts."""

    settings: ScratchTeacher | ScratchStudent
    rows_per_sample, rows_per_item = 3.0, 0.4  # measured on the quickstart

    def teacher(self, planner: Planner, steps: int | None = None) -> Made:
        """Train it on the whole world."""
        return self._pretrain(planner, TEACHER, "library", self.settings.model, steps)

    def base(self, planner: Planner, steps: int | None = None, size: ModelSize | None = None) -> Made:
        """Train it on the web."""
        return self._pretrain(planner, BASE, "web", size or self.settings.model, steps)

    def _pretrain(self, planner: Planner, name: str, text: str, size: ModelSize, steps: int | None) -> Made:
        training = self.settings.training
        params = Pretrain(
            world=planner.described,
            seed=seed_of(planner.study.seed, name),
            engine=self.settings.engine,
            text=text,
            size=size,
            steps=steps or training.steps,
            batch=training.batch,
            learning_rate=training.learning_rate,
        )
        key = planner.job("pretrain", "pre-train", params, {}, params.steps * params.batch)
        return Made(key, engine=self.settings.engine)

    def asked(self, name: str, surface: Surface, world: World) -> Asked:  # noqa: ARG002
        """By continuing texts."""
        return Asked(name=name, kind="scratch", engine=self.settings.engine, surface=surface)

    def parameters(self, size: ModelSize | None, world: World) -> int:
        """Blocks, embeddings and positions."""
        size = size or self.settings.model
        blocks = size.layers * (12 * size.width**2 + 2 * size.width)
        return blocks + size.width * (len(world.vocabulary) + (world.longest_text or 0) + 4)

    def seconds_per_row(self, parameters: int, row_tokens: float) -> float:  # noqa: ARG002 - all rows are short
        """In proportion to the weights."""
        return parameters / REFERENCE_PARAMETERS / ROWS_PER_SECOND
