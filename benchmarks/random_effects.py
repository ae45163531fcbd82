"""How fast is the meta-analysis, beside metafor and PyMARE on the same data in the same run?

1. One univariate REML fit, 13 rows, with tests, Q and I2. Target: 20 times metafor's fits per second.
2. One three-level REML fit, 200 rows in 40 studies. Target: 100 times metafor.
3. 10,000 univariate data sets at once. Target: 50,000 fits per second.
4. The shipped table of published results, three levels, shared controls, benchmark roles, CR2 errors and their degrees
   of freedom. Target: 0.2 s. metafor runs sparse; dense it takes minutes.

Processor time throughout, one thread each, so that other work on the machine does not decide.

Run: python benchmarks/random_effects.py [--pymare PYTHON]     (Rscript with metafor is used if it is on the path)
"""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from gauger.evidence.table import data_path
from gauger.stats.random_effects import MetaData, MetaFit, design_matrix, fit, fit_many

HERE = Path(__file__).parent
CONTROLS = ("untouched-base", "no-teacher-training", "rl-instead", "vendor-post-trained")
TARGETS = {"univariate": 20.0, "nested": 100.0}


def univariate() -> pl.DataFrame:
    """Draw 13 rows."""
    rng = np.random.default_rng(13)
    variance = rng.uniform(0.01, 0.3, 13)
    return pl.DataFrame({"y": rng.normal(0.3, np.sqrt(0.1 + variance)), "v": variance})


def nested() -> pl.DataFrame:
    """Draw 200 rows in 40 studies."""
    rng = np.random.default_rng(200)
    study, variance = np.repeat(np.arange(40), 5), rng.uniform(0.02, 0.2, 200)
    effect = 0.3 * rng.normal(size=40)[study] + rng.normal(size=200) * np.sqrt(0.09 + variance)
    return pl.DataFrame({"y": effect, "v": variance, "study": study, "row": np.arange(200)})


def full() -> pl.DataFrame:
    """Read the shipped table: percent scores with a control that is not itself distilled and a known test-set size."""
    table = pl.read_csv(data_path() / "results.csv", infer_schema_length=None).filter(
        pl.col("score_scale") == "percent", pl.col("contrast").is_in(CONTROLS)
    )
    table = table.drop_nulls(["score_control", "score_distilled", "n_items"])

    def binomial(column: str) -> pl.Expr:
        n = pl.col("n_items").cast(float)
        share = (pl.col(column) / 100).clip(0.5 / n, 1 - 0.5 / n)
        return share * (1 - share) / n

    keys = [pl.col(name).cast(str).fill_null("") for name in ("study_id", "student_base", "control_arm", "benchmark")]
    keys += [pl.col("score_control").cast(str), pl.col("n_items").cast(str)]
    return table.select(
        y=(pl.col("score_distilled") - pl.col("score_control")) / 100,
        v=binomial("score_control") + binomial("score_distilled"),
        c=binomial("score_control"),
        study=pl.col("study_id").rank("dense"),
        row=pl.int_range(pl.len()),
        shared=pl.concat_str(keys, separator="|").rank("dense"),
        role="benchmark_role",
    ).sort("study", "row")


def three_level(table: pl.DataFrame) -> MetaFit:
    """Fit studies and rows."""
    return fit(MetaData(table["y"], table["v"], (table["study"].to_numpy(), np.arange(table.height))))  # type: ignore[arg-type]


def whole_table(table: pl.DataFrame) -> MetaFit:
    """Everything of point 4, from columns to degrees of freedom."""
    n, study = table.height, table["study"].to_numpy()
    X, names = design_matrix({"role": table["role"].to_numpy().astype(str)}, n, intercept=False)
    data = MetaData(table["y"], table["v"], (study, np.arange(n)), X, ("study", "row"), names,
                    table["shared"].to_numpy(), table["c"].to_numpy())  # type: ignore[arg-type]  # fmt: skip
    fitted = fit(data, robust=study)
    assert len(fitted.coefficients) == len(names)
    return fitted


def seconds(repeats: int, run: Callable[[], object]) -> float:
    """Time one call, best of five rounds."""
    run()
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        for _ in range(repeats):
            run()
        best = min(best, (time.process_time() - start) / repeats)
    return best


def gauger(tables: dict[str, pl.DataFrame], batch: dict[str, np.ndarray]) -> dict[str, float]:
    """Time Gauger."""
    y, v = tables["univariate"]["y"].to_numpy(), tables["univariate"]["v"].to_numpy()

    def one() -> MetaFit:
        fitted = fit(MetaData(y, v))
        assert fitted.coefficients
        assert fitted.i2.size
        return fitted

    whole = whole_table(tables["full"])
    return {
        "univariate": seconds(200, one),
        "univariate.tau2": float(one().tau2[0]),
        "nested": seconds(20, lambda: three_level(tables["nested"]).coefficients),
        "nested.tau2": float(three_level(tables["nested"]).tau2[0]),
        "batch": seconds(1, lambda: fit_many(batch["effect"], batch["variance"])),
        "full": seconds(2, lambda: whole_table(tables["full"])),
        "full.tau2": float(whole.tau2[0]),
        "full.se": whole.coefficients[0].se,
    }


def other(command: list[str]) -> dict[str, float]:
    """Run a peer and read its lines of name and number."""
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return {name: float(value) for name, value in map(str.split, done.stdout.splitlines())}


def main() -> None:
    """Time all that is there and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pymare", metavar="PYTHON", help="An interpreter that has PyMARE.")
    options = parser.parse_args()
    tables = {"univariate": univariate(), "nested": nested(), "full": full()}
    rng = np.random.default_rng(10_000)
    variance = rng.uniform(0.05, 1.0, (10_000, 13))
    spread = rng.choice([0.0, 0.1, 1.0], size=(10_000, 1))
    batch = {"effect": rng.normal(size=(10_000, 13)) * np.sqrt(variance + spread), "variance": variance}
    with tempfile.TemporaryDirectory() as name:
        for table, frame in tables.items():
            frame.write_csv(Path(name) / f"{table}.csv")
        np.savez(Path(name) / "batch.npz", **batch)  # type: ignore[arg-type]
        results = {"Gauger": gauger(tables, batch)}
        if shutil.which("Rscript"):
            results["metafor"] = other(["Rscript", str(HERE / "random_effects.R"), name])
        if options.pymare:
            results["PyMARE"] = other([options.pymare, str(HERE / "random_effects_pymare.py"), name])
    show(results, tables["full"])


def show(results: dict[str, dict[str, float]], table: pl.DataFrame) -> None:
    """Print times, ratios to Gauger, and how far the peers' answers are from Gauger's."""
    print(f"full table: {table.height} rows, {table['study'].n_unique()} studies")
    ours = results["Gauger"]
    for name, times in results.items():
        for task in ("univariate", "nested", "batch", "full"):
            if task in times:
                per_second = (10_000 if task == "batch" else 1) / times[task]
                ratio = f"  {times[task] / ours[task]:8.1f} x Gauger's time" if name != "Gauger" else ""
                target = f" (target {TARGETS[task]:.0f})" if name == "metafor" and task in TARGETS else ""
                print(f"{name:8} {task:10} {times[task] * 1e3:10.3f} ms  {per_second:10.0f} /s{ratio}{target}")
        for key in sorted(set(times) & {"univariate.tau2", "nested.tau2", "full.tau2", "full.se"}):
            if name != "Gauger":
                print(f"{name:8} {key:16} differs by {abs(times[key] / ours[key] - 1):.1e} (relative)")


if __name__ == "__main__":
    main()
