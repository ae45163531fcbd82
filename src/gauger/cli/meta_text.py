"""Words and tabulates ``gauger meta``, from the same document that ``--json`` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gauger.cli.tables import table


def meta_text(document: Mapping[str, Any]) -> str:
    """Say the whole result in lines."""
    lines = [_headline(document["study"]), "", *_coefficients(document)]
    if document["joint_test"] is not None:
        lines.append(f"All moderators together: {_joint(document['joint_test'])}")
    lines += ["", *_components(document), _heterogeneity(document["heterogeneity"])]
    if document["by_category"] is not None:
        lines += _by_category(document["by_category"])
    if document["prediction"] is not None:
        prediction = document["prediction"]
        lines.append(
            f"A new true effect would lie between {_number(prediction['prediction_low'])} and "
            f"{_number(prediction['prediction_high'])} ({prediction['level']:.0%} prediction interval)"
        )
    if document["small_study"] is not None:
        lines += ["", *_small_study(document["small_study"])]
    return "\n".join(lines)


def _headline(study: Mapping[str, Any]) -> str:
    levels = " > ".join(f"{level['level']} ({level['groups']})" for level in study["levels"])
    errors = f"CR2 errors by {study['robust']}" if study["robust"] else f"{study['test']} tests"
    return f"Random-effects model by {study['method']}, {study['rows']} rows, levels {levels}, {errors}"


def _coefficients(document: Mapping[str, Any]) -> list[str]:
    header = ("", "estimate", "se", f"{document['study']['level']:.0%} interval", "df", "p")
    rows = [
        (estimate["name"], "undefined", "", "", "", "")
        if estimate["reason"]
        else (
            estimate["name"],
            _number(estimate["value"]),
            _number(estimate["se"]),
            f"{_number(estimate['low'])} to {_number(estimate['high'])}",
            "" if estimate["df"] is None else f"{estimate['df']:.1f}",
            _p(estimate["p"]),
        )
        for estimate in document["estimates"]
    ]
    reasons = [f"{estimate['name']}: {estimate['reason']}" for estimate in document["estimates"] if estimate["reason"]]
    return [table(header, rows, range(1, len(header))), *reasons]


def _components(document: Mapping[str, Any]) -> list[str]:
    header = ("level", "tau", "tau2", "profile interval of tau2", "I2")
    rows = [
        (
            row["level"],
            _number(row["tau2"] ** 0.5),
            _number(row["tau2"]),
            ""
            if row["low"] is None
            else f"{_number(row['low'])} to {'unbounded' if row['high'] is None else _number(row['high'])}",
            "" if row["i2"] is None else f"{row['i2']:.1%}",
        )
        for row in document["variance_components"]
    ]
    return [table(header, rows, range(1, len(header)))]


def _heterogeneity(heterogeneity: Mapping[str, Any]) -> str:
    shares = "" if heterogeneity["i2"] is None else f"; I2 in all {heterogeneity['i2']:.1%}"
    return (
        f"Cochran's Q = {heterogeneity['q']:.4g} on {heterogeneity['df']} df, p {_inline_p(heterogeneity['p'])}{shares}"
    )


def _by_category(section: Mapping[str, Any]) -> list[str]:
    names = section["categories"]
    lines = [f"Random effects by category: {section['structure']}"]
    pairs = [
        f"{names[i]} and {names[j]} {section['correlation'][i][j]:.2f}"
        for i in range(len(names))
        for j in range(i + 1, len(names))
    ]
    lines += [f"Correlation within groups: {', '.join(pairs)}"] if pairs else []
    lines += [
        f"A new true effect of {each['category']} would lie between {_number(each['prediction_low'])} and "
        f"{_number(each['prediction_high'])}"
        for each in section["predictions"]
    ]
    return lines


def _joint(test: Mapping[str, Any]) -> str:
    if test["reason"] is not None:
        return f"undefined: {test['reason']}"
    if test["df_denominator"] is None:
        return f"chi-squared = {test['statistic']:.4g} on {test['df']} df, p {_inline_p(test['p'])}"
    return f"F = {test['statistic']:.4g} on {test['df']} and {test['df_denominator']:.1f} df, p {_inline_p(test['p'])}"


def _small_study(slope_test: Mapping[str, Any]) -> list[str]:
    if slope_test["reason"] is not None:
        return [f"Small-study effects (Egger-type): undefined, {slope_test['reason']}"]
    lines = [
        f"Small-study effects (Egger-type): slope on the standard error {_number(slope_test['slope'])} "
        f"({_number(slope_test['low'])} to {_number(slope_test['high'])}), p {_inline_p(slope_test['p'])}"
    ]
    if slope_test["at_zero"] is not None and slope_test["at_zero"]["reason"] is None:
        zero = slope_test["at_zero"]
        lines.append(
            f"Effect extrapolated to standard error 0: {_number(zero['value'])} "
            f"({_number(zero['low'])} to {_number(zero['high'])})"
        )
    return lines


def _number(value: float) -> str:
    return f"{value:.4g}"


def _p(value: float) -> str:
    return "<0.0001" if value < 1e-4 else f"{value:.4f}"


def _inline_p(value: float) -> str:
    return "< 0.0001" if value < 1e-4 else f"= {value:.4f}"
