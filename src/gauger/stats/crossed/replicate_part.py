"""Estimates the replicate part of contrasts: what the replicates show, moderated by what all of them show together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gauger.stats.crossed.arm_noise import ArmNoise, least_stray
from gauger.stats.crossed.contrast_rows import ContrastRows, totals
from gauger.stats.crossed.crossed import Components
from gauger.stats.crossed.moderate import prior_df, trust_in_prior
from gauger.stats.crossed.pairing import Group, replicate_groups
from gauger.stats.crossed.panel import FloatArray, IntArray
from gauger.stats.crossed.replicate_covariance import (
    Blend,
    ExpectedPart,
    GroupCovariance,
    ReplicateCovariance,
    ShownPart,
    shown_by,
)
from gauger.stats.crossed.replicate_prior import FEWEST_DF, ReplicatePrior, replicate_prior
from gauger.stats.crossed.trained_once import ONCE_VARIANCE


@dataclass(frozen=True)
class ReplicatePart:
    """Replicate part of C contrasts."""

    variance: FloatArray
    """(C,): at least 0; contains the shared residual."""
    df: FloatArray
    """(C,): degrees of freedom; inf where no replicated arm is touched."""
    borrowed: FloatArray
    """(C,): net noise of arms trained once that is contained in it."""
    lent: FloatArray
    """(C,): item noise of arms trained once that is contained in it, wholly."""
    covariance: ReplicateCovariance
    """Of any two contrasts; with itself, `variance`."""


def replicate_part(components: Components, rows: ContrastRows, *, moderated: bool) -> ReplicatePart:
    """Return the variance that training replicates give to C contrasts.

    Arms that share replicates form a group (`pairing`); groups are independent. In each group the replicates show a
    variance ``s^2`` with ``d = R - 1`` degrees of freedom. Moderated, it becomes ``((k - d) f m + d s^2) / k``, with m
    what the prior expects: item noise plus ``(d1 common + D pooled) / (d1 + D)``; f what the group's arms show of
    themselves on all benchmarks (`ArmNoise.factor`), and k = d0 + n what f m is known from. d0 and d1 follow from how
    far arms (at least `least_stray`) and benchmarks stray (`estimate_stray`), and are infinite where there is no net
    replicate noise to stray. An arm trained once shows nothing: its net noise is taken for `ONCE_VARIANCE` times what
    is expected, which stands in the place of `least_stray`; where the pool expects less than none, it is none.

    Degrees of freedom count what m itself is known from: ``1 / df = sum_g h_g^2 / k_g + (sum_g h_g trust_g)^2 / df_m``
    with h_g the group's share of the variance, never more than all replicates together have.

    Parameters
    ----------
    components : Components
        Crossed components of the study's cells (`crossed_components`).
    rows : ContrastRows
        C contrasts.
    moderated : bool
        False takes the replicates as they come, with few degrees of freedom and wide intervals; arms trained once still
        borrow from the prior.

    Returns
    -------
    ReplicatePart
        Score scale squared. All 0 with infinite degrees of freedom where no arm was replicated: training noise is then
        unknown, not absent (`sample_sizes.training_unknown`).

    References
    ----------
    Smyth (2004), Stat. Appl. Genet. Mol. Biol. 3(1) article 3. Proven in validation/crossed/;
    its limits in tests/stats/test_replicate_part.py.
    """
    groups = replicate_groups(components)
    none = np.zeros(len(rows))
    if not groups:
        return ReplicatePart(none, np.full(len(rows), np.inf), none, none, ReplicateCovariance(len(rows), ()))
    prior = replicate_prior(components, groups) if moderated or components.trained_once.any() else None
    shown = [shown_by(group, rows) for group in groups]
    if prior is None:
        return _as_shown(shown, len(rows))
    views = [_view(components, prior, group, part) for group, part in zip(groups, shown, strict=True)]
    known = _prior_knowledge(prior, _total([(view.shown.touched, view.energy) for view in views], (len(rows), 4)))
    if prior.directions is not None:
        common_df = prior.directions.df(rows)
        known = common_df, common_df * known[1] / known[0]
    return _moderated(prior, views, known, moderated=moderated)


@dataclass(frozen=True)
class _View:
    """One group as seen by the n contrasts that it touches."""

    shown: ShownPart
    expected: ExpectedPart
    noise: FloatArray
    """(n,): item noise in the replicate part; then the net variance that each level of the prior expects."""
    common: FloatArray
    pooled: FloatArray
    share: FloatArray
    """(n, arms): share of each of the group's arms in the expected variance."""
    arms: ArmNoise
    """What these arms show of themselves."""
    energy: FloatArray
    """(n, 4): expected variance by stratum (`ReplicatePrior.stratum_df`)."""


def _total(parts: list[tuple[IntArray, FloatArray]], shape: tuple[int, ...]) -> FloatArray:
    """Add up what groups say of the contrasts that they touch; 0 for all others."""
    total = np.zeros(shape)
    for touched, values in parts:
        total[touched] += values
    return total


def _as_shown(groups: list[ShownPart], n: int) -> ReplicatePart:
    """Without a prior: sum over groups, degrees of freedom by Satterthwaite."""
    variance, spread, smallest = np.zeros(n), np.zeros(n), np.full(n, np.inf)
    for shown in groups:
        at, squares = shown.touched, shown.variance**2
        variance[at] += shown.variance
        spread[at] += np.divide(squares, shown.df, out=np.zeros_like(squares), where=shown.df > 0)
        smallest[at] = np.where(shown.df > 0, np.minimum(smallest[at], shown.df), smallest[at])
    df = np.divide(variance**2, spread, out=smallest, where=spread > 0)
    covariance = ReplicateCovariance(n, tuple(GroupCovariance(shown) for shown in groups))
    return ReplicatePart(variance, df, np.zeros(n), np.zeros(n), covariance)


def _view(components: Components, prior: ReplicatePrior, group: Group, shown: ShownPart) -> _View:
    rows = shown.rows
    arms = group.arms
    expected = ExpectedPart(components.shared.of(arms), prior.common.of(arms), prior.pooled.of(arms))
    noise, common, pooled = rows.squares(expected.noise, expected.common, expected.pooled)
    cell_noise = expected.noise.diagonal()
    variance = np.maximum(cell_noise + expected.common.diagonal(), cell_noise / 2).ravel()
    standard = rows.values * np.sqrt(variance[rows.cells])
    n_arms = len(group.arms)
    by_arm = totals(rows.row * n_arms + rows.arm, standard**2, len(rows) * n_arms)
    share = _shares(by_arm.reshape(len(rows), n_arms))
    energy = _energy(prior.correlation, rows, standard)
    return _View(shown, expected, noise, common, pooled, share, prior.arms.of(group.arms), energy)


def _shares(parts: FloatArray) -> FloatArray:
    """Divide every row by its sum; equal shares where that is 0."""
    total = parts.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(parts, total, out=np.full_like(parts, 1 / parts.shape[1]), where=total > 0))


def _energy(correlation: tuple[float, float, float], rows: ContrastRows, standard: FloatArray) -> FloatArray:
    """(n, 4): variance of contrasts of standardised cells, by stratum of a compound symmetric covariance.

    `standard` (N,) are the weights of `rows` on cells of variance 1.
    """
    n_arms, n_benchmarks = rows.shape
    same_arm, same_benchmark, neither = correlation
    grand = rows.sums(standard) ** 2 / (n_arms * n_benchmarks)
    arm = _squared_sums(rows, rows.arm, standard, n_arms) / n_benchmarks - grand
    benchmark = _squared_sums(rows, rows.benchmark, standard, n_benchmarks) / n_arms - grand
    rest = rows.sums(standard**2) - grand - arm - benchmark
    m, k = n_benchmarks - 1, n_arms - 1
    if n_arms == 1:
        none = np.zeros_like(grand)
        return _positive(grand * (1 + m * same_arm), benchmark * (1 - same_arm), none, none)
    return _positive(
        arm * (1 - same_benchmark + m * (same_arm - neither)),
        rest * (1 - same_arm - same_benchmark + neither),
        grand * (1 + m * same_arm + k * same_benchmark + m * k * neither),
        benchmark * (1 - same_arm + k * (same_benchmark - neither)),
    )


def _squared_sums(rows: ContrastRows, label: IntArray, values: FloatArray, n_labels: int) -> FloatArray:
    """(n,): of each contrast, the sum over labels of the squared sum of its (N,) values of that label."""
    key, place = np.unique(rows.row * n_labels + label, return_inverse=True)
    return totals(key // n_labels, totals(place, values, len(key)) ** 2, len(rows))


def _positive(*columns: FloatArray) -> FloatArray:
    return np.maximum(np.stack(columns, axis=1), 0.0)


def _moderated(
    prior: ReplicatePrior, views: list[_View], known: tuple[FloatArray, FloatArray], *, moderated: bool
) -> ReplicatePart:
    """Blend what each group shows with what the prior expects of it.

    A group that shows nothing (an arm trained once) is all prior; without moderation every other group is all shown.
    """
    common_df, pooled_df = known
    n = len(common_df)
    noise, common, pooled = (
        _total([(view.shown.touched, getattr(view, name)) for view in views], (n,))
        for name in ("noise", "common", "pooled")
    )
    d1 = prior_df(prior.stray.benchmarks * _net_share(noise, common) ** 2)
    towards = trust_in_prior(d1, pooled_df)
    mean_df = np.minimum(1 / (1 / (d1 + pooled_df) + towards**2 / common_df), common_df)
    net = _net_share(noise, towards * common + (1 - towards) * pooled)
    alike = prior_df(prior.stray.arms * net**2)
    total, spread, leaning, borrowed, lent, shown_df = (np.zeros(n) for _ in range(6))
    parts = []
    for view in views:
        at, df = view.shown.touched, view.shown.df
        d0 = prior_df(np.maximum(prior.stray.arms, least_stray(df)) * net[at] ** 2)
        factor, own_df = view.arms.factor(view.share, np.where(df > 0, d0, alike[at]), df)
        trust = trust_in_prior(own_df, df) * (1.0 if prior.directions is None else _news(common_df[at], df))
        trust = trust if moderated else np.where(df > 0, 0.0, 1.0)
        level = towards[at] * view.common + (1 - towards[at]) * view.pooled
        once = np.where(df > 0, 1.0, np.where(level > 0, ONCE_VARIANCE, 0.0))
        variance = trust * (view.noise + level * once) * factor + (1 - trust) * view.shown.variance
        parts.append(GroupCovariance(view.shown, view.expected, Blend(towards[at], once, factor, trust)))
        total[at] += variance
        spread[at] += variance**2 * _uncertainty(trust, own_df, df)
        leaning[at] += np.maximum(variance, 0.0) * trust
        borrowed[at] += np.where(df == 0, variance - view.noise, 0.0)
        lent[at] += np.where(df == 0, view.noise, 0.0)
        shown_df[at] = np.maximum(shown_df[at], df)
    df = _held_df(total, spread + leaning**2 / mean_df, np.maximum(common_df, shown_df))
    # Pooled parts may come out negative: the variance is then held at 0, and the covariances follow it.
    covariance = ReplicateCovariance(n, tuple(parts), total > 0)
    return ReplicatePart(np.maximum(total, 0.0), df, np.maximum(borrowed, 0.0), lent, covariance)


def _news(common_df: FloatArray, df: FloatArray) -> FloatArray:
    """(C,): share of what the pooled variance knows of a direction that the contrast's own replicates do not.

    Where arms are related, a direction can lie so that only its own replicates tell of it: pooling then adds nothing.
    """
    return np.clip(1 - df / common_df, 0.0, 1.0)


def _uncertainty(trust: FloatArray, prior_df: FloatArray, df: FloatArray) -> FloatArray:
    """(C,): squared relative error of a blend, half of it; ``1 / (d0 + d)`` at the best trust ``d0 / (d0 + d)``."""
    own = np.divide((1 - trust) ** 2, df, out=np.zeros_like(trust), where=df > 0)
    return np.asarray(own + trust**2 / prior_df)


def _prior_knowledge(prior: ReplicatePrior, energy: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Degrees of freedom (C,) that `common` and `pooled` rest on, in the direction of each contrast."""
    total = energy.sum(axis=1, keepdims=True)
    share = np.divide(energy, total, out=np.full_like(energy, 0.25), where=total > 0)
    strata = np.maximum(prior.stratum_df, 1.0)
    common = 1 / (share**2 / strata).sum(axis=1)
    own, shared = share[:, :2].sum(axis=1), share[:, 2:].sum(axis=1)
    pooled = 1 / (own**2 / strata[0] + shared**2 / strata[2])
    if prior.stratum_df[0] < FEWEST_DF:
        common = np.sqrt(common * np.minimum(common, pooled))
    return common, pooled


def _held_df(total: FloatArray, spread: FloatArray, most: FloatArray) -> FloatArray:
    """(C,): degrees of freedom of variances that are held at 0."""
    df = np.divide(np.maximum(total, 0.0) ** 2, spread, out=most.copy(), where=spread > 0)
    return np.asarray(np.minimum(np.maximum(df, 1.0), most))


def _net_share(noise: FloatArray, net: FloatArray) -> FloatArray:
    """(C,): share of the expected variance that is net of item noise, 0-1."""
    total = noise + net
    return np.clip(np.divide(net, total, out=np.zeros_like(net), where=total > 0), 0.0, 1.0)
