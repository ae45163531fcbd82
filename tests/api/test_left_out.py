"""Rows and runs without an outcome are counted and named, never dropped without a word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

import gauger

N, D = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e7, 1e9, 5), np.geomspace(1e9, 6.4e10, 4), indexing="ij"))
LOSS = 1.7 + 400 / N**0.34 + 410 / D**0.28


def warnings(table: pl.DataFrame | Path) -> list[str]:
    return list(gauger.fit(table, law="hoffmann", bootstrap=100, starts=5).warnings)


def test_rows_without_a_loss_are_counted_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    gaps = pl.Series([None if row % 5 == 4 else loss for row, loss in enumerate(LOSS.tolist())])
    pl.DataFrame({"n_params": N, "n_tokens": D, "loss": gaps}).write_csv(path)
    assert "4 rows left out for an empty loss (lines 6, 11, 16, 21)" in warnings(path)
    complete = pl.DataFrame({"n_params": N, "n_tokens": D, "loss": LOSS})
    assert not any("left out" in text for text in warnings(complete))


def runs(missing_last: bool) -> pl.DataFrame:
    """Two checkpoints of each of twenty runs; one of them has no loss in every fourth run."""
    rows = []
    for run in range(20):
        gap = run % 4 == 0
        early, late = (
            (None if gap and not missing_last else LOSS[run] + 0.1),
            (None if gap and missing_last else LOSS[run]),
        )
        rows += [(N[run], D[run] / 2, early, f"r{run}"), (N[run], D[run], late, f"r{run}")]
    return pl.DataFrame(rows, schema=["n_params", "n_tokens", "loss", "run"], orient="row", infer_schema_length=None)


def test_runs_whose_last_checkpoint_has_no_loss_are_named() -> None:
    said_of_runs = warnings(runs(missing_last=True))
    wanted = "5 of 20 runs left out, for their last checkpoint has no loss (r0, r4, r8, r12, r16)"
    assert wanted in said_of_runs
    assert not any("runs left out" in text for text in warnings(runs(missing_last=False)))
