"""Counts what requests took: as the endpoint states it, and at the most possible where it states nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Use(NamedTuple):
    """An amount of what budgets are on."""

    queries: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float = 0.0

    def plus(self, other: Use, times: int = 1) -> Use:
        """Return this and so many times the other."""
        return Use(
            self.queries + times * other.queries,
            self.tokens_in + times * other.tokens_in,
            self.tokens_out + times * other.tokens_out,
            self.usd + times * other.usd,
        )


@dataclass(frozen=True)
class Usage:
    """What an endpoint states that one reply used; None: it does not say."""

    tokens_in: int | None = None
    tokens_out: int | None = None
    """Reasoning included, shown or not."""
    tokens_reasoning: int | None = None
    """Part of `tokens_out`."""
    tokens_cached: int | None = None
    """Part of `tokens_in`: what the endpoint had in its cache."""
    stated_usd: float | None = None
    """The endpoint's own cost in US dollars."""
    problem: str | None = None
    """What it said that cannot be, and that therefore counts as not said."""

    @property
    def complete(self) -> bool:
        """Whether tokens in and out are both stated."""
        return self.tokens_in is not None and self.tokens_out is not None


def total(values: list[int | None]) -> int | None:
    """Add what is stated; None where there is something, and none of it is."""
    known = [value for value in values if value is not None]
    return sum(known) if known or not values else None
