"""Turns the ability of a planted study into answers, on the scale on which its effects are uniform.

- `points`: a probit of ability, item and noise; expected scores are what was planted, so effects are uniform in points.
- `logit`: logit P = eta + item + noise; an effect moves every item by the same logits.
- `two_parameter`: logit P = a (eta + item + noise) with log a ~ N(-s^2/2, s^2): items discriminate unequally, so an
  effect moves them by different logits, and no lift is uniform on a scale that could be observed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

FloatArray = NDArray[np.float64]
LINKS = ("points", "logit", "two_parameter")
PROBIT_TO_LOGIT = 1.7
"""Logits to one unit of the probit scale, on which the standard deviations of a planted study are given."""
TAIL_DF = 3.0
"""Degrees of freedom of heavy-tailed replicates."""
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(31)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


@dataclass(frozen=True)
class ItemModel:
    """One link with the spreads that an expectation is taken over."""

    link: str
    item_sd: float
    """Standard deviation of item effects (difficulty and arm x item together), in the link's own unit."""
    discrimination_sd: float
    """Of log a; 0 but for `two_parameter`."""
    heavy_tails: bool

    @property
    def unit(self) -> float:
        """Return the link's units to one of the probit scale."""
        return 1.0 if self.link == "points" else PROBIT_TO_LOGIT

    def probability(self, latent: FloatArray, log_a: FloatArray) -> FloatArray:
        """Return the probability of a right answer."""
        if self.link == "points":
            return np.asarray(special.ndtr(latent))
        return np.asarray(special.expit(np.exp(log_a) * latent))

    def expected(self, eta: FloatArray, sd: FloatArray) -> FloatArray:
        """Return the expected score over items and replicates of standard deviation `sd` (the link's unit)."""
        if self.link == "points":
            unit = self._replicates(2000)
            item = np.sqrt(1 + self.item_sd**2)
            return np.asarray(special.ndtr((eta[..., None] + sd[..., None] * unit) / item).mean(axis=-1))
        unit = self._replicates(200)
        latent = eta[..., None, None] + self.item_sd * _NODES[:, None] + sd[..., None, None] * unit
        if self.discrimination_sd == 0:
            return np.asarray(special.expit(latent).mean(axis=-1) @ _WEIGHTS)
        total = np.zeros(np.shape(eta))
        for node, weight in zip(_NODES, _WEIGHTS, strict=True):
            if weight < 1e-7:
                continue
            a = np.exp(self.log_a(node))
            total += weight * (special.expit(a * latent).mean(axis=-1) @ _WEIGHTS)
        return np.asarray(total)

    def log_a(self, standard: FloatArray | float) -> FloatArray:
        """Return log discriminations from standard normal numbers."""
        # The mean of a is then 1: unequal discrimination must not also change how far ability moves answers on average.
        return np.asarray(self.discrimination_sd * standard - self.discrimination_sd**2 / 2)

    def solve(self, means: FloatArray, sd: FloatArray) -> FloatArray:
        """Find the intercepts that give these expected scores, once for each different pair of mean and noise."""
        pairs, which = np.unique(np.stack([means.ravel(), sd.ravel()]), axis=1, return_inverse=True)
        low, high = np.full(pairs.shape[1], -40.0), np.full(pairs.shape[1], 40.0)
        # Bisection over 80 logits: after 48 halvings the rest is 3e-13, below what any mean can show.
        for _ in range(48):
            middle = (low + high) / 2
            above = self.expected(middle, pairs[1]) > pairs[0]
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return np.asarray(((low + high) / 2)[which.ravel()].reshape(means.shape))

    def _replicates(self, n: int) -> FloatArray:
        """Return n equally likely values of a replicate's standard effect."""
        middle = (np.arange(n) + 0.5) / n
        if self.heavy_tails:
            return np.asarray(special.stdtrit(TAIL_DF, middle) * np.sqrt((TAIL_DF - 2) / TAIL_DF))
        return np.asarray(special.ndtri(middle))
