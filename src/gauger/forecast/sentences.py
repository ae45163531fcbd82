"""Words a forecast from its numbers by rules: no sentence says more than the probabilities and the back-test allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gauger.forecast.predict import RoleForecast
from gauger.forecast.scenario import Scenario

OVER: Mapping[str, str] = {
    "untouched-base": "over the untouched student",
    "rl-instead": "over reinforcement learning of the same student",
    "no-teacher-training": "over the same training without a teacher",
    "vendor-post-trained": "over the vendor's own tune",
}
ON: Mapping[str, str] = {
    "targeted": "benchmarks that the training aims at",
    "fresh": "fresh items of the same skill",
    "held-out": "other skills",
}
DO: Mapping[str, str] = {
    "accept": "accept it",
    "matched": "defend lightly",
    "aggressive": "defend aggressively",
}
CLEAR = 0.95
LIKELY = 0.8


def whole(probability: float) -> str:
    """A probability in whole per cent; only certainty reads 0 or 100."""
    if 0 < probability < 0.01:
        return "below 1 %"
    if 0.99 < probability < 1:
        return "above 99 %"
    return f"{100 * probability:.0f} %"


def signed(points: float) -> str:
    """Whole points with their sign; what rounds to 0 has none."""
    return f"{points:+.0f}" if abs(points) >= 0.5 else "0"


def exchanges_in_words(value: float | None) -> str:
    """A dose."""
    if value is None:
        return "an unknown number of exchanges"
    return f"{value / 1e6:g} million exchanges" if value >= 1e6 else f"{value:,.0f} exchanges"


def outcome_in_words(minor: float, between: float, major: float) -> str:
    """Say which outcome is clear, likely or open."""
    named = (("minor", minor), ("between minor and major", between), ("major", major))
    word, most = max(named, key=lambda outcome: outcome[1])
    if most >= CLEAR:
        return f"clearly {word}"
    return f"likely {word}" if most >= LIKELY else "open"


def one_sentence(answer: RoleForecast) -> str:
    """Say one forecast in a sentence."""
    over, dose = OVER[answer.control], exchanges_in_words(answer.exchanges)
    if not answer.answered:
        return f"On {ON[answer.role]} {over}, at {dose}, the literature cannot say: {answer.reason}; {answer.nearest}."
    entry = answer.to_dict()
    parts = (entry["probability_minor"], entry["probability_between"], entry["probability_major"])
    return (
        f"On {ON[answer.role]} {over}, at {dose}: {signed(entry['mean'])} points "
        f"[{entry['low']:.0f}, {entry['high']:.0f}]; "
        f"minor {whole(parts[0])}, between {whole(parts[1])}, major {whole(parts[2])}: {outcome_in_words(*parts)}."
    )


def answer_sentence(scenario: Scenario, predictions: Sequence[RoleForecast], decision: Mapping[str, Any] | None) -> str:
    """The answer: what the literature says on the role decided on, and what to do under the stated losses."""
    mine = [prediction for prediction in predictions if prediction.role == scenario.decide_on]
    if decision is None:
        reasons = sorted({prediction.reason for prediction in mine if prediction.reason})
        why = reasons[0] if reasons else f"the scenario asks of no {scenario.decide_on} benchmark"
        return f"The literature cannot say whether the uplift would be minor or major: {why}."
    at = [
        prediction
        for prediction in mine
        if prediction.answered and (prediction.exchanges or None) == decision["exchanges"]
    ]
    parts = []
    for prediction in at:
        entry = prediction.to_dict()
        numbers = (entry["probability_minor"], entry["probability_between"], entry["probability_major"])
        parts.append(
            f"{OVER[prediction.control]} it is {outcome_in_words(*numbers)} (minor {whole(numbers[0])}, major "
            f"{whole(numbers[2])}; {signed(entry['mean'])} points, 95 % of new studies between {entry['low']:.0f} and "
            f"{entry['high']:.0f})"
        )
    refused = [prediction for prediction in mine if not prediction.answered]
    doses = ", ".join(dict.fromkeys(exchanges_in_words(prediction.exchanges) for prediction in refused))
    cannot = f" At {doses} the literature cannot say: {refused[0].reason}." if refused else ""
    dose = exchanges_in_words(decision["exchanges"])
    return f"Uplift on {ON[scenario.decide_on]} at {dose}: {'; '.join(parts)}.{cannot}"


def decision_sentence(decision: Mapping[str, Any]) -> str:
    """Say what to do under the stated losses, and where the choice turns."""
    turns = [turn for turn in decision["turning_points"] if turn["from"] is not None]
    where = "; ".join(f"{DO[turn['best']]} from a stake of {turn['from']:.3g}" for turn in turns)
    change = (
        f" It would be to {where} (stake: loss of a missed major uplift over what a light defence costs)."
        if turns
        else " It is the same at every stake that was tried."
    )
    return f"Under the stated losses the best choice is to {DO[decision['best']]}.{change}"


def predictors_sentence(kept: Mapping[str, Any] | None) -> str:
    """Say whether predictors help, from the back-test alone."""
    if kept is None:
        return "No back-test of this table is kept: nothing is claimed about how good these forecasts are."
    parts = []
    for entry in kept["back_test"]["roles"]:
        if entry["predictors_help"]:
            parts.append(
                f"{entry['role']}: predictors help ({100 * entry['crps_gain_share']:.0f} % less error than the "
                f"best baseline, interval above 0)"
            )
        else:
            parts.append(f"{entry['role']}: predictors do not help (no gain that can be told from 0)")
    return "On studies left out, " + "; ".join(parts) + "."


def later_sentence(kept: Mapping[str, Any] | None, widened: float) -> str:
    """Say what the back-test of later dates asks of the width; empty where the scenario is not later than the table.

    Parameters
    ----------
    kept : mapping, optional
        What is kept of the back-test.
    widened : float
        Factor on the width because of the date.
    """
    if widened == 1.0:
        return ""
    words = f"A new study comes after the table: intervals are {widened:.2f} times as wide as for one of its time"
    if kept is None or kept["later"]["factor"] is None:
        return f"{words}, by a rule, since no back-test of later dates could tell."
    return f"{words}, as forecasts of the year after what was known needed in the back-test."
