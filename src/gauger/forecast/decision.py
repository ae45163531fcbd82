"""Decides under stated losses: accept, matched defence or aggressive defence, and how much the choice hangs on values.

Loss of an action at a true uplift t (points):  honest cost of the action + L(t (1 - r)), where r is the share of the
uplift that the defence removes and L is 0, `between` or `major` by the scenario's thresholds (`minor` where it is not
0). Acceptance removes and costs nothing. Expected losses are means over the predictive distribution and over r; nothing
about a direction is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gauger.forecast.literature import Array
from gauger.forecast.mixture import MixedForecast
from gauger.forecast.scenario import ACTIONS, Between, Losses, Protection, Scenario, Thresholds

REMOVALS = (np.arange(40) + 0.5) / 40
STAKES = np.logspace(-1.0, 2.5, 29)
"""Loss of an undefended major uplift, in units of the matched defence's cost to honest users."""
BURDENS = np.logspace(0.0, 1.5, 25)
"""Cost of the aggressive defence to honest users, in the same unit."""


@dataclass(frozen=True)
class Decided:
    """The choice under one set of losses."""

    expected: dict[str, float]
    """Action -> expected loss."""
    best: str
    perfect: float
    """Expected loss if the true uplift were known before choosing."""

    @property
    def worth_of_knowing(self) -> float:
        """Expected value of perfect information: what the best action would lose less."""
        return self.expected[self.best] - self.perfect


def loss_of(uplift: Array, losses: Losses, thresholds: Thresholds) -> Array:
    """Return the loss (any shape) of undefended uplifts, points.

    Parameters
    ----------
    uplift : array
    losses : Losses
    thresholds : Thresholds
    """
    return np.where(
        uplift < thresholds.minor, losses.minor, np.where(uplift >= thresholds.major, losses.major, losses.between)
    )


def removed(protection: Protection) -> Array:
    """Return shares (k,) of the uplift that a defence removes, evenly over its range."""
    if isinstance(protection.removes, Between):
        low, high = protection.removes.low, protection.removes.high
        return np.asarray(low + (high - low) * REMOVALS)
    return np.array([float(protection.removes)])


def loss_table(uplift: Array, scenario: Scenario) -> Array:
    """Return the loss (n, 3) of every action at uplifts (n,), its defence's share averaged.

    Parameters
    ----------
    uplift : array (n,)
        Points.
    scenario : Scenario
        Losses, defences and the thresholds of the role decided on.
    """
    thresholds, losses = scenario.thresholds.of(scenario.decide_on), scenario.losses
    columns = [loss_of(uplift, losses, thresholds)]
    for name in ACTIONS[1:]:
        protection: Protection = getattr(scenario.defences, name)
        left = (
            np.maximum(uplift, 0.0)[:, None] * (1.0 - removed(protection))[None, :] + np.minimum(uplift, 0.0)[:, None]
        )
        columns.append(protection.honest_cost + loss_of(left, losses, thresholds).mean(axis=1))
    return np.column_stack(columns)


def decide(table: Array) -> Decided:
    """Choose the action of least expected loss; of equal ones the lighter.

    Parameters
    ----------
    table : array (n, 3)
        From `loss_table`.
    """
    means = table.mean(axis=0)
    best = int(np.argmin(means))
    expected = {name: float(value) for name, value in zip(ACTIONS, means, strict=True)}
    return Decided(expected, ACTIONS[best], float(table.min(axis=1).mean()))


def regions(mixture: MixedForecast, scenario: Scenario) -> list[dict[str, Any]]:
    """Say which action is best over a plane of losses: the stake of a missed major uplift, the burden of defence.

    The unit is the matched defence's cost to honest users (1 where that is 0); `between` and `minor` keep their ratio
    to `major`.

    Parameters
    ----------
    mixture : MixedForecast
        Predictive distribution of the role decided on.
    scenario : Scenario
    """
    thresholds, given = scenario.thresholds.of(scenario.decide_on), scenario.losses
    scale = given.major or 1.0
    shape = Losses(major=1.0, between=min(given.between / scale, 1e6), minor=min(given.minor / scale, 1e6))
    uplift = mixture.values.ravel()
    severities = []
    for name in ACTIONS:
        share = np.zeros(1) if name == "accept" else removed(getattr(scenario.defences, name))
        left = np.maximum(uplift, 0.0)[:, None] * (1.0 - share)[None, :] + np.minimum(uplift, 0.0)[:, None]
        severities.append(float(loss_of(left, shape, thresholds).mean()))
    light = scenario.defences.matched.honest_cost > 0
    best_actions = []
    for stake in STAKES:
        for burden in BURDENS:
            expected = np.array([0.0, 1.0 if light else 0.0, burden]) + stake * np.array(severities)
            best_actions.append(
                {"stake": float(stake), "burden": float(burden), "best": ACTIONS[int(np.argmin(expected))]}
            )
    return best_actions


def turning_points(mixture: MixedForecast, scenario: Scenario) -> list[dict[str, Any]]:
    """Say at which stake (loss of a missed major uplift over the matched defence's cost) the best action changes.

    The burden of the aggressive defence is the scenario's own.

    Parameters
    ----------
    mixture : MixedForecast
    scenario : Scenario
    """
    unit = scenario.defences.matched.honest_cost or 1.0
    burden = scenario.defences.aggressive.honest_cost / unit
    near = BURDENS[int(np.argmin(np.abs(np.log(BURDENS) - np.log(max(burden, 1.0)))))]
    line = [region for region in regions(mixture, scenario) if region["burden"] == float(near)]
    turns: list[dict[str, Any]] = []
    for region in line:
        if not turns or turns[-1]["best"] != region["best"]:
            turns.append({"best": region["best"], "from": None if not turns else region["stake"]})
    return turns
