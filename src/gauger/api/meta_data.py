"""Turns the cells of a table into the data of a meta-analysis: a mistake is named by its line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gauger.api.meta_options import MetaOptions
    from gauger.api.table_input import CompleteRows
    from gauger.stats import MetaData


def meta_data(rows: CompleteRows, request: MetaOptions) -> MetaData:
    """Turn cells into effects, variances, levels and moderators; a mistake is named by its line."""
    import numpy as np

    from gauger.errors import InputError, Place
    from gauger.stats import LARGEST, NO_GROUP, MetaData, design_matrix

    variance = rows.numbers(request.variance)
    for row, value in enumerate(variance):
        if value <= 0.0:
            raise InputError("a variance above 0", f"{value:g}", rows.place(row, request.variance))
    n = len(variance)
    if n < 2:
        raise InputError("at least two rows with every asked value", str(n), Place(str(rows.path)))
    levels = [np.array(rows.columns[column]) for column in request.within]
    names = list(request.within)
    if not levels or len(set(zip(*(level.tolist() for level in levels), strict=True))) < n:
        levels, names = [*levels, np.arange(n)], [*names, "row"]
    design, columns = None, tuple[str, ...]()
    if request.moderators:
        for name in request.moderators:
            if len(set(rows.columns[name])) < 2:
                raise InputError("a moderator that varies", "one value in all rows", Place(str(rows.path), key=name))
        given = {
            name: rows.numbers(name) if rows.is_numeric(name) else rows.columns[name] for name in request.moderators
        }
        design, columns = design_matrix(given, n)
    group, shared = None, None
    if request.shared_control and request.shared_variance:
        labels = np.array(rows.columns[request.shared_control])
        group = np.where(labels == "", NO_GROUP, np.unique(labels, return_inverse=True)[1])
        shared = np.array(_shared_variances(rows, request.shared_control, request.shared_variance))
    effect = np.array(rows.numbers(request.effect))
    for column, values in ((request.effect, effect), (request.variance, np.array(variance))):
        huge = np.flatnonzero(np.abs(values) > LARGEST)
        if len(huge):
            hint = "Squares of such numbers cannot be computed: change the unit."
            raise InputError(f"numbers up to {LARGEST:g}", f"{values[huge[0]]:g}", rows.place(huge[0], column), hint)
    if design is not None:
        _check_levels(levels, names, design, request)
    return MetaData(effect, np.array(variance), tuple(levels), design, tuple(names), columns, group, shared)


def _shared_variances(rows: CompleteRows, control: str, variance: str) -> list[float]:
    """Return the sampling variance of each row's shared control; 0 where it shares none."""
    from gauger.errors import InputError

    given = list(zip(rows.columns[control], rows.columns[variance], strict=True))
    for row, (label, cell) in enumerate(given):
        if label and not cell:
            hint = f"Where no control is shared, leave {control} empty too."
            raise InputError(
                f"the variance of the shared control {label!r}", "nothing", rows.place(row, variance), hint
            )
    values = [cell or "0" for _, cell in given]
    return replace(rows, columns={**rows.columns, variance: values}).numbers(variance)


def _check_levels(levels: list[Any], names: list[str], design: Any, request: MetaOptions) -> None:
    """Refuse a level whose groups the moderators determine: nothing is left there to vary."""
    import numpy as np

    from gauger.errors import UserError

    q = np.linalg.qr(design)[0]
    outer = np.zeros(len(design), dtype=np.intp)
    for labels, name in zip(levels, names, strict=True):
        inner = np.unique(labels, return_inverse=True)[1].ravel()
        outer = np.unique(outer * (inner.max() + 1) + inner, return_inverse=True)[1].ravel()
        groups = (outer[:, None] == np.arange(outer.max() + 1)).astype(float)
        if np.abs(groups - q @ (q.T @ groups)).max() < 1e-9:
            what = " and ".join(request.moderators)
            leaves = "moderator {} leaves" if len(request.moderators) == 1 else "moderators {} leave"
            raise UserError(
                f"a level {name!r} whose groups the moderators do not determine",
                what,
                hint=f"The {leaves.format(what)} no groups at level {name} to compare: drop one.",
            )
