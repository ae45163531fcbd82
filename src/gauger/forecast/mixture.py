"""Mixes the forecasts of a scenario's draws into one distribution."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gauger.forecast.literature import Array
from gauger.forecast.predictive import Predictive

WITHIN = 50
"""Quantiles that are read per draw."""


@dataclass(frozen=True)
class MixedForecast:
    """A distribution as equally weighted values: the quantiles of every draw's forecast, in points."""

    values: Array
    """(draws, 50); a row is one draw of the unknowns."""

    @classmethod
    def of(cls, predictive: Predictive) -> MixedForecast:
        """Read every draw's forecast at 50 even quantiles, shifted from draw to draw so that no two are the same."""
        draws = len(predictive.mean)
        shift = np.random.default_rng(0).permutation(draws)[:, None] + 0.5
        return cls(predictive.quantiles((np.arange(WITHIN)[None, :] + shift / draws) / WITHIN))

    @cached_property
    def _sorted(self) -> Array:
        return np.sort(self.values, axis=None)

    @property
    def mean(self) -> float:
        """Expected change, points."""
        return float(self.values.mean())

    @property
    def sd(self) -> float:
        """Standard deviation, points."""
        return float(self.values.std())

    def quantile(self, at: float) -> float:
        """Change that is not exceeded with probability `at`."""
        return float(np.quantile(self._sorted, at))

    def below(self, threshold: float) -> float:
        """Probability of a change below a threshold."""
        return float(np.searchsorted(self._sorted, threshold, side="left") / self._sorted.size)

    def density(self, edges: Array) -> Array:
        """Share of the distribution in every bin (k - 1,) of `edges` (k,)."""
        return np.asarray(np.histogram(self._sorted, bins=edges)[0] / self._sorted.size)
