"""Orders the chapters of the audit page: shares, error rates, worst matches, what each net misses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gauger.report.blocks import Callout, Figure, FigurePanel, HtmlTable, Section, TableCell
from gauger.report.forest import ForestLine, Reference, forest, height_of, window
from gauger.report.palette import BLUE, SLATE
from gauger.report.wording import count, listing, percent, several

Document = Mapping[str, Any]
_SHOWN = 24
"""Worst matches on the page; the document holds every item."""


def _digits(value: float) -> int:
    return 2 if 0 < value < 0.01 or 0.99 < value < 1 else 1


def _cell(value: float | None, low: float | None, high: float | None, reason: str | None = None) -> TableCell:
    if value is None or low is None or high is None:
        return TableCell(reason or "–", kind="undefined")
    digits = max(_digits(value), 2 if high < 0.01 else 1)
    return TableCell(f"{percent(value, digits)} ({percent(low, digits)} to {percent(high, digits)})", sort=value)


def shares(document: Document) -> Section:
    """Which share of each benchmark was touched."""
    rows = [
        [one["benchmark"], count(one["n_items"]), count(one["flagged"]),
         _cell(one["share"], one["low"], one["high"]), listing(one["counted_nets"]) or "none"]
        for one in document["benchmarks"]
    ]  # fmt: skip
    table = HtmlTable(
        ("Benchmark", "Items", "Touched", "Share (95 %)", "Nets that count"), rows, numeric=frozenset({1, 2, 3})
    )
    lines = [
        ForestLine(one["benchmark"], _estimate(one), BLUE if one["flagged"] else SLATE)
        for one in document["benchmarks"]
    ]
    extent = (0.0, max(0.01, window([line.estimate for line in lines])[1]))
    chart = forest(lines, unit="share", x_title="% of items", extent=extent, references=[Reference(0.0)])
    figure = Figure(
        "shares", "Items that a net flags",
        "One line per benchmark: the share of its items of which a net found enough in one of the texts, with its "
        "exact 95 % interval. It counts what was found; the chapter on error rates says what may have been missed.",
        [FigurePanel(chart, "", height_of(lines), "Share of items touched by benchmark")], table,
    )  # fmt: skip
    warnings = [Callout("warn", "Nets that do not count", _left_out(document))] if _left_out(document) else []
    return Section("shares", "What stands in the texts", _lead(document), [figure], callouts=warnings, summary=table)


def _estimate(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "estimand": "share", "arm": one["benchmark"], "benchmark": one["benchmark"], "over": None, "role": None,
        "value": one["share"], "low": one["low"], "high": one["high"], "simultaneous_low": None,
        "simultaneous_high": None, "n_items": one["n_items"], "n_replicates": None, "reason": one.get("reason"),
    }  # fmt: skip


def _lead(document: Document) -> list[str]:
    touched = [one for one in document["benchmarks"] if one["flagged"]]
    if not touched:
        return ["No item was found. What copies of each kind would have been found is said below."]
    said = [
        f"{one['benchmark']}: {count(one['flagged'])} of {several(one['n_items'], 'item')} ({percent(one['share'], 1)})"
        for one in touched
    ]
    return [f"{'; '.join(said[:6])}{'; …' if len(said) > 6 else ''}."]


def _left_out(document: Document) -> list[str]:
    return [
        f"{one['benchmark']}: “{net}” flags more than one in twenty items that are surely in no text."
        for one in document["benchmarks"]
        for net in one["left_out_nets"]
    ]


def sources(document: Document) -> Section | None:
    """The same by source."""
    if len(document["corpora"]) < 2:
        return None
    rows = [
        [
            one["benchmark"],
            one["source"],
            one["net"],
            count(one["flagged"]),
            _cell(one["share"], one["low"], one["high"]),
        ]
        for one in document["sources"]
    ]
    table = HtmlTable(
        ("Benchmark", "Source", "Net", "Touched", "Share (95 %)"),
        rows,
        numeric=frozenset({3, 4}),
        filters=(0, 1),
        id="by-source",
    )
    return Section("sources", "By source", tables=[table])


def rates(document: Document) -> Section:
    """How often the audit errs."""
    rows = [
        [one["benchmark"], one["net"], one["class"], count(one["n_planted"]),
         _cell(one["recall"], one["recall_low"], one["recall_high"]), count(one["n_negatives"]),
         _cell(one["false_positive_rate"], one["fpr_low"], one["fpr_high"])]
        for one in document["nets"]
        if one["n_planted"]
    ]  # fmt: skip
    table = HtmlTable(
        ("Benchmark", "Net", "Class of copy", "Planted", "Recall (95 %)", "Negatives", "False alarms per item (95 %)"),
        rows, numeric=frozenset({3, 4, 5, 6}), filters=(0, 1, 2), id="rates",
    )  # fmt: skip
    lead = [
        "Copies of every class were planted in these texts, and negatives were looked for in all of them, both in this "
        "run. The rates are per item and speak of the planted class: real rephrasings are harder to find than planted "
        "ones, so for those the recall is an upper bound.",
    ]
    return Section("rates", "How often this audit errs", lead, tables=[table])


def corrected(document: Document) -> Section:
    """What the flags say of the truth, where the copies are of one class."""
    rows = [
        [one["benchmark"], one["net"], one["class"], _cell(one["share"], one["low"], one["high"], one.get("reason"))]
        for one in document["corrected"]
    ]
    table = HtmlTable(
        ("Benchmark", "Net", "If all copies were", "Share of items (95 %)"), rows, numeric=frozenset({3}),
        filters=(0, 1, 2), id="corrected",
    )  # fmt: skip
    lead = [
        "The share of a benchmark that is in the texts as copies of one class, corrected for what the net misses and "
        "for its false alarms (Rogan and Gladen). “Not detectable at this recall” is an answer: the flags say nothing.",
    ]
    return Section("corrected", "The share behind the flags", lead, tables=[table], short="Corrected shares")


def matches(document: Document) -> Section | None:
    """The worst matches, side by side."""
    best: dict[tuple[str, str], Mapping[str, Any]] = {}
    for one in document["items"]:
        key = (one["benchmark"], one["item"])
        if one["flag"] and one["spans"] and (key not in best or one["score"] > best[key]["score"]):
            best[key] = one
    if not best:
        return None
    shown = sorted(best.values(), key=lambda one: -one["score"])[:_SHOWN]
    which = "all are shown" if len(shown) == len(best) else f"the {len(shown)} with the highest scores are shown"
    lead = [f"{several(len(best), 'item')} flagged; {which}. Marked is what both texts have in common."]
    return Section(
        "matches",
        "Worst matches",
        lead,
        template="audit/matches.html.j2",
        data={"matches": [_match(one) for one in shown]},
    )


def _match(one: Mapping[str, Any]) -> dict[str, Any]:
    span = one["spans"][0]
    return {
        "benchmark": one["benchmark"],
        "item": one["item"],
        "net": one["net"],
        "score": f"{one['score']:.2f}",
        "documents": several(one["documents"], "document"),
        "document": span["document"],
        "own": _parts(one["text"], span["item_marks"]),
        "found": _parts(span["text"], span["marks"]),
    }


def _parts(text: str, marks: Sequence[Sequence[int]]) -> list[dict[str, Any]]:
    """Divide a text into marked and unmarked parts."""
    parts, at = [], 0
    for start, end in sorted((a, b) for a, b in marks):
        start, end = max(start, at), max(end, at)
        parts += [{"text": text[at:start], "marked": False}, {"text": text[start:end], "marked": True}]
        at = end
    return [part for part in [*parts, {"text": text[at:], "marked": False}] if part["text"]]


def missed(document: Document) -> Section | None:
    """What each net alone would have missed."""
    if not any(one["missed"] or one["found_alone"] for one in document["missed"]):
        return None
    rows = [
        [one["benchmark"], one["net"], count(one["missed"]), count(one["found_alone"])] for one in document["missed"]
    ]
    table = HtmlTable(
        ("Benchmark", "Net", "Items that only others flag", "Items that it alone flags"),
        rows,
        numeric=frozenset({2, 3}),
    )
    return Section("missed", "What each net would have missed", tables=[table], short="What nets miss")


def audit_figures(document: Document) -> list[Figure]:
    """Return the figures of the page."""
    return list(shares(document).figures)


CHAPTERS: tuple[Callable[[Document], Section | None], ...] = (shares, sources, rates, corrected, matches, missed)
