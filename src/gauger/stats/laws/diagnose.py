"""Tells what a fit cannot know: parameters at bounds, directions that the points do not determine, missed optima."""

from __future__ import annotations

import numpy as np

from gauger.stats.laws.fit import LawFit
from gauger.stats.laws.points import BoolArray, FloatArray

VAGUE = 2.0
"""A direction with a larger standard deviation, in logarithms, is not determined: a factor of e^2 either way."""
LEAST_NOISE = 1e-4
"""Points are not believed to be more exact than this (a ten-thousandth of the loss)."""
SINGULAR = 1e-13
"""Nor is a direction determined whose curvature is this small beside the largest."""
CLOSE = 1e-6


def at_bounds(fitted: LawFit) -> BoolArray:
    """Tell which parameters ended at a bound, (P,)."""
    low, high = fitted.law.bounds
    room = CLOSE * (high - low)
    return (fitted.theta <= low + room) | (fitted.theta >= high - room)


def vague_directions(fitted: LawFit) -> list[tuple[float, FloatArray]]:
    """Directions of the inner parameters that the points do not determine: (standard deviation, unit vector (P,)).

    From the eigenvectors of the Gauss-Newton curvature with the fit's own noise. A parameter that is not a logarithm is
    measured in units of its own size.
    """
    _, gradient = fitted.law.evaluate(fitted.theta[None], fitted.points)
    unit = np.array(
        [
            1.0 if parameter.log else max(abs(value), 0.05)
            for parameter, value in zip(fitted.law.parameters, fitted.theta, strict=True)
        ]
    )
    rows = gradient[0] * unit[:, None] * np.sqrt(fitted.weights)
    values, vectors = np.linalg.eigh(rows @ rows.T)
    noise = max(fitted.noise, LEAST_NOISE)
    spread = noise / np.sqrt(np.maximum(values, 1e-30))
    vague = (spread > VAGUE) | (values < SINGULAR * values.max())
    return [(float(s), vector) for s, vector, which in zip(spread, vectors.T, vague, strict=True) if which]


def findings(fitted: LawFit) -> list[str]:
    """Say in words what the fit cannot know."""
    sentences = []
    names = fitted.law.names
    for name, bound, value in zip(names, at_bounds(fitted), fitted.values, strict=True):
        if bound:
            sentences.append(f"{name} ended at the bound {value:.3g} of its range: the points do not determine it")
    for spread, vector in vague_directions(fitted):
        parts = [name for name, share in zip(names, vector, strict=True) if abs(share) > 0.3]
        how_far = "without limit" if spread > 50 else f"by a factor of {np.exp(spread):.3g}"
        state = "is not determined" if len(parts) == 1 else "cannot be told apart"
        sentences.append(f"{' and '.join(parts)} {state} by these points: free to move {how_far}")
    if fitted.reached < 0.02:
        sentences.append(
            f"only {fitted.reached:.1%} of the starting points reached the best fit: a better one may exist"
        )
    return sentences
