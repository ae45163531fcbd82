"""Describes one training by somebody else's program: what is trained, on what, how long, and on which devices."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gauger.spec import TooLong
from gauger.train.engine import Adapter
from gauger.train.external.material import DrawPlan, TrainingMaterial


@dataclass(frozen=True)
class ExternalTraining:
    """What is trained, and how."""

    start: Path
    """Checkpoint that it starts from."""
    material: TrainingMaterial
    """What is learnt from."""
    steps: int
    batch: int
    learning_rate: float
    seed: int
    adapter: Adapter | None = None
    too_long: TooLong = "refuse"
    """What becomes of rows that are longer than the model's context."""
    gpus: int = 1
    """GPUs that it gets, where the machine has any."""
    processes: int = 1
    """Where there are no GPUs."""
    checkpoint_steps: int | None = None
    """Steps between checkpoints; None: a fifth of all."""
    environment: tuple[str, ...] = ()
    """Variables of this process that it sees besides."""
    version: str = ""
    """What the trainer said of its version when the study was planned."""
    silence_minutes: float | None = None
    """How long it may print nothing."""

    @property
    def draw_plan(self) -> DrawPlan:
        """How long it is, and what its order is drawn from."""
        return DrawPlan(self.steps, self.batch, self.seed, self.too_long)
