"""Estimates what a teacher was worth in data and compute, against the fitted curve of its control.

The control's curve says how many tokens D_c the same student would have needed without the teacher to do as well:

- data-equivalent gain: D_c / D, D the tokens that the distilled model was trained on;
- compute-equivalent gain: 6 N D_c / (6 N D + what the teacher cost);
- saved: D_c - D tokens, per teacher token, per query, per dollar.

Where the control does not get there within what its points and their back-test support, the gain is censored: more than
so many times, never a number. Intervals come from draws of the curve and of the distilled model's own error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gauger.estimate.scaling.crossings import DRAWS, drawn_curves, finite_quantiles, first_crossing, supported
from gauger.stats import FLOPS_PER_PARAMETER_AND_TOKEN, Ensemble
from gauger.stats.laws import FloatArray


@dataclass(frozen=True)
class Distilled:
    """A distilled model, or the mean of its replicates."""

    n_params: float
    n_tokens: float
    """Tokens that the student was trained on."""
    outcome: float
    """Loss (nats) or accuracy (0-1), as the control's curve was fitted to."""
    se: float = 0.0
    """Its standard error: the crossed one for an accuracy."""
    teacher_tokens: float | None = None
    """Tokens that the teacher wrote for it."""
    queries: float | None = None
    dollars: float | None = None
    teacher_flops: float = 0.0
    """Compute that the teacher spent on it: about 2 N_T per token read or written."""


@dataclass(frozen=True)
class Gain:
    """A ratio or an amount with its interval; censored where the control's curve does not reach."""

    value: float | None
    """None where censored."""
    low: float | None
    """None: below what the curve supports."""
    high: float | None
    """None: above it."""
    censored: str
    """`no`, `above` (more than `limit`) or `below` (less than `limit`)."""
    limit: float | None
    """What a censored gain is more, or less, than."""

    @property
    def text(self) -> str:
        """In words: 3.1x (2.2x to 5.0x), >8x, <0.5x."""
        if self.censored != "no":
            return f"{'>' if self.censored == 'above' else '<'}{self.limit:.2g}x"
        low = "below support" if self.low is None else f"{self.low:.2g}x"
        high = "beyond support" if self.high is None else f"{self.high:.2g}x"
        return f"{self.value:.2g}x ({low} to {high})"

    def times(self, factor: float, shift: float = 0.0) -> Gain:
        """Return factor x gain + shift, factor above 0."""
        ends = [None if end is None else factor * end + shift for end in (self.value, self.low, self.high, self.limit)]
        return replace(self, value=ends[0], low=ends[1], high=ends[2], limit=ends[3])


def data_equivalent(control: Ensemble, distilled: Distilled, level: float = 0.95) -> Gain:
    """How many times the tokens would the control have needed to do as well?

    Parameters
    ----------
    control : Ensemble
        Fitted to the control's points; one law or several.
    distilled : Distilled
    level : float

    Returns
    -------
    Gain
        Censored where the median of the draws lies outside the supported budgets; below 1 where the control does
        better on the same tokens.
    """
    tokens = control_tokens(control, distilled)
    budgets = supported(control, distilled.n_params)
    return _gain(
        tokens / distilled.n_tokens, (budgets[0] / distilled.n_tokens, budgets[-1] / distilled.n_tokens), level
    )


def compute_equivalent(control: Ensemble, distilled: Distilled, level: float = 0.95) -> Gain:
    """How many times the distilled arm's compute, the teacher's included, would the control have needed?

    ``6 N D_c / (6 N D + teacher FLOPs)``: the data-equivalent gain times the student's share of the compute.

    Parameters
    ----------
    control : Ensemble
        Fitted to the control's points; one law or several.
    distilled : Distilled
        Its `teacher_flops` are 0 where they were not measured: the gain is then that in data.
    level : float
        Of the interval, 0-1.

    Returns
    -------
    Gain
        Censored where the data-equivalent gain is.

    Notes
    -----
    Tested in tests/estimate/test_scaling_equivalents.py.
    """
    own = FLOPS_PER_PARAMETER_AND_TOKEN * distilled.n_params * distilled.n_tokens
    return data_equivalent(control, distilled, level).times(own / (own + distilled.teacher_flops))


def saved(control: Ensemble, distilled: Distilled, level: float = 0.95) -> dict[str, Gain]:
    """Tokens of training without a teacher that the teacher saved: in all, per teacher token, per query, per dollar.

    ``(D_c - D) / amount``: below 0 where the control does better on the same tokens.

    Parameters
    ----------
    control : Ensemble
        Fitted to the control's points.
    distilled : Distilled
        What is None or 0 of teacher tokens, queries and dollars has no entry in the result.
    level : float
        Of the intervals, 0-1.

    Returns
    -------
    dict of str -> Gain
        `tokens`, and `per_teacher_token`, `per_query`, `per_dollar` where known. Amounts of tokens, not ratios: do not
        print their `text`, which writes an x.

    Notes
    -----
    Tested in tests/estimate/test_scaling_equivalents.py.
    """
    tokens = data_equivalent(control, distilled, level).times(distilled.n_tokens, -distilled.n_tokens)
    spent = {
        "tokens": 1.0,
        "per_teacher_token": distilled.teacher_tokens,
        "per_query": distilled.queries,
        "per_dollar": distilled.dollars,
    }
    return {name: tokens.times(1.0 / amount) for name, amount in spent.items() if amount}


def control_tokens(control: Ensemble, distilled: Distilled) -> FloatArray:
    """Tokens at which draws of the control's curve reach draws of the distilled outcome.

    Parameters
    ----------
    control : Ensemble
        Fitted to the control's points.
    distilled : Distilled
        Its outcome is drawn as normal with its standard error.

    Returns
    -------
    float array, (DRAWS,)
        Tokens; 0 where a curve is already there at the smallest supported budget, infinite where it never gets there
        within the supported ones.
    """
    budgets = supported(control, distilled.n_params)
    curves = drawn_curves(control, distilled.n_params, budgets)
    rng = np.random.default_rng([control.seed, 6])
    wanted = distilled.outcome + distilled.se * rng.standard_normal(DRAWS)
    is_loss = control.fits[0].law.outcome == "loss"
    gap = wanted[:, None] - curves if is_loss else curves - wanted[:, None]
    return first_crossing(gap, np.log(budgets))


def _gain(ratios: FloatArray, limits: tuple[float, float], level: float) -> Gain:
    """Median and interval of drawn ratios of which some are 0 (below support) or infinite (beyond it)."""
    middle = float(np.quantile(ratios, 0.5, method="closest_observation"))
    low, high = finite_quantiles(ratios, 0.5 * (1.0 - level))
    if middle == 0.0:
        return Gain(None, None, high, "below", limits[0])
    if np.isinf(middle):
        return Gain(None, low, None, "above", limits[1])
    return Gain(middle, low, high, "no", None)
