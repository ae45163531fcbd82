"""Shows a comparison as text: what was compared, the estimates in percentage points, ranks, flips, other scorings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gauger.cli.tables import table
from gauger.records import Scale, SetKind

if TYPE_CHECKING:
    from gauger.records import Document, Estimate

Row = tuple[str, ...]

FEW = 5
"""Up to so many benchmarks are named one by one."""

RATIOS = ("gap_recovered", "carryover", "benchmark_bound_share")
"""Estimands that are shares, shown in per cent; all others are differences, in percentage points."""
TEXT_COLUMNS = frozenset(
    {"Score on", "Role", "Arm", "Against", "Estimate", "On", "Uplift on", "Scored by", "95 % interval", "Note", ""}
    | {"Measure", "Better", "Group", "Won items", "Lost items", "for all groups at once"}
)
"""Columns of words; the others are numbers, set to the right."""


def comparison_text(document: Document) -> str:
    """Return the whole comparison as text; it ends with the first screen of its report."""
    from gauger.report import summary

    study, lines = document.study, [_arms(document), _scores(document)]
    estimates = [estimate for estimate in document.estimates if estimate.estimand not in ("score", "difference")]
    lines.append(_estimates(estimates))
    parts = (
        ("Every pair of students, intervals for all pairs at once:", _pairs(document)),
        ("Ranks (1 is best), intervals for all at once:", _ranks(study)),
        ("Where the checkpoints leave the first one:", _series(study)),
        ("On scales of their own:", _other_scales(study)),
        (f"By {study.get('by', {}).get('column')}:", _groups(study)),
        ("Items that the audit touches, clean items, and how much more is gained on the touched:", _audited(study)),
        ("Items that were won and lost:", _flips(study)),
        ("The same outputs scored in other ways:", _scorings(document)),
    )
    for title, content in parts:
        if content:
            lines += [f"\n{title}", content]
    return "\n".join([*lines, "", summary(document.to_dict())])


def _arms(document: Document) -> str:
    arms = [f"{arm.name}: {arm.description}" for arm in document.arms]
    by_measure: dict[str, list[str]] = {}
    for benchmark, measure in document.study["measures"].items():
        by_measure.setdefault(measure, []).append(benchmark)
    measures = "; ".join(f"{_benchmarks(benchmarks)} by {measure}" for measure, benchmarks in by_measure.items())
    return "\n".join([*arms, *([f"compared: {measures}"] if measures else [])])


def _benchmarks(names: Sequence[str]) -> str:
    """Name benchmarks, of many the first few."""
    if len(names) <= FEW:
        return ", ".join(names)
    return f"{len(names)} benchmarks ({', '.join(names[:3])}, ...)"


def _scores(document: Document) -> str:
    """Return the mean score of every arm on every benchmark, in per cent of its items."""
    scores = {
        (estimate.benchmark, estimate.arm): estimate.value
        for estimate in document.estimates
        if estimate.estimand == "score"
    }
    names = [arm.name for arm in document.arms]
    rows = [
        (info.name, info.role or "-", *(_percent(scores.get((info.name, name))) for name in names), str(info.n_items))
        for info in document.benchmarks
    ]
    return _table(("Score on", "Role", *names, "Items"), rows)


def _estimates(estimates: Sequence[Estimate]) -> str:
    rows = []
    for estimate in estimates:
        name, *rest = _estimate_row(estimate)
        rows.append((name, estimate.arm, *rest))
    return _table(("Estimate", "Arm", "On", "Value", "95 % interval", "Items", "Note"), rows)


def _estimate_row(estimate: Estimate) -> Row:
    value = "undefined" if estimate.value is None else f"{_on_scale(estimate, estimate.value)}{_unit(estimate)}"
    note = estimate.reason or estimate.note or ""
    items = "" if estimate.n_items is None else str(estimate.n_items)
    return (_name(estimate), _where(estimate.benchmark, estimate.over), value, _set(estimate), items, note)


def _name(estimate: Estimate) -> str:
    scale = {Scale.LOGIT: ", item logits", Scale.LEAD: ", of the lead"}.get(Scale(estimate.scale), "")
    return estimate.estimand.replace("_", " ") + scale


def _unit(estimate: Estimate) -> str:
    return " %" if estimate.estimand in RATIOS or estimate.scale == Scale.LEAD else ""


def _on_scale(estimate: Estimate, number: float) -> str:
    """Write a number on its own scale: points and shares times 100, a difference of item logits as it is."""
    in_logits = estimate.scale == Scale.LOGIT and estimate.estimand not in RATIOS
    return f"{number:+.2f}" if in_logits else f"{100 * number:+.1f}"


def _set(estimate: Estimate) -> str:
    """Write a confidence set so that no two numbers look like an interval that is none."""
    if estimate.value is None or estimate.kind == SetKind.NONE:
        return ""
    if estimate.kind == SetKind.EVERYTHING:
        return "no value is ruled out"
    low, high = (None if end is None else _on_scale(estimate, end) for end in (estimate.low, estimate.high))
    words = {
        SetKind.OUTSIDE: f"below {low} or above {high}",
        SetKind.BELOW: f"at most {high}",
        SetKind.ABOVE: f"at least {low}",
    }
    return words.get(SetKind(estimate.kind), f"{low} to {high}")


def _where(benchmark: str | None, over: str | None) -> str:
    """Name a benchmark, or an average with the way it was taken."""
    if benchmark is not None:
        return benchmark
    if over is not None and over.startswith("other "):
        return over
    if over in (None, "all"):
        return "all benchmarks, each alike"
    if over == "all, weighted by items":
        return "all benchmarks, by items"
    plain = str(over)
    return (
        plain
        if plain.startswith("other ") or plain.endswith((", weighted by items", ", benchmarks alike"))
        else f"all {over}"
    )


def _pairs(document: Document) -> str:
    rows = [
        (
            estimate.arm,
            str(estimate.control),
            _where(estimate.benchmark, estimate.over),
            "undefined" if estimate.value is None else f"{100 * estimate.value:+.1f}",
            _interval(estimate.simultaneous_low, estimate.simultaneous_high, estimate.value),
        )
        for estimate in document.estimates
        if estimate.estimand == "difference"
    ]
    return _table(("Arm", "Against", "On", "Value", "95 % interval"), rows) if rows else ""


def _ranks(study: Mapping[str, Any]) -> str:
    rows = [
        (
            _where(row["benchmark"], row["over"]),
            row["arm"],
            f"{100 * row['score']:.1f}",
            str(row["rank"]),
            f"{row['low']} to {row['high']}",
        )
        for row in study.get("ranks", ())
    ]
    return _table(("On", "Arm", "Score", "Rank", "95 % interval"), rows) if rows else ""


def _series(study: Mapping[str, Any]) -> str:
    rows = [
        (
            _where(entry["benchmark"], entry["over"]),
            "no change seen"
            if entry["begins_by"] is None
            else f"{entry['direction']}, begins after {entry['begins_after']:g} and by {entry['begins_by']:g}",
        )
        for entry in study.get("series", ())
    ]
    return _table(("On", "Note"), rows) if rows else ""


def _other_scales(study: Mapping[str, Any]) -> str:
    rows = [
        (
            row["benchmark"],
            row["measure"],
            row["better"],
            row["arm"],
            _number(row["score_arm"]),
            _number(row["score_control"]),
            f"{row['value']:+.4g}",
            f"{row['low']:+.4g} to {row['high']:+.4g}",
            str(row["n_items"]),
            row["conclusion"],
        )
        for row in study.get("other_scales", ())
    ]
    header = ("Uplift on", "Measure", "Better", "Arm", "Score", "Control", "Value", "95 % interval", "Items", "")
    return _table(header, rows) if rows else ""


def _groups(study: Mapping[str, Any]) -> str:
    rows = [
        (
            estimate["benchmark"],
            estimate["group"],
            estimate["estimand"],
            estimate["arm"],
            "undefined" if estimate["value"] is None else f"{100 * estimate['value']:+.1f}",
            _interval(estimate["low"], estimate["high"], estimate["value"]),
            _interval(estimate["simultaneous_low"], estimate["simultaneous_high"], estimate["value"]),
            "" if estimate["n_items"] is None else str(estimate["n_items"]),
        )
        for estimate in study.get("by", {}).get("estimates", ())
        if estimate["estimand"] != "score"
    ]
    header = ("On", "Group", "Estimate", "Arm", "Value", "95 % interval", "for all groups at once", "Items")
    return _table(header, rows) if rows else ""


def _audited(study: Mapping[str, Any]) -> str:
    audit = study.get("audit")
    if not audit:
        return ""
    lines = [
        f"{row['benchmark']}: {row['touched']} touched, {row['clean']} clean, {row['unknown']} unknown to the audit"
        for row in audit["benchmarks"]
    ]
    lines += [f"{name}: left out: {why}" for name, why in audit["left_out"].items()]
    rows = [
        _audited_row(estimate, str(estimate["group"]))
        for estimate in audit["estimates"]
        if estimate["estimand"] != "score"
    ]
    rows += [_audited_row(estimate, "clean, targeted over parallel") for estimate in audit["unexplained"]]
    header = ("On", "Items", "Estimate", "Arm", "Value", "95 % interval", "Note")
    return "\n".join([*lines, _table(header, rows)])


def _audited_row(row: Mapping[str, Any], group: str) -> Row:
    name = "more gained on touched" if group == "difference" else row["estimand"]
    logits = row["scale"] == Scale.LOGIT
    scale = 1 if logits else 100
    value = "undefined" if row["value"] is None else f"{scale * row['value']:+.{2 if logits else 1}f}"
    known = row["value"] is not None and row["low"] is not None and row["high"] is not None
    interval = f"{scale * row['low']:+.1f} to {scale * row['high']:+.1f}" if known else ""
    label = f"{name}, item logits" if logits else name
    where = row["benchmark"] or "all benchmarks, each alike"
    return (where, group, label, row["arm"], value, interval, row["reason"] or row["note"] or "")


def _flips(study: Mapping[str, Any]) -> str:
    rows = [
        (
            flip["benchmark"],
            flip["arm"],
            str(flip["won"]),
            str(flip["lost"]),
            str(flip["same"]),
            _named(flip["items_won"], flip["won"]),
            _named(flip["items_lost"], flip["lost"]),
        )
        for flip in study.get("flips", ())
    ]
    return _table(("On", "Arm", "Won", "Lost", "Same", "Won items", "Lost items"), rows) if rows else ""


def _named(items: Sequence[str], count: int) -> str:
    return ", ".join(items) + (", ..." if count > len(items) else "")


def _scorings(document: Document) -> str:
    scorings = [scoring for scoring in document.study["extraction"] if scoring["estimand"] == "uplift"]
    if all(scoring["primary"] for scoring in scorings):
        return ""
    header = ("Uplift on", "Scored by", "Value", "95 % interval", "Items", "")
    return _table(header, map(_scoring_row, scorings))


def _scoring_row(scoring: dict[str, Any]) -> Row:
    value = "undefined" if scoring["value"] is None else f"{100 * scoring['value']:+.1f}"
    items = "" if scoring["n_items"] is None else str(scoring["n_items"])
    interval = _interval(scoring["low"], scoring["high"], scoring["value"])
    return (scoring["benchmark"], scoring["measure"], value, interval, items, scoring["conclusion"])


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    numeric = [place for place, name in enumerate(header) if name not in TEXT_COLUMNS]
    return "\n" + table(header, rows, numeric)


def _interval(low: float | None, high: float | None, value: float | None) -> str:
    if value is None:
        return ""
    ends = ("-inf" if low is None else f"{100 * low:+.1f}", "inf" if high is None else f"{100 * high:+.1f}")
    return f"{ends[0]} to {ends[1]}"
