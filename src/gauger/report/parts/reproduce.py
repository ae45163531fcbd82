"""Tells how to get these numbers again, and lists all of them in one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gauger.report.blocks import HtmlTable, Section, TableCell
from gauger.report.document_view import View, role_of
from gauger.report.tables import interval_cell, note_cell, place_of, value_cell, without_empty
from gauger.report.wording import count, estimand, number, quantity

NAMES = {
    "fingerprint": "Fingerprint",
    "seed": "Seed",
    "replicates": "Replicates",
    "world": "World",
    "versions": "Versions",
}


def build(view: View) -> Section | None:
    """Return command, seeds, versions and fingerprint."""
    facts = list(_facts(view.study))
    if not facts:
        return None
    lead = (
        "The same command with the same versions gives the same numbers. The fingerprint covers everything that can "
        "change one of them."
    )
    return Section(
        "reproduce",
        "How to get these numbers again",
        [lead],
        template="facts.html.j2",
        data={"facts": facts},
        short="Reproduce",
    )


def _facts(study: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if study.get("command"):
        yield {"name": "Command", "value": study["command"], "code": True}
    shown = ("name", "question", "kind", "command", "extraction")
    for key in (*NAMES, *(key for key in study if key not in NAMES and key not in shown)):
        if study.get(key) not in (None, "", {}, []):
            yield {
                "name": NAMES.get(key, key.replace("_", " ").capitalize()),
                "value": _flat(study[key]),
                "code": False,
            }


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_flat(entry)}" for key, entry in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_flat(entry) for entry in value)
    return str(value)


def every_estimate(view: View) -> Section | None:
    """Return the table of all estimates, filterable; undefined ones print their reason."""
    if not view.estimates:
        return None
    columns = (
        "Estimand", "Arm", "Against", "Benchmark", "Role", "Value", "Interval", "For all at once",
        "Std. error", "df", "Items", "Clusters", "Replicates", "Note",
    )  # fmt: skip
    body: list[list[TableCell | str]] = [
        [
            TableCell(estimand(row["estimand"]).label, title=estimand(row["estimand"]).meaning),
            TableCell(row["arm"], kind="code"),
            TableCell(row["control"] or "–", kind="code"),
            place_of(row),
            role_of(row) or "–",
            value_cell(row),
            interval_cell(row),
            interval_cell(row, "simultaneous_"),
            TableCell("" if row["se"] is None else quantity(row["se"], "percent", digits=2), sort=row["se"]),
            TableCell("" if row["df"] is None else number(row["df"], 1), sort=row["df"]),
            *(
                TableCell("" if row[key] is None else count(row[key]), sort=row[key])
                for key in ("n_items", "n_clusters", "n_replicates")
            ),
            note_cell(row),
        ]
        for row in view.estimates
    ]
    lead = (
        "Differences are in percentage points, scores and shares in per cent; standard errors are in the unit of their "
        "value. A row without a value says why. The machine-readable form is estimates.json."
    )
    table = HtmlTable(columns, body, numeric=frozenset(range(5, 13)), filters=(0, 1, 3, 4), id="every-estimate")
    return Section("numbers", "Every estimate", [lead], tables=[without_empty(table)], short="Every estimate")
