"""Holds predictive distributions of a score's change: a location, a width and a tail on some scale, read in points.

On the logit scale a change y takes a start p to expit(logit p + y), so a forecast in points lies between -100 p and
100 (1 - p) by itself. On the scale of angles (arcsin sqrt p, on which a score's sampling error is the same everywhere)
and on that of points the distribution is cut there. All are families with one location and one width; their quantiles,
probabilities and densities in points follow by mapping, without simulation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from gauger.forecast.literature import Array

GRID = (np.arange(200) + 0.5) / 200
"""Probabilities at which a distribution is read for its CRPS: the mean over them errs by below 0.5 % of the width."""
NORMAL_DF = 200.0
"""Degrees of freedom from which a t is taken for a normal."""


@dataclass(frozen=True)
class Spread:
    """How wide and how long-tailed the differences between studies are, apart from what the model says."""

    width: float = 1.0
    """Factor on the model's own standard deviation of a true effect."""
    df: float = NORMAL_DF
    """Degrees of freedom of the tail."""


@dataclass(frozen=True)
class Predictive:
    """m predictive distributions."""

    scale: str
    """`logit`, `arcsine` or `points`."""
    mean: Array
    """(m,) location, on the scale."""
    of_mean: Array
    """(m,) variance of the mean's estimate."""
    of_new: Array
    """(m,) variance of a true effect around the mean: another study, model and benchmark."""
    sampling: Array
    """(m,) variance of the scores' own sampling; 0 for a true effect."""
    start: Array
    """(m,) starting score as a share."""
    spread: Array
    """(m, 2) width and degrees of freedom of each."""

    @cached_property
    def sd(self) -> Array:
        """(m,) standard deviation (for a t: its scale parameter)."""
        return np.asarray(np.sqrt(self.spread[:, 0] ** 2 * (self.of_mean + self.of_new) + self.sampling))

    @cached_property
    def _cut(self) -> tuple[Array, Array]:
        """Probabilities below the lowest and the highest change that there can be."""
        if self.scale == "logit":
            return np.zeros(len(self.mean)), np.ones(len(self.mean))
        ends = (-100.0 * self.start, 100.0 * (1.0 - self.start))
        return self._raw_cdf(self._from_points(ends[0])), self._raw_cdf(self._from_points(ends[1]))

    def _raw_cdf(self, value: Array) -> Array:
        return np.asarray(special.stdtr(self.spread[:, 1], (value - self.mean) / self.sd))

    def with_spread(self, spread: Spread) -> Predictive:
        """The same with one width and tail."""
        return replace(self, spread=np.tile([spread.width, spread.df], (len(self.mean), 1)))

    def true_effects(self) -> Predictive:
        """The same without the sampling error of scores."""
        return replace(self, sampling=np.zeros(len(self.mean)))

    def of_the_mean(self) -> Predictive:
        """The distribution of the mean over studies like this, not of one new study."""
        return replace(self, of_new=np.zeros(len(self.mean)), sampling=np.zeros(len(self.mean)))

    def take(self, rows: NDArray[Any]) -> Predictive:
        """Keep some."""
        return Predictive(
            self.scale, self.mean[rows], self.of_mean[rows], self.of_new[rows], self.sampling[rows], self.start[rows],
            self.spread[rows],
        )  # fmt: skip

    def quantiles(self, at: Array) -> Array:
        """Return the quantiles (m, k) in points at the probabilities `at`, (k,) or (m, k)."""
        low, high = self._cut
        inside = low[:, None] + np.atleast_2d(at) * (high - low)[:, None]
        inside = np.clip(inside, 1e-12, 1.0 - 1e-12)
        value = self.mean[:, None] + self.sd[:, None] * special.stdtrit(self.spread[:, 1][:, None], inside)
        return self._to_points(value)

    def _to_points(self, value: Array) -> Array:
        if self.scale == "points":
            return value
        begin = self.start[:, None]
        if self.scale == "arcsine":
            angle = np.clip(np.arcsin(np.sqrt(begin)) + value, 0.0, np.pi / 2)
            return np.asarray(100.0 * (np.sin(angle) ** 2 - begin))
        end = special.expit(np.log(begin) - np.log1p(-begin) + value)
        return np.asarray(100.0 * (end - begin))

    def _from_points(self, change: Array) -> Array:
        """Map changes in points (m,) to the scale; beyond what can be, to infinity."""
        if self.scale == "points":
            return change
        end = np.clip(self.start + change / 100.0, 0.0, 1.0)
        if self.scale == "arcsine":
            return np.asarray(np.arcsin(np.sqrt(end)) - np.arcsin(np.sqrt(self.start)))
        return np.asarray(special.logit(end) - special.logit(self.start))

    def cdf(self, change: Array) -> Array:
        """Return the probability (m,) of a change of at most `change` (m,) points."""
        low, high = self._cut
        probability = (self._raw_cdf(self._from_points(change)) - low) / np.maximum(high - low, 1e-12)
        return np.clip(probability, 0.0, 1.0)

    def log_density(self, change: Array) -> Array:
        """Return the log density (m,) per point at changes (m,) strictly inside what can be."""
        value = self._from_points(change)
        raw = stats.t.logpdf((value - self.mean) / self.sd, self.spread[:, 1]) - np.log(self.sd)
        if self.scale == "logit":
            end = self.start + change / 100.0
            return np.asarray(raw - np.log(100.0 * end * (1.0 - end)))
        low, high = self._cut
        if self.scale == "arcsine":
            end = self.start + change / 100.0
            raw = raw - np.log(200.0 * np.sqrt(end * (1.0 - end)))
        return np.asarray(raw - np.log(np.maximum(high - low, 1e-12)))

    def crps(self, change: Array) -> Array:
        """Return the continuous ranked probability score (m,) in points at changes (m,): E|X - y| - E|X - X'| / 2.

        Gneiting & Raftery (2007), equation 21, over the quantiles at `GRID`.
        """
        q = self.quantiles(GRID)
        k = len(GRID)
        spread = (q * (2.0 * np.arange(1, k + 1) - k - 1.0)).sum(axis=1) / k**2
        return np.asarray(np.abs(q - change[:, None]).mean(axis=1) - spread)
