"""Plans a study's attributions, each with its weights over arms and benchmarks or the reason why it has none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gauger.estimate.attribution.estimates import ATTRIBUTIONS, Subject
from gauger.estimate.attribution.ingredients import Ingredients
from gauger.estimate.attribution.scheme import Scheme, scheme_of
from gauger.estimate.cell_means import Case, Cells, MissingCell, Target, Weights
from gauger.estimate.estimands import everywhere
from gauger.estimate.wanted import CellSampling, Planned
from gauger.records import ArmInfo, Reason
from gauger.stats import order_sampling

INGREDIENT = "ingredient"
"""What stands as the kind of an "arm" that is an ingredient, or several."""


def plan_attributions(cells: Cells) -> list[Planned]:
    """List every attribution of a study on each benchmark and role; empty where its design has no ingredients.

    Cells of the factorial that the records lack give undefined estimates with their reason, never a guess.
    """
    ingredients = cells.design.ingredients
    if ingredients is None:
        return []
    scheme = scheme_of(ingredients)
    tables = [_Table.of(cells, ingredients, target) for target in everywhere(cells)]
    return [
        table.plan(name, subject, scheme)
        for name, attribution in ATTRIBUTIONS.items()
        for subject in attribution.subjects(ingredients, scheme)
        for table in tables
    ]


@dataclass(frozen=True)
class _Table:
    """The cell means of one target: for every subset of ingredients its weights, or why it has none."""

    cells: Cells
    target: Target
    means: NDArray[np.float64]
    """(2^k, A, B) weights of each subset's mean; 0 where it has none."""
    missing: tuple[Reason | None, ...]
    """(2^k,)."""

    @classmethod
    def of(cls, cells: Cells, ingredients: Ingredients, target: Target) -> _Table:
        shape = (ingredients.full + 1, *cells.cube.present.shape)
        missing: list[Reason | None] = []
        means = np.zeros(shape)
        for cell in range(shape[0]):
            try:
                means[cell] = _mean(cells, ingredients.arms.get(cell, ()), target)
            except MissingCell as why:
                missing.append(why.reason)
            else:
                missing.append(None)
        return cls(cells, target, means, tuple(missing))

    def plan(self, name: str, subject: Subject, scheme: Scheme) -> Planned:
        """Write down one attribution."""
        case = Case(self.cells, ArmInfo(subject.arm, INGREDIENT, ""), subject.control, self.target)
        try:
            numerator = self._compared(subject) if subject.weights is None else self._spread(subject.scaled)
            denominator = None if subject.over is None else self._spread(subject.over)
        except MissingCell as why:
            return Planned(name, case, None, None, why.reason)
        return Planned(name, case, numerator, denominator, note=subject.note, sampling=self._sampling(subject, scheme))

    def _compared(self, subject: Subject) -> Weights:
        """Set one arm against another."""
        weights = self.cells.mean(subject.arm, self.target) - self.cells.mean(subject.control, self.target)
        self.cells.require_common_items(weights)
        return weights

    def _spread(self, weights: NDArray[np.float64]) -> Weights:
        """Turn (2^k,) weights over subsets into (A, B) weights over arms and benchmarks."""
        if np.isnan(weights).any():
            raise MissingCell(Reason.NOT_ESTIMABLE)
        for cell in np.flatnonzero(weights):
            reason = self.missing[cell]
            if reason is not None:
                raise MissingCell(reason)
        spread: Weights = np.tensordot(weights, self.means, axes=1)
        self.cells.require_common_items(spread)
        return spread

    def _sampling(self, subject: Subject, scheme: Scheme) -> CellSampling | None:
        """Say how much the choice of cells alone makes a sum of Shapley values vary."""
        if scheme.orders is None or not subject.ingredients:
            return None
        used = self.cells.cube.present
        score = np.where(used, self.cells.cube.means, 0.0)
        values = (self.means * score).sum(axis=(1, 2))
        sampling = order_sampling(scheme.orders, values)
        if sampling is None:
            return None
        return CellSampling(subject.scale**2 * sampling.of_sum(len(subject.ingredients)), sampling.df)


def _mean(cells: Cells, arms: tuple[str | None, ...], target: Target) -> Weights:
    """Average over the orders in which a subset of ingredients was run."""
    if not arms:
        raise MissingCell(Reason.ARM_MISSING)
    weights: Weights = np.mean([cells.mean(arm, target) for arm in arms], axis=0)
    return weights
