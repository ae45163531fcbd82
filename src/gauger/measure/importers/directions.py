"""Knows of which metrics lower is better, so that an error is never read as a score."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

_ERRORS = re.compile(
    r"(?i)(^|[_/ ,-])(\w*perplexity|ppl|bits_per_byte|bpb|\w*brier\w*|ter|wer|cer|loss|\w*_loss|nll|ece|mae|mse|rmse|"
    r"error|error_rate|toxicity|perplexities)($|[_/ ,-])"
)
"""Names that metrics of errors have in the harnesses."""


def errors_among(metrics: Iterable[str], higher_is_better: Mapping[str, Any] | None = None) -> frozenset[str]:
    """Return the metrics of which lower is better: as the log says, else by their usual names.

    Parameters
    ----------
    metrics : iterable of str
    higher_is_better : mapping of str -> bool, optional
        What the log says of its metrics.
    """
    known = higher_is_better or {}
    return frozenset(m for m in metrics if known.get(m) is False or (known.get(m) is not True and _ERRORS.search(m)))
