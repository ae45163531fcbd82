"""Computes what tokens cost at the study's own prices: a price list kept here would be wrong in a month."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gauger.elicit.teacher.bill import Usage
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
    usd_per_million_reasoning: float | None = None
    """For tokens of reasoning; None: as much as any token out."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None and not 0 <= value < float("inf"):
                raise UserError("a price of 0 or more US dollars per million tokens", f"{name} = {value}")

    def times(self, share: float) -> Prices:
        """Return this share of every price, as providers take of batches."""
        changed = {name: share * price for name, price in vars(self).items() if price is not None}
        return replace(self, **changed)

    @property
    def _cached(self) -> float:
        return self.usd_per_million_in if self.usd_per_million_cached is None else self.usd_per_million_cached

    @property
    def _reasoning(self) -> float:
        return self.usd_per_million_out if self.usd_per_million_reasoning is None else self.usd_per_million_reasoning

    def usd(self, tokens_in: int, tokens_out: int, tokens_cached: int = 0, tokens_reasoning: int = 0) -> float:
        """Return the cost of one reply in US dollars.

        `tokens_cached` are part of `tokens_in`, `tokens_reasoning` of `tokens_out`.
        """
        sent = (tokens_in - tokens_cached) * self.usd_per_million_in + tokens_cached * self._cached
        written = (tokens_out - tokens_reasoning) * self.usd_per_million_out + tokens_reasoning * self._reasoning
        return (sent + written) / _MILLION

    def most_usd(self, tokens_in: int, tokens_out: int) -> float:
        """Return the most that these tokens can cost: each at the dearest price that may apply to it."""
        dearest_in = max(self.usd_per_million_in, self._cached)
        dearest_out = max(self.usd_per_million_out, self._reasoning)
        return (tokens_in * dearest_in + tokens_out * dearest_out) / _MILLION

    def usd_of(self, usage: Usage) -> float:
        """Return what the stated part of a usage cost: the endpoint's own figure, else its tokens at these prices."""
        if usage.stated_usd is not None:
            return usage.stated_usd
        tokens_in, tokens_out = usage.tokens_in or 0, usage.tokens_out or 0
        cached, reasoning = min(usage.tokens_cached or 0, tokens_in), min(usage.tokens_reasoning or 0, tokens_out)
        return self.usd(tokens_in, tokens_out, cached, reasoning)
