"""Chooses which engine evaluates the moments: the nested one where it applies, dense blocks otherwise."""

from __future__ import annotations

from typing import Protocol

from gauger.stats.random_effects.data import Array, MetaData
from gauger.stats.random_effects.dense import DenseEngine
from gauger.stats.random_effects.moments import Moments
from gauger.stats.random_effects.nested import NestedEngine, tree_of


class MomentsEngine(Protocol):
    """Evaluates a model's moments."""

    def moments(self, tau2: Array, *, derivatives: bool = True) -> Moments:
        """Return log|M| and [X y]' M^-1 [X y] at tau2 (L,), with or without derivatives."""
        ...

    def solve(self, tau2: Array, right: Array) -> Array:
        """Return M^-1 right for right (n, m)."""
        ...


def engine_for(data: MetaData) -> MomentsEngine:
    """Choose the cheapest engine that is exact for these data."""
    tree = tree_of(data)
    return DenseEngine(data) if tree is None else NestedEngine(data, tree)
