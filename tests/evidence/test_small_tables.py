"""Tables that are too small to say anything still give a whole report, with reasons in place of numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gauger.cli.evidence_text import fit_text
from gauger.errors import ConvergenceError
from gauger.evidence.fit import analyse
from gauger.evidence.pool import contrast, pool
from gauger.evidence.pooled import NO_VARIATION, NOT_CONVERGED, NOT_SEPARABLE, TOO_FEW, TOO_FEW_ROWS, Pooled

from .make import frame, table


def several(count: int, names: str = "AB", **change: str) -> list[dict[str, str]]:
    return [
        {"study_id": f"s{i}", "arm": f"a{i}", "benchmark": name, "score_distilled": str(50 + i), **change}
        for i in range(count)
        for name in names
    ]


TABLES = {
    "one row": [{}],
    "one study": [{}, {"benchmark": "A"}, {"benchmark": "B", "benchmark_role": "held-out"}],
    "one size": several(4),
    "two studies": [*several(2, "A"), *several(2, "B", benchmark_role="held-out")],
    "no variation": several(6, score_distilled="50"),
    "nothing pooled": several(3, notes="REFERENCE ROW"),
}


@pytest.mark.parametrize("name", TABLES)
def test_every_view_exists(name: str) -> None:
    found = analyse(table(TABLES[name]))
    text = fit_text(found)
    json.dumps(found.to_dict(), allow_nan=False)
    assert "Published evidence" in text
    assert "nan" not in text.lower().replace("finance", "")
    for one in (*found.headline.untouched.pooled, *found.headline.matched.pooled):
        assert (one.estimate is None) == (one.reason is not None)


def mean_of(one: Pooled) -> str | None:
    assert one.estimate is None
    return one.reason


def test_reasons() -> None:
    ones = np.ones
    assert mean_of(pool(frame(*several(1)), {"m": ones(2)}).pooled[0]) == TOO_FEW
    assert mean_of(pool(frame(*several(2, "A")), {"m": ones(2), "x": np.arange(2.0)}).pooled[1]) == TOO_FEW_ROWS
    assert mean_of(pool(frame(*several(4)), {"m": ones(8), "x": 2 * ones(8)}).pooled[0]) == NOT_SEPARABLE
    same = pool(frame(*several(4, score_distilled="50")), {"m": ones(8)})
    assert mean_of(same.pooled[0]) == NO_VARIATION
    doubled = contrast(same, {"m": 2.0}, "double")
    assert doubled is not None
    assert doubled.reason == NO_VARIATION


def test_a_fit_that_does_not_converge_is_a_reason_not_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ConvergenceError("no")

    monkeypatch.setattr("gauger.evidence.pool.fit", fail)
    rows = frame(*several(4))
    found = pool(rows, {"m": np.ones(len(rows))})
    assert found.pooled[0].reason == NOT_CONVERGED
    assert (found.pooled[0].n_rows, found.pooled[0].n_studies) == (8, 4)
