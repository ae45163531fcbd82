"""Draws of a planted study: scores whose expectations are exactly the planted truths.

Each answer has a probit score Phi(eta[a, b] + item + item x arm + replicate); items, clusters and replicates are drawn
anew in every study, and eta is solved so that the expectation over all of them is the planted mean. Base and teacher
are fixed models: one row without replicate noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from gauger.estimate.calibrate.planted import FIXED, Planted, planted_design, true_means
from gauger.estimate.design import Design
from gauger.estimate.score_arrays import Cube, replicate_ids
from gauger.stats.crossed.panel import Panel

FloatArray = NDArray[np.float64]
TAIL_DF = 3.0
"""Degrees of freedom of heavy-tailed replicates."""
BENCHMARK_SHARE = 0.5
"""Share of a replicate's variance that is common to all its benchmarks."""
PAIRED_SHARE = 0.3
"""Share of a paired replicate's variance that is common to all arms."""


@dataclass(frozen=True)
class Generator:
    """A planted study, ready to be drawn from many times."""

    planted: Planted
    design: Design
    eta: FloatArray
    """(A, B): probit intercepts that give the planted means."""
    replicate_sd: FloatArray
    """(A, B): standard deviation of training replicates on the probit scale; 0 for fixed models."""

    def draw(self, rng: np.random.Generator) -> Cube:
        """Draw one study."""
        A, B = self.eta.shape
        planted, R = self.planted, self.planted.replicates
        noise = self._replicates(rng)
        scores = []
        for b in range(B):
            latent = self.eta[:, b, None, None] + noise[:, :, b, None] + self._items(rng)[:, None, :]
            uniform = special.ndtr(latent)
            drawn = uniform if planted.graded else (rng.random(latent.shape) < uniform).astype(float)
            scores.append(drawn)
        seen = np.ones((A, R), dtype=bool)
        seen[self.fixed, 1:] = False
        for block in scores:
            block[self.fixed, 1:] = np.nan
        return _cube(self.design, scores, self._units(), replicate_ids(seen, planted.paired))

    @property
    def fixed(self) -> NDArray[np.bool_]:
        """(A,): arms that are one model measured once."""
        return np.array([arm.kind in FIXED for arm in self.design.arms], dtype=bool)

    def _replicates(self, rng: np.random.Generator) -> FloatArray:
        """Draw replicate effects (A, R, B) on the probit scale."""
        A, B = self.eta.shape
        R = self.planted.replicates
        own = mixed_noise(rng, (A, R), B)
        if self.planted.paired:
            own = np.sqrt(1 - PAIRED_SHARE) * own + np.sqrt(PAIRED_SHARE) * mixed_noise(rng, (1, R), B)
        if self.planted.heavy_tails:
            own *= np.sqrt((TAIL_DF - 2) / rng.chisquare(TAIL_DF, size=(A, R, 1)))
        return np.asarray(own * self.replicate_sd[:, None, :])

    def _items(self, rng: np.random.Generator) -> FloatArray:
        """Draw item effects (A, I) of one benchmark: difficulty common to all arms, and each arm's own."""
        A = len(self.eta)
        planted = self.planted
        return np.asarray(planted.item_sd * self._clustered(rng, 1) + planted.item_arm_sd * self._clustered(rng, A))

    def _clustered(self, rng: np.random.Generator, rows: int) -> FloatArray:
        """Draw standard normal effects (rows, I) that share a part within clusters."""
        planted = self.planted
        own = rng.standard_normal((rows, planted.items))
        if planted.cluster_size == 1:
            return own
        of_item = np.arange(planted.items) // planted.cluster_size
        common = rng.standard_normal((rows, int(of_item[-1]) + 1))[:, of_item]
        return np.asarray(np.sqrt(planted.cluster_share) * common + np.sqrt(1 - planted.cluster_share) * own)

    def _units(self) -> NDArray[np.int64]:
        """Return the global cluster id of every item, (B, I)."""
        one = np.arange(self.planted.items) // self.planted.cluster_size
        return np.asarray(one[None, :] + np.arange(self.eta.shape[1])[:, None] * self.planted.items, dtype=np.int64)


def prepare(planted: Planted) -> Generator:
    """Solve for the intercepts that make the expected scores exactly the planted ones."""
    design = planted_design(planted)
    means = true_means(planted)
    ratio = planted.noise_ratio ** np.linspace(-0.5, 0.5, means.shape[1])
    fixed = np.array([arm.kind in FIXED for arm in design.arms])
    sd = np.where(fixed[:, None], 0.0, planted.replicate_sd * ratio[None, :])
    return Generator(planted, design, solve_intercepts(means, sd, planted), sd)


def expected_score(eta: FloatArray, sd: FloatArray, planted: Planted) -> FloatArray:
    """Return E Phi(eta + item + sd T): item effects in closed form, T by its quantiles (2,000 midpoints)."""
    probability = (np.arange(2000) + 0.5) / 2000
    quantile = special.ndtri(probability)
    if planted.heavy_tails:
        quantile = special.stdtrit(TAIL_DF, probability) * np.sqrt((TAIL_DF - 2) / TAIL_DF)
    item = np.sqrt(1 + planted.item_sd**2 + planted.item_arm_sd**2)
    return np.asarray(special.ndtr((eta[..., None] + sd[..., None] * quantile) / item).mean(axis=-1))


def solve_intercepts(means: FloatArray, sd: FloatArray, planted: Planted) -> FloatArray:
    """Find the intercepts by bisection to 1e-12, once for each different pair of mean and noise."""
    pairs, which = np.unique(np.stack([means.ravel(), sd.ravel()]), axis=1, return_inverse=True)
    low, high = np.full(pairs.shape[1], -40.0), np.full(pairs.shape[1], 40.0)
    for _ in range(48):
        middle = (low + high) / 2
        above = expected_score(middle, pairs[1], planted) > pairs[0]
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.asarray(((low + high) / 2)[which.ravel()].reshape(means.shape))


def mixed_noise(rng: np.random.Generator, shape: tuple[int, int], B: int) -> FloatArray:
    """Draw standard normal effects (*shape, B) with a part common to all benchmarks."""
    common, own = rng.standard_normal((*shape, 1)), rng.standard_normal((*shape, B))
    return np.asarray(np.sqrt(BENCHMARK_SHARE) * common + np.sqrt(1 - BENCHMARK_SHARE) * own)


def _cube(design: Design, scores: list[FloatArray], units: NDArray[np.int64], ids: NDArray[np.int64]) -> Cube:
    """Put drawn scores into the form that records are put into."""
    arms = tuple(arm.name for arm in design.arms)
    items = tuple(tuple(f"{i:05d}" for i in range(block.shape[2])) for block in scores)
    present = np.ones((len(arms), len(scores)), dtype=bool)
    kinship = None if design.ingredients is None else design.ingredients.kinship(arms)
    panel = Panel(tuple(scores), tuple(units), ids, kinship)
    return Cube(panel, arms, tuple(design.roles), tuple(design.roles.values()), items, present)


def cube_to_records(cube: Cube, study: str = "simulated") -> pl.DataFrame:
    """Write a cube out as a records table: one row per scored answer."""
    frames = []
    for b, (benchmark, scores) in enumerate(zip(cube.benchmarks, cube.panel.scores, strict=True)):
        a, r, i = np.nonzero(np.isfinite(scores))
        names = np.array(cube.items[b])
        frames.append(
            pl.DataFrame(
                {
                    "study": study,
                    "arm": np.array(cube.arms)[a],
                    "replicate": r,
                    "benchmark": benchmark,
                    "role": cube.roles[b],
                    "item": names[i],
                    "cluster": [f"{benchmark}/{u}" for u in cube.panel.units[b][i].tolist()],
                    "sample": 0,
                    "outcome": "scored",
                    "score": scores[a, r, i],
                },
                schema_overrides={"role": pl.String, "sample": pl.Int64, "replicate": pl.Int64},
            )
        )
    return pl.concat(frames)
