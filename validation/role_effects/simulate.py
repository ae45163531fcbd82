"""Do intervals and prediction intervals hold when roles scatter differently, and do selection models keep their word?

Part 1 draws literatures of 10 to 60 studies whose true effects differ by role (study SD 7, 8 and 6 points with
correlations .6, .2, .2; row SD 10, 10 and 5), with shared controls, and fits the model by role and the one-variance
model. It counts how often the 95 % interval holds the mean, and which share of new true effects falls into the 95 %
prediction interval.

Part 2 draws studies of which insignificant results are seen with a chance of 0.2, and compares the plain mean, the step
model, PET-PEESE and the average over accounts of selection.

Part 3 draws literatures whose faults are planted one by one, and prints the certainty that follows.

Run: python validation/role_effects/simulate.py > validation/role_effects/results.csv
About 5 minutes on one core; --draws N for fewer.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator

import numpy as np

from gauger.errors import ConvergenceError
from gauger.evidence.certainty import Facts, grade
from gauger.stats.random_effects import CategoryFit, MetaData, fit, fit_categories
from gauger.stats.random_effects.selection import average, candidates, pet_peese

ROLES = ("fresh", "held-out", "targeted")
MEAN = np.array([9.0, 1.0, 13.0])
STUDY = np.array([8.0, 6.0, 7.0])
RELATED = np.array([[1.0, 0.2, 0.6], [0.2, 1.0, 0.2], [0.6, 0.2, 1.0]])
ROW = np.array([10.0, 5.0, 10.0])
N_ITEMS = np.array([30, 164, 198, 500, 1000, 1319])


def draw(rng: np.random.Generator, studies: int) -> tuple[MetaData, np.ndarray]:
    """Draw one literature; every study reports 2 to 12 rows in one to three roles, targeted most often."""
    covariance = RELATED * np.outer(STUDY, STUDY)
    study, role, shared = [], [], []
    for i in range(studies):
        m = int(rng.integers(2, 13))
        study += [i] * m
        role += rng.choice(3, m, p=[0.2, 0.35, 0.45]).tolist()
        shared += (i * 100 + rng.integers(0, 4, m)).tolist()
    study, role, shared = np.array(study), np.array(role), np.array(shared)
    p = rng.uniform(0.15, 0.8, len(study))
    _, control = np.unique(shared, return_inverse=True)
    own = 1e4 * p * (1 - p) / rng.choice(N_ITEMS, len(study))
    shared_variance = (1e4 * 0.21 / rng.choice(N_ITEMS, control.max() + 1))[control]
    u = rng.multivariate_normal(np.zeros(3), covariance, studies)
    true = MEAN[role] + u[study, role] + ROW[role] * rng.normal(size=len(study))
    error = rng.normal(size=control.max() + 1)[control] * np.sqrt(shared_variance)
    effect = true + rng.normal(size=len(study)) * np.sqrt(own) - error
    design = (role[:, None] == np.arange(3)).astype(float)
    data = MetaData(effect, own + shared_variance, (study, np.arange(len(study))), design, ("study", "row"), ROLES,
                    control, shared_variance)  # fmt: skip
    return data, role


def coverage(rng: np.random.Generator, studies: int, draws: int) -> Iterator[dict[str, object]]:
    """Count, for each model and role, intervals that hold the mean and new effects inside the prediction interval."""
    held: dict[tuple[str, int], list[tuple[bool, float, float]]] = {}
    failed = 0
    total = STUDY**2 + ROW**2
    for _ in range(draws):
        data, role = draw(rng, studies)
        if min(len(np.unique(data.levels[0][role == k])) for k in range(3)) < 5:
            continue
        try:
            fits = {"by role": fit_categories(data, role, groups="hcs", rows="diag", polish=False),
                    "one variance": fit(data, test="t", robust=data.levels[0])}  # fmt: skip
        except ConvergenceError:
            failed += 1
            continue
        for name, fitted in fits.items():
            for k, one in enumerate(fitted.coefficients):
                there = fitted.prediction(np.eye(3)[k])
                ends = (np.array([there.prediction_low, there.prediction_high]) - MEAN[k]) / np.sqrt(total[k])
                inside = float(np.diff(_normal(ends))[0])
                held.setdefault((name, k), []).append((one.low <= MEAN[k] <= one.high, inside, one.high - one.low))
        if isinstance(fits["by role"], CategoryFit) and fits["by role"].groups is None:
            raise SystemExit("a fit by role without its covariance")
    for (name, k), seen in held.items():
        table = np.array(seen, dtype=float)
        yield {"part": "coverage", "studies": studies, "what": name, "role": ROLES[k], "draws": len(seen),
               "value": round(float(table[:, 0].mean()), 4), "prediction": round(float(table[:, 1].mean()), 4),
               "width": round(float(table[:, 2].mean()), 2), "failed": failed}  # fmt: skip


def _normal(x: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr

    return np.asarray(ndtr(x))


def selected(rng: np.random.Generator, n: int, chance: float, draws: int) -> Iterator[dict[str, object]]:
    """Bias of the mean with a truth of 2 points (tau 3) when insignificant results are seen with a chance."""
    found: dict[str, list[float]] = {}
    for _ in range(draws):
        y, v = [], []
        while len(y) < n:
            variance = float(rng.choice([1.0, 4.0, 16.0]))
            effect = 2.0 + rng.normal() * np.sqrt(variance + 9.0)
            if effect / np.sqrt(variance) > 1.96 or rng.random() < chance:
                y.append(effect)
                v.append(variance)
        results = {one.name: one.estimate for one in candidates(np.array(y), np.array(v))}
        results["PET-PEESE"] = pet_peese(np.array(y), np.array(v)).estimate
        results["average"] = average(np.array(y), np.array(v)).estimate
        for name, value in results.items():
            if value is not None:
                found.setdefault(name, []).append(value - 2.0)
    for name, values in found.items():
        yield {"part": "selection", "studies": n, "what": name, "role": f"chance {chance}", "draws": len(values),
               "value": round(float(np.mean(values)), 3), "prediction": "", "width": round(float(np.std(values)), 3),
               "failed": draws - len(values)}  # fmt: skip


def grades() -> Iterator[dict[str, object]]:
    """Certainty as faults are added one by one to a perfect body of evidence."""
    change: dict[str, object] = {}
    faults = (
        ("none", {}), ("risk of bias", {"low_risk_share": 0.3}), ("inconsistency", {"prediction_low": -2.0}),
        ("imprecision", {"low": -0.5}), ("selection", {"small_slope_p": 0.01, "small_slope": 20.0}),
    )  # fmt: skip
    for name, fault in faults:
        change |= fault
        facts: dict[str, object] = {
            "estimate": 6.0, "low": 4.0, "high": 8.0, "df": 20.0, "n_studies": 25, "low_risk_share": 0.8,
            "bad_risk_share": 0.1, "prediction_low": 1.0, "prediction_high": 14.0,
        }  # fmt: skip
        certainty = grade(Facts(**(facts | change)))[0]  # type: ignore[arg-type]
        yield {"part": "certainty", "studies": 25, "what": f"and {name}", "role": "", "draws": 1,
               "value": str(certainty), "prediction": "", "width": "", "failed": 0}  # fmt: skip


def main() -> None:
    """Write one CSV line per part, size and method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20261129)
    options = parser.parse_args()
    writer = None
    lines: list[Iterator[dict[str, object]]] = []
    for studies in (10, 20, 40, 60):
        lines.append(coverage(np.random.default_rng([options.seed, studies]), studies, options.draws))
    for n, chance in ((20, 0.2), (60, 0.2), (60, 1.0)):
        lines.append(
            selected(np.random.default_rng([options.seed, n, int(10 * chance)]), n, chance, options.draws // 4)
        )
    for part in (*lines, grades()):
        for line in part:
            if writer is None:
                writer = csv.DictWriter(sys.stdout, line, lineterminator="\n")
                writer.writeheader()
            writer.writerow(line)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
