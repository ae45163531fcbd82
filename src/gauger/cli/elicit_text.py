"""Says for ``gauger elicit`` how far it is, and what came of it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gauger.cli.output import say
from gauger.cli.tables import aligned

if TYPE_CHECKING:
    from gauger.elicit import CollectionProgress, Corpus

SCHEMA = "gauger.elicit/1"
_EVERY = 512
"""Replies between two lines of progress where there is no terminal; before, at every doubling."""
_SPENT = ("queries", "tokens_in", "tokens_out", "tokens_reasoning", "tokens_cached", "retries", "paid_again")


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
    return f"{tally.kept}{wanted} samples kept, {tally.replies} of {tally.asked} replies, {tokens}{money}"


def summary(corpus: Corpus, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return what came of a collection, as ``--json`` prints it."""
    from gauger.elicit import STEP

    samples = corpus.samples
    costs = [sample.took.cost_usd for sample in samples if sample.took.cost_usd is not None]
    dropped = Counter(sample.dropped for sample in samples if sample.dropped not in (None, STEP))
    return {
        "schema": SCHEMA,
        **about,
        "kept": len(corpus.kept),
        "dropped": {str(name): count for name, count in sorted(dropped.items(), key=lambda pair: (-pair[1], pair[0]))},
        "steps": sum(sample.dropped == STEP for sample in samples),
        **{name: sum(getattr(sample.took, name) for sample in samples) for name in _SPENT},
        "cost_usd": sum(costs) if costs else None,
        "notes": list(corpus.notes),
    }


def summary_text(found: Mapping[str, Any]) -> str:
    """Write a summary for people."""
    wanted = "" if found["wanted"] is None else f" of {found['wanted']} wanted"
    dropped = ", ".join(f"{name} {count}" for name, count in found["dropped"].items()) or "none"
    cost = "not known (no prices given)" if found["cost_usd"] is None else f"${found['cost_usd']:.4f}"
    rows = {
        "kept": f"{found['kept']}{wanted}",
        "dropped": f"{sum(found['dropped'].values())} ({dropped})" if found["dropped"] else "none",
        "requests": _requests(found),
        "tokens": _tokens(found),
        "cost": cost,
    }
    lines = [aligned(list(rows.items()))]
    lines += [f"note: {note}" for note in found["notes"]]
    return "\n".join([*lines, f"Corpus: {found['directory']}"])


def _requests(found: Mapping[str, Any]) -> str:
    parts = [f"{found['queries']} paid"]
    parts += [f"{found['steps']} of them on the way to samples"] if found["steps"] else []
    parts += [f"{found['retries']} repeated"] if found["retries"] else []
    parts += [f"{found['paid_again']} perhaps paid without a reply"] if found["paid_again"] else []
    return ", ".join(parts)


def _tokens(found: Mapping[str, Any]) -> str:
    within = [
        f"{found[name]:,} {word}"
        for name, word in (("tokens_reasoning", "reasoning"), ("tokens_cached", "cached"))
        if found[name]
    ]
    return f"{found['tokens_in']:,} in, {found['tokens_out']:,} out" + (f" ({', '.join(within)})" if within else "")
