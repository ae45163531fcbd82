"""Defines a law: a formula with named parameters, its logarithm and gradient for many parameter vectors at once.

Dimension letters: B parameter vectors side by side, P parameters, n points. Inside a fit, positive parameters are
logarithms (`Parameter.log`); everything that is reported is in natural units.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from gauger.stats.laws.points import FloatArray, Points

Evaluate = Callable[[FloatArray, Points], tuple[FloatArray, FloatArray]]
"""(B, P) inner parameters and n points -> (B, n) predicted outcome and its (B, P, n) gradient."""
Starts = Callable[[Points, np.random.Generator, int], FloatArray]
"""Points, generator, count -> (count, P) inner parameters to start from."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a law."""

    name: str
    low: float
    """Smallest value that a fit may take, natural units."""
    high: float
    """Largest."""
    log: bool = True
    """Held as its logarithm inside a fit."""
    unit: str = ""
    meaning: str = ""

    @property
    def inner(self) -> tuple[float, float]:
        """Bounds inside a fit."""
        return (float(np.log(self.low)), float(np.log(self.high))) if self.log else (self.low, self.high)


@dataclass(frozen=True)
class Belief:
    """What is known of two parameters before any data: ln(first/second) is normal about 0."""

    first: str
    second: str | None
    """None: 1."""
    sd: float
    """Standard deviation of the logarithm of their ratio."""
    why: str
    """What published fits it rests on."""


@dataclass(frozen=True)
class Law:
    """A scaling law: loss (or accuracy) as a function of scale."""

    name: str
    formula: str
    """In plain characters, with the names of the parameters."""
    source: str
    """Where the form is from, with equation number."""
    identifiability: str
    """What the points must vary in for the parameters to be told apart, and which stay entangled."""
    parameters: tuple[Parameter, ...]
    evaluate: Evaluate
    starts: Starts
    outcome: str = "loss"
    """`loss` (the prediction is its natural logarithm) or `accuracy` (the prediction is the accuracy itself)."""
    varies: tuple[str, ...] = ()
    """Columns that must hold at least three different values for the law to compete in `auto`."""
    needs: tuple[str, ...] = ()
    """Columns without which the law has no meaning."""
    floor: str = ""
    """Name of the irreducible loss, or of the ceiling of an accuracy: in a competition it is integrated over
    (`floors`)."""
    ordered: tuple[str, str] | None = None
    """Two parameters of which the second is at least the first (`in_order`)."""
    beliefs: tuple[Belief, ...] = ()
    """Pull the law towards a simpler one that it contains, in a competition (`floors`)."""
    fewest: int = 0
    """Fewest points that the law is fitted to; 0: two more than parameters, three more where laws compete."""
    prior: float = 1.0
    """Weight of the law in a competition before any data, beside 1 of the others."""

    @property
    def least(self) -> int:
        """Fewest points for a fit."""
        return self.fewest or len(self.parameters) + 2

    @property
    def least_to_compete(self) -> int:
        """Fewest points with which the law enters a competition, or is fitted by a cut of the back-test."""
        return self.fewest or len(self.parameters) + 3

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, in order."""
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Lower and upper inner bounds, (P,) each."""
        low, high = zip(*(parameter.inner for parameter in self.parameters), strict=True)
        return np.array(low), np.array(high)

    def natural(self, inner: FloatArray) -> FloatArray:
        """Turn inner parameters (..., P) into natural ones."""
        logs = np.array([parameter.log for parameter in self.parameters])
        return np.where(logs, np.exp(np.where(logs, inner, 0.0)), inner)

    def inner(self, natural: FloatArray) -> FloatArray:
        """Turn natural parameters (..., P) into inner ones."""
        logs = np.array([parameter.log for parameter in self.parameters])
        return np.where(logs, np.log(np.where(logs, natural, 1.0)), natural)

    def is_out_of_order(self, theta: FloatArray) -> bool:
        """Tell whether inner parameters (P,) have the second of `ordered` below the first."""
        if self.ordered is None:
            return False
        first, second = (self.names.index(name) for name in self.ordered)
        return bool(theta[second] < theta[first])

    def in_order(self) -> Law:
        """Return the law in which a second of `ordered` below the first counts as one at the first.

        Only for points that the law cannot follow in order: where the two meet its curve is flat, and a search that
        gets there too early does not leave.
        """
        if self.ordered is None:
            return self
        first, second = (self.names.index(name) for name in self.ordered)

        def evaluate(theta: FloatArray, points: Points) -> tuple[FloatArray, FloatArray]:
            raised = theta.copy()
            raised[:, second] = np.maximum(theta[:, first], theta[:, second])
            value, gradient = self.evaluate(raised, points)
            gradient = gradient.copy()
            below = theta[:, second] < theta[:, first]
            gradient[below, first] += gradient[below, second]
            gradient[below, second] = 0.0
            return value, gradient

        return replace(self, evaluate=evaluate)
