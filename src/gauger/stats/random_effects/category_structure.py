"""Defines structures of the random effects by category: free numbers to (factor of G, omega), and the gradient back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from gauger.stats.random_effects.category_likelihood import Slopes
from gauger.stats.random_effects.data import Array

GROUPS = ("one", "hcs", "un")
"""one: every category has the same effect of its group (G = tau2 11'). hcs: a variance per category and one correlation
between all of them. un: unstructured."""


@dataclass(frozen=True)
class Structure:
    """How random effects may differ by category; named as in metafor's `rma.mv` where it has a name."""

    groups: str
    """A name of `GROUPS`."""
    rows: str
    """one: a single row variance; diag: one per category."""
    categories: int
    """R."""

    @property
    def name(self) -> str:
        """Say both parts."""
        return (
            f"{self.groups} between groups, {'one row variance' if self.rows == 'one' else 'row variance by category'}"
        )

    @property
    def group_parameters(self) -> int:
        """Free numbers of G."""
        R = self.categories
        return {"one": 1, "hcs": R + (R > 1), "un": R * (R + 1) // 2}[self.groups]

    @property
    def parameters(self) -> int:
        """Free numbers in all."""
        return self.group_parameters + (1 if self.rows == "one" else self.categories)

    def start(self, total: float) -> Array:
        """Return a start that splits a total variance evenly between groups and rows, with correlation 1/2."""
        R, half = self.categories, np.sqrt(total / 2.0)
        rows = np.full(1 if self.rows == "one" else R, half)
        if self.groups == "un":
            factor = np.linalg.cholesky(half**2 * (0.5 * np.eye(R) + 0.5))
            return np.concatenate([factor[np.tril_indices(R)], rows])
        between = [half] if self.groups == "one" else [half] * R + [0.0] * (R > 1)
        return np.concatenate([between, rows])

    def correlation(self, free: float) -> tuple[float, float]:
        """Map a free number to a correlation above -1 / (R - 1) and below 1, with its derivative."""
        low = -1.0 / (self.categories - 1)
        share = float(special.expit(free))
        return low + (1.0 - low) * share, (1.0 - low) * share * (1.0 - share)

    def unpack(self, free: Array) -> tuple[Array, Array]:
        """Return a factor F (R, k) with G = FF', and omega (R,)."""
        R, m = self.categories, self.group_parameters
        omega = np.broadcast_to(free[m:] ** 2, (R,)).copy()
        if self.groups == "one":
            return np.full((R, 1), free[0]), omega
        if self.groups == "un":
            factor = np.zeros((R, R))
            factor[np.tril_indices(R)] = free[:m]
            return factor, omega
        return self._hcs_factor(free[:m]), omega

    def _hcs_factor(self, free: Array) -> Array:
        """D C^(1/2): C = (1 - rho) I + rho 11' has the root a I + b 11'."""
        R = self.categories
        if R == 1:
            return free[:1, None]
        rho, _ = self.correlation(float(free[R]))
        a = np.sqrt(1.0 - rho)
        b = (np.sqrt(max(1.0 + (R - 1) * rho, 0.0)) - a) / R
        return np.asarray(free[:R, None] * (a * np.eye(R) + b))

    def gradient(self, free: Array, slopes: Slopes) -> Array:
        """Chain the slopes in G and omega to the free numbers."""
        R, m, s = self.categories, self.group_parameters, slopes.of_groups
        rows = 2.0 * free[m:] * (slopes.of_rows.sum(keepdims=True) if self.rows == "one" else slopes.of_rows)
        if self.groups == "one":
            between = np.array([2.0 * free[0] * s.sum()])
        elif self.groups == "un":
            factor = np.zeros((R, R))
            factor[np.tril_indices(R)] = free[:m]
            between = (2.0 * s @ factor)[np.tril_indices(R)]
        else:
            between = self._hcs_gradient(free[:m], s)
        return np.concatenate([between, rows])

    def _hcs_gradient(self, free: Array, s: Array) -> Array:
        R = self.categories
        tau = free[:R]
        if R == 1:
            return np.asarray(2.0 * tau * s[0, 0])
        rho, bend = self.correlation(float(free[R]))
        related = np.full((R, R), rho)
        np.fill_diagonal(related, 1.0)
        outer = s * np.outer(tau, tau)
        return np.append(2.0 * (s * related) @ tau, bend * (outer.sum() - np.trace(outer)))
