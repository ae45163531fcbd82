"""Shows what the arms were trained on: the token ledger, the fate of every answer, samples of the teacher's text."""

from __future__ import annotations

from collections.abc import Sequence

from gauger.records import Role
from gauger.report.blocks import HtmlTable, Section, TableCell
from gauger.report.document_view import Row, View
from gauger.report.tables import matrix_cell
from gauger.report.wording import count, number, percent, several

SAMPLES_PER_ARM = 4

LEDGER = {
    "arm": "Arm",
    "source": "Source",
    "samples": "Samples",
    "tokens": "Tokens trained on",
    "unique_tokens": "Distinct tokens",
    "epochs": "Epochs",
    "teacher_tokens_in": "Teacher read",
    "teacher_tokens_out": "Teacher wrote",
    "queries": "Queries",
    "usd": "US dollars",
    "dropped": "Dropped",
    "overlaps": "Overlaps with test items",
}
EFFICIENCY = {
    "uplift_per_thousand_teacher_tokens": "Per 1000 tokens",
    "uplift_per_query": "Per query",
    "uplift_per_dollar": "Per US dollar",
}
OUTCOMES = ("scored", "unparsed", "truncated", "refused", "failed")


def build(view: View) -> Section | None:
    """Return the chapter on training material, or None where there was none."""
    ledger, examples = view.rows("ledger"), view.rows("examples")
    if not ledger and not examples:
        return None
    lead = []
    if ledger:
        lead.append(
            "Tokens trained on count repeats; distinct tokens do not. Overlaps are training samples that share text "
            "with a test item."
        )
    lead += _money(ledger)
    arms = _samples(examples)
    return Section(
        "material",
        "What the arms were trained on",
        lead,
        summary=_ledger(ledger) if ledger else None,
        tables=[table for table in (_efficiency(view),) if table is not None],
        template="examples.html.j2" if arms else "",
        data={"arms": arms},
        short="Training material",
    )


def _efficiency(view: View) -> HtmlTable | None:
    """Return what teacher tokens and queries buy, over targeted and near benchmarks; None where not estimated."""
    names = [name for name in EFFICIENCY if view.arms_with(name)]
    arms = [arm for arm in view.distilled if any(view.of(name, arm) for name in names)]
    if not arms:
        return None
    roles = [role for role in (Role.TARGETED, Role.NEAR) if role in view.roles]
    columns = ("Arm", *(f"{EFFICIENCY[name]}, {role}" for name in names for role in roles))
    rows = [
        [
            TableCell(arm, kind="code"),
            *(matrix_cell(view.headline(name, arm, role)) for name in names for role in roles),
        ]
        for arm in arms
    ]
    title = "What the teacher's tokens buy, points of mean uplift (interval)"
    return HtmlTable(columns, rows, title, numeric=frozenset(range(1, len(columns))))


def _ledger(rows: Sequence[Row]) -> HtmlTable:
    rows = [{**row, "usd": usd_range(row.get("usd_low"), row.get("usd_high"))} for row in rows]
    keys = [key for key in LEDGER if any(row.get(key) is not None for row in rows)]
    numeric = frozenset(place for place, key in enumerate(keys) if key not in ("arm", "source"))
    body = [[_ledger_cell(row, key) for key in keys] for row in rows]
    return HtmlTable([LEDGER[key] for key in keys], body, "Token ledger, per replicate", numeric=numeric)


def _ledger_cell(row: Row, key: str) -> TableCell:
    value = row.get(key)
    if key in ("arm", "source"):
        return TableCell(str(value or "–"), kind="code" if key == "arm" else "")
    if key == "usd":
        return TableCell(value or "–", sort=row.get("usd_high"))
    if key == "epochs" and value is not None:
        return TableCell(number(value, 1))
    return TableCell(count(value), kind="warn" if key == "overlaps" and value else "")


def usd_range(low: float | None, high: float | None) -> str | None:
    """Write a bill: one amount where the provider stated all of it, else what it stated to the most possible."""
    if low is None or high is None:
        return None
    ends = [f"{end:.4f}" if high < 1 else f"{end:,.2f}" for end in (low, high)]
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def _money(ledger: Sequence[Row]) -> list[str]:
    """Say what the dollars are, where a bill is a range."""
    if all(row.get("usd_low") == row.get("usd_high") for row in ledger):
        return []
    return [
        "Dollars from what the provider stated to the most possible: replies whose use it does not state, and requests "
        "that were lost and may have been billed, count at the most that they could use. Uplift per dollar takes the "
        "middle."
    ]


def _samples(examples: Sequence[Row]) -> list[Row]:
    arms = list(dict.fromkeys(row.get("arm", "") for row in examples))
    by_arm: list[Row] = []
    for arm in arms:
        own = [row for row in examples if row.get("arm", "") == arm][:SAMPLES_PER_ARM]
        samples = [{"prompt": str(row.get("prompt") or ""), "answer": str(row.get("answer") or "")} for row in own]
        strategy = own[0].get("strategy") or ""
        by_arm.append({"name": arm, "strategy": strategy, "samples": samples, "count": several(len(own), "sample")})
    return by_arm


def outcomes(view: View) -> Section | None:
    """Return what became of every answer, or None where the document does not say."""
    rows = view.rows("outcomes")
    if not rows:
        return None
    totals = {name: sum(row.get(name) or 0 for row in rows) for name in OUTCOMES}
    every = sum(totals.values())
    told = [f"{percent(totals[name] / every, 1)} {name}" for name in OUTCOMES if totals[name] and every]
    lead = (
        f"Of {count(every)} answers: {', '.join(told)}. Only scored answers carry a score; the others are counted here "
        "and never enter as zero, unless the study declares that unparsed answers count as wrong."
    )
    body = [
        [
            TableCell(row["arm"], kind="code"),
            TableCell(row["benchmark"], kind="code"),
            *(_outcome(row, name) for name in OUTCOMES),
        ]
        for row in rows
    ]
    columns = ("Arm", "Benchmark", *(name.capitalize() for name in OUTCOMES))
    table = HtmlTable(columns, body, "Outcomes by arm and benchmark", numeric=frozenset(range(2, 7)), folded=True)
    return Section("outcomes", "What became of every answer", [lead], tables=[table], short="Outcomes")


def _outcome(row: Row, name: str) -> TableCell:
    value = row.get(name)
    return TableCell(count(value), kind="warn" if value and name != "scored" else "", sort=value)
