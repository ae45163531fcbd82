"""Keeps the weights of planned estimates packed: the few cells with weight, of the many that a study has.

A study of a hundred arms on a hundred benchmarks plans fifty thousand estimates; weights written out whole would take
four gigabytes. They are packed when they are set and written out when they are read, so that code which plans estimates
does its algebra on plain (A, B) arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class CellWeights:
    """Weights (A, B) by the cells that have one."""

    cells: NDArray[np.int64]
    """(N,): numbered a * B + b, ascending."""
    values: NDArray[np.float64]
    """(N,)"""
    shape: tuple[int, ...]

    @classmethod
    def of(cls, weights: NDArray[np.float64]) -> CellWeights:
        """Pack weights (A, B)."""
        flat = np.asarray(weights, dtype=float).ravel()
        cells = np.flatnonzero(flat)
        return cls(cells, flat[cells], weights.shape)

    @property
    def arms(self) -> NDArray[np.int64]:
        """Positions of the arms with weight, ascending."""
        return np.unique(self.cells // self.shape[1])

    @property
    def largest(self) -> float:
        """The largest weight, whatever its sign; 0 where no cell has one."""
        return float(np.abs(self.values).max(initial=0.0))

    def written_out(self) -> NDArray[np.float64]:
        """(A, B): all weights, zeros too."""
        matrix = np.zeros(self.shape)
        matrix.ravel()[self.cells] = self.values
        return matrix

    def at(self, means: NDArray[np.float64]) -> float:
        """Return the contrast's value at cell means (A, B); those without weight are not looked at, and may be NaN."""
        return float(self.values @ means.ravel()[self.cells])

    def key(self) -> bytes:
        """Return bytes that are the same for equal weights alone."""
        return self.cells.tobytes() + self.values.tobytes()


class Packed:
    """A field of a dataclass that holds weights (A, B), or None, packed; reading it writes them out."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.place = f"packed_{name}"

    @overload
    def __get__(self, instance: None, owner: type) -> Any: ...
    @overload
    def __get__(self, instance: object, owner: type) -> NDArray[np.float64] | None: ...
    def __get__(self, instance: object | None, owner: type) -> Any:
        if instance is None:
            raise AttributeError(self.place)  # tells `dataclass` that the field has no default
        packed: CellWeights | None = instance.__dict__[self.place]
        return None if packed is None else packed.written_out()

    def __set__(self, instance: object, weights: NDArray[np.float64] | None) -> None:
        instance.__dict__[self.place] = None if weights is None else CellWeights.of(weights)


def packed(planned: object, name: str) -> CellWeights | None:
    """Return a packed field as it is kept."""
    weights: CellWeights | None = planned.__dict__[f"packed_{name}"]
    return weights
