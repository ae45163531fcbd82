"""Finds the cheapest addition that would settle an undetermined verdict with a stated chance.

The truth is not where the estimate lies but somewhere about it, so a plan whose interval would just reach the threshold
settles one study in two. Items or replicates are added until the enlarged study decides, on either side, with the
wanted chance (`stats.power.chance_to_settle`). More items cost answers only, more replicates cost training, so items
come first wherever they alone are enough.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import special

from gauger.estimate.contrasts import PlannedBatch
from gauger.estimate.verdict_inputs import JudgedContrast
from gauger.stats import DesignComponents, chance_to_settle, design_variance

MOST_REPLICATES = 64
"""More training runs per arm than this are not proposed."""
MOST_ITEM_FACTOR = 20
"""Nor more items than this many times those at hand."""
STEPS = 9
"""Values that the training variance is averaged over."""
CHANCE = 0.8
"""Chance with which a proposed addition settles the verdict."""


@dataclass(frozen=True)
class Needed:
    """What would be enough, each alone; None where even the most that is proposed would not be."""

    items: int | None
    replicates: int | None
    both: int | None
    """Replicates where there are four times the items as well."""


@dataclass(frozen=True)
class _Question:
    """The judged contrast n - threshold d: variance components, the sizes they were measured at, and the distance."""

    components: DesignComponents
    items: int
    replicates: int
    distance: float
    variance_df: float
    """What the variance of training is known from."""
    level: float
    chance: float

    def settles(self, n_items: int, n_replicates: int) -> bool:
        """Tell whether a study of these sizes decides with the wanted chance.

        The noise of training is known from few replicates only, and a plan that takes it as known is right too seldom:
        the chance is averaged over what it may be, ``s^2 df / chi^2(df)``.
        """
        return float(np.mean([self._chance(n_items, n_replicates, factor) for factor in self._factors])) >= self.chance

    @cached_property
    def _factors(self) -> tuple[float, ...]:
        """Equally likely multiples of the training variance that was found."""
        # Middles of equally likely slices, so that no draw is needed and the answer is the same every time.
        middle = (np.arange(STEPS) + 0.5) / STEPS
        return tuple((self.variance_df / special.chdtri(self.variance_df, middle)).tolist())

    def _chance(self, n_items: int, n_replicates: int, factor: float) -> float:
        components = replace(self.components, replicate=self.components.replicate * factor)
        now, _ = design_variance(components, self.items, self.replicates)
        planned = design_variance(components, n_items, n_replicates)
        return chance_to_settle(self.distance, now, planned, level=self.level)


def settling_addition(
    batch: PlannedBatch, p: int, piece: JudgedContrast, threshold: float, level: float, chance: float = CHANCE
) -> str:
    """Say, in one sentence, which addition settles the verdict on planned estimate p, and with what chance.

    Parameters
    ----------
    batch, p, piece
        The judged estimate.
    threshold, level : float
        Of the verdict rule.
    chance : float
        Wanted, 0-1.
    """
    if batch.contrasts.n_replicates[batch.judged_row(p)] < 2:
        return "Replicates: nothing was replicated, so the noise of training is unknown."
    question = _question(batch, p, piece, threshold, level, chance)
    needed = _needed(question)
    chance_text = f" settles it with a chance of {100 * chance:.0f} %."
    if needed.items is not None:
        more = (
            f" (or {needed.replicates} replicates per arm instead of {question.replicates})"
            if needed.replicates
            else ""
        )
        return f"About {needed.items:,} items instead of {question.items:,}{more}{chance_text}"
    if needed.replicates is not None:
        return (
            f"About {needed.replicates} replicates per arm instead of {question.replicates}{chance_text} "
            "More items alone would not do."
        )
    if needed.both is not None:
        return (
            f"About {needed.both} replicates per arm instead of {question.replicates}, with four times the items "
            f"({4 * question.items:,}),{chance_text} Neither alone would do."
        )
    return (
        f"Neither {MOST_REPLICATES} replicates nor {MOST_ITEM_FACTOR} times the items{chance_text[:-1]}: "
        "the estimate lies too close to the threshold."
    )


def needed(
    batch: PlannedBatch, p: int, piece: JudgedContrast, threshold: float, level: float, chance: float = CHANCE
) -> Needed:
    """Return the items and the replicates that would each be enough: the numbers behind `settling_addition`.

    A size is enough where the enlarged study decides on either side with the wanted chance, averaged over what the
    training variance may be, ``s^2 df / chi^2(df)``.

    Parameters
    ----------
    batch : Batch
        The estimated contrasts.
    p : int
        Position of the judged estimate.
    piece : Judged
        The judged estimate's parts.
    threshold : float
        Of the verdict rule, on the estimand's own scale.
    level : float
        Level of the rule's two-sided interval, between 0.5 and 1.
    chance : float
        Wanted chance of a decision, 0-1.

    Returns
    -------
    Needed
        None for what would not be enough at `MOST_ITEM_FACTOR` times the items, or at `MOST_REPLICATES` replicates. Ask
        only where something was replicated: else the noise of training is unknown (`settling_addition` says so).

    Notes
    -----
    tests/estimate/test_settle.py; that the promised chance is kept is in validation/verdict (`settling.py`).
    """
    return _needed(_question(batch, p, piece, threshold, level, chance))


def _needed(question: _Question) -> Needed:
    most = MOST_ITEM_FACTOR * question.items
    items = _fewest(lambda n: question.settles(n, question.replicates), question.items + 1, most)
    replicates = _fewest(lambda n: question.settles(question.items, n), question.replicates + 1, MOST_REPLICATES)
    both = _fewest(lambda n: question.settles(4 * question.items, n), question.replicates + 1, MOST_REPLICATES)
    return Needed(items, replicates, both)


def _fewest(enough: Callable[[int], bool], least: int, most: int) -> int | None:
    """Return the smallest number from `least` to `most` that is enough, by bisection; None where `most` is not."""
    if not enough(most):
        return None
    few, many = least - 1, most
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if enough(middle) else (middle, many)
    return many


def _question(
    batch: PlannedBatch, p: int, piece: JudgedContrast, threshold: float, level: float, chance: float
) -> _Question:
    """Turn the contrast's variance components into components per item and per replicate."""
    contrasts, row = batch.contrasts, batch.judged_row(p)
    items, replicates = int(contrasts.n_items[row]), int(contrasts.n_replicates[row])
    shared = float(contrasts.shared_variance[row])
    # Both parts contain the residual of items and replicates, which falls with the product of the two sizes: it is
    # taken out of both, and counted once.
    item = max(float(contrasts.item_variance[row]), float(contrasts.least_item_variance[row])) - shared
    replicate = max(float(contrasts.replicate_variance[row]) - shared, 0.0)
    components = DesignComponents(
        item=max(item, 0.0) * items,
        replicate=replicate * replicates,
        residual=max(shared, 0.0) * items * replicates,
        replicate_df_each=float(np.clip(contrasts.df[row] / max(replicates - 1, 1), 1.0, 100.0)),
    )
    return _Question(
        components,
        items,
        replicates,
        distance=abs(piece.numerator - threshold * piece.denominator),
        variance_df=float(np.clip(contrasts.df[row], 1.0, 1e4)),
        level=level,
        chance=chance,
    )
