"""Values experiments: which one would reduce the expected loss of the decision most, for what it costs.

The expected value of sample information of an experiment whose result is the true uplift plus an error of standard
deviation s: the mean over results of the least posterior expected loss, subtracted from the least prior one. Posterior
means come from sorting joint draws of uplift and result by the result and averaging losses over neighbours: no normal
approximation, no sign assumed (Strong, Oakley & Brennan 2014 regress for the same purpose).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gauger.forecast.decision import loss_table
from gauger.forecast.literature import Array
from gauger.forecast.mixture import MixedForecast
from gauger.forecast.scenario import UNKNOWN_VALUE, Scenario
from gauger.stats import FLOPS_PER_PARAMETER_AND_TOKEN

SLICES = 60
"""Neighbourhoods of results; each holds a sixtieth of the draws."""
FLOPS_PER_USD = 4e14 * 3600 / 2.5
"""An accelerator hour of 2.50 dollars at 4e14 useful operations a second: a stated round price, not a quote."""
USD_PER_TOKEN = 10e-6
"""A frontier teacher's output at 10 dollars per million tokens: a stated round price."""
ITEM_SD, REPLICATE_SD = 55.0, 2.8
"""Points: spread of an item's contribution to an uplift (two scores near one half, paired), and of one training run."""
TOKENS_UNTOLD = 1500.0


@dataclass(frozen=True)
class Experiment:
    """One study that could be run."""

    name: str
    what: str
    samples: float
    """Training samples of its largest arm."""
    replicates: int
    items: int
    transfer_sd: float
    """Points by which its uplift may differ from the scenario's because it is not the scenario."""

    @property
    def error_sd(self) -> float:
        """Standard deviation of its result around the scenario's true uplift, points."""
        measured = ITEM_SD**2 / self.items + 2.0 * REPLICATE_SD**2 / self.replicates
        return float(np.sqrt(measured + self.transfer_sd**2))


@dataclass(frozen=True)
class Worth:
    """What an experiment would be worth."""

    name: str
    what: str
    error_sd: float
    value: float
    """Expected reduction of the loss, in its unit."""
    share: float | None
    """The same as a share of what perfect knowledge would save; None where that is nothing."""
    flops: float
    usd: float
    samples: float
    replicates: int
    items: int

    def to_dict(self) -> dict[str, Any]:
        """Return the entry of the JSON output."""
        return asdict(self)


EXPERIMENTS = (
    Experiment("own-small", "The scenario's own student, teacher and dose at a tenth; 3 replicates, 200 fresh items",
               0.1, 3, 200, 4.0),
    Experiment("own-full", "The scenario's own student, teacher and dose in full; 3 replicates, 500 fresh items",
               1.0, 3, 500, 0.0),
    Experiment("own-items", "As the small one with 2,000 fresh items", 0.1, 3, 2000, 4.0),
    Experiment("own-replicates", "As the small one with 8 replicates", 0.1, 8, 200, 4.0),
    Experiment("stand-in", "A student of a hundredth of the size that stands in for it, at a tenth of the dose; 5 "
               "replicates, 500 fresh items", 0.1, 5, 500, 12.0),
)  # fmt: skip
"""`samples` is a share of the scenario's dose here. What separates a smaller dose or a stand-in from the scenario is
the literature's own spread: between doses of one study 4 points, between studies 12."""


def value_experiments(mixture: MixedForecast, scenario: Scenario, parameters_b: float, samples: float) -> list[Worth]:
    """Value every experiment, the most valuable first.

    Parameters
    ----------
    mixture : MixedForecast
        Predictive distribution of the role decided on.
    scenario : Scenario
    parameters_b, samples : float
        Size of the scenario's student and training samples, for costs.
    """
    uplift = np.sort(mixture.values, axis=None)[:: max(1, mixture.values.size // 6000)]
    table = loss_table(uplift, scenario)
    now = float(table.mean(axis=0).min())
    perfect = now - float(table.min(axis=1).mean())
    tokens_each = _tokens(scenario)
    worths = []
    for experiment in EXPERIMENTS:
        value = max(now - expected_after(uplift, table, experiment.error_sd), 0.0)
        size = parameters_b * (0.01 if experiment.name == "stand-in" else 1.0)
        tokens = experiment.samples * samples * tokens_each
        # teacher arm and matched arm are trained, the teacher is asked once
        flops = 2.0 * experiment.replicates * FLOPS_PER_PARAMETER_AND_TOKEN * size * 1e9 * tokens
        usd = flops / FLOPS_PER_USD + tokens * USD_PER_TOKEN
        worths.append(
            Worth(
                experiment.name,
                experiment.what,
                experiment.error_sd,
                value,
                None if perfect <= 0 else value / perfect,
                flops,
                usd,
                experiment.samples * samples,
                experiment.replicates,
                experiment.items,
            )
        )
    return sorted(worths, key=lambda worth: (-round(worth.value, 6), worth.usd))


def expected_after(uplift: Array, table: Array, error_sd: float) -> float:
    """Return the expected least loss after a result with a given error.

    Parameters
    ----------
    uplift : array (n,)
        Draws of the true uplift, points.
    table : array (n, 3)
        Loss of every action at each.
    error_sd : float
        Points.
    """
    rng = np.random.default_rng(1)
    times = 5
    result = np.repeat(uplift, times) + error_sd * rng.standard_normal(len(uplift) * times)
    losses = np.repeat(table, times, axis=0)[np.argsort(result, kind="stable")]
    return float(np.mean([part.mean(axis=0).min() for part in np.array_split(losses, SLICES)]))


def _tokens(scenario: Scenario) -> float:
    given = scenario.dose.tokens_per_sample
    if given == UNKNOWN_VALUE:
        return TOKENS_UNTOLD
    return float(given) if isinstance(given, int | float) else float(np.sqrt(given.low * given.high))


def best_of(worths: Sequence[Worth]) -> Worth | None:
    """The cheapest experiment among those that give nine tenths of the most; None where none is worth anything."""
    most = max((worth.value for worth in worths), default=0.0)
    if most <= 1e-9:
        return None
    return min((worth for worth in worths if worth.value >= 0.9 * most), key=lambda worth: worth.usd)
