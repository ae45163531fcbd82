"""Finds what sets points apart while no law reads it: teachers, repeated tokens, pre-training and mixtures.

A law that ignores such a column draws one curve through models of two kinds, and predicts neither.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gauger.stats.laws.law import Law
from gauger.stats.laws.points import FloatArray, Points
from gauger.stats.laws.registry import LAWS, why_barred

ALIKE = 0.01
"""Values that differ by less (log repetitions, shares, a teacher's log loss) are taken for one."""


def traits(points: Points) -> dict[str, FloatArray]:
    """Describe points by the columns that only some laws read: name -> (n, k).

    `teacher_loss`: whether there is a teacher, and the logarithm of its loss (NaN without one); `unique_tokens`: the
    logarithm of the epochs; `pretrained`: 0 or 1; `shares`: the domains' shares, where there are any.
    """
    described = {
        "teacher_loss": np.stack([np.isfinite(points.log_teacher).astype(float), points.log_teacher], axis=1),
        "unique_tokens": (points.log_d - points.log_unique)[:, None],
        "pretrained": points.from_pretrained[:, None],
    }
    return described if points.shares is None else described | {"shares": points.shares}


def ignored(laws: Sequence[Law]) -> list[str]:
    """List the columns that only some laws read, and none of these; none where accuracy is read from the loss."""
    if any(law.outcome == "accuracy" and "loss" in law.needs for law in laws):
        return []  # whatever moved the loss is in the loss
    return [
        name
        for name in ("teacher_loss", "unique_tokens", "pretrained", "shares")
        if not any(name in law.needs for law in laws)
    ]


def unread_columns(points: Points, laws: Sequence[Law]) -> dict[str, FloatArray]:
    """Find the columns that vary over the points while none of the laws reads them.

    Parameters
    ----------
    points : Points
        n points that the laws were fitted to.
    laws : sequence of Law
        All that compete, or the one that was asked for.

    Returns
    -------
    dict of str to float array (n, k)
        What varies (`traits`), missing values as the mean of the others.

    Notes
    -----
    Tested in tests/estimate/test_pooled.py.
    """
    described = traits(points)
    varying = {
        name: described[name][:, _spread(described[name]) > ALIKE] for name in ignored(laws) if name in described
    }
    return {
        name: np.where(np.isnan(columns), np.nanmean(columns, axis=0), columns)
        for name, columns in varying.items()
        if columns.shape[1]
    }


def _spread(columns: FloatArray) -> FloatArray:
    """Range of each column (n, k) over the values that there are, (k,); 0 without any."""
    known = np.isfinite(columns)
    highest = np.where(known, columns, -np.inf).max(axis=0)
    lowest = np.where(known, columns, np.inf).min(axis=0)
    return np.asarray(np.where(known.any(axis=0), highest, 0.0) - np.where(known.any(axis=0), lowest, 0.0))


def n_outside(name: str, fitted: Points, wanted: Points) -> int:
    """Count the points whose trait lies outside those fitted.

    Parameters
    ----------
    name : str
        A column of `traits`.
    fitted, wanted : Points
        With domains in one order.

    Returns
    -------
    int
        0 where one side has no shares.
    """
    known, asked = traits(fitted).get(name), traits(wanted).get(name)
    return 0 if known is None or asked is None else int((how_far_outside(known, asked) > ALIKE).sum())


def how_far_outside(known: FloatArray, asked: FloatArray) -> FloatArray:
    """Measure how far rows (m, k) lie outside the ranges of the columns of known ones (n, k), (m,); 0 inside."""
    far = np.zeros(len(asked))
    for column, values in zip(known.T, asked.T, strict=True):
        seen = column[np.isfinite(column)]
        if len(seen):
            # A value that is missing (no teacher) lies nowhere; fmax passes over it.
            far = np.fmax(far, np.fmax(values - seen.max(), seen.min() - values))
    return far


def reader_of(name: str, points: Points, outcome: str) -> tuple[str, str | None]:
    """Name the law that reads a column, and say why it does not compete for these points.

    Parameters
    ----------
    name : str
        A column of `traits`.
    points : Points
        As fitted.
    outcome : {"loss", "accuracy"}
        What is predicted.

    Returns
    -------
    (str, str or None)
        None where the law could have competed: another one was asked for by name.
    """
    readers = [law for law in LAWS.values() if name in law.needs]
    if name == "shares" and points.shares is not None:
        readers = [law for law in readers if len(law.parameters) == points.shares.shape[1] + 1] or readers[-1:]
    law = readers[0]
    return law.name, why_barred(law, points, outcome)
