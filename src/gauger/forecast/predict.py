"""Forecasts a scenario: for every role, control and dose a distribution, its distance from the data, and an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from gauger.forecast.choose import ChosenForms
from gauger.forecast.distance import Distance, measure, nearest_levels
from gauger.forecast.forms import Fitted
from gauger.forecast.imagine import DRAWS, Imagined, imagine
from gauger.forecast.later import UNTESTED, widening_ahead, years_ahead
from gauger.forecast.literature import LiteratureRows
from gauger.forecast.mixture import MixedForecast
from gauger.forecast.predictors import ROLES
from gauger.forecast.scenario import UNKNOWN_VALUE, Scenario

LEVEL = 0.95
EDGES = np.linspace(-60.0, 80.0, 71)
"""Bins of the printed distribution, points."""


@dataclass(frozen=True)
class RoleForecast:
    """What is forecast for one role, control and dose."""

    role: str
    control: str
    exchanges: float | None
    """Exchanges with the teacher; None where unknown (a range: its geometric middle)."""
    form: str
    scale: str
    distance: Distance
    answer: str
    """`yes` or `cannot_say`."""
    reason: str | None
    nearest: str | None
    """The nearest question that can be answered, where this one cannot."""
    widened: float
    """Factor on the width: because of distance, times because of the date."""
    widened_later: float
    """The part of it that is because of the date: a new study comes after the table."""
    mixture: MixedForecast
    """Of a true effect in a new study like this; kept where the answer is `cannot_say`, and not printed."""
    mean: MixedForecast
    """Of the mean over studies like this."""
    minor: float
    major: float

    @property
    def answered(self) -> bool:
        """Whether the literature can say."""
        return self.answer == "yes"

    def to_dict(self) -> dict[str, Any]:
        """Return the entry of the JSON output; numbers are None where the answer is `cannot_say`."""
        known = self.answered
        low, high = self.mixture.quantile(0.5 - LEVEL / 2), self.mixture.quantile(0.5 + LEVEL / 2)
        below, above = self.mixture.below(self.minor), 1.0 - self.mixture.below(self.major)
        numbers = {
            "mean": self.mixture.mean, "low": low, "high": high, "median": self.mixture.quantile(0.5),
            "low_50": self.mixture.quantile(0.25), "high_50": self.mixture.quantile(0.75),
            "low_80": self.mixture.quantile(0.1), "high_80": self.mixture.quantile(0.9),
            "mean_low": self.mean.quantile(0.025), "mean_high": self.mean.quantile(0.975),
            "probability_minor": below, "probability_between": 1.0 - below - above, "probability_major": above,
            "probability_below_zero": self.mixture.below(0.0),
        }  # fmt: skip
        return {
            "role": self.role, "control": self.control, "exchanges": self.exchanges, "scale": self.scale,
            "level": LEVEL, **{name: value if known else None for name, value in numbers.items()},
            "distance": self.distance.largest, "beyond": [asdict(step) for step in self.distance.beyond],
            "widened": self.widened, "widened_later": self.widened_later,
            "answer": self.answer, "reason": self.reason, "nearest": self.nearest,
            "form": self.form, "minor": self.minor, "major": self.major,
            "density": self.mixture.density(EDGES).tolist() if known else None,
        }  # fmt: skip


@dataclass(frozen=True)
class Forecaster:
    """Everything learned, ready to forecast scenarios."""

    literature: LiteratureRows
    chosen: ChosenForms
    fits: Mapping[str, Fitted]
    widening: Mapping[str, Sequence[tuple[float, float]]]
    """Predictor -> (doublings beyond, factor on the width), rising; from the back-test of extrapolation."""
    later: float = UNTESTED
    """Factor on the width of a forecast one year ahead; from the back-test of later dates."""

    def draws(self, scenario: Scenario, role: str, control: str, dose: Any, draws: int = DRAWS) -> Imagined:
        """Draw a scenario's unknowns."""
        return imagine(scenario, self.literature, role, control, dose, draws)

    def mixtures(self, imagined: Imagined, factor: float = 1.0) -> tuple[MixedForecast, MixedForecast]:
        """Forecast draws: a new study's true effect, and the mean over studies like it."""
        role = ROLES[int(imagined.rows.role[0])]
        form = self.chosen.form[role]
        raw = self.fits[form.name].predict(imagined.rows, imagined.start, np.zeros(len(imagined.start)))
        spread = self.chosen.spread[role, form.name]
        new = raw.with_spread(replace(spread, width=spread.width * factor))
        return MixedForecast.of(new), MixedForecast.of(new.of_the_mean())

    def widen(self, distance: Distance) -> float:
        """Return the factor on the width at a distance: the largest that any predictor asks for, the date apart."""
        steps = [step for step in distance.beyond if step.predictor != "year"]
        return max((self._factor(step.predictor, abs(step.beyond)) for step in steps), default=1.0)

    def _factor(self, predictor: str, beyond: float) -> float:
        known = self.widening.get(predictor) or self.widening.get("any") or ((0.0, 1.0), (2.0, 1.5))
        at, factor = zip(*known, strict=True)
        return float(np.interp(beyond, at, factor))

    def forecast(self, scenario: Scenario, role: str, control: str, dose: Any) -> RoleForecast:
        """Forecast one role, control and dose.

        Parameters
        ----------
        scenario : Scenario
        role, control : str
            As the literature calls them.
        dose : number, range or "unknown"
            Exchanges.
        """
        imagined = self.draws(scenario, role, control, dose)
        distance = measure(self.literature, imagined, stated(scenario, dose))
        ahead = widening_ahead(self.later, years_ahead(self.literature, scenario.year))
        factor = self.widen(distance) * ahead
        new, mean = self.mixtures(imagined, factor)
        refused = distance.refusals
        thresholds = scenario.thresholds.of(role)
        reason = "; ".join(step.sentence for step in refused) or None
        exchanges = None if dose == UNKNOWN_VALUE else float(_middle(dose))
        form = self.chosen.form[role]
        return RoleForecast(
            role, control, exchanges, form.name, form.scale, distance, "cannot_say" if refused else "yes", reason,
            self._nearest(role, distance) if refused else None, factor, ahead, new, mean, thresholds.minor,
            thresholds.major,
        )  # fmt: skip

    def _nearest(self, role: str, distance: Distance) -> str:
        """Say the nearest question that the literature answers."""
        parts = []
        for refusal in distance.refusals:
            if refusal.predictor == "control":
                others = _controls_with_studies(self.literature, role)
                parts.append(f"over {' or '.join(others)}" if others else f"another role than {role}")
            elif isinstance(refusal.value, str):
                parts.append(f"{refusal.predictor} {' or '.join(nearest_levels(self.literature, refusal.predictor))}")
            elif refusal.low is not None and refusal.high is not None:
                edge = refusal.high if refusal.beyond > 0 else refusal.low
                parts.append(f"{refusal.predictor} {'up to' if refusal.beyond > 0 else 'from'} {_round(edge)}")
        return f"it can say with {', '.join(parts)}"


def _round(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _middle(dose: Any) -> float:
    return dose if isinstance(dose, int | float) else float(np.sqrt(dose.low * dose.high))


def _controls_with_studies(literature: LiteratureRows, role: str) -> list[str]:
    here = literature.role == ROLES.index(role)
    controls = literature.categories["control"][here]
    return [
        str(control) for control in np.unique(controls)
        if len(np.unique(literature.study[here][controls == control])) >= 3
    ]  # fmt: skip


def stated(scenario: Scenario, dose: Any) -> dict[str, bool]:
    """Tell which predictors a scenario states; the others are drawn from the studies and cannot be far from them."""
    asked = scenario.asked()

    def is_stated(value: Any) -> bool:
        return bool(value != UNKNOWN_VALUE)

    known_dose = is_stated(dose)
    return {
        "start": any(is_stated(benchmark.start) for benchmark in asked),
        "lead": any(is_stated(benchmark.teacher) for benchmark in asked),
        "samples": known_dose,
        "size": is_stated(scenario.student.parameters_b),
        "year": True,
        "control": True,
        "surface": is_stated(scenario.surface),
        "method": is_stated(scenario.method),
        "student": is_stated(scenario.student.post_trained),
        "access": is_stated(scenario.teacher.access),
        "hard": any(is_stated(benchmark.hard) for benchmark in asked),
        "domain": any(is_stated(benchmark.domain) for benchmark in asked),
    }


def roles_asked(scenario: Scenario) -> list[str]:
    """Roles of the scenario's benchmarks, in the order of `ROLES`."""
    return [role for role in ROLES if any(benchmark.role == role for benchmark in scenario.asked())]
