"""Pools replicate noise over arms and benchmarks to one expected pattern, and estimates how far cells stray from it.

Scale. A cell's replicate variance holds two things: the noise of its items, which is known well from the many items and
differs between cells for reasons that have nothing to do with training, and the training's own (net) variance. Only the
net part is pooled, and it is pooled on the logit scale: a replicate that is a little better shifts every item by some
logits, which moves a cell mean in proportion to its sensitivity ``g = mean p (1 - p)``: little near a bound.

Levels. `common` assumes one net variance everywhere, with one covariance per kind of pair of cells (same arm; same
benchmark; neither; the last two by class of kinship). `pooled` lets every benchmark have its own, averaged over arms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gauger.stats.crossed.arm_noise import ArmNoise, arm_noise
from gauger.stats.crossed.crossed import Components
from gauger.stats.crossed.known_directions import CovarianceKind, Directions, spread_of_sizes
from gauger.stats.crossed.pairing import Group
from gauger.stats.crossed.panel import FloatArray
from gauger.stats.crossed.prior_spread import ReplicateVariances, Stray, estimate_stray

FEWEST_DF = 6
"""Below so many residual degrees of freedom (replicates less one, summed over arms) it cannot be seen whether a seed
that is good on one benchmark is good on all. The covariance of benchmarks is then taken as it is found, so that an
average over them rests on its own replicates; and what the pooled variance is known from is the geometric mean of what
B independent benchmarks and what one would give. (Counting one throughout covers 99.5 % on single benchmarks with two
paired replicates, counting B 90.6 %: validation/crossed/two_replicates.txt, docs/methods.md.)"""


@dataclass(frozen=True)
class ReplicatePrior:
    """Net replicate covariance over cells at two levels of pooling, and what each rests on."""

    common: FloatArray
    """(K, K): one value for all; covariance of cell means, net of item noise."""
    pooled: FloatArray
    """(K, K): each benchmark its own, averaged over arms."""
    stray: Stray
    """How far arms and benchmarks stray from a common value."""
    correlation: tuple[float, float, float]
    """Mean correlation of replicate means: same arm, same benchmark, neither (the last two of paired arms)."""
    stratum_df: FloatArray
    """(4,): degrees of freedom pooled over groups, by stratum: what arms differ in, averaged over benchmarks; the same
    × benchmark; what paired arms have in common, averaged over benchmarks; the same × benchmark."""
    arms: ArmNoise
    """How noisy each arm's own replicates show its training to be, beside what is expected."""
    directions: Directions | None
    """What `common` is known from in every direction, where arms are of several classes of kinship; else None, and
    `stratum_df` says it."""


@dataclass(frozen=True)
class _Cells:
    """Per-replicate variances of the K cells."""

    gross: FloatArray
    """(K, K): covariance of replicate means."""
    noise: FloatArray
    """(K, K): item noise contained in it."""
    sensitivity: FloatArray
    """(K,): g"""
    df: FloatArray
    """(K,): replicates less one; 0 where the cell tells nothing."""
    per_mean: FloatArray
    """(K, K): factor from one replicate's covariance to that of cell means, ``1 / sqrt(R R')``."""


def replicate_prior(components: Components, groups: list[Group]) -> ReplicatePrior | None:
    """Pool the replicate noise of all cells; None where no cell tells anything (nothing replicated, or no noise).

    With per-replicate covariance S, item noise E and ``m = E + c g^2`` (`_net_variance`), net covariances in logits
    squared are ``(S - E) / (g g')``, averaged with weights ``sqrt(d d') g^2 g'^2 / (m m')`` by kind of pair (`common`)
    or by pair of benchmarks (`pooled`). They are left negative where chance makes them so: forcing each up to zero
    would add up to intervals that are too wide.

    Parameters
    ----------
    components : Components
        Crossed components of the study's cells.
    groups : list of Group
        From `replicate_groups` of the same components.

    Returns
    -------
    ReplicatePrior or None
        (K, K) covariances of cell means, score scale squared. Not always positive definite, because negative estimates
        stay.

    Proven in validation/crossed; limits in tests/stats/test_replicate_part.py.
    """
    shape = components.mean.shape
    cells = _cells(components)
    if not (cells.df > 0).any():
        return None
    net, expected = _net_variance(cells)
    root = np.sqrt(cells.df) * cells.sensitivity**2 * _inverse(expected)
    weight = np.outer(root, root)
    inverse = _inverse(cells.sensitivity)
    standard = (cells.gross - cells.noise) * np.outer(inverse, inverse)
    pairs = _kinds(components)
    kinds = [kind.mask(shape[1]) for kind in pairs]
    most = _mean(expected * inverse**2, np.diag(weight))
    residual_df = _stratum_df(groups, shape[1])
    covariances = [_mean(standard, weight * kind) for kind in kinds]
    if residual_df[0] >= FEWEST_DF:
        covariances = [_possible(found, most, kind) for found, kind in zip(covariances, kinds, strict=True)]
    scale = np.outer(cells.sensitivity, cells.sensitivity)
    common = scale * sum(kind * value for kind, value in zip(kinds, covariances, strict=True))
    np.fill_diagonal(common, net * cells.sensitivity**2)
    pooled = _by_benchmark(standard, weight, kinds, shape)
    pooled = np.where(np.isfinite(pooled), scale * pooled, common)
    related = (cells.noise + common) * np.outer(_inverse(np.sqrt(expected)), _inverse(np.sqrt(expected)))
    plain = (kinds[0], *(np.sum(kinds[n::2], axis=0) for n in (1, 2)))
    same_arm, same_benchmark, neither = (_mean(related, weight * kind) for kind in plain)
    shown = (np.diag(cells.gross), expected, np.diag(cells.noise), cells.df)
    variances = ReplicateVariances(*(part.reshape(shape) for part in shown))
    return ReplicatePrior(
        common=common * cells.per_mean,
        pooled=pooled * cells.per_mean,
        stray=estimate_stray(variances, same_arm, same_benchmark),
        correlation=(same_arm, same_benchmark, neither),
        stratum_df=residual_df,
        arms=arm_noise(variances, same_arm, one_benchmark=bool(residual_df[0] < FEWEST_DF)),
        directions=_directions(cells, common, pairs, shape) if len(pairs) > 3 else None,
    )


def _cells(components: Components) -> _Cells:
    rows = np.maximum(components.n_replicates.ravel(), 1)
    scale = np.sqrt(np.outer(rows, rows))
    gross, noise = components.replicate * scale, components.shared * scale
    sensitivity = components.sensitivity.ravel()
    told = (sensitivity > 0) & (np.diag(gross) + np.diag(noise) > 0)
    return _Cells(gross, noise, sensitivity, np.where(told, rows - 1, 0).astype(float), 1 / scale)


def _net_variance(cells: _Cells) -> tuple[float, FloatArray]:
    """Common net variance c in logits squared, and the expected gross variances (K,) ``m = noise + c g^2``.

    Gamma quasi-likelihood: ``sum d g^2 (s^2 - noise - c g^2) / m^2 = 0``, a few steps of reweighting. c may come out
    below zero; then m is held at half the noise.
    """
    gross, noise, squared = np.diag(cells.gross), np.diag(cells.noise), cells.sensitivity**2
    weight = cells.df * squared
    c, expected = 0.0, noise
    for _ in range(4):
        c = _mean((gross - noise) * _inverse(squared), weight * squared)
        expected = np.maximum(noise + c * squared, noise / 2)
        weight = cells.df * squared * _inverse(expected) ** 2
    return c, expected


def _inverse(values: FloatArray) -> FloatArray:
    """1 / values, 0 where a value is 0: such a cell has no weight either."""
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)


def _mean(values: FloatArray, weight: FloatArray) -> float:
    total = float(weight.sum())
    return float((values * weight).sum()) / total if total > 0 else 0.0


def _directions(cells: _Cells, common: FloatArray, pairs: list[CovarianceKind], shape: tuple[int, ...]) -> Directions:
    """Collect what `Directions` needs; `common` is that of one replicate."""
    itself = CovarianceKind(np.eye(shape[0], dtype=bool), same=True)
    kinds = (itself, *pairs)
    expected = np.maximum(np.diag(cells.noise + common), np.diag(cells.noise) / 2)
    root = np.sqrt(cells.df) * cells.sensitivity**2 * _inverse(expected)
    roots = np.stack([root * _inverse(cells.sensitivity), root], axis=1).reshape(*shape, 2)
    covariance = cells.noise + common
    lever = cells.sensitivity * np.sqrt(np.diag(cells.per_mean))
    df_each = float(cells.df.max())
    spread = spread_of_sizes(kinds, roots, covariance)
    return Directions(kinds, spread, lever.reshape(shape), covariance * cells.per_mean, df_each)


def _kinds(components: Components) -> list[CovarianceKind]:
    """List the kinds of linked pairs: same arm; then, for each class of kinship, same benchmark, and neither."""
    holders = components.holders.astype(float)
    linked = holders.T @ holders > 0
    itself = np.eye(len(linked), dtype=bool)
    found = [CovarianceKind(itself & linked, same=False)]
    for kin in np.unique(components.kinship[~itself]) if len(linked) > 1 else [0]:
        related = ~itself & linked & (components.kinship == kin)
        found += [CovarianceKind(related, same=True), CovarianceKind(related, same=False)]
    return found


def _possible(covariance: float, variance: float, pairs: FloatArray) -> float:
    """Hold the covariance of pairs of cells to what a common variance allows."""
    others = max(float(pairs.sum(axis=1).max(initial=0.0)), 1.0)
    return float(np.clip(covariance, -variance / others, variance))


def _by_benchmark(
    standard: FloatArray, weight: FloatArray, kinds: list[FloatArray], shape: tuple[int, ...]
) -> FloatArray:
    """(K, K): net covariances averaged over arms (own) and over pairs of paired arms (cross, by kinship).

    NaN without data.
    """
    n_arms = shape[0]
    arm = np.repeat(np.arange(n_arms), shape[1])
    result = np.zeros_like(standard)
    crossing = (one + other for one, other in zip(kinds[1::2], kinds[2::2], strict=True))
    for mask in ((arm[:, None] == arm).astype(float), *crossing):
        weights = (mask * weight).reshape(*shape, *shape)
        total = weights.sum(axis=(0, 2))
        summed = (weights * standard.reshape(*shape, *shape)).sum(axis=(0, 2))
        mean = np.divide(summed, total, out=np.full_like(summed, np.nan), where=total > 0)
        result += np.where(mask > 0, np.tile(mean, (n_arms, n_arms)), 0.0)
    return result


def _stratum_df(groups: list[Group], n_benchmarks: int) -> FloatArray:
    each = [int(group.df.max()) for group in groups]
    arm = sum(df * max(len(group.arms) - 1, 1) for df, group in zip(each, groups, strict=True))
    shared = sum(df for df, group in zip(each, groups, strict=True) if len(group.arms) > 1)
    more = n_benchmarks - 1
    return np.array([arm, arm * more, shared, shared * more], dtype=float)
