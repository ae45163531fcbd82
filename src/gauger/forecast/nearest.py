"""Finds the studies nearest to a scenario, and what each of them found."""

from __future__ import annotations

from typing import Any

import numpy as np

from gauger.forecast.designs import Rows, plan_design
from gauger.forecast.forms import distances
from gauger.forecast.imagine import Imagined
from gauger.forecast.literature import LiteratureRows

SHOWN = 12


def nearest_studies(literature: LiteratureRows, imagined: Imagined, controls: tuple[str, ...]) -> list[dict[str, Any]]:
    """List the nearest studies of the role, nearest first.

    The distance is the mean over predictors of the difference in spreads of the literature (0 alike, 1 two spreads or
    another kind); what either side does not tell counts one half.

    Parameters
    ----------
    literature : LiteratureRows
    imagined : Imagined
        Draws of the scenario.
    controls : tuple of str
        Controls that count.
    """
    rows = Rows.of(literature)
    spread = plan_design(rows, literature.study, (), apart=False, by_role=False).scale
    here = np.flatnonzero(
        (literature.role == imagined.rows.role[0]) & np.isin(literature.categories["control"], controls)
    )
    if not len(here):
        return []
    sample = np.arange(0, len(imagined.start), max(1, len(imagined.start) // 40))
    gap = distances(imagined.rows, sample, rows, here, spread).mean(axis=0)
    entries = []
    for study in np.unique(literature.study[here]):
        mine = literature.study[here] == study
        kept = here[mine][gap[mine] <= gap[mine].min() + 0.1]
        frame = literature.frame[kept]
        samples = frame["n_samples"].drop_nulls()
        entries.append({
            "study": literature.studies[study], "distance": float(gap[mine].min()), "rows": len(kept),
            "student": frame["student_base"][0], "parameters_b": frame["student_params_b"][0],
            "control": ", ".join(sorted(set(frame["contrast"].to_list()))),
            "method": frame["distill_method"][0], "samples": float(samples.max()) if len(samples) else None,
            "benchmarks": ", ".join(sorted(set(frame["benchmark"].to_list()))[:4]),
            "start": float(100 * literature.start[kept].mean()), "uplift": float(literature.change[kept].mean()),
            "lowest": float(literature.change[kept].min()), "highest": float(literature.change[kept].max()),
            "reference": frame["reference"][0],
        })  # fmt: skip
    return sorted(entries, key=lambda entry: entry["distance"])[:SHOWN]
