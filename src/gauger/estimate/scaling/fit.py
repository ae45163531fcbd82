"""Fits scaling laws to points: parameters, predictions with intervals, back-test and warnings as one document.

What `gauger fit` prints. One law by name, or `auto`: every law that could hold competes in scale-ordered validation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from gauger.errors import UserError
from gauger.estimate.scaling.accuracy import AccuracyLink, link_document, predict_accuracy, why_no_link
from gauger.estimate.scaling.cautions import column_warnings, extrapolation_warnings, pooled_warnings, range_warnings
from gauger.estimate.scaling.prediction_rows import prediction_rows
from gauger.estimate.scaling.validation import (
    validation_document,
    verdict_document,
    verdict_text,
)
from gauger.stats import (
    Ensemble,
    Law,
    Points,
    Search,
    candidates,
    find_law,
    findings,
    fit_ensemble,
    law_holds,
    parameter_estimates,
    predict,
    usable,
)


@dataclass(frozen=True)
class FitRequest:
    """What is asked of a fit."""

    law: str = "auto"
    """Name of a law, or `auto`."""
    draws: int = 1000
    """Refits under random weights."""
    level: float = 0.95
    """Coverage of intervals."""
    search: Search = field(default_factory=Search)
    """How hard the best fit is looked for."""


def fit_points(points: Points, request: FitRequest, wanted: Points | None = None) -> dict[str, Any]:
    """Fit the asked law, or all that could hold, and predict the wanted points.

    Parameters
    ----------
    points : Points
        Trained models with their outcome: losses where there are any, else accuracies.
    request : FitRequest
    wanted : Points, optional
        Where to predict; their outcomes are not read.

    Returns
    -------
    dict
        The document of `gauger fit --json`: law, parameters, objective, n, predictions, validation, laws, warnings.
    """
    finished = points.finished()
    laws = choose_laws(finished, request.law)
    if laws[0].needs and "loss" in laws[0].needs and laws[0].outcome == "accuracy":
        finished = points  # a link holds within a run as between runs
    if wanted is not None:
        _check_wanted(points, wanted, laws[0])
    ensemble = fit_laws(finished, laws, request)
    link = AccuracyLink.of(points, request.draws, request.search) if laws[0].outcome == "loss" else None
    document = fit_document(ensemble, request, wanted, link)
    measured = getattr(ensemble.fits[0].points, laws[0].outcome)
    if np.ptp(measured) == 0.0:
        alike = f"all {laws[0].outcome} values are alike ({measured[0]:g}): nothing shows what scale changes"
        document["warnings"].insert(0, alike)
    reason = why_no_link(points) if laws[0].outcome == "loss" else None
    if reason is not None:
        document["warnings"].append(f"no accuracy is predicted through the loss: {reason}")
    left_out = len(points) - len(finished)
    if left_out:
        document["warnings"].append(_checkpoints_text(left_out, len(finished), linked=link is not None))
    return document


def _check_wanted(points: Points, wanted: Points, law: Law) -> None:
    """Refuse models to predict that lack what the laws cannot do without."""
    reads = f"in what is to be predicted, which the law {law.name!r} reads"
    if law.outcome == "accuracy" and "loss" in law.needs and wanted.loss is None:
        raise UserError(f"a column 'loss' {reads}", "none")
    if "shares" not in law.needs or points.shares is None:
        return
    domains, asked = points.shares.shape[1], 0 if wanted.shares is None else wanted.shares.shape[1]
    if asked != domains:
        names = "" if points.share_names is None else f" ({', '.join(points.share_names)})"
        raise UserError(f"{domains} shares of domains{names} {reads}", str(asked) if asked else "none")


def _checkpoints_text(left_out: int, runs: int, *, linked: bool) -> str:
    to = "are points of the link from loss to accuracy alone" if linked else "are left out"
    return (
        f"{left_out} checkpoints from within {runs} runs {to}: their learning rate had not come down, so laws of "
        f"scale are fitted to the last of each run"
    )


def choose_laws(points: Points, name: str) -> list[Law]:
    """Turn a law's name, or `auto`, into the laws to fit.

    Parameters
    ----------
    points : Points
        Trained models with their outcome: losses where there are any, else accuracies.
    name : str
        A law, fitted whatever the points can bear; or `auto`, every law that could hold of them.

    Returns
    -------
    list of Law
        One, or all candidates.

    Raises
    ------
    UserError
        An unknown law, or `auto` with too few points for any.
    """
    if name != "auto":
        return [find_law(name)]
    outcome = "accuracy" if points.loss is None else "loss"
    measured = points.accuracy if points.loss is None else points.loss
    known = (points if measured is None else points.take(np.isfinite(measured))).weighted()
    laws = candidates(known, outcome)
    if not laws:
        wanted = (
            "points that some law could be fitted to: three values of n_tokens, and three points more than parameters"
        )
        raise UserError(wanted, f"{len(known)} points", hint="Name a law with --law to fit it all the same.")
    return laws


def common_points(points: Points, laws: Sequence[Law]) -> Points:
    """Keep the points that every law can read: laws that compete must be judged on the same ones.

    Parameters
    ----------
    points : Points
        Trained models.
    laws : sequence of Law
        Each says which columns it reads.

    Returns
    -------
    Points
        Those with a weight above 0 and a value in every column that is read.

    Raises
    ------
    UserError
        A column that a law reads is missing, or too few points are left.
    """
    for law in laws:
        points = usable(points, law)
    return points


def fit_laws(points: Points, laws: Sequence[Law], request: FitRequest) -> Ensemble:
    """Fit laws to the points that all of them can read; with priors where they compete, without for a law by name.

    Parameters
    ----------
    points : Points
        Trained models.
    laws : sequence of Law
        From `choose_laws`.
    request : FitRequest
        Draws and search.

    Raises
    ------
    UserError
        As `common_points`.
    """
    common = common_points(points, laws)
    return fit_ensemble(common, laws, request.draws, request.search, prior=request.law == "auto")


def fit_document(
    ensemble: Ensemble, request: FitRequest, wanted: Points | None, link: AccuracyLink | None
) -> dict[str, Any]:
    """Write everything down; the law with the largest weight stands at the head.

    Parameters
    ----------
    ensemble : Ensemble
        The fitted laws with their weights, refits and back-test.
    request : FitRequest
        What was asked; its level is that of all intervals.
    wanted : Points or None
        n points to predict.
    link : AccuracyLink or None
        From loss to accuracy, where both were measured.

    Returns
    -------
    dict
        JSON-able. Predictions are in natural units: losses in nats, accuracies held to 0-1, with `accuracy` beside a
        predicted loss where there is a link. `predictions` is empty where nothing was asked for.
    """
    best = int(np.argmax(ensemble.weights))
    described = [_law_document(ensemble, m, request.level) for m in range(len(ensemble.fits))]
    head = described[best]
    verdict = law_holds(ensemble)
    warnings = head["warnings"] + _choice_warnings(ensemble, request)
    if not verdict.holds:
        warnings.insert(0, verdict_text(verdict))
    fitted = ensemble.fits[0].points
    warnings = pooled_warnings(fitted, ensemble.laws) + warnings
    forecast = None if wanted is None else predict(ensemble, wanted, request.level)
    if forecast is not None and wanted is not None:
        warnings += extrapolation_warnings(ensemble, forecast.distance, request.level)
        warnings += range_warnings(ensemble, forecast, wanted)
        warnings += column_warnings(fitted, wanted, ensemble.laws)
    document: dict[str, Any] = {
        "law": head["law"],
        "formula": ensemble.fits[best].law.formula,
        "source": ensemble.fits[best].law.source,
        "outcome": ensemble.fits[best].law.outcome,
        "parameters": head["parameters"],
        "objective": head["objective"],
        "n": len(ensemble.fits[best].points),
        "level": request.level,
        "noise": head["noise"],
        "verdict": verdict_document(verdict),
        "predictions": [],
        "validation": validation_document(ensemble, request.level),
        "laws": [described[m] for m in np.argsort(-ensemble.weights)],
    }
    if forecast is not None and wanted is not None:
        document["predictions"] = prediction_rows(ensemble, forecast, wanted)
    if link is not None:
        document["accuracy_link"], link_warnings = link_document(link, request.level)
        held = document["accuracy_link"]["verdict"]["holds"]
        # A link that is refused makes every accuracy doubtful: it is said before anything of the laws' details.
        warnings = warnings + link_warnings if held else [link_warnings[0], *warnings, *link_warnings[1:]]
        if wanted is not None and forecast is not None:
            chained = predict_accuracy(link, forecast, wanted, request.level, ensemble.seed)
            for row, accuracy in zip(document["predictions"], chained, strict=True):
                row["accuracy"] = accuracy
    return document | {"warnings": list(dict.fromkeys(warnings))}


def _law_document(ensemble: Ensemble, which: int, level: float) -> dict[str, Any]:
    fitted, draws = ensemble.fits[which], ensemble.draws[which]
    parameters, reasons = parameter_estimates(fitted, draws, level)
    warnings = findings(fitted)
    if reasons:
        kind = "profile likelihood" if parameters[0].method == "profile" else "draws of groups, with care"
        warnings.append(f"intervals of parameters are by {kind}: {'; '.join(reasons)}")
    return {
        "law": fitted.law.name,
        "weight": round(float(ensemble.weights[which]), 6),
        "objective": fitted.objective,
        "noise": fitted.noise,
        "parameters": [asdict(parameter) for parameter in parameters],
        "warnings": warnings,
    }


def _choice_warnings(ensemble: Ensemble, request: FitRequest) -> list[str]:
    if ensemble.test is None:
        return ["too few points to hold any out: the intervals were not checked against larger models"]
    if len(ensemble.fits) == 1 and request.law != "auto":
        return [
            "one law was asked for: its intervals do not allow for another law being the right one (see --law auto)"
        ]
    return []
