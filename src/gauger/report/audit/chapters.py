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
        [benchmark["benchmark"], count(benchmark["n_items"]), count(benchmark["flagged"]),
         _cell(benchmark["share"], benchmark["low"], benchmark["high"]), listing(benchmark["counted_nets"]) or "none"]
        for benchmark in document["benchmarks"]
    ]  # fmt: skip
    table = HtmlTable(
        ("Benchmark", "Items", "Touched", "Share (95 %)", "Nets that count"), rows, numeric=frozenset({1, 2, 3})
    )
    lines = [
        ForestLine(benchmark["benchmark"], _estimate(benchmark), BLUE if benchmark["flagged"] else SLATE)
        for benchmark in document["benchmarks"]
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


def _estimate(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "estimand": "share", "arm": row["benchmark"], "benchmark": row["benchmark"], "over": None, "role": None,
        "value": row["share"], "low": row["low"], "high": row["high"], "simultaneous_low": None,
        "simultaneous_high": None, "n_items": row["n_items"], "n_replicates": None, "reason": row.get("reason"),
    }  # fmt: skip


def _lead(document: Document) -> list[str]:
    touched = [benchmark for benchmark in document["benchmarks"] if benchmark["flagged"]]
    if not touched:
        return ["No item was found. What copies of each kind would have been found is said below."]
    sentences = [
        f"{row['benchmark']}: {count(row['flagged'])} of {several(row['n_items'], 'item')} ({percent(row['share'], 1)})"
        for row in touched
    ]
    return [f"{'; '.join(sentences[:6])}{'; …' if len(sentences) > 6 else ''}."]


def _left_out(document: Document) -> list[str]:
    return [
        f"{benchmark['benchmark']}: “{net}” flags more than one in twenty items that are surely in no text."
        for benchmark in document["benchmarks"]
        for net in benchmark["left_out_nets"]
    ]


def sources(document: Document) -> Section | None:
    """The same by source."""
    if len(document["corpora"]) < 2:
        return None
    rows = [
        [
            row["benchmark"],
            row["source"],
            row["net"],
            count(row["flagged"]),
            _cell(row["share"], row["low"], row["high"]),
        ]
        for row in document["sources"]
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
        [row["benchmark"], row["net"], row["class"], count(row["n_planted"]),
         _cell(row["recall"], row["recall_low"], row["recall_high"]), count(row["n_negatives"]),
         _cell(row["false_positive_rate"], row["fpr_low"], row["fpr_high"])]
        for row in document["nets"]
        if row["n_planted"]
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
        [row["benchmark"], row["net"], row["class"], _cell(row["share"], row["low"], row["high"], row.get("reason"))]
        for row in document["corrected"]
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
    for item in document["items"]:
        key = (item["benchmark"], item["item"])
        if item["flag"] and item["spans"] and (key not in best or item["score"] > best[key]["score"]):
            best[key] = item
    if not best:
        return None
    shown = sorted(best.values(), key=lambda item: -item["score"])[:_SHOWN]
    which = "all are shown" if len(shown) == len(best) else f"the {len(shown)} with the highest scores are shown"
    lead = [f"{several(len(best), 'item')} flagged; {which}. Marked is what both texts have in common."]
    return Section(
        "matches",
        "Worst matches",
        lead,
        template="audit/matches.html.j2",
        data={"matches": [_match(item) for item in shown]},
    )


def _match(item: Mapping[str, Any]) -> dict[str, Any]:
    span = item["spans"][0]
    return {
        "benchmark": item["benchmark"],
        "item": item["item"],
        "net": item["net"],
        "score": f"{item['score']:.2f}",
        "documents": several(item["documents"], "document"),
        "document": span["document"],
        "own": _parts(item["text"], span["item_marks"]),
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
    if not any(row["missed"] or row["found_alone"] for row in document["missed"]):
        return None
    rows = [
        [row["benchmark"], row["net"], count(row["missed"]), count(row["found_alone"])] for row in document["missed"]
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
