"""Evaluates the likelihood of a model whose random effects differ by category (role) and correlate within groups.

    y = X b + Z_i u_i + w + e,   u_i ~ N(0, G) per outer group,   w_j ~ N(0, omega_r(j)),   e ~ N(0, V)

Z_i has one column per category. Everything that a group's rows contribute is a small matrix, S_i = B'A^-1 B with
B = [Z X y] and A = V + diag(omega), so that an evaluation costs O(n R^2) and a gradient twice that, whatever the sizes
of the groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from gauger.errors import UserError
from gauger.stats.random_effects.data import Array, Codes, MetaData
from gauger.stats.random_effects.moments import LOG_2PI, Likelihood, inverse_and_logdet


@dataclass(frozen=True)
class Slopes:
    """What the gradient is made of."""

    of_groups: Array
    """(R, R) symmetric: d l = <of_groups, dG>."""
    of_rows: Array
    """(R,) d l / d omega per category."""


@dataclass(frozen=True)
class CategoryLikelihood:
    """The (restricted) likelihood of (G, omega) for some data."""

    data: MetaData
    """Its first level are the groups; shared controls must lie within them."""
    category: Codes
    """(n,) 0 ... R-1."""
    method: str = "REML"

    def __post_init__(self) -> None:
        if self.data.covariance:
            raise UserError("independent rows or shared controls", "covariance blocks",
                            hint="Random effects by category take no other sampling covariance.")  # fmt: skip
        _check_nested(self.data)

    @cached_property
    def categories(self) -> int:
        """R."""
        return int(self.category.max()) + 1

    @cached_property
    def order(self) -> Codes:
        """Rows sorted by group."""
        return np.argsort(self.data.levels[0], kind="stable")

    @cached_property
    def starts(self) -> Codes:
        """Where each group begins in that order."""
        codes = self.data.levels[0][self.order]
        return np.flatnonzero(np.diff(codes, prepend=-1))

    @cached_property
    def group(self) -> Codes:
        """(n,) running number of each sorted row's group."""
        return np.repeat(np.arange(len(self.starts)), np.diff(self.starts, append=len(self.data)))

    @cached_property
    def widening(self) -> Array | None:
        """(R + 1, R + p + 1) E with [Z X y] = [Z y] E where X is constant within categories; None where it is not.

        Means per category are the commonest design: its columns then need no sums of their own.
        """
        R, basis = self.categories, self.data.basis
        first = np.unique(self.category, return_index=True)[1]
        within = basis.q[first]
        if np.abs(basis.q - within[self.category]).max() > 1e-12:
            return None
        wide = np.zeros((R + 1, R + basis.q.shape[1] + 1))
        wide[:R, :R], wide[:R, R:-1], wide[R, -1] = np.eye(R), within, 1.0
        return wide

    @cached_property
    def columns(self) -> Array:
        """(n, R + p + 1) [Z X y], sorted, X and y in the safe basis; [Z y] where `widening` gives the rest."""
        z = (self.category[:, None] == np.arange(self.categories)).astype(float)
        basis = self.data.basis
        parts = (z, basis.residual) if self.widening is not None else (z, basis.q, basis.residual)
        return np.column_stack(parts)[self.order]

    @cached_property
    def own(self) -> Array:
        """(n,) sorted sampling variances that a row shares with no other."""
        return self.data.own_variance[self.order]

    @cached_property
    def sharing(self) -> tuple[csr_array, Array, Codes] | None:
        """(sums over shared groups (S, n), their variances (S,), sorted rows' group or S) where rows share controls."""
        data = self.data
        if data.shared_group is None or data.shared_variance is None or not (data.shared_group >= 0).any():
            return None
        label = data.shared_group[self.order]
        member = np.flatnonzero(label >= 0)
        _, first, codes = np.unique(label[member], return_index=True, return_inverse=True)
        size = len(first)
        sums = csr_array((np.ones(len(member)), (codes, member)), shape=(size, len(data)))
        row = np.full(len(data), size)
        row[member] = codes
        return sums, data.shared_variance[self.order][member[first]], row

    def __call__(self, factor: Array, omega: Array) -> tuple[Likelihood, Slopes]:
        """Evaluate at G = factor factor' (factor (R, k)) and omega (R,) >= 0."""
        p = self.data.design.shape[1]
        solved, diagonal, logdet = self._within(omega[self.category[self.order]])
        pieces = np.add.reduceat(self.columns[:, :, None] * solved[:, None, :], self.starts, axis=0)
        if self.widening is not None:
            solved, pieces = solved @ self.widening, self.widening.T @ pieces @ self.widening
        inner, middle, by_group = self._without_groups(factor, pieces)
        cross = by_group.sum(0)
        logdet += float(np.linalg.slogdet(inner)[1].sum())
        vcov, logdet_x = inverse_and_logdet(cross[:p, :p])
        beta = vcov @ cross[:p, p]
        t = np.append(-beta, 1.0)
        quadratic = float(t @ cross @ t)
        n = len(self.data)
        loss = logdet + quadratic + n * LOG_2PI
        if self.method == "REML":
            loss += logdet_x - p * LOG_2PI
        slopes = self._slopes(middle, pieces, solved, diagonal, vcov, t)
        return Likelihood(-0.5 * loss, np.empty(0), np.empty((0, 0)), beta, vcov, quadratic), slopes

    def scores(self, factor: Array, omega: Array) -> tuple[Array, Array]:
        """Return per group X'W X (I, p, p) and X'W r (I, p) in the safe basis, at the generalised least squares fit."""
        p = self.data.design.shape[1]
        solved, _, _ = self._within(omega[self.category[self.order]])
        pieces = np.add.reduceat(self.columns[:, :, None] * solved[:, None, :], self.starts, axis=0)
        if self.widening is not None:
            pieces = self.widening.T @ pieces @ self.widening
        _, _, cross = self._without_groups(factor, pieces)
        whole = cross.sum(0)
        beta = np.linalg.solve(whole[:p, :p], whole[:p, p])
        return cross[:, :p, :p], cross[:, :p, p] - cross[:, :p, :p] @ beta

    def _without_groups(self, factor: Array, pieces: Array) -> tuple[Array, Array, Array]:
        """Return per group I + F'SF, F (I + F'SF)^-1 F', and the columns' cross products without the groups."""
        R = self.categories
        s_zz, s_zb = pieces[:, :R, :R], pieces[:, :R, R:]
        inner = np.eye(factor.shape[1]) + factor.T @ s_zz @ factor
        middle = factor @ np.linalg.solve(inner, np.broadcast_to(factor.T, (len(inner), *factor.T.shape)))
        return inner, middle, pieces[:, R:, R:] - s_zb.transpose(0, 2, 1) @ middle @ s_zb

    def _within(self, omega: Array) -> tuple[Array, Array, float]:
        """Return A^-1 B, the diagonal of A^-1, and log|A|, for A = V + diag(omega) by one rank-one step per control."""
        variance = self.own + omega
        weight = 1.0 / variance
        solved = weight[:, None] * self.columns
        logdet = float(np.log(variance).sum())
        if self.sharing is None:
            return solved, weight, logdet
        sums, control, row = self.sharing
        widened = 1.0 + control * (sums @ weight)
        shrink = np.append(control / widened, 0.0)
        total = np.vstack([sums @ solved, np.zeros(solved.shape[1])])
        solved = solved - (weight * shrink[row])[:, None] * total[row]
        return solved, weight - weight**2 * shrink[row], logdet + float(np.log(widened).sum())

    def _slopes(self, middle: Array, pieces: Array, solved: Array, diagonal: Array, vcov: Array, t: Array) -> Slopes:
        """Return dl = -1/2 [tr(P dM) - y'P dM P y], in the groups' small matrices and row by row."""
        R, p = self.categories, len(t) - 1
        s_zz, s_zb = pieces[:, :R, :R], pieces[:, :R, R:]
        pulled = s_zz @ middle
        n_i = s_zz - pulled @ s_zz
        e_i = s_zb - pulled @ s_zb
        u = e_i @ t
        reml = self.method == "REML"
        k_i = n_i - e_i[:, :, :p] @ vcov @ e_i[:, :, :p].transpose(0, 2, 1) if reml else n_i
        of_groups = -0.5 * (k_i.sum(0) - u.T @ u)
        a = solved[:, :R]
        through = (a[:, None, :] @ middle[self.group])[:, 0]
        w_b = solved[:, R:] - (through[:, None, :] @ s_zb[self.group])[:, 0]
        spread = diagonal - (through * a).sum(1) - (w_b @ t) ** 2
        if reml:
            spread = spread - ((w_b[:, :p] @ vcov) * w_b[:, :p]).sum(1)
        of_rows: Array = -0.5 * np.bincount(self.category[self.order], spread, minlength=R).astype(float)
        return Slopes(0.5 * (of_groups + of_groups.T), of_rows)


def _check_nested(data: MetaData) -> None:
    if data.shared_group is None:
        return
    member = data.shared_group >= 0
    pairs: NDArray[np.intp] = np.unique(np.stack([data.shared_group[member], data.levels[0][member]]), axis=1)
    if len(np.unique(pairs[0])) != pairs.shape[1]:
        raise UserError("shared controls within one outermost group", "a control that several groups share")


def marginal_of_rows(
    data: MetaData, category: Codes, rows: Codes, groups: Array, omega: Array, sampling: Array
) -> Array:
    """Return the model's variance of some rows as a dense matrix.

    Parameters
    ----------
    data : MetaData
        n rows; its first level are the groups.
    category : int array, (n,)
        Category of each row, 0 ... R-1.
    rows : int array, (m,)
        Which rows.
    groups : float array, (R, R)
        G, covariance of a group's effects over categories; effect scale squared.
    omega : float array, (R,)
        Variance between rows of a group, per category.
    sampling : float array, (m, m)
        V of these rows (`sampling_block`).

    Returns
    -------
    float array, (m, m)
        V + Z G Z' + diag(omega); rows of different groups share their V alone.
    """
    same = data.levels[0][rows][:, None] == data.levels[0][rows][None, :]
    here = category[rows]
    marginal: Array = sampling + same * groups[np.ix_(here, here)]
    return marginal + np.diag(omega[here])


__all__ = ["CategoryLikelihood", "Slopes", "marginal_of_rows"]
