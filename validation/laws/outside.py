"""Planted curves that no fitted law can follow, and made-up tables with the traps of published ones.

Each curve is Besiroglu et al.'s (2024) law with something that real training has and no law of the competition: a
break in the exponent, two powers of one axis, mistuned long runs, tokens that run out unseen, a late fall, a ripple.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gauger.stats.laws import Points
from gauger.stats.laws.points import FloatArray

E, A, B, ALPHA, BETA = 1.8172, 482.01, 2085.43, 0.3478, 0.3658
Curve = Callable[[FloatArray, FloatArray], FloatArray]
"""Parameters and tokens -> loss, nats per token."""


def broken(n: FloatArray, d: FloatArray) -> FloatArray:
    """Let larger models help less: above 300M parameters the exponent halves (Caballero et al. 2023's smooth break)."""
    slower = (1.0 + (n / 3e8) ** 4.0) ** (ALPHA / 8.0)
    return E + A / n**ALPHA * slower + B / d**BETA


def two_powers(n: FloatArray, d: FloatArray) -> FloatArray:
    """Add two kinds of tokens: one is learnt soon, the other hardly."""
    return 1.2 + A / n**ALPHA + 0.5 * B / d**BETA + 4e5 / d**0.75 + 2.4 / d**0.06


def mistuned(n: FloatArray, d: FloatArray) -> FloatArray:
    """Lose from learning rates set for 20 tokens per parameter: one percent per squared e-fold away from it."""
    return (E + A / n**ALPHA + B / d**BETA) * (1.0 + 0.01 * np.log(d / (20.0 * n)) ** 2)


def exhausted(n: FloatArray, d: FloatArray) -> FloatArray:
    """Repeat 8B distinct tokens without a column that says so."""
    unique = 8e9
    worth = unique * (1.0 - np.exp(-d / unique))
    return E + A / n**ALPHA + B / worth**BETA


def late_fall(n: FloatArray, d: FloatArray) -> FloatArray:
    """Learn something at once around 4e18 FLOPs: a fall of a sixth of a nat over a factor of ten."""
    return E + 0.17 / (1.0 + 6.0 * n * d / 4e18) + A / n**ALPHA + B / d**BETA


def ripple(n: FloatArray, d: FloatArray) -> FloatArray:
    """Swing by 1.5 % with compute, once in 4.2 e-folds."""
    return (E + A / n**ALPHA + B / d**BETA) * (1.0 + 0.015 * np.sin(1.5 * np.log(6.0 * n * d)))


OUTSIDE: dict[str, Curve] = {
    one.__name__: one for one in (broken, two_powers, mistuned, exhausted, late_fall, ripple)
}  # fmt: skip


def drawn(curve: Curve, grid: Points, noise: float, rng: np.random.Generator) -> FloatArray:
    """Draw log losses of a curve at points, (n,)."""
    return np.asarray(np.log(curve(grid.n_params, grid.n_tokens)) + noise * rng.standard_normal(len(grid)))
