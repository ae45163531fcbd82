"""Writes the rows of the headline (over the untouched base) for the refit in R: see r/evidence_headline.R."""

from __future__ import annotations

import json
import sys

from gauger.evidence import load
from gauger.evidence.clean import prepare
from gauger.evidence.effects import add_effects
from gauger.evidence.pool import meta_data, role_terms
from gauger.evidence.restrict import SETS, UNTOUCHED, rows_of


def columns() -> dict[str, list[float] | list[str]]:
    """Effects, variances, studies, roles and shared controls as the model sees them."""
    rows = add_effects(rows_of(prepare(load()), SETS[UNTOUCHED]))
    data = meta_data(rows, role_terms(rows))
    if data.shared_group is None or data.shared_variance is None:
        raise SystemExit("The rows share no control.")
    return {
        "yi": data.effect.tolist(), "vi": data.variance.tolist(), "study": data.levels[0].tolist(),
        "role": rows["benchmark_role"].to_list(), "control": data.shared_group.tolist(),
        "c": data.shared_variance.tolist(),
    }  # fmt: skip


if __name__ == "__main__":
    json.dump(columns(), sys.stdout)
