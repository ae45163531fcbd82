"""Computes what tokens cost at the study's own prices: a price list kept here would be wrong in a month."""

from __future__ import annotations

from dataclasses import dataclass

from gauger.errors import UserError

_MILLION = 1_000_000


@dataclass(frozen=True)
class Prices:
    """US dollars per million tokens."""

    usd_per_million_in: float
    usd_per_million_out: float
    """Reasoning included, shown or not."""
    usd_per_million_cached: float | None = None
    """For tokens that the endpoint had in its cache; None: as much as any token in."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None and not 0 <= value < float("inf"):
                raise UserError("a price of 0 or more US dollars per million tokens", f"{name} = {value}")

    def usd(self, tokens_in: int, tokens_out: int, tokens_cached: int = 0) -> float:
        """Return the cost of one reply in US dollars; `tokens_cached` are part of `tokens_in`."""
        cached = self.usd_per_million_in if self.usd_per_million_cached is None else self.usd_per_million_cached
        fresh = tokens_in - tokens_cached
        total = fresh * self.usd_per_million_in + tokens_cached * cached + tokens_out * self.usd_per_million_out
        return total / _MILLION
