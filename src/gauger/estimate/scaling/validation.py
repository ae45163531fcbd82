"""Describes what the back-test of a fit showed, and what it says of predictions further out."""

from __future__ import annotations

from dataclasses import asdict
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.special import ndtri

from gauger.stats import BoolArray, Ensemble, HeldOutErrors, LawVerdict, Reach, held_out, stretches
from gauger.stats.laws import FloatArray

BINS = (0.0, 0.7, 1.4, 2.8, 5.6, np.inf)
"""Distances in e-folds: up to twice, four times, sixteen times, ... beyond the fitted points."""


def validation_document(ensemble: Ensemble, level: float) -> dict[str, Any]:
    """Describe the scale-ordered validation: cuts, errors by distance, coverage, and each law's own record.

    Coverage is that of intervals stretched by the other cuts only, so that no interval was fitted to what it is
    scored on.

    Parameters
    ----------
    ensemble : Ensemble
        The fitted laws with their back-test.
    level : float
        Of the intervals that are scored, 0-1.

    Returns
    -------
    dict
        JSON-able. Errors are on the scale of the fit (log nats for a loss, the score for an accuracy), distances in
        e-folds beyond the points of a cut. Without a back-test `cuts` is 0 and coverage None, not 0.

    Notes
    -----
    What such a back-test promises is in validation/laws.
    """
    test = ensemble.test
    if test is None:
        return {"cuts": 0, "held_out": 0, "coverage": None, "by_distance": [], "laws": []}
    seen = held_out(test, ensemble.weights)
    hit = covered(seen, level)
    plain = np.abs(seen.error) <= ndtri(0.5 + level / 2.0) * seen.claimed
    return {
        "order": "compute, 6 N D; parameters; tokens",
        "cuts": int(test.cut.max()) + 1,
        "held_out": len(test.point),
        "furthest_efolds": float(test.distance.max()),
        "coverage": float(hit.mean()),
        "coverage_before_stretching": float(plain.mean()),
        "by_distance": _by_distance(test.distance, hit, seen.error),
        "laws": [
            {
                "law": fit.law.name,
                "weight": round(float(weight), 6),
                "rmse": float(np.sqrt((errors**2).mean())),
                "coverage_alone": float((np.abs(errors) <= ndtri(0.5 + level / 2.0) * scale).mean()),
            }
            for fit, weight, errors, scale in zip(
                ensemble.fits, ensemble.weights, test.error, np.sqrt(test.spread**2 + test.noise**2), strict=True
            )
        ],
    }


def covered(seen: HeldOutErrors, level: float) -> BoolArray:
    """Tell which held-out points fell into intervals that the other cuts had stretched.

    Parameters
    ----------
    seen : HeldOutErrors
        What the back-test of the mixture showed.
    level : float
        Of the intervals, 0-1.

    Returns
    -------
    bool array, (H,)
        One per held-out point and cut.
    """
    test = seen.test
    stretch = np.ones(len(seen.error))
    for cut in np.unique(test.cut):
        own = test.cut == cut
        reach = Reach(test.distance[own], test.axes[own])
        stretch[own] = stretches(seen, reach, seen.claimed[own], level, np.inf, without=int(cut))
    return np.asarray(np.abs(seen.error) <= ndtri(0.5 + level / 2.0) * seen.claimed * stretch)


def _by_distance(distance: FloatArray, hit: BoolArray, error: FloatArray) -> list[dict[str, Any]]:
    rows = []
    for low, high in pairwise(BINS):
        at = (distance >= low) & (distance < high)
        if at.any():
            rows.append(
                {
                    "from_efolds": low,
                    "to_efolds": None if np.isinf(high) else high,
                    "n": int(at.sum()),
                    "coverage": float(hit[at].mean()),
                    "median_abs_error": float(np.median(np.abs(error[at]))),
                }
            )
    return rows


def verdict_document(verdict: LawVerdict) -> dict[str, Any]:
    """Write down whether some law holds, and by which statistics.

    Parameters
    ----------
    verdict : LawVerdict
        Of the competition.

    Returns
    -------
    dict
        JSON-able: `holds`, `answer` in words, and per checked law both statistics with their p-values; `one_sign` is
        None where nothing was held out.
    """
    checks = [{**asdict(check), "p": check.p} for check in verdict.checks]
    return {"holds": verdict.holds, "answer": verdict_text(verdict), "checks": checks}


def verdict_text(verdict: LawVerdict) -> str:
    """Word the answer."""
    last = verdict.checks[-1]
    if verdict.holds:
        return f"{last.law} is not refuted by these points (p {last.p:.2g})"
    first = verdict.checks[0]
    why = []
    if first.structure_p <= first.p:
        takers = " and ".join(["smooth curves", *verdict.unread])
        why.append(f"{takers} take up {first.structure:.0%} of the squared residuals of {first.law}")
    if first.one_sign is not None and first.one_sign_p is not None and first.one_sign_p <= first.p:
        side = "above" if first.one_sign > 0 else "below"
        why.append(f"held-out points lie {side} what {first.law} predicts")
    return (
        f"no law holds: {' and '.join(why)}, more than the law's own noise would make (p {first.p:.2g}); predictions "
        f"are the best that these laws can do, and their intervals may not cover"
    )
