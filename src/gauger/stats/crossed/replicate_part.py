"""Estimates the replicate part of contrasts: what the replicates show, moderated by what all of them show together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gauger.stats.crossed.arm_noise import LEAST_STRAY, ArmNoise
from gauger.stats.crossed.crossed import Components
from gauger.stats.crossed.moderate import prior_df, trust_in_prior
from gauger.stats.crossed.pairing import Group, replicate_groups
from gauger.stats.crossed.panel import FloatArray
from gauger.stats.crossed.replicate_prior import FEWEST_DF, ReplicatePrior, replicate_prior
from gauger.stats.crossed.trained_once import ONCE_VARIANCE


@dataclass(frozen=True)
class ReplicatePart:
    """Replicate part of C contrasts."""

    variance: FloatArray
    """(C,): at least 0; contains the shared residual."""
    df: FloatArray
    """(C,): degrees of freedom; inf where no replicated arm is touched."""
    joint: FloatArray
    """(C, C): covariance, diagonal = variance."""
    borrowed: FloatArray
    """(C,): net noise of arms trained once that is contained in it."""


def replicate_part(components: Components, flat: FloatArray, *, moderated: bool) -> ReplicatePart:
    """Return the variance that training replicates give to contrasts with weights (C, K).

    Arms that share replicates form a group (`pairing`); groups are independent. In each group the replicates show a
    variance ``s^2`` with ``d = R - 1`` degrees of freedom. Moderated, it becomes ``((k - d) f m + d s^2) / k``, with m
    what the prior expects: item noise plus ``(d1 common + D pooled) / (d1 + D)``; f what the group's arms show of
    themselves on all benchmarks (`ArmNoise.factor`), and k = d0 + n what f m is known from. d0 and d1 follow from how
    far arms (at least `LEAST_STRAY`) and benchmarks stray (`estimate_stray`), and are infinite where there is no net
    replicate noise to stray. An arm trained once shows nothing: its net noise is taken for `ONCE_VARIANCE` times what
    is expected, which stands in the place of `LEAST_STRAY`.

    Degrees of freedom count what m itself is known from: ``1 / df = sum_g h_g^2 / k_g + (sum_g h_g trust_g)^2 / df_m``
    with h_g the group's share of the variance, never more than all replicates together have.

    Parameters
    ----------
    components : Components
        Crossed components of the study's cells (`crossed_components`).
    flat : float array, (C, K)
        Weights of C contrasts over the K = A B cells, numbered ``a * B + b``.
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
    if not groups:
        none = np.zeros(len(flat))
        return ReplicatePart(none, np.full(len(flat), np.inf), np.zeros((len(flat), len(flat))), none)
    prior = replicate_prior(components, groups) if moderated or components.trained_once.any() else None
    if prior is None:
        return _as_shown([_shown(group, flat) for group in groups])
    views = [_view(components, prior, group, flat) for group in groups]
    known = _prior_knowledge(prior, np.sum([view.energy for view in views], axis=0))
    if prior.directions is not None:
        common_df = prior.directions.df(flat)
        known = common_df, common_df * known[1] / known[0]
    return _moderated(prior, views, known, moderated=moderated)


@dataclass(frozen=True)
class _Shown:
    """What one group's replicates show of C contrasts."""

    influence: FloatArray
    """(P_g, C): influence of each replicate."""
    df: FloatArray
    """(C,): replicates less one; 0 where the group is not touched."""

    @property
    def joint(self) -> FloatArray:
        """(C, C): covariance as shown."""
        return self.influence.T @ self.influence


@dataclass(frozen=True)
class _View:
    """One group as seen by C contrasts."""

    shown: _Shown
    noise: FloatArray
    """(C, C): item noise in the replicate part; then the net covariance that each level of the prior expects."""
    common: FloatArray
    pooled: FloatArray
    share: FloatArray
    """(C, n): share of each of the group's arms in the expected variance."""
    arms: ArmNoise
    """What the n arms show of themselves."""
    energy: FloatArray
    """(C, 4): expected variance by stratum (`ReplicatePrior.stratum_df`)."""


def _shown(group: Group, flat: FloatArray) -> _Shown:
    weights = flat[:, group.cells]
    touched = (weights != 0) & (group.df.ravel() > 0)
    smallest = np.where(touched, group.df.ravel(), np.iinfo(np.int64).max).min(axis=1)
    df = np.where(touched.any(axis=1), smallest, 0).astype(float)
    return _Shown(group.deviations @ weights.T, df)


def _as_shown(groups: list[_Shown]) -> ReplicatePart:
    """Without a prior: sum over groups, degrees of freedom by Satterthwaite."""
    joint = np.sum([shown.joint for shown in groups], axis=0)
    variance = np.diag(joint).copy()
    spread = np.zeros_like(variance)
    smallest = np.full_like(variance, np.inf)
    for shown in groups:
        squares = (shown.influence**2).sum(axis=0) ** 2
        spread += np.divide(squares, shown.df, out=np.zeros_like(squares), where=shown.df > 0)
        smallest = np.where(shown.df > 0, np.minimum(smallest, shown.df), smallest)
    df = np.divide(variance**2, spread, out=smallest, where=spread > 0)
    return ReplicatePart(variance, df, joint, np.zeros_like(variance))


def _view(components: Components, prior: ReplicatePrior, group: Group, flat: FloatArray) -> _View:
    weights = flat[:, group.cells]
    block = np.ix_(group.cells, group.cells)
    noise, common, pooled = (weights @ m[block] @ weights.T for m in (components.shared, prior.common, prior.pooled))
    cell_noise = np.diag(components.shared)[group.cells]
    expected = np.maximum(cell_noise + np.diag(prior.common)[group.cells], cell_noise / 2)
    standard = (weights * np.sqrt(expected)).reshape(len(flat), len(group.arms), -1)
    share = _shares((standard**2).sum(axis=2))
    energy = _energy(prior.correlation, standard)
    return _View(_shown(group, flat), noise, common, pooled, share, prior.arms.of(group.arms), energy)


def _shares(parts: FloatArray) -> FloatArray:
    """Divide every row by its sum; equal shares where that is 0."""
    total = parts.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(parts, total, out=np.full_like(parts, 1 / parts.shape[1]), where=total > 0))


def _energy(correlation: tuple[float, float, float], u: FloatArray) -> FloatArray:
    """(C, 4): variance of contrasts (C, n, B) in standardised cells, by stratum of a compound symmetric covariance."""
    n_arms, n_benchmarks = u.shape[1:]
    same_arm, same_benchmark, neither = correlation
    grand = u.sum(axis=(1, 2)) ** 2 / (n_arms * n_benchmarks)
    arm = (u.sum(axis=2) ** 2).sum(axis=1) / n_benchmarks - grand
    benchmark = (u.sum(axis=1) ** 2).sum(axis=1) / n_arms - grand
    rest = (u**2).sum(axis=(1, 2)) - grand - arm - benchmark
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


def _positive(*columns: FloatArray) -> FloatArray:
    return np.maximum(np.stack(columns, axis=1), 0.0)


def _moderated(
    prior: ReplicatePrior, views: list[_View], known: tuple[FloatArray, FloatArray], *, moderated: bool
) -> ReplicatePart:
    """Blend what each group shows with what the prior expects of it.

    A group that shows nothing (an arm trained once) is all prior; without moderation every other group is all shown.
    """
    common_df, pooled_df = known
    noise, common, pooled = (
        np.sum([np.diag(matrix) for matrix in matrices], axis=0)
        for matrices in zip(*((view.noise, view.common, view.pooled) for view in views), strict=True)
    )
    d1 = prior_df(prior.stray.benchmarks * _net_share(noise, common) ** 2)
    towards = trust_in_prior(d1, pooled_df)
    mean_df = np.minimum(1 / (1 / (d1 + pooled_df) + towards**2 / common_df), common_df)
    net = _net_share(noise, towards * common + (1 - towards) * pooled)
    d0 = prior_df(max(prior.stray.arms, LEAST_STRAY) * net**2)
    alike = prior_df(prior.stray.arms * net**2)
    joint = np.zeros_like(views[0].noise)
    spread, leaning, borrowed = (np.zeros_like(d0) for _ in range(3))
    for view in views:
        df = view.shown.df
        factor, own_df = view.arms.factor(view.share, np.where(df > 0, d0, alike), df)
        trust = trust_in_prior(own_df, df) * (1.0 if prior.directions is None else _news(common_df, df))
        trust = trust if moderated else np.where(df > 0, 0.0, 1.0)
        once = np.where(df > 0, 1.0, ONCE_VARIANCE)
        expected = view.noise + _scaled(_blend(towards, view.common, view.pooled), once)
        expected = _scaled(expected, factor)
        part = _blend(trust, expected, view.shown.joint)
        variance = np.diag(part)
        joint += part
        spread += variance**2 * _uncertainty(trust, own_df, df)
        leaning += np.maximum(variance, 0.0) * trust
        borrowed += np.where(df == 0, variance - np.diag(view.noise), 0.0)
    shown_df = np.max([view.shown.df for view in views], axis=0)
    held = _held_positive(joint, spread + leaning**2 / mean_df, np.maximum(common_df, shown_df))
    return replace(held, borrowed=np.maximum(borrowed, 0.0))


def _scaled(covariance: FloatArray, factor: FloatArray) -> FloatArray:
    """Multiply variances (C,) by a factor each, and covariances by the geometric mean of two."""
    root = np.sqrt(factor)
    return np.asarray(covariance * np.outer(root, root))


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


def _held_positive(joint: FloatArray, spread: FloatArray, most: FloatArray) -> ReplicatePart:
    """Hold variances at 0 where pooled parts came out negative; the joint covariance follows them."""
    variance = np.maximum(np.diag(joint), 0.0)
    keep = np.where(np.diag(joint) > 0, 1.0, 0.0)
    df = np.divide(variance**2, spread, out=most.copy(), where=spread > 0)
    df = np.minimum(np.maximum(df, 1.0), most)
    return ReplicatePart(variance, df, joint * np.outer(keep, keep), np.zeros_like(variance))


def _blend(share: FloatArray, first: FloatArray, second: FloatArray) -> FloatArray:
    """Give share first + (1 - share) second on the diagonal; off it, each by the geometric mean of the two shares."""
    rest = 1 - share
    return np.asarray(np.sqrt(np.outer(share, share)) * first + np.sqrt(np.outer(rest, rest)) * second)


def _net_share(noise: FloatArray, net: FloatArray) -> FloatArray:
    """(C,): share of the expected variance that is net of item noise, 0-1."""
    total = noise + net
    return np.clip(np.divide(net, total, out=np.zeros_like(net), where=total > 0), 0.0, 1.0)
