"""Plants pipelines: simulated factorials whose ingredient effects and interactions are known exactly.

The mean of the cell with ingredients S is ``base + sum_{T in S} d(T)``: every group T of ingredients that is wholly in
adds its dividend d(T) (`stats.shapley.dividends`). All attributions follow from the dividends. Training noise is
inherited, as it is where cells share their prefixes: a cell's replicate keeps a share of the noise of the model it was
trained from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from gauger.errors import UserError
from gauger.estimate.attribution.ingredients import IN, WITH, Ingredients
from gauger.estimate.calibrate.planted import Planted
from gauger.estimate.calibrate.simulate import FloatArray, Generator, mixed_noise, solve_intercepts
from gauger.estimate.design import Design
from gauger.records import ArmInfo, ArmKind, Role
from gauger.stats import IntArray, all_cells, cells_of_orders, draw_orders, mask_of, members_of, pairs_within

NOTHING = "base"
"""Arm without any ingredient."""


@dataclass(frozen=True, kw_only=True)
class PlantedPipeline:
    """One simulated factorial: truths first, then the design, then sizes and noise."""

    name: str = "pipeline"
    dividends: Mapping[str, float]
    """Ingredient, or group as `web:distil` -> what it adds, 0-1 scale, on targeted and near benchmarks alike."""
    names: tuple[str, ...] = ("web", "human", "distil", "rl")
    """Ingredients in pipeline order."""
    teacher: tuple[str, ...] = ("distil",)
    words: tuple[str, ...] = ()
    """Defining words of a fraction."""
    sample: int | None = None
    """Run at most so many cells, drawn; None: all, or the fraction."""
    fixed_base: bool = True
    """The arm without ingredients is one model, measured once."""
    inherited: float = 0.5
    """Share of a replicate's variance that comes from the model it was trained from; 0: cells share nothing."""
    near_share: float = 0.6
    """Every effect on near benchmarks, as a share of that on targeted ones."""
    noise: Planted = field(default_factory=lambda: Planted(items=150, replicates=4, benchmarks=2))
    """Base score, sizes and noise; its effects are not used."""

    def __post_init__(self) -> None:
        named = [name for group in self.dividends for name in group.split(WITH)]
        Ingredients(names=self.names, cells={}, teacher=(*self.teacher, *named), words=self.words)
        if not 0 <= self.inherited <= 1:
            raise UserError("an inherited share between 0 and 1", str(self.inherited))
        if self.sample is not None and pairs_within(self.k, self.sample) < 1:
            raise UserError(f"a sample of at least {2 * self.k} cells", str(self.sample))
        for role in (Role.TARGETED, Role.NEAR):
            true_values(self, role)

    @property
    def k(self) -> int:
        """Number of ingredients."""
        return len(self.names)


def true_values(planted: PlantedPipeline, role: str) -> FloatArray:
    """Return the planted mean of every subset of ingredients on benchmarks of a role.

    ``v(S) = base + share * sum_{T in S} d(T)`` over the groups T that are wholly in S, d their dividends.

    Parameters
    ----------
    planted : PlantedPipeline
        Base score, dividends, and the share of effects on near benchmarks.
    role : str
        Every role but `near` gets the whole effects.

    Returns
    -------
    float array, (2^k,)
        Scores; a subset's position is the bit mask of its ingredients.

    Raises
    ------
    UserError
        A subset's score is not strictly between 0 and 1.

    Notes
    -----
    tests/estimate/test_attribution.py and validation/attribution hold estimates against these truths.
    """
    share = planted.near_share if role == Role.NEAR else 1.0
    values = np.full(2**planted.k, planted.noise.base)
    for group, added in planted.dividends.items():
        mask = mask_of(planted.names.index(name) for name in group.split(WITH))
        values[all_cells(planted.k) & mask == mask] += share * added
    if not ((values > 0) & (values < 1)).all():
        raise UserError("planted scores strictly between 0 and 1", f"{values.min():.3f} to {values.max():.3f}")
    return values


def pipeline_ingredients(planted: PlantedPipeline, rng: np.random.Generator) -> Ingredients:
    """Choose the cells that are run; a sample of them is drawn.

    Parameters
    ----------
    planted : PlantedPipeline
        All cells, a fraction (`words`) or at most `sample` cells.
    rng : np.random.Generator
        Read only where a sample is drawn.

    Returns
    -------
    Ingredients
        The cells by the name of their arm, and the drawn orders where there are any.
    """
    drawn: tuple[tuple[str, ...], ...] = ()
    cells = all_cells(planted.k)
    if planted.sample is not None:
        orders = draw_orders(planted.k, planted.sample, rng)
        drawn = tuple(tuple(planted.names[i] for i in order) for order in orders)
        cells = cells_of_orders(orders)
    whole = Ingredients(names=planted.names, cells={}, teacher=planted.teacher, words=planted.words, drawn=drawn)
    if whole.fraction is not None:
        cells = whole.fraction.cells
    return replace(whole, cells={_arm(planted, int(cell)): _names(planted, int(cell)) for cell in cells})


def prepare_pipeline(planted: PlantedPipeline, rng: np.random.Generator) -> PipelineGenerator:
    """Return what draws a planted pipeline many times; the same cells are run in every draw.

    Parameters
    ----------
    planted : PlantedPipeline
        Truths, design, sizes and noise.
    rng : np.random.Generator
        Chooses the sample of cells, where one is asked for.

    Returns
    -------
    PipelineGenerator
        Its arm without ingredients is one fixed model, without replicate noise, where the pipeline says so.

    Notes
    -----
    Tested in tests/estimate/test_attribution.py; coverage over its draws is in validation/attribution.
    """
    ingredients = pipeline_ingredients(planted, rng)
    roles = {
        f"{role}{n + 1}": str(role) for role in (Role.TARGETED, Role.NEAR) for n in range(planted.noise.benchmarks)
    }
    arms = tuple(
        ArmInfo(arm, ArmKind.BASE if not names and planted.fixed_base else ArmKind.DISTILLED, "")
        for arm, names in ingredients.cells.items()
    )
    design = Design(
        arms=arms,
        roles=roles,
        paired=planted.noise.paired,
        moderated=planted.noise.moderated,
        ingredients=ingredients,
    )
    cells = np.array([ingredients.mask(names) for names in ingredients.cells.values()], dtype=np.int64)
    means = np.stack([true_values(planted, role)[cells] for role in roles.values()], axis=1)
    sd = np.where([[arm.kind == ArmKind.BASE] for arm in arms], 0.0, planted.noise.replicate_sd) * np.ones_like(means)
    return PipelineGenerator(
        planted.noise, design, solve_intercepts(means, sd, planted.noise), sd, cells, planted.inherited
    )


@dataclass(frozen=True)
class PipelineGenerator(Generator):
    """A planted pipeline, ready to be drawn from many times."""

    cells: IntArray
    """(A,): cell number of each arm."""
    inherited: float
    """Share of variance that a cell's replicate has from its prefix."""

    def _replicates(self, rng: np.random.Generator) -> FloatArray:
        """Draw replicate effects (A, R, B) along the tree of prefixes, trained cells that are not measured too."""
        B, R = self.eta.shape[1], self.planted.replicates
        noise: dict[int, FloatArray] = {}
        # In the order of their bit masks: a cell's prefix lacks its last ingredient, has a smaller number, and so
        # exists already. Cells that are not measured are drawn too, as others inherit from them.
        for cell in range(int(self.cells.max()) + 1):
            own = mixed_noise(rng, (1, R), B)[0]
            if cell == 0 or cell.bit_count() == 1:
                noise[cell] = own
                continue
            prefix = cell ^ (1 << members_of(cell)[-1])
            noise[cell] = np.sqrt(self.inherited) * noise[prefix] + np.sqrt(1 - self.inherited) * own
        return np.asarray(np.stack([noise[int(cell)] for cell in self.cells]) * self.replicate_sd[:, None, :])


def _arm(planted: PlantedPipeline, cell: int) -> str:
    return IN.join(_names(planted, cell)) or NOTHING


def _names(planted: PlantedPipeline, cell: int) -> tuple[str, ...]:
    return tuple(planted.names[i] for i in members_of(cell))
