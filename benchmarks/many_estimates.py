"""How do time and memory of estimating grow with the number of estimates, beside another commit?

Studies with planted truths (`gauger calibrate`): arms x benchmarks cells, three replicates, 20 items each; every
estimand with pointwise and simultaneous intervals, assay checks and verdict, from scores in memory. Each study is
estimated in a process of its own, on one thread. Where two commits estimate the same study, every number that both give
is compared.

Run: python benchmarks/many_estimates.py [--beside SRC]     (SRC: `src` of another commit; of the largest study it would
need more than 100 GB, which is left out)
Target: 50,000 estimates in at most 60 s of processor time and 4 GB, equal to the other commit's to 1e-10.
"""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

SIZES = {"small": (5, 10), "medium": (12, 20), "large": (25, 92)}
"""Benchmarks for each of four roles, and distilled arms; controls come beside these."""
ITEMS, REPLICATES = 20, 3
SOURCES = Path(__file__).resolve().parents[1] / "src"
NUMBERS = ("value", "se", "df", "low", "high", "simultaneous_low", "simultaneous_high")


def measure(size: str, out: Path) -> dict[str, float]:
    """Estimate one study and write its estimates to a file."""
    from gauger.estimate.calibrate.planted import Planted, planted_design
    from gauger.estimate.calibrate.simulate import prepare
    from gauger.estimate.cell_means import Cells
    from gauger.estimate.estimator import estimate_cells

    benchmarks, arms = SIZES[size]
    planted = Planted(benchmarks=benchmarks, items=ITEMS, replicates=REPLICATES, distilled_arms=arms)
    cells = Cells(prepare(planted).draw(np.random.default_rng(1)), planted_design(planted))
    began = time.process_time()
    estimates, _, _ = estimate_cells(cells)
    seconds = time.process_time() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    out.write_text(json.dumps([[getattr(one, name) for name in NUMBERS] for one in estimates]))
    families = sum(one.simultaneous_low is not None for one in estimates)
    found = {"cells": cells.cube.means.size, "estimates": len(estimates), "simultaneous": families}
    return {**found, "seconds": seconds, "peak_mb": peak_mb}


def run(sources: Path, size: str, out: Path) -> dict[str, Any]:
    """Measure the Gauger below `sources` in a process of its own."""
    code = [sys.executable, __file__, "--measure", size, "--out", str(out)]
    done = subprocess.run(code, env={**os.environ, "PYTHONPATH": str(sources)}, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout))


def largest_difference(one: Path, other: Path) -> tuple[float, float]:
    """Return the largest relative difference of pointwise and of simultaneous numbers that both give."""
    tables = [np.array(json.loads(path.read_text()), dtype=float) for path in (one, other)]
    if (np.isnan(tables[0]) != np.isnan(tables[1])).any():
        raise SystemExit("one commit leaves an estimate undefined that the other gives")
    scale = np.maximum(np.abs(tables[0]), 1e-6)
    relative = np.nan_to_num(np.abs(tables[0] - tables[1]) / scale)
    return float(relative[:, :5].max()), float(relative[:, 5:].max())


def main() -> None:
    """Measure every size, and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--beside", type=Path)
    parser.add_argument("--measure")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(asked.measure, asked.out)))
        return
    print(f"{platform.machine()}, load {os.getloadavg()[0]:.1f}, one thread; NumPy {np.__version__}")
    with tempfile.TemporaryDirectory() as name:
        for size in SIZES:
            columns = {"here": (SOURCES, Path(name) / "here.json")}
            if asked.beside and size != "large":
                columns["beside"] = (asked.beside, Path(name) / "beside.json")
            found = {who: run(sources, size, out) for who, (sources, out) in columns.items()}
            show(found, [out for _, out in columns.values()])


def show(found: Mapping[str, Mapping[str, float]], files: Sequence[Path]) -> None:
    """Print one study's figures."""
    here = found["here"]
    counts = f"{here['cells']:,.0f} cells, {here['estimates']:,.0f} estimates"
    print(f"\n{counts}, {here['simultaneous']:,.0f} with a bounded simultaneous interval")
    for who, figures in found.items():
        print(f"  {who:7} {figures['seconds']:8.1f} s of processor time, peak {figures['peak_mb']:7,.0f} MB")
    if len(files) > 1:
        pointwise, simultaneous = largest_difference(*files)
        print(f"  largest relative difference: {pointwise:.1e} pointwise, {simultaneous:.1e} simultaneous")


if __name__ == "__main__":
    main()
