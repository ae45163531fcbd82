"""Says how long and how fast a training goes."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi


@dataclass(frozen=True)
class Schedule:
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
        """Return the learning rate of a step, counted from 0."""
        rising = (step + 1) / max(1, round(self.warmup * self.steps))
        return self.learning_rate * min(rising, 0.5 + 0.5 * cos(pi * step / self.steps))
