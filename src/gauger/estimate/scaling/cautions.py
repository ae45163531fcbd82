"""Warns of what a fit does not know: predictions outside its points, and columns that its laws do not read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gauger.estimate.scaling.prediction_rows import shares_outside
from gauger.estimate.scaling.validation import covered
from gauger.stats import Ensemble, Forecast, Law, Points, held_out, ignored, n_outside, reader_of, unread_columns
from gauger.stats.laws import FloatArray


def extrapolation_warnings(ensemble: Ensemble, distance: FloatArray, level: float) -> list[str]:
    """Say how far predictions reach beyond the points, and what the back-test knows of that distance.

    Parameters
    ----------
    ensemble : Ensemble
        The fitted laws with their back-test.
    distance : float array, (n,)
        How far each prediction lies beyond the fitted points, in e-folds; 0 within them.
    level : float
        Of the intervals, 0-1.

    Returns
    -------
    list of str
        One sentence; none where every prediction lies within the points.
    """
    far = float(distance.max(initial=0.0))
    if far <= 0.0:
        return []
    times = f"{far:.2g} e-folds ({np.exp(far):.3g} times) beyond the points"
    if ensemble.test is None:
        return [f"predictions reach {times}; no back-test supports any distance, and no interval is widened"]
    reach = float(ensemble.test.distance.max())
    if far > reach:
        n_beyond = int((distance > reach).sum())
        return [
            f"{n_beyond} predictions reach up to {times}, further than the back-test ({reach:.2g} e-folds) can "
            f"support: their intervals were widened by a rule, not by evidence"
        ]
    hit = covered(held_out(ensemble.test, ensemble.weights), level)
    like = ensemble.test.distance >= 0.5 * far
    share = f"{hit[like].mean():.0%} of {int(like.sum())}"
    return [f"predictions reach up to {times}; in the back-test, intervals at such distances held {share} points"]


FAR = 7.0
"""e-folds, a factor of a thousand, past which a mistake of units is likelier than a forecast."""
LEAST_BELOW = 1e-9


def range_warnings(ensemble: Ensemble, forecast: Forecast, wanted: Points) -> list[str]:
    """Say which predictions lie where no back-test looks: below the points, at other sizes or mixtures, far away.

    Parameters
    ----------
    ensemble : Ensemble
        The fitted laws.
    forecast : Forecast
        Its predictions of n points.
    wanted : Points
        The n points.

    Returns
    -------
    list of str
        A sentence for each of these that there is.

    Notes
    -----
    Tested in tests/estimate/test_ranges.py.
    """
    fitted = ensemble.fits[0].points
    sentences = _ignored_scale(ensemble, fitted, wanted)
    lowest = float(forecast.below.max(initial=0.0))
    if lowest > LEAST_BELOW:
        count = int((forecast.below > LEAST_BELOW).sum())
        sentences.append(
            f"{count} predictions lie up to {lowest:.2g} e-folds ({np.exp(lowest):.3g} times) below the points, where "
            f"laws hold least and no back-test looks: their intervals are not widened for it"
        )
    apart = [np.ptp(np.append(getattr(fitted, axis), getattr(wanted, axis))) for axis in ("log_n", "log_d")]
    own = [np.ptp(getattr(fitted, axis)) for axis in ("log_n", "log_d")]
    for name, far in zip(("n_params", "n_tokens"), np.subtract(apart, own), strict=True):
        if far > FAR:
            sentences.append(
                f"{name} to predict lie up to {np.exp(far):.2g} times outside the points: are they in the same units "
                f"(numbers, not millions or billions)?"
            )
    outside = shares_outside(ensemble, wanted)
    if outside is not None and (outside > LEAST_BELOW).any():
        sentences.append(
            f"{int((outside > LEAST_BELOW).sum())} predictions have shares up to {outside.max():.2g} outside those "
            f"fitted: no back-test supports them, and their intervals are not widened for it"
        )
    return sentences


def _ignored_scale(ensemble: Ensemble, fitted: Points, wanted: Points) -> list[str]:
    """Say where size or tokens are asked for that no law knows of."""
    if any("loss" in law.needs and law.outcome == "accuracy" for law in ensemble.laws):
        return []  # a link goes by the loss alone
    sentences = []
    for name in ("n_params", "n_tokens"):
        if any(name in law.varies for law in ensemble.laws):
            continue
        values, asked = getattr(fitted, name), getattr(wanted, name)
        if not np.allclose(asked, values[0], rtol=1e-6):
            among = f"{values.min():.4g}" if np.ptp(values) == 0 else f"{values.min():.4g} to {values.max():.4g}"
            sentences.append(
                f"every law here ignores {name}: what is predicted is what the fitted {among} would show, whatever "
                f"{name} was asked for"
            )
    return sentences


TAKEN_FOR = {"unique_tokens": "on fresh tokens", "pretrained": "from a pre-trained model"}
"""How models are predicted whose table lacks a column that a law reads."""


def pooled_warnings(points: Points, laws: Sequence[Law]) -> list[str]:
    """Say which columns set the points apart while no law reads them, so that one curve stands for all.

    Parameters
    ----------
    points : Points
        What the laws were fitted to.
    laws : sequence of Law
        All that competed, or the one that was asked for.

    Returns
    -------
    list of str
        One sentence per column, with why the law that reads it was left out.

    Notes
    -----
    Tested in tests/estimate/test_pooled.py.
    """
    sentences = []
    for name in unread_columns(points, laws):
        reader, why = reader_of(name, points, laws[0].outcome)
        reason = (
            f"the law {reader} does not compete: {why}" if why else f"the law {reader}, which does, was not asked for"
        )
        sentences.append(
            f"models differ in {name}, which no law here reads: one curve stands for all of them, and its predictions "
            f"may be of neither kind ({reason}); fit each kind by itself"
        )
    return sentences


def column_warnings(fitted: Points, wanted: Points, laws: Sequence[Law]) -> list[str]:
    """Say where predictions are asked for models of another kind than those fitted, or of a kind that is not said.

    Parameters
    ----------
    fitted : Points
        What the laws were fitted to.
    wanted : Points
        What is to be predicted.
    laws : sequence of Law
        All that competed, or the one that was asked for.

    Returns
    -------
    list of str
        One sentence for each column that a law reads and `wanted` lacks, and for each that no law reads and that goes
        beyond the fitted points.

    Notes
    -----
    Tested in tests/estimate/test_pooled.py.
    """
    unread = ignored(laws)
    sentences = [] if "teacher_loss" in unread else teacher_warnings(fitted, wanted)
    for name, taken in TAKEN_FOR.items():
        if any(name in law.needs for law in laws) and getattr(wanted, name) is None:
            sentences.append(f"the models to predict have no {name}: they are predicted as trained {taken}")
    for name in unread:
        count = n_outside(name, fitted, wanted)
        if count:
            sentences.append(
                f"{count} predictions have {name} outside the fitted points, which no law here reads: they are "
                f"predicted as if they were like these"
            )
    return sentences


def teacher_warnings(fitted: Points, wanted: Points) -> list[str]:
    """Say where predictions ask for teachers that the points do not know.

    Parameters
    ----------
    fitted : Points
        What the laws were fitted to.
    wanted : Points
        What is to be predicted.

    Returns
    -------
    list of str
        One sentence, where a wanted teacher's loss lies more than 1 % outside the fitted ones or no teacher is named.
        None where the points have no teachers.

    Notes
    -----
    Tested in tests/cli/test_fit.py.
    """
    if fitted.teacher_loss is None or not np.isfinite(fitted.teacher_loss).any():
        return []
    asked = wanted.teacher_loss
    if asked is None or not np.isfinite(asked).any():
        return ["the models to predict have no teacher_loss: they are predicted as trained without a teacher"]
    known, new = fitted.teacher_loss[np.isfinite(fitted.teacher_loss)], asked[np.isfinite(asked)]
    low, high = float(known.min()), float(known.max())
    outside = int(((new < 0.99 * low) | (new > 1.01 * high)).sum())
    if not outside:
        return []
    return [f"{outside} predictions have teachers outside the fitted {low:.3g} to {high:.3g}: no test covers them"]
