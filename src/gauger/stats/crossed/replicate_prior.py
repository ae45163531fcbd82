"""Pools replicate noise over arms and benchmarks to one expected pattern, and estimates how far cells stray from it.

Scale. A cell's replicate variance holds two things: the noise of its items, which is known well from the many items and
differs between cells for reasons that have nothing to do with training, and the training's own (net) variance. Only the
net part is pooled, and it is pooled on the logit scale: a replicate that is a little better shifts every item by some
logits, which moves a cell mean in proportion to its sensitivity ``g = mean p (1 - p)``: little near a bound.

Levels. `common` assumes one net variance everywhere, with one covariance per kind of pair of cells (same arm; same
benchmark; neither; the last two by class of kinship). `pooled` lets every benchmark have its own, averaged over arms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gauger.stats.crossed.arm_noise import ArmNoise, arm_noise
from gauger.stats.crossed.cell_covariance import KindCovariance
from gauger.stats.crossed.crossed import Components
from gauger.stats.crossed.known_directions import CovarianceKind, Directions, spread_of_sizes
from gauger.stats.crossed.pairing import Group
from gauger.stats.crossed.panel import BoolArray, FloatArray, IntArray
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

    common: KindCovariance
    """One value for all; covariance of cell means, net of item noise."""
    pooled: KindCovariance
    """Each benchmark its own, averaged over arms."""
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
    """Per-replicate variances of the A x B cells."""

    gross: FloatArray
    """Variance of replicate means."""
    noise: FloatArray
    """Item noise contained in it."""
    sensitivity: FloatArray
    """g"""
    df: FloatArray
    """Replicates less one; 0 where the cell tells nothing."""
    root: FloatArray
    """``sqrt(R)``: a covariance of two cell means times that of both is the covariance of one replicate."""


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
        Covariances of cell means, score scale squared. Not always positive definite, because negative estimates stay.

    Proven in validation/crossed; limits in tests/stats/test_replicate_part.py.
    """
    cells = _cells(components)
    if not (cells.df > 0).any():
        return None
    net, expected = _net_variance(cells)
    kinds = arm_kinds(components)
    root = np.sqrt(cells.df) * cells.sensitivity**2 * _inverse(expected)
    inverse = _inverse(cells.sensitivity)
    shown = _Shown(components, cells, kinds)
    weights = [_pair_sums(kind, root) for kind in kinds]
    standard = [shown.net(kind, root * inverse) for kind in kinds]
    residual_df = _stratum_df(groups, cells.df.shape[1])
    covariances = _by_kind(standard, weights)
    if residual_df[0] >= FEWEST_DF:
        most = _mean(expected * inverse**2, root**2)
        pairs = zip(kinds, covariances, strict=True)
        covariances = [_possible(kind, covariance, most, cells.df.shape[1]) for kind, covariance in pairs]
    common = _common_tables(net, covariances, cells.df.shape[1])
    pooled = [
        np.divide(top, bottom, out=level.copy(), where=bottom > 0)
        for top, bottom, level in zip(standard, weights, common, strict=True)
    ]
    lever, number = cells.sensitivity / cells.root, _kind_numbers(kinds)
    level = KindCovariance(cells.sensitivity, number, common)
    same_arm, same_benchmark, neither = _correlations(shown, level, root * np.sqrt(_inverse(expected)), weights)
    variances = ReplicateVariances(cells.gross, expected, cells.noise, cells.df)
    return ReplicatePrior(
        common=replace(level, lever=lever),
        pooled=KindCovariance(lever, number, np.stack(pooled)),
        stray=estimate_stray(variances, same_arm, same_benchmark),
        correlation=(same_arm, same_benchmark, neither),
        stratum_df=residual_df,
        arms=arm_noise(variances, same_arm, one_benchmark=bool(residual_df[0] < FEWEST_DF)),
        directions=_directions(components, cells, level, kinds) if len(kinds) > 2 else None,
    )


def _cells(components: Components) -> _Cells:
    rows = np.maximum(components.n_replicates, 1)
    gross, noise = components.shown_variance * rows, components.shared.diagonal() * rows
    df = np.where(components.tells_of_training, rows - 1, 0).astype(float)
    return _Cells(gross, noise, components.sensitivity, df, np.sqrt(rows))


def _net_variance(cells: _Cells) -> tuple[float, FloatArray]:
    """Common net variance c in logits squared, and the expected gross variances (A, B) ``m = noise + c g^2``.

    Gamma quasi-likelihood: ``sum d g^2 (s^2 - noise - c g^2) / m^2 = 0``, a few steps of reweighting. c may come out
    below zero; then m is held at half the noise.
    """
    gross, noise, squared = cells.gross, cells.noise, cells.sensitivity**2
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


def arm_kinds(components: Components) -> list[BoolArray]:
    """List the kinds of pairs of arms that share replicates, (A, A) each: an arm with itself, then by class of kinship.

    There is a class at least, though it may be empty.
    """
    holders = components.holders.astype(float)
    linked = holders.T @ holders > 0
    itself = np.eye(len(linked), dtype=bool)
    classes = np.unique(components.kinship[~itself]) if len(linked) > 1 else [0]
    return [itself & linked, *(~itself & linked & (components.kinship == kin) for kin in classes)]


def _kind_numbers(kinds: list[BoolArray]) -> IntArray:
    """(A, A): position in the list of the kind of each pair; -1 where it is of none."""
    number = np.full(kinds[0].shape, -1)
    for place, kind in enumerate(kinds):
        number[kind] = place
    return number


def _pair_sums(kind: BoolArray, lever: FloatArray) -> FloatArray:
    """(B, B): sums over pairs of arms of a kind of the products of their levers (A, B)."""
    return np.asarray(lever.T @ kind.astype(float) @ lever)


@dataclass(frozen=True)
class _Shown:
    """What the replicates show of pairs of arms, summed by kind of pair and by pair of benchmarks."""

    components: Components
    cells: _Cells
    kinds: list[BoolArray]

    def noise(self, kind: BoolArray, lever: FloatArray) -> FloatArray:
        """(B, B): item noise of one replicate, times the levers (A, B) of both."""
        return self.components.shared.table(kind.astype(float), lever * self.cells.root)

    def net(self, kind: BoolArray, lever: FloatArray) -> FloatArray:
        """(B, B): covariance of replicate means net of item noise, times the levers of both."""
        shape = lever.shape
        moved = self.components.deviations.reshape(-1, *shape) * (lever * self.cells.root)
        related = np.tensordot(moved, kind.astype(float), axes=(1, 1)).transpose(0, 2, 1)
        gross = np.tensordot(related, moved, axes=((0, 1), (0, 1)))
        return np.asarray(gross - self.noise(kind, lever))


def _by_kind(tops: list[FloatArray], weights: list[FloatArray]) -> list[tuple[float, float]]:
    """Return for each kind of pair the weighted means on the same benchmark and on different ones."""
    return [
        (_mean_of_sums(top, weight, np.eye(len(top))), _mean_of_sums(top, weight, 1 - np.eye(len(top))))
        for top, weight in zip(tops, weights, strict=True)
    ]


def _mean_of_sums(top: FloatArray, weight: FloatArray, pairs: FloatArray) -> float:
    total = float((weight * pairs).sum())
    return float((top * pairs).sum()) / total if total > 0 else 0.0


def _possible(kind: BoolArray, covariance: tuple[float, float], variance: float, n: int) -> tuple[float, float]:
    """Hold the covariances of pairs of cells (same benchmark, different ones of n) to what a common variance allows."""
    related = int(kind.sum(axis=1).max(initial=0))
    most = (max(related, 1), max(related * (n - 1), 1))
    same, other = (float(np.clip(c, -variance / k, variance)) for c, k in zip(covariance, most, strict=True))
    return same, other


def _common_tables(net: float, covariances: list[tuple[float, float]], n_benchmarks: int) -> FloatArray:
    """(kinds, B, B): one value on the same benchmark, one on different ones; of a cell with itself the net variance."""
    identity = np.eye(n_benchmarks)
    tables = [same * identity + other * (1 - identity) for same, other in [(net, covariances[0][1]), *covariances[1:]]]
    return np.stack(tables)


def _correlations(
    shown: _Shown, common: KindCovariance, lever: FloatArray, weights: list[FloatArray]
) -> tuple[float, float, float]:
    """Return the mean correlations of replicate means: same arm, same benchmark, neither (of paired arms)."""
    tops = [
        shown.noise(kind, lever) + common.tables[place] * _pair_sums(kind, lever * common.lever)
        for place, kind in enumerate(shown.kinds)
    ]
    (_, same_arm), *_ = _by_kind(tops[:1], weights[:1])
    ((same_benchmark, neither),) = _by_kind([np.sum(tops[1:], axis=0)], [np.sum(weights[1:], axis=0)])
    return same_arm, same_benchmark, neither


def _directions(components: Components, cells: _Cells, common: KindCovariance, kinds: list[BoolArray]) -> Directions:
    """Collect what `Directions` needs; `common` is that of one replicate. The one place where K x K is written out."""
    itself = CovarianceKind(np.eye(len(cells.df), dtype=bool), same=True)
    pairs = [CovarianceKind(kinds[0], same=False)]
    for kind in kinds[1:]:
        pairs += [CovarianceKind(kind, same=True), CovarianceKind(kind, same=False)]
    scale = cells.root.ravel()
    covariance = components.shared.written_out() * np.outer(scale, scale) + common.written_out()
    variance = np.diag(covariance).reshape(cells.noise.shape)
    expected = np.maximum(variance, cells.noise / 2)
    root = np.sqrt(cells.df) * cells.sensitivity**2 * _inverse(expected)
    roots = np.stack([root * _inverse(cells.sensitivity), root], axis=2)
    spread = spread_of_sizes((itself, *pairs), roots, covariance)
    of_means = covariance / np.outer(scale, scale)
    lever = cells.sensitivity / cells.root
    return Directions((itself, *pairs), spread, lever, of_means, float(cells.df.max()))


def _stratum_df(groups: list[Group], n_benchmarks: int) -> FloatArray:
    each = [int(group.df.max()) for group in groups]
    arm = sum(df * max(len(group.arms) - 1, 1) for df, group in zip(each, groups, strict=True))
    shared = sum(df for df, group in zip(each, groups, strict=True) if len(group.arms) > 1)
    more = n_benchmarks - 1
    return np.array([arm, arm * more, shared, shared * more], dtype=float)
