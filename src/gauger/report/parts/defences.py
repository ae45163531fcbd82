"""Shows what each defence takes from the best of its attackers, and what it costs honest users."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from gauger.report.blocks import Section
from gauger.report.document_view import Row, View
from gauger.report.parts.defences_figures import frontier_figure, gap_figure, uplift_figure
from gauger.report.parts.defences_rows import OUTCOME_WORDS, best, cheapest, limits_of
from gauger.report.parts.defences_tables import cost_table, honest_table, literature_table, summary_table
from gauger.report.wording import codes, count, describe_change, fill, listing, quantity

AGAINST = (
    "Every statement is about these attackers, within these budgets; others may do better. Statements about the best "
    "attacker hold whoever that is: they follow from intervals that hold for all attackers together, never from the "
    "interval of the one that came out best."
)
SEVERAL = "Attackers with more than one account: {names}. What a defence limits holds for each account that they get."
LITERATURE = (
    "Published figures for defences of the same kind stand in the last table. They are differences between two "
    "distilled students, without matched controls: what they share with the numbers above is the question."
)


def build(view: View) -> Section | None:
    """Return the chapter, or None where the study has no defences."""
    entries = view.rows("defences")
    if not entries:
        return None
    figures = [frontier_figure(view, entries), uplift_figure(view, entries), gap_figure(view, entries)]
    tables = [honest_table(view, entries), cost_table(view, entries)]
    literature = literature_table(entries)
    return Section(
        "defences",
        "What defences take, and what they cost",
        [
            *_verdicts(view, entries),
            AGAINST,
            *_accounts(entries),
            *_cheaper(view, entries),
            *([LITERATURE] if literature else []),
        ],
        figures=[figure for figure in figures if figure is not None],
        tables=[*tables, *([literature] if literature else [])],
        summary=summary_table(view, entries),
        short="Defences",
    )


def _verdicts(view: View, entries: Sequence[Row]) -> list[Markup]:
    """Say one sentence per defence: its outcome against these attackers, and why."""
    return [
        fill(
            "<code>{name}</code>{limits} {outcome} ({attackers}): the best of them keeps {uplift}; the threshold is "
            "{at} points. {why}",
            name=entry["defence"],
            limits="".join(f", {words}," for words in [", ".join(limits_of(entry))] if words),
            outcome=OUTCOME_WORDS[entry["outcome"]],
            attackers=codes(entry["against"]),
            uplift=_kept(view, entry["defence"]),
            at=quantity(entry["threshold"], "points", signed=False),
            why=entry["why"],
        )
        for entry in entries
    ]


def _accounts(entries: Sequence[Row]) -> list[Markup]:
    """Say which attackers have more than one account."""
    held = {name: accounts for entry in entries for name, accounts in entry.get("accounts", {}).items()}
    if not held:
        return []
    names = listing([f"{name} ({count(accounts)})" for name, accounts in held.items()])
    return [fill(SEVERAL, names=names)]


def _kept(view: View, defence: str) -> str:
    row = best(view, "best_uplift", defence)
    if row is None or row["value"] is None:
        return f"nothing that can be estimated ({row['reason']})" if row else "nothing"
    return describe_change(row)


def _cheaper(view: View, entries: Sequence[Row]) -> list[str]:
    """Say, surface by surface, with how few queries an attacker was shown to pass the threshold."""
    routes = []
    for surface, threshold in [("open", entries[0]["threshold"]), *((e["defence"], e["threshold"]) for e in entries)]:
        route = cheapest(view, surface, threshold)
        if route is not None:
            routes.append(f"{surface}: {route[0]} with {count(route[1])} queries")
    if not routes:
        return []
    silent = [e["defence"] for e in entries if cheapest(view, e["defence"], e["threshold"]) is None]
    more = f" On {listing(silent)} nobody was shown to pass it." if silent else ""
    return [f"What would be cheapest for an attacker who only wants to pass the threshold: {'; '.join(routes)}.{more}"]
