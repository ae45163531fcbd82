"""Tabulates what ``gauger compare`` says besides its estimates: pairs, ranks, groups, audit, flips, other scorings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gauger.cli.compare_cells import Row, comparison_table, interval_in_points, plain_number, set_in_points, where
from gauger.records import Scale

if TYPE_CHECKING:
    from gauger.records import Document


def further_tables(document: Document) -> list[tuple[str, str]]:
    """Return (title, table) of everything that a comparison says besides its estimates, in the order of the text."""
    study = document.study
    tables = (
        ("Every pair of students, intervals for all pairs at once:", _pairs(document)),
        ("Ranks (1 is best), intervals for all at once:", _ranks(study)),
        ("Where the checkpoints leave the first one:", _series(study)),
        ("On scales of their own:", _other_scales(study)),
        (f"By {study.get('by', {}).get('column')}:", _groups(study)),
        ("Items that the audit touches, clean items, and how much more is gained on the touched:", _audited(study)),
        ("Items that were won and lost:", _flips(study)),
        ("The same outputs scored in other ways:", _scorings(document)),
    )
    return [(title, content) for title, content in tables if content]


def _pairs(document: Document) -> str:
    rows = [
        (
            estimate.arm,
            str(estimate.control),
            where(estimate.benchmark, estimate.over),
            "undefined" if estimate.value is None else f"{100 * estimate.value:+.1f}",
            interval_in_points(estimate.simultaneous_low, estimate.simultaneous_high, estimate.value),
        )
        for estimate in document.estimates
        if estimate.estimand == "difference"
    ]
    return comparison_table(("Arm", "Against", "On", "Value", "95 % interval"), rows) if rows else ""


def _ranks(study: Mapping[str, Any]) -> str:
    rows = [
        (
            where(row["benchmark"], row["over"]),
            row["arm"],
            f"{100 * row['score']:.1f}",
            str(row["rank"]),
            f"{row['low']} to {row['high']}",
        )
        for row in study.get("ranks", ())
    ]
    return comparison_table(("On", "Arm", "Score", "Rank", "95 % interval"), rows) if rows else ""


def _series(study: Mapping[str, Any]) -> str:
    rows = [
        (
            where(entry["benchmark"], entry["over"]),
            "no change seen"
            if entry["begins_by"] is None
            else f"{entry['direction']}, begins after {entry['begins_after']:g} and by {entry['begins_by']:g}",
        )
        for entry in study.get("series", ())
    ]
    return comparison_table(("On", "Note"), rows) if rows else ""


def _other_scales(study: Mapping[str, Any]) -> str:
    rows = [
        (
            row["benchmark"],
            row["measure"],
            row["better"],
            row["arm"],
            plain_number(row["score_arm"]),
            plain_number(row["score_control"]),
            f"{row['value']:+.4g}",
            f"{row['low']:+.4g} to {row['high']:+.4g}",
            str(row["n_items"]),
            row["conclusion"],
        )
        for row in study.get("other_scales", ())
    ]
    header = ("Uplift on", "Measure", "Better", "Arm", "Score", "Control", "Value", "95 % interval", "Items", "")
    return comparison_table(header, rows) if rows else ""


def _groups(study: Mapping[str, Any]) -> str:
    rows = [
        (
            estimate["benchmark"],
            estimate["group"],
            estimate["estimand"],
            estimate["arm"],
            "undefined" if estimate["value"] is None else f"{100 * estimate['value']:+.1f}",
            set_in_points(estimate),
            interval_in_points(estimate["simultaneous_low"], estimate["simultaneous_high"], estimate["value"]),
            "" if estimate["n_items"] is None else str(estimate["n_items"]),
        )
        for estimate in study.get("by", {}).get("estimates", ())
        if estimate["estimand"] != "score"
    ]
    header = ("On", "Group", "Estimate", "Arm", "Value", "95 % interval", "for all groups at once", "Items")
    return comparison_table(header, rows) if rows else ""


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
    return "\n".join([*lines, comparison_table(header, rows)])


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
    return comparison_table(("On", "Arm", "Won", "Lost", "Same", "Won items", "Lost items"), rows) if rows else ""


def _named(items: Sequence[str], count: int) -> str:
    return ", ".join(items) + (", ..." if count > len(items) else "")


def _scorings(document: Document) -> str:
    scorings = [scoring for scoring in document.study["extraction"] if scoring["estimand"] == "uplift"]
    if all(scoring["primary"] for scoring in scorings):
        return ""
    header = ("Uplift on", "Scored by", "Value", "95 % interval", "Items", "")
    return comparison_table(header, map(_scoring_row, scorings))


def _scoring_row(scoring: dict[str, Any]) -> Row:
    value = "undefined" if scoring["value"] is None else f"{100 * scoring['value']:+.1f}"
    items = "" if scoring["n_items"] is None else str(scoring["n_items"])
    interval = interval_in_points(scoring["low"], scoring["high"], scoring["value"])
    return (scoring["benchmark"], scoring["measure"], value, interval, items, scoring["conclusion"])
