"""Warns readers of `gauger.meta` of what they must know about the numbers and may not ask for."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gauger.api.meta_options import MetaOptions
    from gauger.api.table_input import CompleteRows
    from gauger.stats import MetaFit

FEW_GROUPS = 40
HALF_SEEN = 0.5
"""Share of a coefficient's model variance that its robust error must see to be left without a warning."""


def crossed(rows: CompleteRows, request: MetaOptions) -> list[str]:
    """Name the ids of an inner level that stand in several outer groups: they are taken as different groups."""
    warnings = []
    for outer, inner in pairwise(request.within):
        seen: dict[str, set[str]] = {}
        for inner_id, other in zip(rows.columns[outer], rows.columns[inner], strict=True):
            seen.setdefault(other, set()).add(inner_id)
        several = sorted(label for label, groups in seen.items() if len(groups) > 1)
        if several:
            shown = ", ".join(several[:5]) + (", …" if len(several) > 5 else "")
            warnings.append(
                f"{len(several)} ids of {inner} stand in several groups of {outer} ({shown}): each is taken as another "
                "group there. Crossed effects are not fitted; give such groups their own ids if they are the same thing"
            )
    return warnings


def warnings_of(rows: CompleteRows, request: MetaOptions, fitted: MetaFit) -> list[str]:
    """Say what was left out, what is too narrow, and which robust errors rest on too little."""
    import numpy as np

    warnings = rows.left_out_text("an empty cell")
    groups = int(fitted.data.levels[0].max()) + 1
    if request.test == "z" and not request.robust and groups < FEW_GROUPS:
        warnings.append(
            f"z tests are too narrow with {groups} groups: prefer --test knapp-hartung, or --robust with several levels"
        )
    warnings += crossed(rows, request)
    robust = fitted.robust
    for term, row in zip(fitted.coefficients, np.eye(len(fitted.beta)), strict=True):
        if term.reason is not None:
            warnings.append(f"{term.name} has no robust error: {term.reason}. Without --robust the model's own stands.")
        elif robust is not None and robust.known_share(row) < HALF_SEEN:
            warnings.append(f"{term.name} rests on too few clusters: its robust error leaves out what one alone says")
    if fitted.robust is not None and any(
        coefficient.df is not None and coefficient.df < 4.0 for coefficient in fitted.coefficients
    ):
        warnings.append("Fewer than 4 degrees of freedom: the robust p-values and intervals are not to be trusted")
    return warnings
