"""Introduces what was compared: the words the report uses, the arms and the benchmarks."""

from __future__ import annotations

from markupsafe import Markup

from gauger.report.blocks import HtmlTable, Section, TableCell
from gauger.report.document_view import View
from gauger.report.tables import without_empty
from gauger.report.wording import KIND_WORDS, ROLE_WORDS, codes, count, fill, several


def build(view: View) -> Section | None:
    """Return the chapter that introduces arms and benchmarks."""
    if not view.arms and not view.benchmarks:
        return None
    return Section(
        "setup",
        "What was compared",
        _lead(view),
        tables=[table for table in (_arms(view), _benchmarks(view)) if table.rows],
        short="What was compared",
    )


def _lead(view: View) -> list[str | Markup]:
    lead: list[str | Markup] = []
    if view.distilled:
        lead.append(fill("Arms trained on the teacher's outputs: {arms}.", arms=codes(view.distilled)))
    roles = [role for role in view.roles if role in ROLE_WORDS]
    if roles:
        lead.append(
            "Roles of the benchmarks: " + "; ".join(f"{role} ({ROLE_WORDS[role]})" for role in roles if role) + "."
        )
    if not view.is_compare:
        lead.append(
            "Uplift is what an arm scores beyond its matched arm: as many rows and steps in the same format, without "
            "the teacher. Raw gain is what it scores beyond the untouched base. Differences are in percentage points. "
            "The token ledger counts what each arm was trained on."
        )
    return lead


def _room(view: View, name: str) -> TableCell:
    end = view.without_room.get(name)
    return TableCell(f"none: every arm at its {end}", kind="warn") if end else TableCell("–")


def _arms(view: View) -> HtmlTable:
    columns = (
        "Arm",
        "Kind",
        "What it was trained on",
        "Matched by",
        "Its tokens",
        "Seeds",
        "Steps",
        "Tokens",
        "Distinct",
        "By teacher",
    )
    rows = [
        [
            TableCell(arm["name"], kind="code"),
            TableCell(arm["kind"], title=KIND_WORDS.get(arm["kind"], "")),
            arm.get("description") or KIND_WORDS.get(arm["kind"], ""),
            TableCell(arm.get("matched") or "–", kind="code"),
            _matched_tokens(arm.get("matched_tokens")),
            arm.get("seed_source") or "–",
            *(count(arm.get(key)) for key in ("steps", "tokens", "unique_tokens", "teacher_tokens")),
        ]
        for arm in view.arms
    ]
    return without_empty(
        HtmlTable(columns, rows, f"{several(len(rows), 'arm')}", numeric=frozenset({4, 6, 7, 8, 9}), folded=True)
    )


def _matched_tokens(share: float | None) -> TableCell | str:
    if share is None:
        return "–"
    return TableCell(f"{100 * share:.1f} %", title="Training tokens of the matched arm, as a share of the arm's own")


def _benchmarks(view: View) -> HtmlTable:
    columns = ("Benchmark", "Role", "Room", "Skill", "Form", "Items", "What it asks")
    rows = [
        [
            TableCell(row["name"], kind="code"),
            row.get("role") or "–",
            _room(view, row["name"]),
            row.get("skill") or "–",
            row.get("form") or "–",
            count(row.get("n_items")),
            row.get("description") or "–",
        ]
        for row in view.benchmarks
    ]
    return without_empty(
        HtmlTable(columns, rows, f"{several(len(rows), 'benchmark')}", numeric=frozenset({5}), folded=True)
    )
