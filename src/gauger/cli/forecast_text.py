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
    lines += ["", *_context(document["context"]), *_equivalents(document["equivalents"])]
    lines += [""] + [line for warning in document["warnings"] for line in _paragraph(f"! {warning}")]
    return "\n".join(lines)


def _predictions(predictions: Sequence[Mapping[str, Any]]) -> list[str]:
    head = ["role", "over", "exchanges", "mean", "95 % of new studies", "minor", "between", "major"]
    rows = []
    for one in predictions:
        if one["answer"] == "yes":
            shares = [f"{100 * one[f'probability_{name}']:.0f} %" for name in ("minor", "between", "major")]
            numbers = [f"{one['mean']:+.1f}", f"{one['low']:.0f} to {one['high']:.0f}", *shares]
        else:
            numbers = ["cannot say", "", "", "", ""]
        rows.append([one["role"], one["control"], _dose(one["exchanges"]), *numbers])
    return [table(head, rows, numeric={2, 3, 5, 6, 7})]


def _experiments(experiments: Sequence[Mapping[str, Any]]) -> list[str]:
    head = ["experiment", "saves", "FLOPs", "dollars", "what"]
    rows = [
        [one["name"], f"{one['value']:.3f}", f"{one['flops']:.1e}", f"{one['usd']:,.0f}", one["what"]]
        for one in experiments
    ]
    return [table(head, rows, numeric={1, 2, 3})]


def _sensitivity(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    head, rows = ["input", "major at least", "at", "major at most", "at"], []
    for one in lines[:7]:
        low, high = f"{100 * one['probability_low']:.0f} %", f"{100 * one['probability_high']:.0f} %"
        rows.append([one["label"], low, one["low_at"], high, one["high_at"]])
    return [table(head, rows, numeric={1, 3})]


def _context(context: Mapping[str, Any]) -> list[str]:
    found = []
    for one in context["shares"]:
        if one["answer"] == "yes":
            text = (
                f"{one['role']}: of the whole gain over the start ({one['gain']:+.1f} points), "
                f"{one['uplift']:+.1f} points "
                f"({100 * one['share']:.0f} %, {100 * one['low']:.0f} to {100 * one['high']:.0f} %) come on top "
                "of what "
                f"reinforcement learning gives ({one['studies']} studies)."
            )
        else:
            text = (
                f"{one['role']}: what share of the whole gain comes on top of reinforcement learning, cannot say: "
                f"{one['reason']}."
            )
        found += _paragraph(text)
    return [*found, *_paragraph(context["earlier_stage"])]


def _equivalents(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    found = []
    for one in lines:
        if one["value"] is None:
            continue
        what = "months of progress" if one["kind"] == "months" else "times the training compute"
        high = "open" if one["high"] is None else f"{one['high']:.3g}"
        found.append(
            f"As {what} on {one['benchmark']}: {one['value']:.2g} [{one['low']:.2g}, {high}]. {one['warning']}"
        )
    return ["", *(line for text in found for line in _paragraph(text))] if found else []


def back_test_text(found: Mapping[str, Any]) -> str:
    """Return what ``gauger forecast --back-test`` prints.

    Parameters
    ----------
    found : mapping
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
    for one in [*found["roles"], *found["years"]]:
        rows.append(
            [
                one["role"],
                one["left_out"],
                str(one["groups"]),
                *(_share(one[f"coverage_{level}"]) for level in (50, 80, 95)),
                f"{one['width_95']:.0f}",
                f"{one['crps']:.2f}",
                f"{one['crps_baseline']:.2f} {one['best_baseline']}",
                _interval(one, "crps_gain"),
                _interval(one, "log_score_gain"),
            ]
        )
    helped = [one["role"] for one in found["roles"] if one["predictors_help"]]
    last = f"Predictors help on: {', '.join(helped)}." if helped else "Predictors help nowhere that can be told."
    chosen = [
        f"{role}: " + ", ".join(f"{n} {form}" for form, n in forms.items()) for role, forms in found["chosen"].items()
    ]
    return "\n".join(
        [
            table(head, rows, numeric={2, 3, 4, 5, 6, 7}),
            "",
            last,
            "Chosen inside the training parts: " + "; ".join(chosen) + ".",
        ]
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _interval(one: Mapping[str, Any], name: str) -> str:
    if one[name] is None:
        return "–"
    return f"{one[name]:+.2f} [{one[f'{name}_low']:.2f}, {one[f'{name}_high']:.2f}]"
