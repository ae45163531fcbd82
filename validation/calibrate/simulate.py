"""Is coverage what it is promised to be in the worst cell of the grid, and are false *major* verdicts rare?

Run: python validation/calibrate/simulate.py [--draws 2000] [--seed 1] [--cells FROM:TO] [--out scores.csv]
         [--design scales.yaml]
     python validation/calibrate/simulate.py --check scores.csv [...]
The first form draws cells of design.yaml and appends their scores; the second pools files of different seeds, prints
the table of README.md and exits with 1 where a promise is broken.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl
from scipy.special import bdtr

from gauger.estimate.calibrate.designs import load_calibration
from gauger.estimate.calibrate.score import CellScore, score_cell

HERE = Path(__file__).parent
PROMISED = {"many": (0.93, 0.97), "two": (0.92, 0.98)}
"""Coverage of nominal 95 % intervals in the worst cell: 3 or more replicates, and 2."""
FALSE_MAJOR = 0.05
NAIVE_FAILS_BELOW = 0.90
"""The items-only interval must fall below this in some cell with training noise, else the check shows nothing."""


def main() -> int:
    """Draw or check."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cells", default=":")
    parser.add_argument("--out", type=Path, default=Path("scores.csv"))
    parser.add_argument("--design", type=Path, default=HERE / "design.yaml")
    parser.add_argument("--check", type=Path, nargs="+")
    options = parser.parse_args()
    if options.check:
        return check(
            pl.concat([pl.read_csv(path, infer_schema_length=None) for path in options.check], how="diagonal_relaxed")
        )
    draw(options)
    return 0


def draw(options: argparse.Namespace) -> None:
    """Score some cells and append them to the file."""
    first, last = (int(end) if end else None for end in options.cells.split(":"))
    for planted in load_calibration(options.design).cells[first:last]:
        stream = np.random.SeedSequence([options.seed, *planted.name.encode()])
        rows = _rows(score_cell(planted, options.draws, np.random.default_rng(stream)), options.seed)
        old = [pl.read_csv(options.out, infer_schema_length=None)] if options.out.exists() else []
        pl.concat([*old, pl.DataFrame(rows, infer_schema_length=None)], how="diagonal_relaxed").write_csv(options.out)
        print(planted.name, flush=True)


def _rows(cell: CellScore, seed: int) -> list[dict[str, object]]:
    """Write one cell as rows: its estimates, and its verdict as one more."""
    about = {"cell": cell.planted.name, "seed": seed, "replicates": cell.planted.replicates}
    about["replicate_sd"] = cell.planted.replicate_sd
    verdict = {f"verdict_{key}": value for key, value in asdict(cell.verdict).items() if not isinstance(value, dict)}
    verdict |= {f"verdict_{check}_failed": share for check, share in cell.verdict.failed.items()}
    rows = [{**about, **asdict(score)} for score in cell.estimates]
    return [*rows, {**about, "estimand": "verdict", "draws": cell.verdict.draws, **verdict}]


def check(scores: pl.DataFrame) -> int:
    """Print the tables and tell whether every promise holds."""
    single = _single(scores)
    table = _table(single)
    verdicts = _verdicts(scores)
    with pl.Config(tbl_rows=-1, tbl_cols=-1, fmt_str_lengths=60, tbl_width_chars=200, float_precision=3):
        print(
            "Coverage (an estimand is averaged over arms and roles; lowest_one is the lowest single estimate):", table
        )
        print("Power, over all arms and roles of cells with training noise:", _power(scores))
        print("Verdicts:", verdicts)
    broken = [*_broken_coverage(table), *_broken_verdicts(verdicts)]
    if table.filter(pl.col("replicate_sd") > 0)["items_only"].min() > NAIVE_FAILS_BELOW:
        broken.append("the items-only interval passes everywhere: this check shows nothing")
    if _false(verdicts)["naive_major"].max() <= FALSE_MAJOR:
        broken.append("the items-only interval gives no false major verdicts: this check shows nothing")
    print("\n".join(broken) or "every promise holds")
    return 1 if broken else 0


def _single(scores: pl.DataFrame) -> pl.DataFrame:
    """Pool every estimate over seeds, weighted by the draws in which it was defined."""
    known = scores.filter((pl.col("estimand") != "verdict") & pl.col("coverage").is_not_null())
    weight = pl.col("draws") / pl.col("draws").sum()
    return known.group_by("cell", "replicates", "replicate_sd", "estimand", "arm", "over", maintain_order=True).agg(
        coverage=(pl.col("coverage") * weight).sum(),
        naive=(pl.col("naive_coverage") * weight).sum(),
        draws=pl.col("draws").sum(),
    )


def _table(single: pl.DataFrame) -> pl.DataFrame:
    """Give each cell its lowest and highest estimand, its lowest single estimate, and what chance would make of it."""
    cell = ("cell", "replicates", "replicate_sd")
    estimands = single.group_by(*cell, "estimand", maintain_order=True).agg(
        pl.col("coverage").mean(), pl.col("naive").mean()
    )
    return (
        estimands.group_by(*cell, maintain_order=True)
        .agg(
            lowest=pl.col("coverage").min(),
            lowest_of=pl.col("estimand").sort_by("coverage").first(),
            highest=pl.col("coverage").max(),
            highest_of=pl.col("estimand").sort_by("coverage").last(),
            items_only=pl.col("naive").mean(),
        )
        .join(
            single.group_by("cell").agg(
                lowest_one=pl.col("coverage").min(), n=pl.len(), draws=pl.col("draws").max().cast(pl.Int64)
            ),
            on="cell",
            maintain_order="left",
        )
        .with_columns(by_chance=pl.struct("n", "draws").map_elements(_lowest_by_chance, pl.Float64))
        .drop("n", "draws")
    )


def _lowest_by_chance(size: dict[str, int]) -> float:
    """Return the median of the lowest coverage among `n` independent exact 95 % intervals in `draws` draws."""
    reach = 1 - bdtr(np.arange(size["draws"] + 1), size["draws"], 0.95)
    return float((reach ** size["n"] > 0.5).sum() / size["draws"])


def _power(scores: pl.DataFrame) -> pl.DataFrame:
    """Share of intervals without 0, where the truth is not 0 (power) and where it is (false alarms)."""
    zero = pl.col("truth").abs() <= 1e-9
    rows = scores.filter((pl.col("estimand") != "verdict") & pl.col("truth").is_not_null())
    return (
        rows.filter(pl.col("replicate_sd") > 0)
        .group_by("estimand", maintain_order=True)
        .agg(
            power=pl.col("power").filter(~zero).mean(),
            false_alarms=pl.col("power").filter(zero).mean(),
            false_alarms_items_only=pl.col("naive_power").filter(zero).mean(),
            bounded=pl.col("bounded").mean(),
            width_to_items_only=(pl.col("width") / pl.col("naive_width")).median(),
        )
    )


def _verdicts(scores: pl.DataFrame) -> pl.DataFrame:
    """Pool the rows of verdicts over seeds."""
    rows = scores.filter(pl.col("estimand") == "verdict")
    names = [name for name in rows.columns if name.startswith("verdict_") and name != "verdict_draws"]
    weight = pl.col("draws") / pl.col("draws").sum()
    rates = [(pl.col(name).cast(pl.Float64) * weight).sum().alias(name.removeprefix("verdict_")) for name in names]
    exists = pl.col("verdict_truth").is_not_null().all().alias("exists")
    pooled = rows.group_by("cell", maintain_order=True).agg(*rates, exists, pl.col("draws").sum())
    return pooled.with_columns(truth=pl.when("exists").then("truth")).drop("exists")


def _broken_coverage(table: pl.DataFrame) -> list[str]:
    """Name the cells whose worst estimand misses its band."""
    broken = []
    for row in table.iter_rows(named=True):
        low, high = PROMISED["two" if row["replicates"] == 2 else "many"]
        if row["lowest"] < low:
            broken.append(f"{row['cell']}: {row['lowest_of']} covers {100 * row['lowest']:.1f} %, promised {low:.0%}")
        if row["highest"] > high:
            broken.append(f"{row['cell']}: {row['highest_of']} covers {100 * row['highest']:.1f} %, at most {high:.0%}")
    return broken


def _false(verdicts: pl.DataFrame) -> pl.DataFrame:
    """Keep the cells in which *major* is false: the planted truth does not exceed the threshold."""
    return verdicts.filter(pl.col("truth").is_null() | (pl.col("truth") <= pl.col("threshold") + 1e-9))


def _broken_verdicts(verdicts: pl.DataFrame) -> list[str]:
    """Name the cells with too many false *major* verdicts."""
    return [
        f"{row['cell']}: false major in {100 * row['major']:.1f} %"
        for row in _false(verdicts).iter_rows(named=True)
        if row["major"] > FALSE_MAJOR
    ]


if __name__ == "__main__":
    sys.exit(main())
