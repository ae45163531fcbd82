"""Turns moderators into a design matrix: numbers as they are, categories as treatment contrasts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from gauger.errors import UserError
from gauger.stats.random_effects.data import Array


def design_matrix(
    moderators: Mapping[str, ArrayLike], n: int, *, intercept: bool = True, reference: Mapping[str, str] | None = None
) -> tuple[Array, tuple[str, ...]]:
    """Return X and its column names.

    A numeric column enters as one slope, untransformed (centre it yourself if the intercept should be the effect at its
    mean). A column of strings or booleans enters as one 0/1 column per category except the reference (alphabetically
    first unless `reference` names another), named ``column=category``. Without intercept the first categorical
    moderator keeps all its categories, so that its coefficients are the categories' means.

    Parameters
    ----------
    moderators : mapping of name to (n,) array
        Numbers, strings or booleans. Missing numbers pass through, and are refused by `MetaData`.
    n : int
        Number of rows.
    intercept : bool
        Whether the first column is one of ones.
    reference : mapping of name to category, optional
        Reference categories; that of the moderator which keeps all its categories is ignored.

    Returns
    -------
    design : float array, (n, p)
        X.
    names : tuple of str
        p column names.

    Raises
    ------
    UserError
        A moderator without one value per row, or a reference that is none of its categories.
    ValueError
        No moderator and no intercept: there is no column.

    Tested in tests/stats/test_random_effects_data.py. Full rank is checked by `MetaData`, not here.
    """
    columns: list[Array] = [np.ones(n)] if intercept else []
    names = ["intercept"] if intercept else []
    full = intercept
    for name, values in moderators.items():
        column = np.asarray(values)
        if column.shape != (n,):
            raise UserError(f"moderator {name!r} with one value per row ({n})", f"shape {column.shape}")
        if column.dtype.kind in "iuf":
            columns.append(column.astype(float))
            names.append(name)
            continue
        for category in _categories(name, column.astype(str), (reference or {}).get(name) if full else None, drop=full):
            columns.append((column.astype(str) == category).astype(float))
            names.append(f"{name}={category}")
        full = True
    return np.stack(columns, axis=1), tuple(names)


def _categories(name: str, column: np.ndarray, reference: str | None, *, drop: bool) -> list[str]:
    categories = [str(category) for category in np.unique(column)]
    if reference is not None and reference not in categories:
        raise UserError(
            f"a category of {name!r} as reference", repr(reference), hint=f"Known: {', '.join(categories)}."
        )
    if not drop:
        return categories
    left_out = categories[0] if reference is None else reference
    return [category for category in categories if category != left_out]
