"""Looks up what the document says of defences: estimates by defence and attacker, what was spent, who passes."""

from __future__ import annotations

from collections.abc import Sequence

from gauger.report.document_view import Row, View, in_points
from gauger.report.palette import GOLD, GREEN, MUTED, RUST
from gauger.report.wording import count, number

OPEN = "open"
OUTCOME_WORDS = {
    "works": "works against these attackers",
    "does_not": "does not work against these attackers",
    "undetermined": "is undetermined against these attackers",
    "not_powered": "could not be judged by these attackers",
}
OUTCOME_MARKS = {
    "works": ("works", "circle", GREEN),
    "does_not": ("does not", "square", RUST),
    "undetermined": ("undetermined", "diamond", GOLD),
    "not_powered": ("not powered", "cross", MUTED),
}
"""Outcome -> word, shape and colour."""

LIMITS = {
    "max_queries": "at most {value} queries of an account",
    "max_tokens": "at most {value} tokens of an account",
    "max_usd": "at most {value} US dollars over an account",
    "queries_per_day": "at most {value} queries of an account a day",
    "max_accounts": "accounts of one attacker: at most {value}",
}
"""Name of a limit in a document -> how it reads."""


def limits_of(entry: Row) -> list[str]:
    """Say in words what a defence limits; budgets are of one account."""
    budgets = entry["budgets"]
    return [
        words.format(value=count(budgets[name]) if name != "max_usd" else number(budgets[name], 2))
        for name, words in LIMITS.items()
        if name in budgets
    ]


def best(view: View, estimand: str, defence: str) -> Row | None:
    """Return the estimate of the best attacker on a surface, or of what no attacker takes part in."""
    return one_of(view, estimand, defence, None)


def one_of(view: View, estimand: str, defence: str, attacker: str | None) -> Row | None:
    """Return one estimate about a defence, or None where the document has none."""
    wanted = (estimand, defence, attacker)
    rows = (row for row in view.estimates if in_points(row))
    return next((r for r in rows if (r["estimand"], r.get("defence"), r.get("attacker")) == wanted), None)


def surfaces(entries: Sequence[Row]) -> list[str]:
    """Return the names of all surfaces, the open one first."""
    return [OPEN, *(entry["defence"] for entry in entries)]


def attackers_on(view: View, surface: str) -> list[str]:
    """Return the attackers that were tried on a surface, in declared order."""
    rows = [row for row in view.estimates if row["estimand"] == "uplift" and row.get("defence") == surface]
    return [row["attacker"] for row in rows]


def cheapest(view: View, surface: str, threshold: float) -> tuple[str, int] | None:
    """Return the attacker with the fewest queries whose whole joint interval lies above the threshold, or None."""
    through = []
    for attacker in attackers_on(view, surface):
        row = one_of(view, "uplift", surface, attacker)
        if row is None or row["simultaneous_low"] is None or row["simultaneous_low"] <= threshold:
            continue
        queries = view.arm(row["arm"]).get("queries")
        if queries is not None:
            through.append((queries, attacker))
    return (min(through)[1], min(through)[0]) if through else None
