"""Draws planted studies: scores whose expectations are exactly the planted truths.

Each answer has the score P(eta[a, b] + item + item x arm + replicate) of the planted study's item model; items,
clusters and replicates are drawn anew in every study, and eta is solved so that the expectation over all of them is the
planted mean. Base and teacher are fixed models: one row without replicate noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gauger.estimate.calibrate.item_models import TAIL_DF
from gauger.estimate.calibrate.planted import Planted, intercepts, item_model, planted_design, replicate_sds
from gauger.estimate.design import FIXED, Design
from gauger.estimate.score_arrays import Cube, replicate_ids
from gauger.records import ArmKind
from gauger.stats import ABSENT, Panel

FloatArray = NDArray[np.float64]
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
    """(A, B): intercepts that give the planted means, in the unit of the item model's link."""
    replicate_sd: FloatArray
    """(A, B): standard deviation of training replicates in the same unit; 0 for fixed models."""

    def draw(self, rng: np.random.Generator) -> Cube:
        """Draw one study."""
        B = self.eta.shape[1]
        planted, R = self.planted, self.rows
        model = item_model(planted)
        noise = self._replicates(rng)
        scores = []
        for b in range(B):
            latent = self.eta[:, b, None, None] + noise[:, :, b, None] + self._items(rng)[:, None, :]
            log_a = model.log_a(rng.standard_normal(planted.items)) if model.discrimination_sd else np.zeros(1)
            uniform = model.probability(latent, log_a)
            drawn = uniform if planted.graded else (rng.random(latent.shape) < uniform).astype(float)
            scores.append(drawn)
        seen = np.arange(R)[None, :] < self.n_replicates[:, None]
        for block in scores:
            block[~seen] = np.nan
        return _cube(self.design, scores, self._units(), replicate_ids(seen, planted.paired))

    @property
    def rows(self) -> int:
        """R: the most replicates of any arm."""
        return max(self.planted.replicates, self.planted.distilled_replicates)

    @property
    def n_replicates(self) -> NDArray[np.int64]:
        """(A,): training replicates of each arm."""
        own = self.planted.distilled_replicates or self.planted.replicates
        of_kind = {ArmKind.DISTILLED: own} | dict.fromkeys(FIXED, 1)
        return np.array([of_kind.get(ArmKind(arm.kind), self.planted.replicates) for arm in self.design.arms])

    def _replicates(self, rng: np.random.Generator) -> FloatArray:
        """Draw replicate effects (A, R, B)."""
        A, B = self.eta.shape
        R = self.rows
        own = mixed_noise(rng, (A, R), B)
        if self.planted.paired:
            own = np.sqrt(1 - PAIRED_SHARE) * own + np.sqrt(PAIRED_SHARE) * mixed_noise(rng, (1, R), B)
        if self.planted.heavy_tails:
            # A t variable scaled to variance 1; one divisor per replicate, so that all its benchmarks are far out
            # together.
            own *= np.sqrt((TAIL_DF - 2) / rng.chisquare(TAIL_DF, size=(A, R, 1)))
        return np.asarray(own * self.replicate_sd[:, None, :])

    def _items(self, rng: np.random.Generator) -> FloatArray:
        """Draw item effects (A, I) of one benchmark: difficulty common to all arms, and each arm's own."""
        A = len(self.eta)
        planted, unit = self.planted, item_model(self.planted).unit
        effects = planted.item_sd * self._clustered(rng, 1) + planted.item_arm_sd * self._clustered(rng, A)
        return np.asarray(unit * effects)

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
        clusters = np.arange(self.planted.items) // self.planted.cluster_size
        return np.asarray(
            clusters[None, :] + np.arange(self.eta.shape[1])[:, None] * self.planted.items, dtype=np.int64
        )


def prepare(planted: Planted) -> Generator:
    """Solve for the intercepts that make the expected scores exactly the planted ones."""
    return Generator(planted, planted_design(planted), intercepts(planted), replicate_sds(planted))


def solve_intercepts(means: FloatArray, sd: FloatArray, planted: Planted) -> FloatArray:
    """Find the intercepts that give these expected scores under the planted study's item model.

    Parameters
    ----------
    means : float array, (A, B)
        Wanted expected scores, strictly between 0 and 1.
    sd : float array, (A, B)
        Standard deviation of training replicates, in the unit of the item model's link; 0 for fixed models.
    planted : Planted
        Gives the item model: its link and spreads.

    Returns
    -------
    float array, (A, B)
        Intercepts in the link's unit.

    Notes
    -----
    That drawn means hit the planted ones is tested in tests/estimate/test_simulate.py.
    """
    return item_model(planted).solve(means, sd)


def mixed_noise(rng: np.random.Generator, shape: tuple[int, int], B: int) -> FloatArray:
    """Draw standard normal effects with a part common to all benchmarks.

    Parameters
    ----------
    rng : np.random.Generator
        Where they are from.
    shape : tuple of int, (A, R)
        Arms and replicates.
    B : int
        Benchmarks.

    Returns
    -------
    float array, (A, R, B)
        Variance 1 each; two benchmarks of one replicate correlate by `BENCHMARK_SHARE`.
    """
    common, own = rng.standard_normal((*shape, 1)), rng.standard_normal((*shape, B))
    return np.asarray(np.sqrt(BENCHMARK_SHARE) * common + np.sqrt(1 - BENCHMARK_SHARE) * own)


def _cube(design: Design, scores: list[FloatArray], units: NDArray[np.int64], ids: NDArray[np.int64]) -> Cube:
    """Put drawn scores into the form that records are put into."""
    arms = tuple(arm.name for arm in design.arms)
    items = tuple(tuple(f"{i:05d}" for i in range(block.shape[2])) for block in scores)
    present = np.ones((len(arms), len(scores)), dtype=bool)
    kinship = None if design.ingredients is None else design.ingredients.kinship(arms)
    once = design.trained & ((ids != ABSENT).sum(axis=1) == 1)
    panel = Panel(tuple(scores), tuple(units), ids, kinship, once)
    return Cube(panel, arms, tuple(design.roles), tuple(design.roles.values()), items, present)


def cube_to_records(cube: Cube, study: str = "simulated") -> pl.DataFrame:
    """Write a cube out as a records table: one row per scored answer.

    Parameters
    ----------
    cube : Cube
        Dense scores with at least one benchmark. Samples are averaged in it, so that a row may hold a mean.
    study : str
        What stands in the column `study`.

    Returns
    -------
    pl.DataFrame
        Contract columns; missing answers have no row.

    Notes
    -----
    Tested in tests/estimate/test_simulate.py.
    """
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
