"""Words and tabulates ``gauger fit``, from the same document that ``--json`` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gauger.cli.tables import table

LEAST = 1e-9
"""Distances that are no more than this are rounding."""


def fit_text(document: Mapping[str, Any]) -> str:
    """Say the whole result in lines."""
    lines = [
        f"{document['law']}: {document['formula']}",
        f"{document['n']} points, {document['outcome']}; source: {document['source']}",
        f"one point scatters by {_spread(document)} around the law",
        document["verdict"]["answer"],
        *_link_verdict(document),
        "",
        *_parameters(document["parameters"], document["level"]),
    ]
    if len(document["laws"]) > 1:
        lines += ["", *_laws(document)]
    lines += ["", *_validation(document)]
    if "accuracy_link" in document:
        link = document["accuracy_link"]
        weights = ", ".join(f"{rival['law']} {rival['weight']:.2f}" for rival in link["links"])
        lines += ["", f"link: {link['formula']} (weights: {weights})", _link_record(link)]
        lines += _parameters(link["parameters"], document["level"])
    if document["predictions"]:
        lines += ["", *_predictions(document)]
    return "\n".join(lines)


def _link_verdict(document: Mapping[str, Any]) -> list[str]:
    link = document.get("accuracy_link")
    return [] if link is None else [f"from loss to accuracy: {link['verdict']['answer']}"]


def _link_record(link: Mapping[str, Any]) -> str:
    if link["rmse"] is None:
        return "its back-test: none, too few points to hold any out"
    direct = "" if link["rmse_direct"] is None else f"; accuracy from scale at once errs by {link['rmse_direct']:.3f}"
    return f"its back-test at lower losses: {link['held_out']} predictions err by {link['rmse']:.3f}{direct}"


def _spread(document: Mapping[str, Any]) -> str:
    return f"{100 * document['noise']:.2g} %" if document["outcome"] == "loss" else f"{document['noise']:.2g}"


def _parameters(parameters: Sequence[Mapping[str, Any]], level: float) -> list[str]:
    header = ("parameter", "value", "se", f"{level:.0%} interval", "by", "unit")
    rows = [
        (
            parameter["name"],
            _number(parameter["value"]),
            "undetermined" if parameter["se"] is None else _number(parameter["se"]),
            f"{_end(parameter['low'])} to {_end(parameter['high'])}",
            parameter["method"],
            parameter["unit"],
        )
        for parameter in parameters
    ]
    return [table(header, rows)]


def _laws(document: Mapping[str, Any]) -> list[str]:
    record = {law["law"]: law for law in document["validation"]["laws"]}
    rows = []
    for law in document["laws"]:
        error = record[law["law"]]["rmse"] if record else None
        shown = "" if error is None else f"{error:.3g}"
        rows.append((law["law"], f"{law['weight']:.3f}", shown, _number(law["objective"])))
    return [table(("law", "weight", "held-out error", "objective"), rows)]


def _validation(document: Mapping[str, Any]) -> list[str]:
    test = document["validation"]
    if not test["held_out"]:
        return ["Back-test: none, too few points to hold any out"]
    lines = [
        f"Back-test in the order of compute, size and tokens: {test['cuts']} cuts, {test['held_out']} held-out "
        f"predictions, {test['coverage']:.0%} inside their {document['level']:.0%} intervals "
        f"({test['coverage_before_stretching']:.0%} before stretching)"
    ]
    rows = []
    for band in test["by_distance"]:
        to = "" if band["to_efolds"] is None else f"{band['to_efolds']:g}"
        span = f"{band['from_efolds']:g} to {to}" if to else f"over {band['from_efolds']:g}"
        rows.append((span, str(band["n"]), f"{band['coverage']:.0%}", f"{band['median_abs_error']:.2g}"))
    return [*lines, table(("e-folds beyond", "predictions", "coverage", "median error"), rows)]


def _predictions(document: Mapping[str, Any]) -> list[str]:
    head = ("n_params", "n_tokens", document["outcome"], f"{document['level']:.0%} interval", "e-folds beyond")
    chained = "accuracy" in document["predictions"][0]
    header = (*head, "accuracy", "interval") if chained else head
    rows = []
    for prediction in document["predictions"]:
        row: tuple[str, ...] = (
            _number(prediction["n_params"]),
            _number(prediction["n_tokens"]),
            _number(prediction["value"]),
            f"{_number(prediction['low'])} to {_number(prediction['high'])}",
            _distance(prediction),
        )
        if chained:
            answer = prediction["accuracy"]
            row += (_number(answer["value"]), f"{_number(answer['low'])} to {_number(answer['high'])}")
        rows.append(row)
    return [table(header, rows), *_footnotes(document)]


def _distance(prediction: Mapping[str, Any]) -> str:
    """Say how far a prediction lies beyond and below the points, with a star where no back-test looks."""
    beyond, below = prediction["efolds_beyond"], prediction["efolds_below"]
    parts = [f"{beyond:.2g}"] if beyond or not _is_below(prediction) else []
    parts += [f"{below:.2g} below"] if _is_below(prediction) else []
    parts += [f"share {prediction['shares_outside']:.2g} outside"] if _is_outside(prediction) else []
    starred = prediction["beyond_back_test"] or _is_below(prediction) or _is_outside(prediction)
    return ", ".join(parts) + (" *" if starred else "")


def _is_below(prediction: Mapping[str, Any]) -> bool:
    return bool(prediction["efolds_below"] > LEAST)


def _is_outside(prediction: Mapping[str, Any]) -> bool:
    return bool(prediction.get("shares_outside", 0.0) > LEAST)


def _footnotes(document: Mapping[str, Any]) -> list[str]:
    predictions = document["predictions"]
    notes = []
    if any(prediction["beyond_back_test"] for prediction in predictions):
        if document["validation"]["held_out"]:
            notes.append("* beyond the largest distance that was back-tested: widened by a rule, not by evidence")
        else:
            notes.append("* no back-test: the interval is not widened")
    if any(_is_below(prediction) for prediction in predictions):
        notes.append("* below the fitted points: no back-test looks there, and the interval is not widened for it")
    if any(_is_outside(prediction) for prediction in predictions):
        notes.append("* a mixture outside the fitted ones: no back-test looks there, and the interval is not widened")
    return notes


def _number(value: float) -> str:
    return f"{value:.4g}"


def _end(value: float | None) -> str:
    return "unbounded" if value is None else _number(value)
