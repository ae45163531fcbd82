"""Tabulates defences: outcomes with costs, what every attacker spent, and what the literature has of the same kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gauger.report.blocks import HtmlTable, TableCell
from gauger.report.document_view import Row, View
from gauger.report.parts.defences_rows import OUTCOME_MARKS, attackers_on, best, limits_of, one_of, surfaces
from gauger.report.tables import matrix_cell, without_empty
from gauger.report.wording import count, number, percent, quantity

RATES = {
    "uplift_per_thousand_queries": "Per 1000 queries",
    "uplift_per_million_tokens": "Per million tokens",
    "uplift_per_dollar": "Per dollar",
}
_KINDS = {"works": "good", "does_not": "bad", "undetermined": "warn", "not_powered": "undefined"}


def summary_table(view: View, entries: Sequence[Row]) -> HtmlTable:
    """Return one row per defence: outcome, what it takes, what it costs."""
    columns = (
        "Defence",
        "Outcome",
        "Best attacker keeps",
        "Uplift removed",
        "Share left",
        "Honest cost",
    )
    names = ("best_uplift", "uplift_removed", "residual_share", "honest_cost")
    body = [[*_outcome(entry), *_numbers(view, entry["defence"], names)] for entry in entries]
    caption = "Defences against the best of these attackers, percentage points (interval)"
    return HtmlTable(columns, body, caption, numeric=frozenset(range(2, len(columns))))


def honest_table(view: View, entries: Sequence[Row]) -> HtmlTable:
    """Return one row per defence: what honest users lose, are refused, do not get at all, and read."""
    columns = (
        "Defence",
        "Teacher's score lost",
        "Uplift removed per point lost",
        "Queries refused",
        "Without an answer",
        "Tokens of an answer",
    )
    body = [
        [
            TableCell(entry["defence"], kind="code"),
            *_numbers(view, entry["defence"], ("honest_cost", "exchange_rate")),
            *_honest(entry["honest"]),
        ]
        for entry in entries
    ]
    caption = "What honest users lose, when they ask the benchmarks' questions"
    return HtmlTable(columns, body, caption, numeric=frozenset(range(1, len(columns))))


def _outcome(entry: Row) -> list[TableCell | str]:
    about = f"{'; '.join((entry['surface'], *limits_of(entry)))}. {entry['description']}".strip()
    name = TableCell(entry["defence"], title=about, kind="code")
    return [name, TableCell(OUTCOME_MARKS[entry["outcome"]][0], title=entry["why"], kind=_KINDS[entry["outcome"]])]


def _numbers(view: View, defence: str, names: Sequence[str]) -> list[TableCell]:
    return [matrix_cell(best(view, name, defence)) for name in names]


def _honest(honest: Mapping[str, Mapping[str, Any]]) -> list[TableCell]:
    refused, tokens = honest["defended"]["refused"], honest["defended"]["tokens_out"]
    before = honest["open"]["tokens_out"]
    told = "–" if tokens is None else number(tokens) + ("" if before is None else f" (open {number(before)})")
    shares = (refused, honest["defended"].get("unanswered"))
    return [
        *(TableCell("–" if share is None else percent(share), sort=share) for share in shares),
        TableCell(told, sort=tokens),
    ]


def cost_table(view: View, entries: Sequence[Row]) -> HtmlTable:
    """Return what every attacker spent on every surface, and what uplift it bought."""
    columns = ("Surface", "Attacker", "Uplift", "Queries", "Teacher's tokens", "US dollars", *RATES.values())
    body: list[list[TableCell | str]] = []
    for surface in surfaces(entries):
        for attacker in attackers_on(view, surface):
            row = one_of(view, "uplift", surface, attacker)
            arm = view.arm(row["arm"]) if row is not None else {}
            spent = [TableCell(count(arm.get(name)), sort=arm.get(name)) for name in ("queries", "teacher_tokens")]
            usd = arm.get("usd")
            bill = TableCell("–" if usd is None else number(usd, 2), sort=usd)
            rates = [matrix_cell(one_of(view, name, surface, attacker)) for name in RATES]
            shown = [TableCell("–") if cell.text == "not in this study" else cell for cell in rates]
            named = [TableCell(surface, kind="code"), TableCell(attacker, kind="code")]
            body.append([*named, matrix_cell(row), *spent, bill, *shown])
    caption = "What attackers spent, per replicate, and the points of uplift that it bought"
    return without_empty(HtmlTable(columns, body, caption, numeric=frozenset(range(2, len(columns))), folded=True))


def literature_table(entries: Sequence[Row]) -> HtmlTable | None:
    """Return the published figures for the same kinds of defences; None where there are none."""
    columns = ("Like", "Published defence", "Study", "Benchmark", "Student before", "Passive student", "Removed",
               "Adaptive student", "Regained", "Teacher lost", "Where it stands")  # fmt: skip
    body: list[list[TableCell | str]] = [
        [
            TableCell(entry["defence"], kind="code"),
            row["defence"],
            row["study_id"],
            row["benchmark"],
            *(_share(row[name]) for name in ("student_open", "student_defended")),
            _points(row["removed"]),
            _share(row["student_adaptive"]),
            _points(row["regained"]),
            _points(row["honest_cost"]),
            TableCell(row["source"], kind="note"),
        ]
        for entry in entries
        for row in entry["literature"]
    ]
    caption = "The literature's figures for the same kinds of defence, beside this study's and not pooled with them"
    return HtmlTable(columns, body, caption, numeric=frozenset(range(4, 10)), folded=True) if body else None


def _share(value: float | None) -> TableCell:
    return TableCell("–" if value is None else percent(value, 1), sort=value)


def _points(value: float | None) -> TableCell:
    return TableCell("–" if value is None else quantity(value, "points"), sort=value)
