"""Says how long and how fast a training goes."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi


@dataclass(frozen=True)
class TrainingSchedule:
    """Steps, learning rate and what holds the weights back; an engine's `defaults.schedule` fills in its own habits."""

    steps: int
    learning_rate: float
    """Peak; reached after `warmup` of the steps, then down to 0 along a half cosine."""
    weight_decay: float = 0.0
    """AdamW's, decoupled."""
    warmup: float = 0.05
    """Share of the steps."""
    clip: float | None = None
    """Largest norm of a step's gradient; None: not cut."""

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0.

        learning_rate x min((step + 1) / warm-up steps, (1 + cos(pi step / steps)) / 2). The half cosine runs over all
        steps, so with warm-up the highest rate is a little below `learning_rate`: by 0.6 % at a warm-up of 0.05.
        Proof: tests/train/test_text.py.
        """
        rising = (step + 1) / max(1, round(self.warmup * self.steps))
        return self.learning_rate * min(rising, 0.5 + 0.5 * cos(pi * step / self.steps))
