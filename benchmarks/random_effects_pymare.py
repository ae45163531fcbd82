"""The PyMARE side of benchmarks/random_effects.py; runs in an interpreter that has PyMARE.

Prints "name processor-seconds" for the table and the batch in the folder given.
"""

import sys
import time
from pathlib import Path

import numpy as np
from pymare import Dataset
from pymare.estimators import VarianceBasedLikelihoodEstimator


def fit(effect: np.ndarray, variance: np.ndarray) -> object:
    summary = VarianceBasedLikelihoodEstimator(method="REML").fit_dataset(Dataset(effect, variance)).summary()
    summary.get_fe_stats()
    return summary


folder = Path(sys.argv[1])
effect, variance = np.loadtxt(folder / "univariate.csv", delimiter=",", skiprows=1, unpack=True)
fit(effect[:, None], variance[:, None])
rounds = []
for _ in range(5):
    start = time.process_time()
    for _ in range(50):
        found = fit(effect[:, None], variance[:, None])
    rounds.append((time.process_time() - start) / 50)
print("univariate", min(rounds))
print("univariate.tau2", float(np.ravel(found.tau2)[0]))
batch = np.load(folder / "batch.npz")
start = time.process_time()
fit(batch["effect"].T, batch["variance"].T)
print("batch", time.process_time() - start)
