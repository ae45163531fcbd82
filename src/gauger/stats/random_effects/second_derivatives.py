"""Carries exact first and second derivatives in L variables along with arrays (second-order jets).

One array holds the value, then the L first derivatives, then the second derivatives of the pairs k <= l, along its
first axis. That keeps the number of numpy calls small, and with a few hundred rows the calls are what costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from gauger.stats.random_effects.data import Array, Codes


@cache
def pairs(variables: int) -> tuple[Codes, Codes]:
    """Return the pairs k <= l in the order in which second derivatives are stored."""
    return np.triu_indices(variables)


def pair_position(k: int, m: int, variables: int) -> int:
    """Say where the second derivative of the pair k <= m stands in `Jet.parts`.

    Parameters
    ----------
    k, m : int
        Variables of the pair, 0 <= k <= m < L.
    variables : int
        L.

    Returns
    -------
    int
        1 + L + place among the pairs (0, 0), (0, 1), ..., (L-1, L-1).
    """
    return 1 + variables + k * variables - k * (k - 1) // 2 + m - k


@cache
def square(variables: int) -> Codes:
    """Return (L, L) where the second derivative of each pair stands in `Jet.parts`, in either order."""
    order = range(variables)
    return np.array([[pair_position(min(k, m), max(k, m), variables) for m in order] for k in order])


@dataclass(frozen=True)
class Jet:
    """A quantity of shape S with its derivatives."""

    parts: Array
    """(1 + L + L (L + 1) / 2, *S)"""
    variables: int
    """L"""

    @property
    def first(self) -> Array:
        """(L, *S) a view."""
        return self.parts[1 : 1 + self.variables]

    @property
    def second(self) -> Array:
        """(L, L, *S) a full, symmetric copy."""
        return self.parts.take(square(self.variables), 0)

    def __add__(self, other: Jet) -> Jet:
        return Jet(self.parts + other.parts, self.variables)

    def __sub__(self, other: Jet) -> Jet:
        return Jet(self.parts - other.parts, self.variables)

    def times_known(self, factor: Array) -> Jet:
        """Multiply by something that depends on none of the variables."""
        return Jet(self.parts * factor, self.variables)

    def times_variable(self, value: float, index: int) -> Jet:
        """Multiply by variable `index`, whose value is given: the product rule with derivatives 1 and 0."""
        product = value * self.parts
        if self.variables == 0:
            return Jet(product, 0)
        product[1 + index] += self.parts[0]
        for other in range(self.variables):
            k, m = min(index, other), max(index, other)
            product[pair_position(k, m, self.variables)] += self.parts[1 + other] * (1.0 + (k == m))
        return Jet(product, self.variables)

    def __mul__(self, other: Jet) -> Jet:
        """Multiply elementwise (with broadcasting): the product rule twice."""
        L = self.variables
        k, m = pairs(L)
        product = self.parts * other.parts[0] + self.parts[0] * other.parts
        product[0] *= 0.5
        if L:
            product[1 + L :] += self._at(k) * other._at(m)
            product[1 + L :] += self._at(m) * other._at(k)
        return Jet(product, L)

    def one_plus(self) -> Jet:
        """1 + x."""
        shifted = self.parts.copy()
        shifted[0] += 1.0
        return Jet(shifted, self.variables)

    def reciprocal(self) -> Jet:
        """1 / x."""
        L = self.variables
        k, m = pairs(L)
        inverse = 1.0 / self.parts[0]
        result = self.parts * -(inverse**2)
        result[0] = inverse
        if L:
            result[1 + L :] -= 2.0 * inverse * result.take(1 + k, 0) * self._at(m)
        return Jet(result, L)

    def log(self) -> Jet:
        """Natural logarithm."""
        L = self.variables
        k, m = pairs(L)
        result = self.parts / self.parts[0]
        result[0] = np.log(self.parts[0])
        if L:
            result[1 + L :] -= result.take(1 + k, 0) * result.take(1 + m, 0)
        return Jet(result, L)

    def _at(self, index: Codes) -> Array:
        return self.parts.take(1 + index, 0)

    def row(self) -> Jet:
        """Insert an axis of length 1 before the last: (G,) becomes (1, G)."""
        return Jet(self.parts[..., None, :], self.variables)

    def total(self) -> Jet:
        """Sum over the last axis."""
        return Jet(self.parts.sum(-1), self.variables)

    def grouped(self, starts: Codes) -> Jet:
        """Sum runs of the last axis: run g begins at `starts[g]`."""
        return Jet(np.add.reduceat(self.parts, starts, axis=-1), self.variables)

    def gram(self, other: Jet) -> Jet:
        """Return self other' (q, q) of two jets of shape (q, G), summed over G."""
        L = self.variables
        k, m = pairs(L)
        J, q, G = self.parts.shape
        products = (self.parts.reshape(J * q, G) @ other.parts.reshape(J * q, G).T).reshape(J, q, J, q)
        result = products[:, :, 0] + products[0].transpose(1, 0, 2)
        result[0] *= 0.5
        if L:
            result[1 + L :] += products[1 + k, :, 1 + m]
            result[1 + L :] += products[1 + m, :, 1 + k]
        return Jet(result, L)


def constant(value: Array, variables: int) -> Jet:
    """Return a jet that depends on none of the variables.

    Parameters
    ----------
    value : float array, any shape S
        The quantity.
    variables : int
        L.

    Returns
    -------
    Jet
        All derivatives 0.
    """
    parts = np.zeros((1 + variables + variables * (variables + 1) // 2, *value.shape))
    parts[0] = value
    return Jet(parts, variables)


def function_of(derivatives: Array, index: int, variables: int) -> Jet:
    """Return the jet of a function of variable `index` alone, from its value and two derivatives.

    Parameters
    ----------
    derivatives : float array, (3, *S)
        Value, first and second derivative.
    index : int
        The variable, 0 <= index < L.
    variables : int
        L.

    Returns
    -------
    Jet
        0 for all derivatives by other variables. With one variable it is a view of `derivatives`.
    """
    if variables == 1:
        return Jet(derivatives, 1)
    jet = constant(derivatives[0], variables)
    jet.parts[1 + index] = derivatives[1]
    jet.parts[pair_position(index, index, variables)] = derivatives[2]
    return jet
