"""Says for ``gauger elicit`` how far it is, and what came of it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isclose
from typing import TYPE_CHECKING, Any

from gauger.cli.output import say
from gauger.cli.tables import aligned

if TYPE_CHECKING:
    from gauger.elicit import CollectionProgress, Corpus

SCHEMA = "gauger.elicit/1"
_EVERY = 512
"""Replies between two lines of progress where there is no terminal; before, at every doubling."""
_SPENT = ("queries", "retries", "paid_again")
_STATED = ("tokens_in", "tokens_out", "tokens_reasoning", "tokens_cached", "cost_usd")
"""What the endpoint states; null where it states nothing."""
_MOST = ("tokens_in_most", "tokens_out_most", "cost_most_usd")
"""The most that it can have been; null where that is not known of one of the requests."""


@contextmanager
def progress() -> Iterator[Callable[[CollectionProgress], None]]:
    """Show how far a collection is, on standard error: one living line on a terminal, else a line now and then."""
    if not sys.stderr.isatty():
        yield _say_sometimes
        return
    from rich.console import Console

    with Console(stderr=True).status("asking") as status:
        yield lambda tally: status.update(_line(tally))


def _say_sometimes(tally: CollectionProgress) -> None:
    count = tally.replies
    if count % _EVERY == 0 or (count < _EVERY and count & (count - 1) == 0):
        say(_line(tally))


def _line(tally: CollectionProgress) -> str:
    wanted = "" if tally.wanted is None else f" of {tally.wanted}"
    money = "" if tally.cost_usd is None else f", ${tally.cost_usd:.4f}"
    tokens = f"{tally.tokens_in:,} tokens in, {tally.tokens_out:,} out"
    return f"{tally.kept}{wanted} samples kept, {tally.replies} of {tally.asked} requests ended, {tokens}{money}"


def summary(corpus: Corpus, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return what came of a collection, as ``--json`` prints it."""
    from gauger.elicit import STEP

    samples = corpus.samples
    took = [sample.took for sample in samples if sample.took.queries]
    dropped = Counter(sample.dropped for sample in samples if sample.dropped not in (None, STEP))
    return {
        "schema": SCHEMA,
        **about,
        "kept": len(corpus.kept),
        "dropped": {str(name): count for name, count in sorted(dropped.items(), key=lambda pair: (-pair[1], pair[0]))},
        "steps": sum(sample.dropped == STEP for sample in samples),
        **{name: sum(getattr(bill, name) for bill in took) for name in _SPENT},
        "queries_unstated": sum(bill.tokens_in is None or bill.tokens_out is None for bill in took),
        **{name: _stated([getattr(bill, name) for bill in took]) for name in _STATED},
        **{name: _most([getattr(bill, name) for bill in took]) for name in _MOST},
        "notes": list(corpus.notes),
    }


def _stated(values: Sequence[float | None]) -> float | None:
    """Add what is known; None where there is something, and nothing of it is known."""
    known = [value for value in values if value is not None]
    return sum(known) if known or not values else None


def _most(values: Sequence[float | None]) -> float | None:
    """Add bounds; None where one of them is not known, for then there is no bound."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def summary_text(totals: Mapping[str, Any]) -> str:
    """Write a summary for people."""
    wanted = "" if totals["wanted"] is None else f" of {totals['wanted']} wanted"
    dropped = ", ".join(f"{name} {count}" for name, count in totals["dropped"].items()) or "none"
    rows = {
        "kept": f"{totals['kept']}{wanted}",
        "dropped": f"{sum(totals['dropped'].values())} ({dropped})" if totals["dropped"] else "none",
        "requests": _requests(totals),
        "tokens": _tokens(totals),
        "cost": _cost(totals),
        "shown": totals["surface"],
    }
    lines = [aligned(list(rows.items()))]
    lines += [f"note: {note}" for note in totals["notes"]]
    return "\n".join([*lines, f"Corpus: {totals['directory']}"])


def _requests(totals: Mapping[str, Any]) -> str:
    parts = [f"{totals['queries'] - totals['paid_again']} paid"]
    parts += [f"{totals['steps']} of them on the way to samples"] if totals["steps"] else []
    parts += [f"{totals['retries']} repeated"] if totals["retries"] else []
    parts += [f"{totals['paid_again']} perhaps paid without a reply"] if totals["paid_again"] else []
    return ", ".join(parts)


def _tokens(totals: Mapping[str, Any]) -> str:
    within = [
        f"{totals[name]:,} {word}"
        for name, word in (("tokens_reasoning", "reasoning"), ("tokens_cached", "cached"))
        if totals[name]
    ]
    listed = f" ({', '.join(within)})" if within else ""
    ways = [_range(totals[f"tokens_{way}"], totals[f"tokens_{way}_most"], way) for way in ("in", "out")]
    return ", ".join(ways) + listed


def _range(stated: int | None, most: int | None, way: str) -> str:
    if stated is None:
        return f"{way} not stated" + ("" if most is None else f" (at most {most:,})")
    return f"{stated:,} {way}" if most is None or most == stated else f"{stated:,} to {most:,} {way}"


def _cost(totals: Mapping[str, Any]) -> str:
    """Write a cost, as a range where the endpoint does not say all that it billed."""
    stated, most = totals["cost_usd"], totals["cost_most_usd"]
    if stated is None and most is None:
        return "not known (no prices given)"
    if stated is None:
        return f"at most ${most:.4f} (the endpoint does not say what it billed)"
    if most is None or isclose(stated, most, rel_tol=1e-9):
        return f"${stated:.4f}"
    reasons = [f"{totals['paid_again']} perhaps paid"] if totals["paid_again"] else []
    reasons += [f"{totals['queries_unstated']} without a statement"] if totals["queries_unstated"] else []
    return f"${stated:.4f} to ${most:.4f} ({', '.join(reasons)})"
