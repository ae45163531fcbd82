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
        one = document["prediction"]
        lines.append(
            f"A new true effect would lie between {_number(one['prediction_low'])} and "
            f"{_number(one['prediction_high'])} ({one['level']:.0%} prediction interval)"
        )
    if document["small_study"] is not None:
        lines += ["", *_small_study(document["small_study"])]
    return "\n".join(lines)


def _headline(study: Mapping[str, Any]) -> str:
    levels = " > ".join(f"{one['level']} ({one['groups']})" for one in study["levels"])
    errors = f"CR2 errors by {study['robust']}" if study["robust"] else f"{study['test']} tests"
    return f"Random-effects model by {study['method']}, {study['rows']} rows, levels {levels}, {errors}"


def _coefficients(document: Mapping[str, Any]) -> list[str]:
    header = ("", "estimate", "se", f"{document['study']['level']:.0%} interval", "df", "p")
    rows = [
        (one["name"], "undefined", "", "", "", "")
        if one["reason"]
        else (
            one["name"],
            _number(one["value"]),
            _number(one["se"]),
            f"{_number(one['low'])} to {_number(one['high'])}",
            "" if one["df"] is None else f"{one['df']:.1f}",
            _p(one["p"]),
        )
        for one in document["estimates"]
    ]
    reasons = [f"{one['name']}: {one['reason']}" for one in document["estimates"] if one["reason"]]
    return [table(header, rows, range(1, len(header))), *reasons]


def _components(document: Mapping[str, Any]) -> list[str]:
    header = ("level", "tau", "tau2", "profile interval of tau2", "I2")
    rows = [
        (
            one["level"],
            _number(one["tau2"] ** 0.5),
            _number(one["tau2"]),
            ""
            if one["low"] is None
            else f"{_number(one['low'])} to {'unbounded' if one['high'] is None else _number(one['high'])}",
            "" if one["i2"] is None else f"{one['i2']:.1%}",
        )
        for one in document["variance_components"]
    ]
    return [table(header, rows, range(1, len(header)))]


def _heterogeneity(one: Mapping[str, Any]) -> str:
    shares = "" if one["i2"] is None else f"; I2 in all {one['i2']:.1%}"
    return f"Cochran's Q = {one['q']:.4g} on {one['df']} df, p {_inline_p(one['p'])}{shares}"


def _by_category(one: Mapping[str, Any]) -> list[str]:
    names = one["categories"]
    lines = [f"Random effects by category: {one['structure']}"]
    pairs = [
        f"{names[i]} and {names[j]} {one['correlation'][i][j]:.2f}"
        for i in range(len(names))
        for j in range(i + 1, len(names))
    ]
    lines += [f"Correlation within groups: {', '.join(pairs)}"] if pairs else []
    lines += [
        f"A new true effect of {each['category']} would lie between {_number(each['prediction_low'])} and "
        f"{_number(each['prediction_high'])}"
        for each in one["predictions"]
    ]
    return lines


def _joint(one: Mapping[str, Any]) -> str:
    if one["reason"] is not None:
        return f"undefined: {one['reason']}"
    if one["df_denominator"] is None:
        return f"chi-squared = {one['statistic']:.4g} on {one['df']} df, p {_inline_p(one['p'])}"
    return f"F = {one['statistic']:.4g} on {one['df']} and {one['df_denominator']:.1f} df, p {_inline_p(one['p'])}"


def _small_study(one: Mapping[str, Any]) -> list[str]:
    if one["reason"] is not None:
        return [f"Small-study effects (Egger-type): undefined, {one['reason']}"]
    lines = [
        f"Small-study effects (Egger-type): slope on the standard error {_number(one['slope'])} "
        f"({_number(one['low'])} to {_number(one['high'])}), p {_inline_p(one['p'])}"
    ]
    if one["at_zero"] is not None and one["at_zero"]["reason"] is None:
        zero = one["at_zero"]
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
