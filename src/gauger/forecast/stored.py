"""Keeps what the back-test of the shipped table chose and found, with a digest of all that it depends on.

A back-test takes minutes and a forecast seconds. So form, width and tail by role, the scores and the widening beyond
the data are computed once per release of the table and kept beside it; for any other table they are computed anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from gauger.forecast.choose import ChosenForms
from gauger.forecast.forms import FORMS, ForecastForm
from gauger.forecast.groups import DATA, laboratories
from gauger.forecast.later import dates_of
from gauger.forecast.literature import LiteratureRows
from gauger.forecast.predictive import Spread
from gauger.forecast.predictors import CATEGORIES, NUMBERS

FILE = DATA / "back_test.json"


def digest_of(literature: LiteratureRows) -> str:
    """Return a digest of the arrays, the dates, the forms and the laboratories."""
    digest = hashlib.sha256()
    for scale in sorted(literature.effects):
        for array in literature.effects[scale]:
            digest.update(np.round(array, 9).tobytes())
    for number in NUMBERS:
        digest.update(np.round(literature.numbers[number.name], 9).tobytes())
    for category in CATEGORIES:
        digest.update("|".join(literature.categories[category.name].tolist()).encode())
    for ends in dates_of(literature):
        digest.update(np.round(ends, 9).tobytes())
    names = "|".join(literature.studies[code] for code in literature.study)
    digest.update(
        (
            names + repr([asdict(form) for form in FORMS]) + repr(laboratories()) + repr(literature.role.tolist())
        ).encode()
    )
    return digest.hexdigest()


def document_of(
    literature: LiteratureRows,
    chosen: ChosenForms,
    tested: Mapping[str, Any],
    far: Sequence[Any],
    later: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what is kept.

    Parameters
    ----------
    literature : LiteratureRows
    chosen : ChosenForms
        What the whole literature chose.
    tested : mapping
        From `back_test.back_test`.
    far : sequence
        From `extrapolation.extrapolate`.
    later : mapping
        From `later.forecast_later`.
    """
    return {
        "digest": digest_of(literature),
        "form": {role: form.name for role, form in chosen.form.items()},
        "sure": {role: form.name for role, form in chosen.sure.items()},
        "spread": [{"role": role, "form": form, **asdict(spread)} for (role, form), spread in chosen.spread.items()],
        "crps": [{"role": role, "form": form, "crps": value} for (role, form), value in chosen.crps.items()],
        "back_test": dict(tested), "extrapolation": list(far), "later": dict(later),
    }  # fmt: skip


def read_stored(literature: LiteratureRows) -> dict[str, Any] | None:
    """Return what is kept if it was computed from exactly these rows and forms, else None."""
    if not FILE.is_file():
        return None
    document: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return document if document["digest"] == digest_of(literature) else None


def chosen_of(document: Mapping[str, Any]) -> ChosenForms:
    """Read what was chosen."""
    known: dict[str, ForecastForm] = {form.name: form for form in FORMS}
    return ChosenForms(
        {role: known[name] for role, name in document["form"].items()},
        {role: known[name] for role, name in document["sure"].items()},
        {(entry["role"], entry["form"]): Spread(entry["width"], entry["df"]) for entry in document["spread"]},
        {(entry["role"], entry["form"]): entry["crps"] for entry in document["crps"]},
    )
