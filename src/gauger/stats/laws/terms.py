"""Adds up positive terms in logarithms, what every law is built of, and draws sensible places to start a fit from."""

from __future__ import annotations

import numpy as np

from gauger.stats.laws.points import FloatArray


def log_sum(*terms: FloatArray) -> tuple[FloatArray, tuple[FloatArray, ...]]:
    """Return log(sum exp(terms)) and each term's share of the sum, without overflow; shapes broadcast."""
    top = terms[0]
    for term in terms[1:]:
        top = np.maximum(top, term)
    parts = [np.exp(term - top) for term in terms]
    total = parts[0] + parts[1]
    for part in parts[2:]:
        total = total + part
    return top + np.log(total), tuple(part / total for part in parts)


def columns(theta: FloatArray) -> list[FloatArray]:
    """Split (B, P) parameters into P columns (B, 1) that broadcast against points."""
    return [theta[:, p, None] for p in range(theta.shape[1])]


def exponents(rng: np.random.Generator, count: int, low: float = 0.05, high: float = 1.5) -> FloatArray:
    """Draw logarithms of exponents, spread evenly in the logarithm.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws them.
    count : int
        Number of exponents.
    low, high : float
        Range of the exponents themselves, > 0.

    Returns
    -------
    float array, (count,)
        Natural logarithms of exponents.
    """
    return rng.uniform(np.log(low), np.log(high), count)


def amplitude(share: FloatArray, loss: float, log_exponent: FloatArray, log_scale: FloatArray) -> FloatArray:
    """Compute the log amplitude with which a term takes a share of the typical loss at the middle of the data.

    Parameters
    ----------
    share : float array, (count,)
        Share of the loss that the term takes, > 0.
    loss : float
        Typical loss, nats per token (`typical`).
    log_exponent : float array, (count,)
        Natural logarithms of the term's exponent.
    log_scale : float array, (n,)
        Natural logarithms of N or D of the points.

    Returns
    -------
    float array, (count,)
        ln A with A / median(N)^alpha = share x loss.
    """
    return np.log(share * loss) + np.exp(log_exponent) * float(np.median(log_scale))


def shares(rng: np.random.Generator, count: int, parts: int) -> FloatArray:
    """Draw how the typical loss splits into parts, (count, parts), rows summing to 1.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws them.
    count : int
        Number of splits.
    parts : int
        Number of terms.

    Returns
    -------
    float array, (count, parts)
        Each at least 0.02 / parts, so that its logarithm is finite.
    """
    # Below 1, Dirichlet's parameter favours uneven splits: in most data one term rules.
    return np.asarray(rng.dirichlet(np.full(parts, 0.7), count) * 0.98 + 0.02 / parts)


def typical(loss: FloatArray | None) -> float:
    """Return the median loss; 1 where none is known."""
    known = np.array([1.0]) if loss is None else loss[np.isfinite(loss)]
    return float(np.median(known)) if len(known) else 1.0
