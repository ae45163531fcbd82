"""Holds and checks what goes into a meta-analysis: effects, their (co)variances, nested levels and moderators.

The model everywhere in this package is

    y = X b + sum_l Z_l u_l + e,     u_l ~ N(0, tau2_l I),     e ~ N(0, V)

with nested levels l from the outside in (study, then arm within study, then row). `V` is diagonal, or diagonal plus
one shared variance per group of rows that were compared with the same control score, or any blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gauger.errors import UserError
from gauger.stats.random_effects.safe_coordinates import Basis, basis_of

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
UNEVEN = 1e3
"""Ratio of the largest to the smallest sampling variance."""
LARGEST = 1e100
"""Largest effect, and largest and (as 1 / LARGEST) smallest variance: beyond, squares and products overflow."""
NO_GROUP = -1
"""Label in `shared_group` of a row that shares its control with no other."""


@dataclass(frozen=True)
class MetaData:
    """Effects to be pooled. Arrays are copied to float or int and checked on construction; mistakes are `UserError`.

    Examples
    --------
    Univariate: ``MetaData(effect=y, variance=v)``. Rows within studies (three-level model):
    ``MetaData(effect=y, variance=v, levels=(study, np.arange(n)), level_names=("study", "row"))``.
    Differences that share a control: add ``shared_group=g, shared_variance=c``.
    """

    effect: Array
    """(n,) effect sizes, any unit."""
    variance: Array
    """(n,) sampling variances, the *whole* diagonal of V (a shared control's part included), > 0."""
    levels: tuple[Codes, ...] = ()
    """One (n,) array of labels per random intercept, from the outside in. Inner labels need only be unique within their
    outer group. Empty: one level, the row itself (ordinary random-effects model). Rows are *not* added by themselves:
    end with ``np.arange(n)`` for a row level."""
    moderators: Array | None = None
    """(n, p) design matrix *with* its column of ones, if one is wanted (see `design_matrix`); None: intercept alone."""
    level_names: tuple[str, ...] = ()
    """One name per level; `level 1`, ... when empty."""
    moderator_names: tuple[str, ...] = ()
    """One name per column of `moderators`."""
    shared_group: Codes | None = None
    """(n,) labels: rows with one label >= 0 were compared with one and the same control score; -1 for none."""
    shared_variance: Array | None = None
    """(n,) sampling variance of that control score, equal within a group: the covariance between the group's rows."""
    covariance: tuple[tuple[Codes, Array], ...] = ()
    """Blocks (rows (m,), V of those rows (m, m)) for other dependence; the diagonals replace `variance` there."""

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "effect", np.array(self.effect, dtype=float))
        n = len(self.effect)
        put(self, "variance", np.array(self.variance, dtype=float))
        if self.moderators is not None:
            put(self, "moderators", np.array(self.moderators, dtype=float).reshape(n, -1))
        names = ("intercept",) if self.moderators is None else tuple(self.moderator_names)
        put(self, "moderator_names", names or tuple(f"x{j + 1}" for j in range(self.design.shape[1])))
        put(self, "levels", _nested_codes(self.levels, n) if self.levels else (np.arange(n),))
        default = ("row",) if len(self.levels) == 1 else tuple(f"level {i + 1}" for i in range(len(self.levels)))
        put(self, "level_names", tuple(self.level_names) or default)
        put(self, "covariance", _checked_blocks(self.covariance, n))
        if self.covariance:
            put(self, "variance", _with_diagonals(self.variance, self.covariance))
        _check(self)
        if self.shared_group is not None:
            group, variance = _shared(self)
            put(self, "shared_group", group)
            put(self, "shared_variance", variance)

    def __len__(self) -> int:
        return len(self.effect)

    @cached_property
    def design(self) -> Array:
        """(n, p) design matrix: `moderators`, or a column of ones."""
        return np.ones((len(self.effect), 1)) if self.moderators is None else self.moderators

    @cached_property
    def basis(self) -> Basis:
        """The coordinates that the engines compute in."""
        return basis_of(self.moderators, self.effect)

    @cached_property
    def typical_variance(self) -> float:
        """Mean sampling variance: the scale of these data."""
        return float(self.variance.sum()) / len(self.variance)

    @cached_property
    def precise_variance(self) -> float:
        """Harmonic mean of the sampling variances: the scale that the precise rows see, and of every tolerance."""
        return len(self.variance) / float((1.0 / self.variance).sum())

    @property
    def uneven(self) -> bool:
        """Tell whether variances differ so much (by `UNEVEN`) that the likelihood is flat between their scales."""
        return bool(self.variance.max() > UNEVEN * self.variance.min())

    @cached_property
    def row_level(self) -> int | None:
        """Which level has one group per row (always the innermost), if one has."""
        last = len(self.levels) - 1
        return last if int(self.levels[last].max()) + 1 == len(self.effect) else None

    @cached_property
    def own_variance(self) -> Array:
        """(n,) sampling variance that a row shares with no other row."""
        return self.variance if self.shared_variance is None else self.variance - self.shared_variance

    def take(self, rows: ArrayLike) -> MetaData:
        """Keep the rows of an index or boolean mask (n,); groups and levels follow, columns of X stay."""
        index = np.arange(len(self))[np.asarray(rows)]
        position = np.full(len(self), NO_GROUP)
        position[index] = np.arange(len(index))
        blocks = []
        for members, block in self.covariance:
            kept = position[members] >= 0
            if kept.any():
                blocks.append((position[members][kept], block[np.ix_(kept, kept)]))
        return replace(
            self,
            effect=self.effect[index],
            variance=self.variance[index],
            levels=tuple(codes[index] for codes in self.levels),
            moderators=None if self.moderators is None else self.moderators[index],
            shared_group=None if self.shared_group is None else self.shared_group[index],
            shared_variance=None if self.shared_variance is None else self.shared_variance[index],
            covariance=tuple(blocks),
        )


def sampling_block(data: MetaData, rows: Codes) -> Array:
    """Return V, the sampling covariance, of the given rows as a dense matrix.

    Parameters
    ----------
    data : MetaData
        n rows.
    rows : int array, (m,)
        Which rows, each once; their order is that of the matrix.

    Returns
    -------
    float array, (m, m)
        Effect scale squared: variances on the diagonal, the variance of a shared control between rows that have it, and
        the entries of `covariance` blocks in place of both.

    Tested in tests/stats/test_random_effects_data.py.
    """
    block = np.diag(data.variance[rows])
    if data.shared_group is not None and data.shared_variance is not None:
        group = data.shared_group[rows]
        same = (group[:, None] == group[None, :]) & (group[:, None] >= 0)
        np.fill_diagonal(same, val=False)
        block += same * data.shared_variance[rows]
    position = {row: place for place, row in enumerate(rows.tolist())} if data.covariance else {}
    for members, matrix in data.covariance:
        kept = np.array([row in position for row in members.tolist()])
        if kept.any():
            places = np.array([position[row] for row in members[kept].tolist()])
            block[np.ix_(places, places)] = matrix[np.ix_(kept, kept)]
    return block


def marginal_block(data: MetaData, rows: Codes, tau2: Array) -> Array:
    """Return the model's variance M = V + sum_l tau2_l Z_l Z_l' of the given rows as a dense matrix.

    Parameters
    ----------
    data : MetaData
        n rows, L levels.
    rows : int array, (m,)
        Which rows, each once.
    tau2 : float array, (L,)
        Variance components, from the outside in; effect scale squared.

    Returns
    -------
    float array, (m, m)
        Grows with m^2: for single blocks, not for all rows.
    """
    block = sampling_block(data, rows)
    for codes, variance in zip(data.levels, tau2, strict=True):
        block += variance * (codes[rows][:, None] == codes[rows][None, :])
    return block


def _nested_codes(levels: Sequence[Any], n: int) -> tuple[Codes, ...]:
    """Make inner labels unique across outer groups: code of level l = distinct (outer code, label)."""
    outer: Codes = np.zeros(n, dtype=np.intp)
    nested = []
    for labels in levels:
        if np.shape(labels) != (n,):
            raise UserError(f"one label per row in every level ({n})", f"shape {np.shape(labels)}")
        inner = np.unique(np.asarray(labels), return_inverse=True)[1].ravel()
        outer = np.unique(outer * (inner.max(initial=0) + 1) + inner, return_inverse=True)[1].ravel()
        nested.append(outer)
    return tuple(nested)


def _checked_blocks(blocks: Sequence[Any], n: int) -> tuple[tuple[Codes, Array], ...]:
    checked = []
    seen = np.zeros(n, dtype=bool)
    for rows, matrix in blocks:
        index, block = np.asarray(rows, dtype=np.intp), np.array(matrix, dtype=float)
        if block.shape != (len(index), len(index)) or not np.allclose(block, block.T):
            raise UserError("covariance blocks that are square and symmetric", f"shape {block.shape}")
        if seen[index].any() or len(set(index.tolist())) < len(index):
            raise UserError("each row in one covariance block at most")
        seen[index] = True
        checked.append((index, block))
    return tuple(checked)


def _with_diagonals(variance: Array, blocks: Sequence[tuple[Codes, Array]]) -> Array:
    filled = variance.copy()
    for rows, block in blocks:
        filled[rows] = np.diag(block)
    return filled


def _shared(data: MetaData) -> tuple[Codes, Array]:
    """Give single-member groups up (they covary with nobody) and check that a group's control has one variance."""
    label = np.asarray(data.shared_group)
    control = np.asarray(data.shared_variance, dtype=float)
    if not label.shape == control.shape == data.effect.shape:
        raise UserError("`shared_group` and `shared_variance` with one entry per row")
    codes = np.unique(label, return_inverse=True)[1].ravel()
    alone = (np.bincount(codes)[codes] < 2) | (label < 0)
    variance = np.where(alone, 0.0, control)
    first = np.zeros(codes.max() + 1)
    first[codes[~alone]] = variance[~alone]
    if not np.allclose(variance[~alone], first[codes[~alone]], rtol=1e-8, atol=0.0):
        raise UserError("one control variance per shared group", "several", hint="Rows of one group share one control.")
    if (variance < 0).any() or (variance >= data.variance).any():
        raise UserError("shared control variances from 0 to below the row's whole variance")
    return np.where(alone, NO_GROUP, codes), np.where(alone, 0.0, first[codes])


def _check(data: MetaData) -> None:
    n, p = data.design.shape
    if data.variance.shape != (n,):
        raise UserError("one variance per effect", f"{data.variance.shape} for {n} effects")
    if not (np.isfinite(data.effect).all() and np.isfinite(data.variance).all() and np.isfinite(data.design).all()):
        raise UserError(
            "finite effects, variances and moderators", "missing or infinite values", hint="Drop those rows."
        )
    huge = np.flatnonzero((np.abs(data.effect) > LARGEST) | (data.variance > LARGEST))
    if len(huge):
        raise UserError(
            f"effects and variances up to {LARGEST:g}",
            f"{data.effect[huge[0]]:g} with variance {data.variance[huge[0]]:g} in row {int(huge[0])}",
            hint="Their squares cannot be computed: change the unit.",
        )
    if (data.variance <= 0).any():
        raise UserError("variances > 0", f"{data.variance.min():g} in row {int(data.variance.argmin())}")
    if data.variance.min() < 1.0 / LARGEST:
        raise UserError(f"variances of at least {1.0 / LARGEST:g}", f"{data.variance.min():g}", hint="Change the unit.")
    if n < 2 or n <= p:
        raise UserError("at least two rows and more rows than coefficients", f"{n} rows, {p} coefficients")
    if len(data.moderator_names) != p or len(data.level_names) != len(data.levels):
        raise UserError("one name per moderator column and per level")
    if p > 1:
        scaled = data.design / np.maximum(np.linalg.norm(data.design, axis=0), 1e-300)
        if np.linalg.matrix_rank(scaled) < p:
            raise UserError(
                "moderators that are not linear combinations of each other", ", ".join(data.moderator_names)
            )
    sizes = [int(codes.max()) + 1 for codes in data.levels]
    if sizes[0] == 1:
        raise UserError(f"at least two groups at level {data.level_names[0]!r}", "one", hint="Drop that level.")
    for outer, inner, name in zip(sizes, sizes[1:], data.level_names[1:], strict=False):
        if inner == outer:
            raise UserError(
                f"level {name!r} to split the level outside it", "the same groups", hint="Drop one of them."
            )
