"""Forest lines against a literal computation, and the terminal views."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from gauger.cli.evidence_text import PLOT, bar, findings_text, fit_text, forest_text
from gauger.evidence.check import check_table
from gauger.evidence.effects import add_effects
from gauger.evidence.fit import Evidence
from gauger.evidence.forest import study_forest
from gauger.evidence.restrict import SETS, UNTOUCHED, rows_of


def test_forest_lines_are_within_study_least_squares(rows: pl.DataFrame) -> None:
    found = study_forest(rows, UNTOUCHED)
    fitted = found.analysis.fitted
    own = dict(zip(fitted.names, fitted.omega, strict=True))
    some = add_effects(rows_of(rows, SETS[UNTOUCHED]))
    for study, role in (("limo-2025", "targeted"), ("rethink-sft-2026", "held-out")):
        line = next(one for one in found.lines if (one.study_id, one.role) == (study, role))
        mine = some.filter((pl.col("study_id") == study) & (pl.col("benchmark_role") == role))
        cells, control = mine["cell_control"].to_list(), mine["control_variance"].to_list()
        v = np.diag(mine["variance"].to_numpy() + own[role])
        for i in range(len(mine)):
            for j in range(len(mine)):
                if i != j and cells[i] == cells[j]:
                    v[i, j] = control[i]
        w = np.linalg.inv(v)
        total = w.sum()
        assert line.estimate == pytest.approx((w @ mine["effect"].to_numpy()).sum() / total)
        # Normal quantile: 1.959964.
        assert line.high - line.low == pytest.approx(2 * 1.959964 / np.sqrt(total), rel=1e-6)
        assert line.n_rows == len(mine)


def test_forest_has_a_line_per_study_and_role(rows: pl.DataFrame) -> None:
    found = study_forest(rows, UNTOUCHED)
    pairs = rows_of(rows, SETS[UNTOUCHED]).select("study_id", "benchmark_role").unique()
    assert len(found.lines) == len(pairs) == sum(one.n_studies for one in found.pooled)


@pytest.mark.parametrize(
    ("interval", "drawn"),
    [
        ((0.0, -5.0, 5.0), "o"),
        ((50.0, 40.0, 60.0), "|"),
        ((-90.0, -99.0, -80.0), "<"),
        ((90.0, 80.0, 99.0), ">"),
    ],
)
def test_bars(interval: tuple[float, float, float], drawn: str) -> None:
    line = bar(*interval, (-40.0, 60.0))
    assert len(line) == PLOT
    assert drawn in line


def test_bars_are_to_scale() -> None:
    line = bar(10.0, 0.0, 20.0, (-40.0, 60.0))
    assert line.index("o") == round(50 / 100 * (PLOT - 1))
    assert len(line.rstrip()) - 1 == round(60 / 100 * (PLOT - 1))


def test_views_hold_their_numbers(evidence: Evidence, rows: pl.DataFrame) -> None:
    text = fit_text(evidence)
    assert evidence.headline.text() in text
    for moved in evidence.restrictions:
        assert moved.name in text
    lines = forest_text(study_forest(rows, UNTOUCHED))
    for name in set(rows_of(rows, SETS[UNTOUCHED])["study_id"]):
        assert name in lines
    found = check_table(rows)
    assert findings_text(found).count("\n  row ") == len(found)
    assert max(len(line) for line in lines.splitlines()) <= 120
