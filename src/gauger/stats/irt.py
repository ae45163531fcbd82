"""Estimates item difficulty and model ability on one scale: Rasch and two-parameter logistic models.

logit P(model p answers item i correctly) = a_i (theta_p - b_i), with a_i = 1 in the Rasch model.

Few models answer many items, so items are random: b_i ~ N(0, sigma^2) with sigma estimated, and in the two-parameter
model log a_i ~ N(0, 0.3^2). Abilities are free. Fitted by alternating Newton steps on abilities and items, sigma by EM
(Laplace). Rasch 1960; Birnbaum 1968 (in Lord and Novick, chapter 17); De Boeck 2008, Psychometrika 73, 533-559 (random
items).

A difficulty estimated from a model's own answers contains their luck: items on which it happened to fail look hard, and
do better on any other draw. Whatever is compared with difficulty must rest on other answers (`estimate.difficulty`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

FloatArray = NDArray[np.float64]

SPREAD_LOG_A = 0.3
MOST_LOGITS = 8.0
"""Abilities are held within this many logits: a model with only right answers has no finite estimate."""
STEPS = 300
TOLERANCE = 1e-7


@dataclass(frozen=True)
class ItemResponse:
    """A fitted Rasch or two-parameter model of P models and I items."""

    ability: FloatArray
    """(P,): logits; 0 is a model that answers half of the items of average difficulty."""
    difficulty: FloatArray
    """(I,): logits, mean 0, shrunk towards 0 by the luck in few answers; 0 for an item that nobody answered."""
    difficulty_se: FloatArray
    """(I,): posterior standard deviation."""
    discrimination: FloatArray
    """(I,): a_i; 1 throughout in the Rasch model."""
    spread: float
    """sigma: standard deviation of true difficulties, logits."""
    converged: bool


def fit_item_response(correct: FloatArray, trials: FloatArray | None = None, model: str = "rasch") -> ItemResponse:
    """Estimate abilities and difficulties from answers.

    Parameters
    ----------
    correct : (P, I) array
        Share of right answers of each model to each item, 0-1; NaN where there is none.
    trials : (P, I) array, optional
        Answers behind each share; 1 by default.
    model : str
        `rasch` or `2pl`. With fewer than about ten models a discrimination is mostly its prior.

    Returns
    -------
    ItemResponse
        An item with only right (or only wrong) answers gets a finite difficulty from the prior. `converged` is False
        where the steps ran out, which sound data do not do.
    """
    if model not in ("rasch", "2pl"):
        raise ValueError(f"model is 'rasch' or '2pl', not {model!r}")
    known = np.isfinite(correct)
    n = np.where(known, 1.0 if trials is None else trials, 0.0)
    right = np.where(known, correct, 0.0) * n
    state = _State(np.zeros(len(correct)), np.zeros(correct.shape[1]), np.zeros(correct.shape[1]), 1.0)
    for _ in range(STEPS):
        before = np.concatenate([state.theta, state.b])
        state.update_abilities(right, n)
        variance = state.update_items(right, n, with_slopes=model == "2pl")
        state.centre()
        state.sigma2 = float(np.clip(np.mean(state.b**2 + variance), 1e-3, 25.0))
        moved = np.abs(np.concatenate([state.theta, state.b]) - before).max()
        if moved < TOLERANCE:
            break
    return ItemResponse(
        state.theta, state.b, np.sqrt(variance), np.exp(state.log_a), float(np.sqrt(state.sigma2)), bool(moved < 1e-4)
    )


@dataclass
class _State:
    """Where the alternating steps stand."""

    theta: FloatArray
    b: FloatArray
    log_a: FloatArray
    sigma2: float

    def _look(self, n: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Probabilities and binomial information n p (1 - p), (P, I)."""
        p = expit(np.exp(self.log_a) * (self.theta[:, None] - self.b))
        return p, n * p * (1.0 - p)

    def update_abilities(self, right: FloatArray, n: FloatArray) -> None:
        """One Newton step on every ability."""
        p, information = self._look(n)
        a = np.exp(self.log_a)
        slope = ((right - n * p) * a).sum(axis=1)
        curvature = (information * a**2).sum(axis=1) + 1e-6
        self.theta = np.clip(self.theta + np.clip(slope / curvature, -1.0, 1.0), -MOST_LOGITS, MOST_LOGITS)

    def update_items(self, right: FloatArray, n: FloatArray, *, with_slopes: bool) -> FloatArray:
        """One Newton step on every difficulty (and discrimination); returns the posterior variances of b, (I,)."""
        p, information = self._look(n)
        a, gap = np.exp(self.log_a), self.theta[:, None] - self.b
        lack = right - n * p
        curvature = a**2 * information.sum(axis=0) + 1.0 / self.sigma2
        slope = -a * lack.sum(axis=0) - self.b / self.sigma2
        self.b = self.b + np.clip(slope / curvature, -1.0, 1.0)
        if with_slopes:
            prior = 1.0 / SPREAD_LOG_A**2
            up = a * (lack * gap).sum(axis=0) - self.log_a * prior
            bend = a**2 * (information * gap**2).sum(axis=0) + prior
            self.log_a = self.log_a + np.clip(up / bend, -0.3, 0.3)
        return np.asarray(1.0 / curvature)

    def centre(self) -> None:
        """Difficulties have mean 0; abilities move along."""
        middle = self.b.mean()
        self.b, self.theta = self.b - middle, self.theta - middle
