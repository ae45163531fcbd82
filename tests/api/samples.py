"""Makes the small tables and logs on which the API and the commands are compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

ARMS = {"student": 0.62, "plain": 0.45, "boss": 0.85}
ROLES = {"maths": "near", "facts": "far"}


def records(seed: int = 0, replicates: int = 3, items: int = 40, shift: float = 0.0) -> pl.DataFrame:
    """Draw a records table of three arms on two benchmarks; `shift` is added to the student's chances."""
    draw = np.random.default_rng(seed)
    rows = []
    for arm, level in ARMS.items():
        chance = level + (shift if arm == "student" else 0.0)
        for replicate in range(1 if arm == "boss" else replicates):
            for benchmark, role in ROLES.items():
                scores = draw.random(items) < chance - 0.1 * (benchmark == "facts")
                rows += [
                    (arm, replicate, benchmark, role, f"{benchmark}-{k}", float(score))
                    for k, score in enumerate(scores)
                ]
    return pl.DataFrame(rows, ["arm", "replicate", "benchmark", "role", "item", "score"], orient="row")


def effects(seed: int = 1, n: int = 24) -> pl.DataFrame:
    """Draw effects of studies with two rows each, some cells empty, and text with a separator in it."""
    draw = np.random.default_rng(seed)
    study = [f"study {k // 2}, {'ab'[k % 2]}" if k % 5 == 0 else f"study {k // 2}" for k in range(n)]
    effect = (0.2 + 0.1 * draw.standard_normal(n)).tolist()
    effect[3] = None
    return pl.DataFrame(
        {"study": study, "yi": effect, "vi": (0.01 + 0.02 * draw.random(n)).tolist(), "size": list(range(n))}
    )


def points(seed: int = 0) -> pl.DataFrame:
    """Draw losses of trained models from a known law."""
    n_params, n_tokens = (one.ravel() for one in np.meshgrid(np.geomspace(3e7, 1e9, 4), np.geomspace(5e8, 2e10, 5)))
    noise = np.exp(0.003 * np.random.default_rng(seed).standard_normal(len(n_params)))
    loss = (1.8172 + 482.01 / n_params**0.3478 + 2085.43 / n_tokens**0.3658) * noise
    return pl.DataFrame({"n_params": n_params, "n_tokens": n_tokens, "loss": loss})


def written(frame: pl.DataFrame, path: Path) -> str:
    """Write a frame as CSV and return its path as text."""
    frame.write_csv(path)
    return str(path)
