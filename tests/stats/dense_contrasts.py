"""The estimator of contrasts with every covariance written out, K x K cells and C x C contrasts: slow, large, literal.

It is how the estimator was written first, kept to be compared with; what it shares with it (`prior_spread`,
`arm_noise`, `moderate`, `pairing`, `interval`) holds one number for each arm, cell or contrast.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gauger.stats.crossed.arm_noise import ArmNoise, arm_noise, least_stray
from gauger.stats.crossed.crossed import Components
from gauger.stats.crossed.interval import Parts, combine
from gauger.stats.crossed.item_part import RARE_ITEMS
from gauger.stats.crossed.known_directions import CovarianceKind, Directions, spread_of_sizes
from gauger.stats.crossed.moderate import prior_df, trust_in_prior
from gauger.stats.crossed.pairing import Group, replicate_groups
from gauger.stats.crossed.prior_spread import ReplicateVariances, Stray, estimate_stray
from gauger.stats.crossed.replicate_prior import FEWEST_DF
from gauger.stats.crossed.trained_once import ONCE_VARIANCE

FloatArray = np.ndarray


@dataclass(frozen=True)
class Dense:
    """Components with their covariances written out."""

    parts: Components
    item: FloatArray
    replicate: FloatArray
    shared: FloatArray

    def __getattr__(self, name):
        return getattr(self.parts, name)


def written_out(parts: Components) -> Dense:
    return Dense(parts, parts.item.written_out(), parts.shown_covariance(), parts.shared.written_out())


def dense_contrasts(parts: Components, weights: FloatArray, *, moderated: bool, level: float):
    """Interval, item and replicate part, and (C, C) covariance."""
    components = written_out(parts)
    flat = weights.reshape(len(weights), -1)
    item = item_part(components, weights)
    replicate = replicate_part(components, flat, moderated=moderated)
    shared = ((flat @ components.shared) * flat).sum(axis=1)
    parts = Parts(np.maximum(item[0], item[2]), item[1], replicate.variance, replicate.df, shared, replicate.lent)
    interval = combine(parts, level)
    se = np.sqrt(interval.variance)
    joint = flat @ (components.item - components.shared) @ flat.T + replicate.joint
    return interval, item, replicate, _correlation(joint) * np.outer(se, se)


def _correlation(joint: FloatArray) -> FloatArray:
    """(C, C) correlation of a covariance; sampling may leave it slightly indefinite, so entries are held to ±1."""
    scale = np.sqrt(np.maximum(np.diag(joint), 0.0))
    product = np.outer(scale, scale)
    correlation = np.clip(np.divide(joint, product, out=np.zeros_like(joint), where=product > 0), -1.0, 1.0)
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(correlation)


def item_part(components, weights):
    variances = np.stack([_block_variance(components, weights, block) for block in components.blocks])
    variance = variances.sum(axis=0)
    known = np.array([[_block_df(components, w, block) for w in weights] for block in components.blocks])
    spread = (variances**2 / known).sum(axis=0)
    fewest = known.min(axis=0)
    df = np.divide(variance**2, spread, out=np.where(np.isfinite(fewest), fewest, 1.0), where=spread > 0)
    return (variance, df, RARE_ITEMS * _rare_item(components, weights))


def _block_df(components: Components, weight: FloatArray, block: tuple[int, ...]) -> float:
    """By a loop over clusters: inf where the block is not weighed."""
    sizes, touched = {}, False
    for b in block:
        arms = [a for a in range(len(weight)) if weight[a, b] != 0]
        if not arms:
            continue
        touched = True
        df = {a: _df_of(components.cluster_sizes[b][a].tolist()) for a in arms}
        fewest = [a for a in arms if df[a] == min(df.values())]
        for place, name in enumerate(components.clusters[b].tolist()):
            sizes[name] = sizes.get(name, 0) + max(int(components.cluster_sizes[b][a, place]) for a in fewest)
    return _df_of(list(sizes.values())) if touched else np.inf


def _df_of(sizes: list[int]) -> float:
    squares, fourth = sum(n**2 for n in sizes), sum(n**4 for n in sizes)
    return max(squares**2 / fourth - 1, 1.0) if fourth else 1.0


def _block_variance(components: Components, weights: FloatArray, block: tuple[int, ...]) -> FloatArray:
    """(C,): item variance that comes from a block of benchmarks."""
    n_arms, n_benchmarks = components.mean.shape
    cells = (np.arange(n_arms)[:, None] * n_benchmarks + np.array(block)).ravel()
    part = weights[:, :, block].reshape(len(weights), -1)
    return np.asarray(((part @ components.item[np.ix_(cells, cells)]) * part).sum(axis=1))


def _rare_item(components: Components, weights: FloatArray) -> FloatArray:
    """(C,): variance that one rare item gives."""
    size = np.maximum(components.n_replicates * components.n_items * components.n_clusters, 1)
    return np.asarray((weights**2 / size).max(axis=1) @ components.farthest**2)


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
    lent: FloatArray
    """(C,): their item noise that is contained in it."""


def replicate_part(components: Dense, flat: FloatArray, *, moderated: bool) -> ReplicatePart:
    groups = replicate_groups(components)
    if not groups:
        none = np.zeros(len(flat))
        return ReplicatePart(none, np.full(len(flat), np.inf), np.zeros((len(flat), len(flat))), none, none)
    prior = replicate_prior(components, groups) if moderated or components.trained_once.any() else None
    if prior is None:
        return _as_shown([_shown(group, flat) for group in groups])
    views = [_view(components, prior, group, flat) for group in groups]
    known = _prior_knowledge(prior, np.sum([view.energy for view in views], axis=0))
    if prior.directions is not None:
        common_df = prior.directions._df(_Written(flat))
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
    return ReplicatePart(variance, df, joint, np.zeros_like(variance), np.zeros_like(variance))


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
    alike = prior_df(prior.stray.arms * net**2)
    joint = np.zeros_like(views[0].noise)
    spread, leaning, borrowed, lent = (np.zeros_like(net) for _ in range(4))
    for view in views:
        df = view.shown.df
        d0 = prior_df(np.maximum(prior.stray.arms, least_stray(df)) * net**2)
        factor, own_df = view.arms.factor(view.share, np.where(df > 0, d0, alike), df)
        trust = trust_in_prior(own_df, df) * (1.0 if prior.directions is None else _news(common_df, df))
        trust = trust if moderated else np.where(df > 0, 0.0, 1.0)
        level = _blend(towards, view.common, view.pooled)
        once = np.where(df > 0, 1.0, np.where(np.diag(level) > 0, ONCE_VARIANCE, 0.0))
        expected = view.noise + _scaled(level, once)
        expected = _scaled(expected, factor)
        part = _blend(trust, expected, view.shown.joint)
        variance = np.diag(part)
        joint += part
        spread += variance**2 * _uncertainty(trust, own_df, df)
        leaning += np.maximum(variance, 0.0) * trust
        borrowed += np.where(df == 0, variance - np.diag(view.noise), 0.0)
        lent += np.where(df == 0, np.diag(view.noise), 0.0)
    shown_df = np.max([view.shown.df for view in views], axis=0)
    held = _held_positive(joint, spread + leaning**2 / mean_df, np.maximum(common_df, shown_df))
    return replace(held, borrowed=np.maximum(borrowed, 0.0), lent=lent)


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
    return ReplicatePart(variance, df, joint * np.outer(keep, keep), np.zeros_like(variance), np.zeros_like(variance))


def _blend(share: FloatArray, first: FloatArray, second: FloatArray) -> FloatArray:
    """Give share first + (1 - share) second on the diagonal; off it, each by the geometric mean of the two shares."""
    rest = 1 - share
    return np.asarray(np.sqrt(np.outer(share, share)) * first + np.sqrt(np.outer(rest, rest)) * second)


def _net_share(noise: FloatArray, net: FloatArray) -> FloatArray:
    """(C,): share of the expected variance that is net of item noise, 0-1."""
    total = noise + net
    return np.clip(np.divide(net, total, out=np.zeros_like(net), where=total > 0), 0.0, 1.0)


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


def replicate_prior(components: Dense, groups: list[Group]) -> ReplicatePrior | None:
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
    kinds = [_mask(kind, shape[1]) for kind in pairs]
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


def _mask(kind: CovarianceKind, n_benchmarks: int) -> FloatArray:
    one = np.eye(n_benchmarks)
    return np.kron(kind.arms.astype(float), one if kind.same else 1 - one)


@dataclass(frozen=True)
class _Written:
    """Weights (C, K) as `Directions` asks for them."""

    flat: FloatArray

    def written_out(self) -> FloatArray:
        return self.flat.T
