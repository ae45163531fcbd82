"""Puts a forecast together: learns from the literature, forecasts the scenario, decides, and says it as a document.

Schema `gauger.forecast/1`. Uplifts are in percentage points. Where the answer is `cannot_say` every number is NULL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from gauger.forecast.choose import choose, fit_chosen
from gauger.forecast.context import EARLIER_STAGE, share_of_gain
from gauger.forecast.controlled import read_run
from gauger.forecast.decision import BURDENS, STAKES, decide, loss_table, regions, turning_points
from gauger.forecast.entered import enter
from gauger.forecast.equivalents import Progress, equivalents
from gauger.forecast.experiment import study_file
from gauger.forecast.extrapolation import widening_of
from gauger.forecast.later import factor_of, forecast_later
from gauger.forecast.literature import LiteratureRows, read_literature
from gauger.forecast.mixture import MixedForecast
from gauger.forecast.nearest import nearest_studies
from gauger.forecast.predict import EDGES, Forecaster, RoleForecast, roles_asked
from gauger.forecast.scenario import ACTIONS, Scenario, flat
from gauger.forecast.sensitivity import sensitivity
from gauger.forecast.sentences import answer_sentence, decision_sentence, later_sentence, predictors_sentence
from gauger.forecast.stored import chosen_of, read_stored
from gauger.forecast.worth import best_of, value_experiments

SCHEMA = "gauger.forecast/1"
NO_BACK_TEST = "no back-test of this table is kept: gauger forecast --back-test --table DIR makes one (minutes)"


def learn(literature: LiteratureRows) -> tuple[Forecaster, dict[str, Any] | None]:
    """Choose forms and fit them; what was kept for the shipped table is used where it is of these very rows.

    Parameters
    ----------
    literature : LiteratureRows
    """
    kept = read_stored(literature)
    chosen = choose(literature) if kept is None else chosen_of(kept)
    helped = None if kept is None else {entry["role"]: entry["predictors_help"] for entry in kept["back_test"]["roles"]}
    chosen = chosen.guarded(helped)
    widening = {} if kept is None else widening_of(kept["extrapolation"])
    later = factor_of(forecast_later(literature) if kept is None else kept["later"])
    return Forecaster(literature, chosen, fit_chosen(chosen, literature), widening, later), kept


def forecast_document(
    scenario: Scenario, prepared: pl.DataFrame, progress: Sequence[Progress], studies: Sequence[Path] = ()
) -> dict[str, Any]:
    """Forecast a scenario.

    Parameters
    ----------
    scenario : Scenario
    prepared : DataFrame
        All rows, from `evidence.prepare`.
    progress : sequence of Progress
        Scores by date, for the equivalents.
    studies : sequence of Path
        Runs of controlled studies that enter as further studies.
    """
    runs = [read_run(folder) for folder in studies]
    literature = read_literature(prepared)
    forecaster, kept = learn(literature)
    entered: list[dict[str, Any]] = []
    if runs:
        forecaster, entered = enter(forecaster, runs)
    predictions = [
        forecaster.forecast(scenario, role, control, dose)
        for role in roles_asked(scenario) for control in scenario.controls for dose in scenario.doses
    ]  # fmt: skip
    return {
        "schema": SCHEMA, "scenario": flat(scenario), "edges": EDGES.tolist(),
        "predictions": [prediction.to_dict() for prediction in predictions],
        **_decided(forecaster, scenario, predictions, progress),
        "context": {"shares": share_of_gain(prepared), "earlier_stage": EARLIER_STAGE},
        "studies": entered,
        "back_test": _back_test(kept),
        "warnings": _warnings(predictions, kept),
        "literature": {"studies": len(literature.studies), "rows": len(literature)},
    }  # fmt: skip


def _back_test(kept: Mapping[str, Any] | None) -> dict[str, Any]:
    if kept is None:
        return {"roles": [], "years": [], "reason": NO_BACK_TEST}
    return {**kept["back_test"], "extrapolation": kept["extrapolation"], "later": kept["later"], "reason": None}


def _decided(
    forecaster: Forecaster, scenario: Scenario, predictions: Sequence[RoleForecast], progress: Sequence[Progress]
) -> dict[str, Any]:
    """Decide on the role that the scenario names, at the largest dose that can be answered."""
    usable = [prediction for prediction in predictions if prediction.role == scenario.decide_on and prediction.answered]
    empty = {"sensitivity": [], "nearest": [], "equivalents": [], "decision": _undecided(scenario, predictions)}
    if not usable:
        return {**empty, "sentence": answer_sentence(scenario, predictions, None)}
    dose = max((answer.exchanges or 0.0) for answer in usable)
    chosen = [answer for answer in usable if (answer.exchanges or 0.0) == dose]
    mixture = MixedForecast(np.concatenate([answer.mixture.values for answer in chosen]))
    given = next(d for d in scenario.doses if _same(d, dose))
    imagined = [forecaster.draws(scenario, answer.role, answer.control, given) for answer in chosen]
    decision = _decision(mixture, scenario, chosen, dose)
    size = float(2.0 ** np.median(imagined[0].rows.numbers["size"]))
    samples = float(10.0 ** np.median(imagined[0].rows.numbers["samples"]))
    worths = value_experiments(mixture, scenario, size, samples)
    best = best_of(worths)
    decision |= {
        "experiments": [worth.to_dict() for worth in worths], "settles": best.name if best else None,
        "study": study_file(scenario, best) if best else None,
    }  # fmt: skip
    return {
        "decision": decision,
        "sentence": answer_sentence(scenario, predictions, decision),
        "sensitivity": sensitivity(
            forecaster, imagined[0], scenario.thresholds.of(scenario.decide_on).major, chosen[0].widened
        ),
        "nearest": nearest_studies(forecaster.literature, imagined[0], tuple(answer.control for answer in chosen)),
        "equivalents": equivalents(mixture, np.concatenate([draw.start for draw in imagined]), progress),
    }  # fmt: skip


def _same(dose: Any, exchanges: float) -> bool:
    if isinstance(dose, str):
        return exchanges == 0.0
    return float(dose if isinstance(dose, int | float) else np.sqrt(dose.low * dose.high)) == exchanges


def _decision(
    mixture: MixedForecast, scenario: Scenario, chosen: Sequence[RoleForecast], dose: float
) -> dict[str, Any]:
    table = loss_table(mixture.values.ravel(), scenario)
    decided = decide(table)
    thresholds = scenario.thresholds.of(scenario.decide_on)
    below, above = mixture.below(thresholds.minor), 1.0 - mixture.below(thresholds.major)
    decision: dict[str, Any] = {
        "answer": "yes", "reason": None, "role": scenario.decide_on, "exchanges": dose or None,
        "controls": [answer.control for answer in chosen], "expected_loss": decided.expected, "best": decided.best,
        "worth_of_perfect_knowledge": decided.worth_of_knowing,
        "probability_minor": below, "probability_between": 1.0 - below - above, "probability_major": above,
        "losses": scenario.losses.model_dump(),
        "by_control": [
            {"control": answer.control, "best": decide(loss_table(answer.mixture.values.ravel(), scenario)).best,
             "probability_major": 1.0 - answer.mixture.below(answer.major)} for answer in chosen
        ],
        "regions": regions(mixture, scenario), "stakes": STAKES.tolist(), "burdens": BURDENS.tolist(),
        "turning_points": turning_points(mixture, scenario), "actions": list(ACTIONS),
    }  # fmt: skip
    return decision | {"sentence": decision_sentence(decision)}


def _undecided(scenario: Scenario, predictions: Sequence[RoleForecast]) -> dict[str, Any]:
    reasons = [
        prediction.reason for prediction in predictions if prediction.role == scenario.decide_on and prediction.reason
    ]
    reason = reasons[0] if reasons else f"the scenario names no benchmark of the role {scenario.decide_on}"
    return {
        "answer": "cannot_say",
        "reason": reason,
        "role": scenario.decide_on,
        "best": None,
        "experiments": [],
        "study": None,
        "sentence": f"No decision: {reason}.",
    }


def _warnings(predictions: Sequence[RoleForecast], kept: Mapping[str, Any] | None) -> list[str]:
    widest = max((prediction.widened_later for prediction in predictions), default=1.0)
    general = [" ".join(filter(None, (predictors_sentence(kept), later_sentence(kept, widest))))]
    beyond: dict[str, None] = {}
    for prediction in predictions:
        for step in prediction.distance.beyond:
            beyond.setdefault(f"{prediction.role}: {step.sentence}", None)
    return [*general, *beyond]
