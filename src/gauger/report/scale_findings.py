"""Titles the figures of a scale: uplift by compute, cells predicted, worth in data, who gains most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gauger.report.document_view import Row
from gauger.report.findings import grouped
from gauger.report.wording import quantity, several, with_unit


def scaled(points: Sequence[Row]) -> str:
    """Set the uplift of the least compute beside that of the most, per curve."""
    parts = []
    for curve, base in dict.fromkeys((point["curve"], point.get("base", "")) for point in points):
        own = [point for point in points if (point["curve"], point.get("base", "")) == (curve, base)]
        low, high = (pick(own, key=lambda point: point["flops"]) for pick in (min, max))
        if low is not high:
            ends = f"{quantity(low['uplift'], 'points')} to {with_unit(high['uplift'], 'points')}"
            parts.append(f"{ends} ({', '.join(filter(None, (curve, base)))})")
    return f"Uplift from the least to the most compute: {'; '.join(parts)}" if parts else ""


def held_out(covered: Mapping[str, int], curves: Sequence[Row] = ()) -> str:
    """Say how many of the largest cells were predicted right, which curves no law holds for, and which went too far."""
    sentences = []
    if covered["of"]:
        sentences.append(
            f"{covered['inside']} of {several(covered['of'], 'largest cell')} lie where the others predict them"
        )
    refused = [row["curve"] for row in curves if not row.get("verdict", {"holds": True})["holds"]]
    if refused:
        sentences.append(f"no law holds for {', '.join(refused)}")
    beyond = [
        row["curve"]
        for row in curves
        if any(prediction.get("beyond_back_test") for prediction in row.get("predictions", ()))
    ]
    if beyond:
        sentences.append(f"predictions beyond the largest distance that was back-tested: {', '.join(beyond)}")
    return "; ".join(sentences)


def worth(equivalents: Sequence[Row]) -> str:
    """Say of the largest budget what the teacher's data were worth, per curve: to which student least, and most."""
    largest = max((row["budget"] for row in equivalents), default=0.0)
    by_curve: dict[str, list[Row]] = {}
    for row in equivalents:
        if row["budget"] == largest:
            by_curve.setdefault(row["curve"], []).append(row)
    parts = [f"{_worth_of(rows)} ({curve})" for curve, rows in by_curve.items()]
    return f"At the largest budget: {'; '.join(parts)}" if parts else ""


def _worth_of(rows: Sequence[Row]) -> str:
    least, most = (pick(rows, key=lambda row: _worth_rank(row["data"])) for pick in (min, max))
    if least["data"]["text"] == most["data"]["text"]:
        return str(most["data"]["text"])
    return " to ".join(f"{row['data']['text']} for {row['student']}" for row in (least, most))


def _worth_rank(gain: Mapping[str, Any]) -> float:
    """Order gains: one that is censored lies where its limit is."""
    value = gain["limit"] if gain["value"] is None else gain["value"]
    return float(value or 0.0)


def who_gains(slopes: Sequence[Row]) -> str:
    """Say whether students who start stronger gain more or less, per curve."""
    words = {1: "gain more", -1: "gain less", 0: "are not told apart from weaker ones"}
    by_curve = {}
    for row in slopes:
        if row["against"] == "starting score" and row["slope"] is not None:
            low, high = row["low"], row["high"]
            sign = 1 if low is not None and low > 0 else -1 if high is not None and high < 0 else 0
            by_curve[row["curve"]] = f"students who start stronger {words[sign]}"
    return grouped(by_curve)
