"""Planted laws: published coefficients on grids of a size that studies have, with noise like that of real training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from gauger.stats.laws import LAWS, Law, Points
from gauger.stats.laws.distillation import BUSBRIDGE_2025
from gauger.stats.laws.points import FloatArray
from gauger.stats.laws.repeated import MUENNIGHOFF_2023
from gauger.stats.laws.supervised import BESIROGLU_2024, BUSBRIDGE_SUPERVISED_2025, KAPLAN_2020
from gauger.stats.laws.transfer import HERNANDEZ_MIXED_2021

NOISE = 0.005
"""Standard deviation of a log loss: half a percent, as between seeds of small language models."""


@dataclass(frozen=True)
class Planted:
    """A law with its true parameters and a grid of scales."""

    law: Law
    truth: Mapping[str, float]
    grid: Points
    """Scales without outcomes."""

    @property
    def inner(self) -> FloatArray:
        """True inner parameters, (1, P)."""
        return self.law.inner(np.array([[self.truth[name] for name in self.law.names]]))

    def outcome(self, points: Points, rng: np.random.Generator) -> FloatArray:
        """Draw log losses at points, (n,)."""
        value = self.law.evaluate(self.inner, points)[0][0]
        return np.asarray(value + NOISE * rng.standard_normal(len(points)))

    def draw(self, rng: np.random.Generator) -> Points:
        """Draw the outcomes of the whole grid."""
        return replace(self.grid, loss=np.exp(self.outcome(self.grid, rng)))


def crossed(*axes: FloatArray) -> list[FloatArray]:
    """Every combination of the axes, as columns."""
    return [one.ravel() for one in np.meshgrid(*axes, indexing="ij")]


def supervised_grid() -> Points:
    """7 sizes x 8 budgets: 30M to 1.5B parameters, 0.5B to 30B tokens."""
    n_params, n_tokens = crossed(np.geomspace(3e7, 1.5e9, 7), np.geomspace(5e8, 3e10, 8))
    return Points(n_params, n_tokens)


def repeated_grid() -> Points:
    """5 sizes x 4 amounts of distinct tokens x 5 numbers of passes."""
    n_params, unique, passes = crossed(
        np.geomspace(3e7, 3e9, 5), np.geomspace(1e8, 1e10, 4), np.array([1.0, 3.0, 8.0, 20.0, 60.0])
    )
    return Points(n_params, unique * passes, unique_tokens=unique)


def transfer_grid() -> Points:
    """5 sizes x 8 amounts of new tokens, from scratch and from a pre-trained model."""
    n_params, n_tokens, pretrained = crossed(
        np.geomspace(1e7, 1e9, 5), np.geomspace(1e6, 1e10, 8), np.array([0.0, 1.0])
    )
    return Points(n_params, n_tokens, pretrained=pretrained)


def distillation_grid() -> Points:
    """5 sizes x 5 budgets, without a teacher and with five teachers."""
    teachers = np.array([np.nan, 3.2, 2.8, 2.5, 2.25, 2.05])
    n_params, n_tokens, teacher = crossed(np.geomspace(1.5e8, 7e9, 5), np.geomspace(4e9, 2.5e11, 5), teachers)
    return Points(n_params, n_tokens, teacher_loss=teacher)


def tokens_grid() -> Points:
    """One size, 24 budgets from 1M to 3B tokens."""
    return Points(np.full(24, 1e8), np.geomspace(1e6, 3e9, 24))


TRANSFER_TRUTH = {"E": 0.9, "A": 90.0, "B": 60.0, "alpha": 0.3, "beta": 0.24, **HERNANDEZ_MIXED_2021}
"""Hernandez et al. give the transfer; the curve from scratch is of a plausible size, not theirs."""

PLANTED: dict[str, Planted] = {
    "hoffmann": Planted(LAWS["hoffmann"], BESIROGLU_2024, supervised_grid()),
    "interaction": Planted(LAWS["interaction"], BUSBRIDGE_SUPERVISED_2025, supervised_grid()),
    "kaplan": Planted(LAWS["kaplan"], KAPLAN_2020, supervised_grid()),
    "power": Planted(LAWS["power"], {"E": 1.8, "B": 60.0, "beta": 0.28}, tokens_grid()),
    "rectified": Planted(LAWS["rectified"], {"E": 1.6, "B": 500.0, "D_0": 300.0, "beta": 0.4}, tokens_grid()),
    "repeated": Planted(LAWS["repeated"], MUENNIGHOFF_2023, repeated_grid()),
    "transfer": Planted(LAWS["transfer"], TRANSFER_TRUTH, transfer_grid()),
    "distillation": Planted(LAWS["distillation"], BUSBRIDGE_2025, distillation_grid()),
}
