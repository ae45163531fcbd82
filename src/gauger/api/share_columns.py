"""Matches the domain shares of models to predict with those fitted: by name, whatever the order of the columns."""

from __future__ import annotations

from dataclasses import replace

from gauger.api.table_input import PointTable
from gauger.errors import InputError, Place
from gauger.stats import Points


def in_fitted_order(fitted: PointTable, wanted: PointTable) -> Points:
    """Put the shares of what is to be predicted into the order of those fitted.

    Parameters
    ----------
    fitted : PointTable
        Trained models.
    wanted : PointTable
        Models to predict. Without any share column they come back as they are: whether a law misses the shares is for
        the fit to say.

    Returns
    -------
    Points
        Of `wanted`.

    Raises
    ------
    InputError
        The names of the shares are not those fitted: a mixture of other domains cannot be predicted.

    Notes
    -----
    Tested in tests/api/test_share_columns.py.
    """
    names, asked = fitted.points.share_names or (), wanted.points.share_names or ()
    if not asked or asked == names:
        return wanted.points
    if set(asked) != set(names):
        place = Place(str(wanted.rows.path), wanted.header_line or None)
        needed = f"the shares that were fitted ({', '.join(names)})" if names else "no shares, as none were fitted"
        hint = "A domain that a mixture lacks has a column of zeros." if names else "Remove these columns."
        raise InputError(needed, ", ".join(asked), place, hint=hint)
    order = [asked.index(name) for name in names]
    shares = wanted.points.shares
    return replace(wanted.points, shares=None if shares is None else shares[:, order], share_names=names)
