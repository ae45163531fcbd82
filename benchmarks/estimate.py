"""How long does a whole study take to estimate, beside an item bootstrap and a plain loop on the same records?

20 benchmarks x 1,000 items x 10 arms x 8 replicates, and base and teacher once: 1.64 million rows. Gauger
computes every estimand with pointwise and simultaneous intervals, assay checks and verdict, from the records table as
it is read from Parquet. Beside it, from arrays that are already in memory:

- the item bootstrap of the harnesses (lm-eval: 100,000 resamples of the items' mean for a metric that has no formula;
  here 1,000, the time of 100,000 is 100 times as long), one score per arm and benchmark, no comparison at all;
- a plain loop: the two-way variance of one uplift per arm and benchmark, item by item and replicate by replicate.

Run: python benchmarks/estimate.py        (one core: OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 POLARS_MAX_THREADS=1)
Target: under 2 s of processor time from file to estimates, and 500 MB for the whole process. Best and worst of five
processes are printed, as other work on the machine adds to both.
"""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ.setdefault(variable, "1")

import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from gauger.estimate.calibrate.planted import Planted
from gauger.estimate.calibrate.simulate import cube_to_records, prepare
from gauger.estimate.estimator import estimate_study

PLANTED = Planted(benchmarks=5, items=1000, replicates=8, distilled_arms=5)
"""Four roles x 5 benchmarks; ten arms of 8 replicates beside base and teacher: 1.64 million rows."""
ROUNDS = 5


def main() -> None:
    """Write the records once, estimate them in a process of their own, then time the two comparisons."""
    print(about_the_machine())
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "records.parquet"
        cube = prepare(PLANTED).draw(np.random.default_rng(1))
        records = cube_to_records(cube)
        records.write_parquet(path)
        print(f"{records.height:,} rows, {path.stat().st_size / 1e6:.1f} MB of Parquet")
        found = [in_a_process(path) for _ in range(ROUNDS)]
    print(f"Gauger: {found[0]['estimates']} estimates, {found[0]['simultaneous']} with a bounded simultaneous interval")
    for name, key, unit in (
        ("reading", "read_s", "s"),
        ("estimating", "estimate_s", "s"),
        ("reading and estimating (target 2 s)", "both_s", "s"),
        ("whole process, imports included", "process_s", "s"),
        ("peak memory of the process (target 500 MB)", "peak_mb", "MB"),
    ):
        values = [one[key] for one in found]
        print(f"Gauger: {name}: {min(values):.4g} to {max(values):.4g} {unit}")
    gauger_s = min(one["both_s"] for one in found)
    bootstrap_s, loop_s = timed(lambda: item_bootstrap(cube.panel.scores)), timed(lambda: plain_loop(cube.panel.scores))
    for name, seconds in (
        ("item bootstrap of the scores, 1,000 resamples", bootstrap_s),
        ("item bootstrap of the scores, 100,000 resamples (extrapolated)", 100 * bootstrap_s),
        ("plain loop, as many contrasts (extrapolated from one)", found[0]["estimates"] * loop_s),
    ):
        print(f"{name}: {seconds:.2f} s, {seconds / gauger_s:.1f} times Gauger's")


def about_the_machine() -> str:
    """Say what ran where, and how busy it was."""
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}, Polars {pl.__version__}"
    return f"{platform.machine()} {platform.system()}, {os.cpu_count()} cores, load {load}; {versions}; one thread"


def in_a_process(path: Path) -> dict[str, float]:
    """Estimate the file in a process of its own and return what it took."""
    measured = subprocess.run([sys.executable, __file__, str(path)], check=True, capture_output=True, text=True)
    return dict(json.loads(measured.stdout))


def estimate_file(path: Path) -> None:
    """Read, estimate, and print what it took as JSON."""
    design = prepare(PLANTED).design
    before = time.process_time()
    records = pl.read_parquet(path)
    read = time.process_time()
    study = estimate_study(records, design)
    done = time.process_time()
    found = {
        "estimates": len(study.estimates),
        "simultaneous": sum(estimate.simultaneous_low is not None for estimate in study.estimates),
        "read_s": read - before,
        "estimate_s": done - read,
        "both_s": done - before,
        "process_s": done,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(found))


def item_bootstrap(scores: tuple[np.ndarray, ...], resamples: int = 1000) -> list[float]:
    """Return the standard error of every arm's score on every benchmark by resampling its items."""
    rng = np.random.default_rng(1)
    errors = []
    for block in scores:
        means = np.nanmean(block, axis=1)
        for arm in means:
            drawn = arm[rng.integers(len(arm), size=(resamples, len(arm)))].mean(axis=1)
            errors.append(float(drawn.std(ddof=1)))
    return errors


def plain_loop(scores: tuple[np.ndarray, ...]) -> tuple[float, float]:
    """Return one uplift and its two-way variance, written as the formula reads."""
    difference = scores[0][0] - scores[0][5]
    R, n_items = difference.shape
    mean = sum(float(difference[r, i]) for r in range(R) for i in range(n_items)) / (R * n_items)
    by_item = [sum(float(difference[r, i]) for r in range(R)) / R for i in range(n_items)]
    by_replicate = [sum(float(difference[r, i]) for i in range(n_items)) / n_items for r in range(R)]
    item = sum((one - mean) ** 2 for one in by_item) / (n_items * (n_items - 1))
    replicate = sum((one - mean) ** 2 for one in by_replicate) / (R * (R - 1))
    shared = sum(
        (float(difference[r, i]) - by_item[i] - by_replicate[r] + mean) ** 2 for r in range(R) for i in range(n_items)
    ) / ((R - 1) * (n_items - 1) * R * n_items)
    return mean, item + replicate - shared


def timed(run: Callable[[], object]) -> float:
    """Return the processor seconds of one run."""
    before = time.process_time()
    run()
    return time.process_time() - before


if __name__ == "__main__":
    if len(sys.argv) > 1:
        estimate_file(Path(sys.argv[1]))
    else:
        main()
