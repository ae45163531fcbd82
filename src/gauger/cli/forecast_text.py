"""Lays out forecasts, decisions and the back-test as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from gauger.cli.tables import table

WIDTH = 118


def _paragraph(text: str) -> list[str]:
    return wrap(text, WIDTH) or [""]


def _dose(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.0f}"


def forecast_text(document: Mapping[str, Any]) -> str:
    """Return what ``gauger forecast`` prints.

    Parameters
    ----------
    document : mapping
        Of schema `gauger.forecast/1`.
    """
    lines = [*_paragraph(document["sentence"]), "", *_predictions(document["predictions"]), ""]
    decision = document["decision"]
    lines += _paragraph(decision["sentence"])
    if decision["best"] is not None:
        expected = ", ".join(f"{name} {value:.2f}" for name, value in decision["expected_loss"].items())
        lines += [
            f"Expected loss: {expected}; knowing the uplift would save {decision['worth_of_perfect_knowledge']:.2f}."
        ]
        lines += ["", *_experiments(decision["experiments"])]
        lines += ["", *_sensitivity(document["sensitivity"])]
    for study in document["studies"]:
        lines += _paragraph(
            f"Entered: {study['run']} ({study['world']}, {study['rows']} results): {study['enters_as']}. "
            "What it teaches a regression with all predictors is added to the forecast."
        )
    lines += ["", *_context(document["context"]), *_equivalents(document["equivalents"])]
    lines += [""] + [line for warning in document["warnings"] for line in _paragraph(f"! {warning}")]
    return "\n".join(lines)


def _predictions(predictions: Sequence[Mapping[str, Any]]) -> list[str]:
    head = ["role", "over", "exchanges", "mean", "95 % of new studies", "minor", "between", "major"]
    rows = []
    for prediction in predictions:
        if prediction["answer"] == "yes":
            shares = [f"{100 * prediction[f'probability_{name}']:.0f} %" for name in ("minor", "between", "major")]
            numbers = [f"{prediction['mean']:+.1f}", f"{prediction['low']:.0f} to {prediction['high']:.0f}", *shares]
        else:
            numbers = ["cannot say", "", "", "", ""]
        rows.append([prediction["role"], prediction["control"], _dose(prediction["exchanges"]), *numbers])
    return [table(head, rows, numeric={2, 3, 5, 6, 7})]


def _experiments(experiments: Sequence[Mapping[str, Any]]) -> list[str]:
    head = ["experiment", "saves", "FLOPs", "dollars", "what"]
    rows = [
        [
            experiment["name"],
            f"{experiment['value']:.3f}",
            f"{experiment['flops']:.1e}",
            f"{experiment['usd']:,.0f}",
            experiment["what"],
        ]
        for experiment in experiments
    ]
    return [table(head, rows, numeric={1, 2, 3})]


def _sensitivity(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    head, rows = ["input", "major at least", "at", "major at most", "at"], []
    for line in lines[:7]:
        low, high = f"{100 * line['probability_low']:.0f} %", f"{100 * line['probability_high']:.0f} %"
        rows.append([line["label"], low, line["low_at"], high, line["high_at"]])
    return [table(head, rows, numeric={1, 3})]


def _context(context: Mapping[str, Any]) -> list[str]:
    lines = []
    for share in context["shares"]:
        if share["answer"] == "yes":
            text = (
                f"{share['role']}: of the whole gain over the start ({share['gain']:+.1f} points), "
                f"{share['uplift']:+.1f} points "
                f"({100 * share['share']:.0f} %, {100 * share['low']:.0f} to {100 * share['high']:.0f} %) come on top "
                "of what "
                f"reinforcement learning gives ({share['studies']} studies)."
            )
        else:
            text = (
                f"{share['role']}: what share of the whole gain comes on top of reinforcement learning, cannot say: "
                f"{share['reason']}."
            )
        lines += _paragraph(text)
    return [*lines, *_paragraph(context["earlier_stage"])]


def _equivalents(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    texts = []
    for line in lines:
        if line["value"] is None:
            continue
        what = "months of progress" if line["kind"] == "months" else "times the training compute"
        high = "open" if line["high"] is None else f"{line['high']:.3g}"
        texts.append(
            f"As {what} on {line['benchmark']}: {line['value']:.2g} [{line['low']:.2g}, {high}]. {line['warning']}"
        )
    return ["", *(line for text in texts for line in _paragraph(text))] if texts else []


def back_test_text(back_test: Mapping[str, Any]) -> str:
    """Return what ``gauger forecast --back-test`` prints.

    Parameters
    ----------
    back_test : mapping
        From `forecast.back_test`.
    """
    head = [
        "role",
        "left out",
        "groups",
        "50 %",
        "80 %",
        "95 %",
        "width",
        "CRPS",
        "best baseline",
        "gain (95 %)",
        "log score",
    ]
    rows = []
    for score in [*back_test["roles"], *back_test["years"]]:
        rows.append(
            [
                score["role"],
                score["left_out"],
                str(score["groups"]),
                *(_share(score[f"coverage_{level}"]) for level in (50, 80, 95)),
                f"{score['width_95']:.0f}",
                f"{score['crps']:.2f}",
                f"{score['crps_baseline']:.2f} {score['best_baseline']}",
                _interval(score, "crps_gain"),
                _interval(score, "log_score_gain"),
            ]
        )
    helped = [score["role"] for score in back_test["roles"] if score["predictors_help"]]
    last = f"Predictors help on: {', '.join(helped)}." if helped else "Predictors help nowhere that can be told."
    chosen = [
        f"{role}: " + ", ".join(f"{n} {form}" for form, n in forms.items())
        for role, forms in back_test["chosen"].items()
    ]
    return "\n".join(
        [
            table(head, rows, numeric={2, 3, 4, 5, 6, 7}),
            "",
            last,
            "Chosen inside the training parts: " + "; ".join(chosen) + ".",
            *_later(back_test["years"]),
        ]
    )


def _later(years: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say what the widening for later dates did to the years."""
    lines = []
    for score in years:
        if score["coverage_95"] is not None:
            before = ", ".join(_share(score[f"coverage_{level}_before"]) for level in (50, 80, 95))
            lines.append(
                f"{score['left_out'].capitalize()}, {score['role']}: widened {score['widened']:.2f} times, as the "
                f"years before it needed; without that the intervals held {before}."
            )
    return lines


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _interval(score: Mapping[str, Any], name: str) -> str:
    if score[name] is None:
        return "–"
    return f"{score[name]:+.2f} [{score[f'{name}_low']:.2f}, {score[f'{name}_high']:.2f}]"
