"""Divides a budget over arms so that one estimate becomes most precise, given what a pilot showed.

The pilot's replicate covariances are taken as moderation sees them: shrunk towards what all arms show together, because
those of two or four replicates would send the budget wherever chance was loudest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gauger.estimate.cell_means import Cells, Weights
from gauger.estimate.contrasts import is_zero
from gauger.estimate.wanted import Planned
from gauger.stats import (
    ONCE_VARIANCE,
    Components,
    Division,
    Spending,
    crossed_components,
    divide,
    divide_equally,
    fill_in_trained_once,
    prior_df,
    replicate_groups,
    replicate_prior,
    trust_in_prior,
)
from gauger.stats.crossed import FloatArray


@dataclass(frozen=True)
class SharedTraining:
    """One piece of training that replicates take, shared by the arms that begin with it."""

    cost: float
    """Per replicate, in the unit of the budget (FLOPs, tokens, minutes)."""
    arms: tuple[str, ...]


@dataclass(frozen=True)
class Allocation:
    """A proposal: how many replicates each arm should have."""

    replicates: Mapping[str, int]
    """Arms that the estimate rests on and that vary; base and teacher are one model each."""
    se: float
    """Expected standard error of the contrast, or of the ratio's n - theta d at the estimate."""
    cost: float
    equal_replicates: int | None
    """What the budget pays if every one of these arms has the same number; None where not even one."""
    equal_se: float | None


def propose_allocation(
    cells: Cells, planned: Planned, works: Sequence[SharedTraining], budget: float, *, least: int = 2
) -> Allocation | None:
    """Divide a budget so that one estimate becomes as precise as it can, items being as they are.

    Parameters
    ----------
    cells : Cells
        Scores of the pilot; two replicates of every arm at least.
    planned : Planned
        The estimate, such as the verdict's (`verdict.plan_verdict`). A ratio is taken through its tangent.
    works : sequence of Work
        What each arm's replicates cost; prefixes that arms share stand once, with all their arms.
    budget : float
        For all replicates together, those of the pilot included.
    least : int
        Fewest replicates of an arm.

    Returns
    -------
    Allocation or None
        None where the estimate is undefined, nothing was replicated, or the budget does not pay `least` replicates.
    """
    weights = _judged_weights(cells, planned)
    if weights is None:
        return None
    components = fill_in_trained_once(crossed_components(cells.cube.panel))
    covariance = _by_arm(replicate_covariance(components, moderated=cells.design.moderated), weights)
    flat = weights.reshape(-1, 1)
    item = float((flat * components.item.minus(components.shared).times(flat)).sum())
    names = cells.cube.arms
    spendings = [
        Spending(work.cost, tuple(names.index(arm) for arm in work.arms if covariance[names.index(arm)].any()))
        for work in works
    ]
    division = divide(covariance, spendings, budget, item=max(item, 0.0), least=least)
    if division is None:
        return None
    return _allocation(names, division, divide_equally(covariance, spendings, budget, item=max(item, 0.0)))


def _allocation(names: tuple[str, ...], division: Division, equal: Division | None) -> Allocation:
    chosen = {name: int(n) for name, n in zip(names, division.replicates, strict=True) if n > 0}
    se = float(np.sqrt(division.variance))
    if equal is None:
        return Allocation(chosen, se, division.cost, None, None)
    return Allocation(chosen, se, division.cost, int(equal.replicates.max()), float(np.sqrt(equal.variance)))


def replicate_covariance(components: Components, *, moderated: bool) -> FloatArray:
    """Return the covariance that one replicate gives to the cell means.

    Arms trained once, or scored for one run on a benchmark, get `ONCE_VARIANCE` times the net variance that the
    replicated arms show, as in the intervals; fixed models get 0, and so does everything without moderation that was
    not replicated.

    Parameters
    ----------
    components : Components
        Of the pilot (`stats.crossed`), over K = arms times benchmarks cells: covariances of the cell means as measured.
    moderated : bool
        Blend what each arm shows with what all show together, as the intervals do (docs/methods.md, section 4). Without
        it two replicates decide where the budget goes.

    Returns
    -------
    float array, (K, K)
        Score scale squared, per replicate; it contains the item x replicate residual.

    Notes
    -----
    Tested in tests/estimate/test_allocation.py.
    """
    rows = np.maximum(components.n_replicates.ravel(), 1)
    per_replicate = np.sqrt(np.outer(rows, rows))
    shown = components.shown_covariance()
    groups = replicate_groups(components)
    prior = replicate_prior(components, groups) if moderated and groups else None
    if prior is None:
        return np.asarray(shown * per_replicate)
    df = np.where(components.n_replicates.ravel() > 1, components.n_replicates.ravel() - 1, 0)
    once = components.rests_on_one_run.ravel()
    trust = np.where(df > 0, trust_in_prior(prior_df(prior.stray.arms), df), once.astype(float))
    share = np.sqrt(np.outer(trust, trust))
    rest = np.sqrt(np.outer(1 - trust, 1 - trust)) * (np.outer(df, df) > 0)
    noisier = np.sqrt(np.where(once, ONCE_VARIANCE, 1.0))
    net = prior.common.written_out() * np.outer(noisier, noisier)
    blend = share * (components.shared.written_out() + net) + rest * shown
    return np.asarray(blend * per_replicate)


def _by_arm(covariance: FloatArray, weights: Weights) -> FloatArray:
    """Sum (K, K) covariances with a contrast's weights into (A, A)."""
    flat = weights.ravel()
    n_arms, n_benchmarks = weights.shape
    weighted = (covariance * np.outer(flat, flat)).reshape(n_arms, n_benchmarks, n_arms, n_benchmarks)
    by_arm = weighted.sum(axis=(1, 3))
    # A variance that sampling left at or below 0 takes its covariances along: alone they could make a sum negative.
    alive = np.diag(by_arm) > 0
    return np.asarray(by_arm * np.outer(alive, alive))


def _judged_weights(cells: Cells, planned: Planned) -> Weights | None:
    """Return the weights of the contrast, or of n - theta d at the pilot's theta; None where there is none."""
    if planned.numerator is None or planned.denominator is None:
        return planned.numerator
    means = np.nan_to_num(cells.cube.means)
    below = float((planned.denominator * means).sum())
    if is_zero(below):
        return None
    return planned.numerator - float((planned.numerator * means).sum()) / below * planned.denominator
