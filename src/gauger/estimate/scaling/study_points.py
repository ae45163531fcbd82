"""Fits the curves of a study's scale, predicts its largest cells, and estimates what each teacher saved.

The outcome that curves are fitted to is the loss on the true answers where it was measured, else the accuracy. Cells of
most compute are left out of the fits; whether they fall into their prediction intervals is reported, and is the check
that the extrapolation deserves its interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gauger.errors import UserError
from gauger.estimate.scaling.crossings import crossing
from gauger.estimate.scaling.equivalents import Distilled, compute_equivalent, data_equivalent, saved
from gauger.estimate.scaling.fit import FitRequest, choose_laws, fit_document, fit_laws
from gauger.stats import FLOPS_PER_PARAMETER_AND_TOKEN, Ensemble, Points, predict


@dataclass(frozen=True)
class ScalePoint:
    """One cell of the scale: the mean of its replicates."""

    arm: str
    curve: str
    """`control`, or `distilled` with the teacher: points of one curve from one base are fitted together."""
    n_params: int
    n_tokens: float
    """Tokens trained on after the base's own training, per replicate."""
    budget: float
    student: str
    accuracy: float | None
    accuracy_se: float | None
    loss: float | None
    """Cross-entropy of the true answers, nats per token, averaged over the role's benchmarks."""
    loss_se: float | None
    n_items: int | None
    n_replicates: int
    teacher_loss: float | None = None
    teacher_tokens: float | None = None
    teacher_flops: float | None = None
    """Compute that the teacher's answers took, per replicate: 2 N for each token that it read or wrote. The teacher's
    own training is not in it."""
    queries: float | None = None
    uplift: float | None = None
    """Against the control of the same student and budget, with its interval."""
    uplift_low: float | None = None
    uplift_high: float | None = None
    base: str = ""
    """Which base it was trained from, where a scale has bases of several strengths: each has curves of its own."""

    @property
    def flops(self) -> float:
        """Training compute, 6 N D."""
        return FLOPS_PER_PARAMETER_AND_TOKEN * self.n_params * self.n_tokens

    @property
    def fitted_curve(self) -> str:
        """Name of the points that it is fitted with: those of its curve from its base."""
        return self._from_base(self.curve)

    @property
    def control_curve(self) -> str:
        """Name of the control's points from the same base."""
        return self._from_base(CONTROL)

    def _from_base(self, curve: str) -> str:
        return f"{curve}, {self.base}" if self.base else curve


CONTROL = "control"
LINE_POINTS = 12


def points_by_curve(points: Sequence[ScalePoint]) -> dict[str, list[ScalePoint]]:
    """Return name of a fitted curve -> its points, both in the order in which they come."""
    by_curve: dict[str, list[ScalePoint]] = {}
    for point in points:
        by_curve.setdefault(point.fitted_curve, []).append(point)
    return by_curve


def scale_document(points: Sequence[ScalePoint], role: str, n_held_out: int, request: FitRequest) -> dict[str, Any]:
    """Fit every curve without its largest cells, predict them, and compare distilled cells with the control's curve.

    Parameters
    ----------
    points : sequence of ScalePoint
    role : str
        What the points' scores are averaged over.
    n_held_out : int
        Cells of most compute of each curve that are left out of its fit.
    request : FitRequest
        Draws and level; laws compete.

    Returns
    -------
    dict
        `points` (with `held_out`), `curves` (documents of `gauger fit`, or a `reason`), `predicted` (the held-out cells
        with interval and `inside`), `covered`, `equivalents`, `crossings`, `lines` (curves with bands, for drawing).
    """
    by_curve = points_by_curve(points)
    held = {point.arm for curve in by_curve.values() for point in _largest(curve, n_held_out)}
    curves, ensembles, predicted = [], {}, []
    for name, cells in by_curve.items():
        fitted, asked = [p for p in cells if p.arm not in held], [p for p in cells if p.arm in held]
        document, ensemble = _fit(fitted, asked, request)
        curves.append({"curve": name, **document})
        predicted += _score(asked, document)
        if ensemble is not None:
            ensembles[name] = ensemble
    inside = [row["inside"] for row in predicted if row["inside"] is not None]
    return {
        "role": role,
        "points": [{**asdict(point), "flops": point.flops, "held_out": point.arm in held} for point in points],
        "curves": curves,
        "predicted": predicted,
        "covered": {"inside": sum(inside), "of": len(inside)},
        "equivalents": _equivalents(points, ensembles, request.level),
        "crossings": _crossings(by_curve, ensembles, request.level),
        "lines": [
            line
            for name, ensemble in ensembles.items()
            for line in _lines(by_curve[name][0], ensemble, points, request.level)
        ],
    }


def _largest(cells: Sequence[ScalePoint], count: int) -> list[ScalePoint]:
    return sorted(cells, key=lambda point: point.flops)[max(len(cells) - count, 0) :]


def outcome_of(point: ScalePoint) -> float | None:
    """Return what curves are fitted to: the loss, else the accuracy."""
    return point.accuracy if point.loss is None else point.loss


def to_points(cells: Sequence[ScalePoint]) -> Points:
    """Write cells as the arrays that laws are fitted to."""
    return Points(
        n_params=np.array([float(p.n_params) for p in cells]),
        n_tokens=np.array([p.n_tokens for p in cells]),
        loss=_column([p.loss for p in cells]),
        accuracy=_column([p.accuracy for p in cells]),
        loss_se=_column([p.loss_se for p in cells]),
        accuracy_se=_column([p.accuracy_se for p in cells]),
        n_items=_column([p.n_items for p in cells]),
    )


def _column(values: Sequence[float | None]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]] | None:
    if all(value is None for value in values):
        return None
    return np.array([np.nan if value is None else float(value) for value in values])


def _fit(
    fitted: Sequence[ScalePoint], asked: Sequence[ScalePoint], request: FitRequest
) -> tuple[dict[str, Any], Ensemble | None]:
    """Fit one curve; where its points allow no law the document holds the reason."""
    points = to_points(fitted)
    try:
        laws = choose_laws(points, request.law)
        ensemble = fit_laws(points, laws, request)
    except UserError as error:
        return {"reason": error.finding, "predictions": []}, None
    return fit_document(ensemble, request, to_points(asked) if asked else None, None), ensemble


def _lines(of: ScalePoint, ensemble: Ensemble, points: Sequence[ScalePoint], level: float) -> list[dict[str, Any]]:
    """Draw the curve of a point: predictions with intervals for every student over the budgets that were run."""
    is_loss = ensemble.fits[0].law.outcome == "loss"
    lines, alike = [], [point for point in points if point.base == of.base]
    for n_params, student in sorted({(point.n_params, point.student) for point in alike}):
        run = [point.n_tokens for point in alike if point.n_params == n_params]
        tokens = np.geomspace(min(run), max(run), LINE_POINTS)
        forecast = predict(ensemble, Points(np.full(LINE_POINTS, float(n_params)), tokens), level)
        columns = [
            np.exp(column) if is_loss else np.clip(column, 0.0, 1.0)
            for column in (forecast.value, forecast.low, forecast.high)
        ]
        for at, value, low, high in zip(tokens, *columns, strict=True):
            place = {"curve": of.curve, "student": student, "n_params": n_params, "n_tokens": float(at)}
            lines.append(place | {"value": float(value), "low": float(low), "high": float(high)})
    return lines


def _score(asked: Sequence[ScalePoint], document: dict[str, Any]) -> list[dict[str, Any]]:
    """Hold the predictions against what was measured."""
    rows = []
    predictions = document["predictions"] or [None] * len(asked)
    for point, prediction in zip(asked, predictions, strict=True):
        measured = outcome_of(point)
        row = {"arm": point.arm, "curve": point.fitted_curve, "measured": measured, "inside": None}
        if prediction is not None and measured is not None:
            row |= {name: prediction[name] for name in ("value", "low", "high", "efolds_beyond", "stretch")}
            row["inside"] = bool(prediction["low"] <= measured <= prediction["high"])
        rows.append(row)
    return rows


def _equivalents(points: Sequence[ScalePoint], ensembles: Mapping[str, Ensemble], level: float) -> list[dict[str, Any]]:
    """Say what each distilled cell's teacher was worth in data and compute, by the control's curve from its base."""
    rows = []
    for point in points:
        control = ensembles.get(point.control_curve)
        if control is None:
            continue
        is_loss = control.fits[0].law.outcome == "loss"
        # what the control's curve was fitted to, not what this cell happens to have: a loss is no accuracy
        outcome, error = (point.loss, point.loss_se) if is_loss else (point.accuracy, point.accuracy_se)
        if point.curve == CONTROL or outcome is None:
            continue
        distilled = Distilled(
            float(point.n_params),
            point.n_tokens,
            outcome,
            error or 0.0,
            point.teacher_tokens,
            point.queries,
            teacher_flops=point.teacher_flops or 0.0,
        )
        data, compute = data_equivalent(control, distilled, level), compute_equivalent(control, distilled, level)
        rows.append(
            {"arm": point.arm, "curve": point.curve, "budget": point.budget, "student": point.student}
            | {"data": {**asdict(data), "text": data.text}, "compute": {**asdict(compute), "text": compute.text}}
            | {f"saved_{name}": asdict(gain) for name, gain in saved(control, distilled, level).items()}
        )
    return rows


def _crossings(
    by_curve: Mapping[str, Sequence[ScalePoint]], ensembles: Mapping[str, Ensemble], level: float
) -> list[dict[str, Any]]:
    """Say, for every student and teacher, beyond which budget the control of the same base catches up."""
    rows = []
    for name, ensemble in ensembles.items():
        of, control = by_curve[name][0], ensembles.get(by_curve[name][0].control_curve)
        if control is None or of.curve == CONTROL:
            continue
        both = [*by_curve[name], *by_curve[of.control_curve]]
        for n_params, student in sorted({(point.n_params, point.student) for point in both}):
            place = {"curve": of.curve, "n_params": n_params, "student": student}
            rows.append(place | asdict(crossing(control, ensemble, float(n_params), level)))
    return rows
