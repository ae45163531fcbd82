"""Writes an audit as a document: items, shares with intervals, and the error rates behind every flag."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gauger.audit.audit import AuditResult
from gauger.audit.scan import Match
from gauger.stats import ShareEstimate, binomial_interval

SCHEMA = "gauger.audit/1"


def audit_document(result: AuditResult) -> dict[str, Any]:
    """Return the JSON document of an audit.

    Returns
    -------
    dict
        items : one row per item and net: benchmark, item, flag, net, score, documents, spans; keys by which
        `gauger compare` knows the item.
        benchmarks : share of items that a net which counts flags, with its exact interval.
        shares : the same per net and source, and per net and class corrected for the net's own errors.
        nets : recall and false-positive rate per benchmark, net and class.
    """
    return {
        "schema": SCHEMA,
        "corpora": [{"source": source, "n_texts": n} for source, n in result.n_texts.items()],
        "n_characters": result.n_characters,
        "n_bytes": result.n_bytes,
        "items": [_item(result, k, net) for k in range(len(result.items)) for net in result.nets],
        "benchmarks": [_benchmark(result, name) for name in result.benchmarks],
        "sources": [row for name in result.benchmarks for row in _sources(result, name)],
        "corrected": [row for name in result.benchmarks for row in _corrected(result, name)],
        "nets": [_net(rate) for rate in result.rates],
        "missed": [row for name in result.benchmarks for row in _missed(result, name)],
        "warnings": list(result.notes),
    }


def _item(result: AuditResult, k: int, net: str) -> dict[str, Any]:
    item, tally = result.items[k], result.found.get((k, net))
    return {
        "benchmark": item.benchmark,
        "item": item.id,
        "flag": tally is not None,
        "net": net,
        "score": tally.score if tally else 0.0,
        "documents": sum(tally.documents.values()) if tally else 0,
        "spans": [_span(match) for match in tally.best] if tally else [],
        "keys": dict(item.keys or {}),
        "equals": [dict(keys) for keys in item.equals],
        "text": item.text if tally else None,
    }


def _span(match: Match) -> dict[str, Any]:
    return {
        "source": match.source,
        "document": match.document,
        "score": match.score,
        "text": match.excerpt,
        "marks": [list(mark) for mark in match.marks],
        "item_marks": [list(mark) for mark in match.item_marks],
    }


def flagged(result: AuditResult, name: str, nets: Sequence[str], source: str | None = None) -> set[int]:
    """Return the items of a benchmark that one of these nets flags, in any source or in one."""
    return {
        k
        for k in result.places(name)
        for net in nets
        if (tally := result.found.get((k, net))) and (source is None or source in tally.documents)
    }


def _share(estimate: ShareEstimate) -> dict[str, Any]:
    row = {"share": estimate.value, "low": estimate.low, "high": estimate.high}
    return row if estimate.reason is None else {**row, "reason": estimate.reason}


def _benchmark(result: AuditResult, name: str) -> dict[str, Any]:
    n, nets = len(result.places(name)), result.counting(name)
    n_flagged = len(flagged(result, name, nets))
    left_out = [net for net in result.nets if net not in nets]
    return {
        "benchmark": name,
        "n_items": n,
        "flagged": n_flagged,
        **_share(binomial_interval(n_flagged, n)),
        "counted_nets": nets,
        "left_out_nets": left_out,
    }


def _sources(result: AuditResult, name: str) -> list[dict[str, Any]]:
    n = len(result.places(name))
    rows = []
    for source in result.n_texts:
        for net in result.nets:
            n_flagged = len(flagged(result, name, [net], source))
            row = {"benchmark": name, "source": source, "net": net, "n_items": n, "flagged": n_flagged}
            rows.append(row | _share(binomial_interval(n_flagged, n)))
    return rows


def _corrected(result: AuditResult, name: str) -> list[dict[str, Any]]:
    n = len(result.places(name))
    n_flagged = {net: len(flagged(result, name, [net])) for net in result.nets}
    return [
        {"benchmark": name, "net": rate.net, "class": rate.kind, **_share(rate.corrected(n_flagged[rate.net], n))}
        for rate in result.rates
        if rate.benchmark == name and rate.n_planted
    ]


def _net(rate: Any) -> dict[str, Any]:
    recall, alarms = rate.recall, rate.false_positive_rate
    return {
        "benchmark": rate.benchmark,
        "net": rate.net,
        "class": rate.kind,
        "n_planted": rate.n_planted,
        "recall": recall.value,
        "recall_low": recall.low,
        "recall_high": recall.high,
        "n_negatives": rate.n_negatives,
        "false_positive_rate": alarms.value,
        "fpr_low": alarms.low,
        "fpr_high": alarms.high,
        "reason": recall.reason or alarms.reason,
    }


def _missed(result: AuditResult, name: str) -> list[dict[str, Any]]:
    """Return for each net how many items that the others flag it does not."""
    nets = result.counting(name)
    rows = []
    for net in nets:
        others = flagged(result, name, [other for other in nets if other != net])
        alone = flagged(result, name, [net])
        rows.append({"benchmark": name, "net": net, "missed": len(others - alone), "found_alone": len(alone - others)})
    return rows
