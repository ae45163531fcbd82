"""Reads what a reply says of its tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def usage_of(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Read tokens by the names of `Reply`'s fields; where reasoning stands beside the completion it is part of out."""
    tokens_in, tokens_out = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
    reasoning = int((usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0)
    cached = int((usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0)
    total = int(usage.get("total_tokens") or 0)
    if reasoning and total >= tokens_in + tokens_out + reasoning:
        tokens_out += reasoning
    return {
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "tokens_reasoning": reasoning,
        "tokens_cached": cached,
    }
