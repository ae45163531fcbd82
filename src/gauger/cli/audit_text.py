"""Words and tabulates ``gauger audit``, from the same document that ``--json`` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gauger.cli.tables import table

_SHOWN = 8
"""Items with the best matches that are listed; the document holds all."""


def audit_text(document: Mapping[str, Any]) -> str:
    """Say the whole result in lines."""
    texts = sum(one["n_texts"] for one in document["corpora"])
    lines = [f"{texts:,} texts, {document['n_characters']:,} characters", ""]
    lines += [_benchmarks(document["benchmarks"])]
    for one in document["benchmarks"]:
        lines += [f"{one['benchmark']}: {net} errs too often here, and is not counted" for net in one["left_out_nets"]]
        lines += ["", _rates(document, one["benchmark"])]
    worst = _worst(document["items"])
    return "\n".join([*lines, *(["", "Best matches:", worst] if worst else [])])


def _benchmarks(rows: Sequence[Mapping[str, Any]]) -> str:
    cells = [
        (one["benchmark"], str(one["n_items"]), str(one["flagged"]), _ends(one["share"], one["low"], one["high"]),
         ", ".join(one["counted_nets"]) or "none")
        for one in rows
    ]  # fmt: skip
    return table(("benchmark", "items", "touched", "share (95 %)", "counted nets"), cells, {1, 2})


def _rates(document: Mapping[str, Any], benchmark: str) -> str:
    """Tabulate how often each net errs, and what the flags then say of each class of copy."""
    rates = [one for one in document["nets"] if one["benchmark"] == benchmark]
    nets = list(dict.fromkeys(one["net"] for one in rates))
    by = {(one["net"], one["class"]): one for one in rates}
    share = {(one["net"], one["class"]): one for one in document["corrected"] if one["benchmark"] == benchmark}
    cells = []
    for kind in dict.fromkeys(one["class"] for one in rates if one["n_planted"]):
        found = [by[net, kind] for net in nets]
        best = max(nets, key=lambda net: (by[net, kind]["recall"], -by[net, kind]["false_positive_rate"]))
        recalls = [_ends(one["recall"], one["recall_low"], one["recall_high"]) for one in found]
        cells.append([kind, *recalls, _interval(share[best, kind])])
    alarms = [next(one for one in rates if one["net"] == net) for net in nets]
    shown = [_ends(one["false_positive_rate"], one["fpr_low"], one["fpr_high"]) for one in alarms]
    cells.append(["false alarms per item", *shown, ""])
    header = [f"{benchmark}: recall of", *nets, "share of items, if all copies were so"]
    return table(header, cells)


def _worst(items: Sequence[Mapping[str, Any]]) -> str:
    best: dict[tuple[str, str], Mapping[str, Any]] = {}
    for one in items:
        key = (one["benchmark"], one["item"])
        if one["flag"] and (key not in best or one["score"] > best[key]["score"]):
            best[key] = one
    shown = sorted(best.values(), key=lambda one: -one["score"])[:_SHOWN]
    cells = [
        (one["benchmark"], one["item"], one["net"], f"{one['score']:.2f}", str(one["documents"]),
         one["spans"][0]["document"])
        for one in shown
    ]  # fmt: skip
    return table(("benchmark", "item", "net", "score", "documents", "first document"), cells, {3, 4}) if cells else ""


def _interval(one: Mapping[str, Any]) -> str:
    return str(one["reason"]) if one["share"] is None else _ends(one["share"], one["low"], one["high"])


def _ends(value: float | None, low: float | None, high: float | None) -> str:
    if value is None or low is None or high is None:
        return "–"
    return f"{_percent(value)} ({_percent(low)} to {_percent(high)})"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %" if 0 < share < 0.01 or 0.99 < share < 1 else f"{100 * share:.1f} %"
