"""Names the makers of models by kind, and defines what each says: how a model comes to be, and what using it costs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gauger.errors import Place, UserError
from gauger.jobs import Asked
from gauger.plugs import Registry
from gauger.spec import (
    Computing,
    Lora,
    ModelSize,
    Surface,
    TooLong,
)
from gauger.worlds import World

if TYPE_CHECKING:
    from gauger.study.planner import Planner

MAKERS = Registry(
    "a kind of model",
    "gauger.model_makers",
    {
        "scratch": "gauger.study.scratch_models:ScratchMaker",
        "checkpoint": "gauger.study.checkpoint_models:CheckpointMaker",
        "endpoint": "gauger.study.models_elsewhere:EndpointMaker",
        "replay": "gauger.study.models_elsewhere:ReplayMaker",
    },
)
"""Kind of teacher or student -> the class that plans it."""


@dataclass(frozen=True)
class Made:
    """A model as other jobs refer to it."""

    model: str
    """Key of the job that makes it; empty where no job does."""
    base: str = ""
    """Key of what it is an adapter of; empty where it is whole."""
    engine: str | None = None

    def inputs(self, role: str) -> dict[str, str]:
        """Return the inputs of a job that reads it under a role; none where no job makes it."""
        keys = {role: self.model, f"{role}_base": self.base}
        return {name: key for name, key in keys.items() if key}

    def trained(self, model: str) -> Made:
        """Return what a training that starts from it makes."""
        return replace(self, model=model)


class Maker(ABC):
    """One kind of model: how it is planned, and what using it costs, in training rows.

    Parameters
    ----------
    settings
        Of the teacher or the student.
    folder : Path
        Where the study file lies; paths are relative to it.
    """

    rows_per_sample = 1.0
    """What obtaining a sample costs."""
    rows_per_item = 0.5
    """What answering an item costs."""
    rows_of_loading = 0.0
    """What loading a model costs."""
    adapter: Lora | None = None
    """How a student is trained; None: all weights."""
    computing: Computing | None = None
    """How the engine is to compute; None: as it does where nobody chose."""
    too_long: TooLong = "refuse"
    """What becomes of rows that are longer than a student's context."""
    checkpoint_steps: int | None = None
    """Steps between two checkpoints of a student's training; None: none."""

    def __init__(self, settings: Any, folder: Path) -> None:
        self.settings, self.folder = settings, folder

    @abstractmethod
    def teacher(self, planner: Planner, steps: int | None = None) -> Made:
        """Plan the teacher; `steps`: trained for so long instead."""

    @abstractmethod
    def asked(self, name: str, surface: Surface, world: World) -> Asked:
        """Say how it is asked."""

    def base(
        self,
        planner: Planner,  # noqa: ARG002 - what cannot be trained plans nothing
        steps: int | None = None,  # noqa: ARG002
        size: ModelSize | None = None,  # noqa: ARG002
    ) -> Made:
        """Plan the untouched student; `steps` and `size`: another one of the same kind."""
        raise UserError("a student that can be trained", f"one of kind {self.settings.kind}", Place(key="student.kind"))

    def require_same_tokens(self, student: Maker) -> None:
        """Refuse a teacher that is to score a student's samples and has other tokens, where files tell it."""
        _ = student  # models of one kind that are trained from scratch share their world's words

    def parameters(self, size: ModelSize | None, world: World) -> int:  # noqa: ARG002 - few kinds have a size
        """Return the number of weights, 0 where nobody knows."""
        return 0

    def seconds_per_row(self, parameters: int, row_tokens: float) -> float:  # noqa: ARG002
        """Return the seconds of one training row."""
        return 0.0
