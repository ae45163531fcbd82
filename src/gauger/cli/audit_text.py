"""Words and tabulates ``gauger audit``, from the same document that ``--json`` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gauger.cli.tables import table

_SHOWN = 8
"""Items with the best matches that are listed; the document holds all."""


def audit_text(document: Mapping[str, Any]) -> str:
    """Say the whole result in lines."""
    texts = sum(corpus["n_texts"] for corpus in document["corpora"])
    lines = [f"{texts:,} texts, {document['n_characters']:,} characters", ""]
    lines += [_benchmarks(document["benchmarks"])]
    for benchmark in document["benchmarks"]:
        lines += [
            f"{benchmark['benchmark']}: {net} errs too often here, and is not counted"
            for net in benchmark["left_out_nets"]
        ]
        lines += ["", _rates(document, benchmark["benchmark"])]
    worst = _worst(document["items"])
    return "\n".join([*lines, *(["", "Best matches:", worst] if worst else [])])


def _benchmarks(rows: Sequence[Mapping[str, Any]]) -> str:
    cells = [
        (row["benchmark"], str(row["n_items"]), str(row["flagged"]), _ends(row["share"], row["low"], row["high"]),
         ", ".join(row["counted_nets"]) or "none")
        for row in rows
    ]  # fmt: skip
    return table(("benchmark", "items", "touched", "share (95 %)", "counted nets"), cells, {1, 2})


def _rates(document: Mapping[str, Any], benchmark: str) -> str:
    """Tabulate how often each net errs, and what the flags then say of each class of copy."""
    rates = [rate for rate in document["nets"] if rate["benchmark"] == benchmark]
    nets = list(dict.fromkeys(rate["net"] for rate in rates))
    by = {(rate["net"], rate["class"]): rate for rate in rates}
    share = {(row["net"], row["class"]): row for row in document["corrected"] if row["benchmark"] == benchmark}
    cells = []
    for kind in dict.fromkeys(rate["class"] for rate in rates if rate["n_planted"]):
        kind_rates = [by[net, kind] for net in nets]
        best = max(nets, key=lambda net: (by[net, kind]["recall"], -_alarms(by[net, kind])))
        recalls = [_ends(rate["recall"], rate["recall_low"], rate["recall_high"]) for rate in kind_rates]
        cells.append([kind, *recalls, _interval(share[best, kind])])
    alarms = [next(rate for rate in rates if rate["net"] == net) for net in nets]
    shown = [_ends(rate["false_positive_rate"], rate["fpr_low"], rate["fpr_high"]) for rate in alarms]
    cells.append(["false alarms per item", *shown, ""])
    header = [f"{benchmark}: recall of", *nets, "share of items, if all copies were so"]
    return table(header, cells)


def _alarms(rate: Mapping[str, Any]) -> float:
    """Return false alarms per item; 1, the most there can be, where nothing measured them."""
    return 1.0 if rate["false_positive_rate"] is None else float(rate["false_positive_rate"])


def _worst(items: Sequence[Mapping[str, Any]]) -> str:
    best: dict[tuple[str, str], Mapping[str, Any]] = {}
    for item in items:
        key = (item["benchmark"], item["item"])
        if item["flag"] and (key not in best or item["score"] > best[key]["score"]):
            best[key] = item
    shown = sorted(best.values(), key=lambda item: -item["score"])[:_SHOWN]
    cells = [
        (item["benchmark"], item["item"], item["net"], f"{item['score']:.2f}", str(item["documents"]),
         item["spans"][0]["document"])
        for item in shown
    ]  # fmt: skip
    return table(("benchmark", "item", "net", "score", "documents", "first document"), cells, {3, 4}) if cells else ""


def _interval(row: Mapping[str, Any]) -> str:
    return str(row["reason"]) if row["share"] is None else _ends(row["share"], row["low"], row["high"])


def _ends(value: float | None, low: float | None, high: float | None) -> str:
    if value is None or low is None or high is None:
        return "–"
    return f"{_percent(value)} ({_percent(low)} to {_percent(high)})"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %" if 0 < share < 0.01 or 0.99 < share < 1 else f"{100 * share:.1f} %"
