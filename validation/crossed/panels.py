"""Simulated panels with known cell means: items, clusters, arm × item effects and training replicates, in logits.

The score of arm a, replicate r, item i of benchmark b is drawn with ``logit p = alpha_ab + item_i + cluster_u +
own_ai + noise_abr``: right or wrong with probability p, or graded (a logistic of the same sum plus a residual). Every
arm's expected score is found by integration, so the truth is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from gauger.stats.crossed.panel import Panel

Array = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """One cell of the grid. Standard deviations are in logits."""

    arms: int = 4
    benchmarks: int = 3
    replicates: int = 3
    items: int = 500
    score: float = 0.5
    """Expected score of every arm but the second."""
    lift: float = 0.0
    """Logits by which the second arm is better."""
    graded: bool = False
    item_sd: float = 1.2
    own_sd: float = 0.5
    """Arm × item effects: what makes items differ between arms beyond chance."""
    noise: float = 0.25
    """Training replicates."""
    tail: float = np.inf
    """Degrees of freedom of the replicate noise; inf = normal."""
    one_skill: float = 0.5
    """Correlation of a replicate's noise between benchmarks."""
    benchmark_spread: float = 0.0
    """Replicate noise grows from exp(-spread) to exp(spread) times `noise` over the benchmarks."""
    arm_spread: float = 0.0
    """The same over the arms; the first is the quietest, the second the noisiest."""
    cluster: int = 1
    """Items per cluster."""
    shared_clusters: bool = False
    """All benchmarks ask about the same clusters."""
    paired: bool = False
    fixed_base: bool = False
    """The first arm is one untouched model, measured once."""
    missing: float = 0.0
    """Share of answers that are missing; the second arm then has lost a whole replicate too."""


_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(60)
_CLUSTER_SD, _GRADED_SD = 0.8, 0.6


def expected_score(world: World, alpha: float, noise: float) -> float:
    """Integrate over items and replicates."""
    variance = world.item_sd**2 + world.own_sd**2 + (_CLUSTER_SD**2 if world.cluster > 1 else 0)
    variance += _GRADED_SD**2 if world.graded else 0
    middle = (np.arange(4001) + 0.5) / 4001
    unit = special.ndtri(middle) if np.isinf(world.tail) else stats.t.ppf(middle, world.tail) * _shrink(world.tail)
    inside = special.expit(alpha + np.sqrt(variance) * _NODES[:, None] + noise * unit)
    return float(inside.mean(axis=1) @ _WEIGHTS / _WEIGHTS.sum())


def _shrink(tail: float) -> float:
    return float(np.sqrt((tail - 2) / tail))


@dataclass(frozen=True)
class Truth:
    """Levels, noise and expected scores of all cells, (A, B) each."""

    alpha: Array
    noise: Array
    mean: Array


def truth_of(world: World) -> Truth:
    """Solve for the levels that give the planted scores."""
    shape = (world.arms, world.benchmarks)
    noise = np.full(shape, world.noise)
    noise *= np.exp(world.benchmark_spread * np.linspace(-1, 1, world.benchmarks)) if world.benchmarks > 1 else 1
    noise *= np.exp(world.arm_spread * np.roll(np.linspace(1, -1, world.arms), 1))[:, None]
    if world.fixed_base:
        noise[0] = 0
    level = optimize.brentq(lambda alpha: expected_score(world, alpha, world.noise) - world.score, -15, 15)
    alpha = np.full(shape, level)
    alpha[1] += world.lift
    mean = np.array(
        [[expected_score(world, alpha[a, b], noise[a, b]) for b in range(shape[1])] for a in range(shape[0])]
    )
    return Truth(alpha, noise, mean)


def draw_panel(world: World, truth: Truth, rng: np.random.Generator) -> Panel:
    """Draw one study."""
    unit = _replicate_effects(world, rng)
    n_clusters = -(-world.items // world.cluster)
    cluster_effects = _CLUSTER_SD * rng.standard_normal((world.benchmarks, n_clusters))
    scores, units = [], []
    for b in range(world.benchmarks):
        item = world.item_sd * rng.standard_normal(world.items)
        cluster = np.arange(world.items) // world.cluster
        if world.cluster > 1:
            item += cluster_effects[0 if world.shared_clusters else b, cluster]
        eta = (truth.alpha[:, b, None] + truth.noise[:, b, None] * unit[:, :, b])[:, :, None] + item
        eta += world.own_sd * rng.standard_normal((world.arms, 1, world.items))
        scores.append(_scores(world, eta, rng))
        units.append(cluster if world.shared_clusters else cluster + b * n_clusters)
    return Panel(tuple(scores), tuple(units), _ids(world))


def _replicate_effects(world: World, rng: np.random.Generator) -> Array:
    """(A, R, B) with variance 1; paired arms have half of it in common."""
    shape = (world.arms, world.replicates, world.benchmarks)
    effects = _related(shape, world.one_skill, rng)
    if world.paired:
        effects = np.sqrt(0.5) * effects + np.sqrt(0.5) * _related((1, *shape[1:]), world.one_skill, rng)
    if np.isfinite(world.tail):
        heavy = np.sqrt(rng.chisquare(world.tail, shape[:2]) / world.tail)
        effects = effects / heavy[:, :, None] * _shrink(world.tail)
    return effects


def _related(shape: tuple[int, ...], correlation: float, rng: np.random.Generator) -> Array:
    common, own = rng.standard_normal((*shape[:-1], 1)), rng.standard_normal(shape)
    return np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own


def _scores(world: World, eta: Array, rng: np.random.Generator) -> Array:
    if world.graded:
        scores = special.expit(eta + _GRADED_SD * rng.standard_normal(eta.shape))
    else:
        scores = (rng.random(eta.shape) < special.expit(eta)).astype(float)
    if world.missing:
        scores[rng.random(scores.shape) < world.missing] = np.nan
        scores[1, -1] = np.nan
    if world.fixed_base:
        scores[0, 1:] = np.nan
    return scores


def _ids(world: World) -> NDArray[np.int64]:
    shape = (world.arms, world.replicates)
    rows = np.arange(world.replicates) if world.paired else np.arange(shape[0] * shape[1]).reshape(shape)
    return np.broadcast_to(rows, shape).astype(np.int64)
