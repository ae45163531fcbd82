"""Writes `training.json`: what a stage was trained on, source by source, and its losses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gauger.store import write_json
from gauger.train import Used

ENDS = 10
"""Steps at either end over which a curve is averaged."""


def counted(name: str | None, lengths: ArrayLike, counts: ArrayLike) -> dict[str, Any]:
    """Count one source.

    Parameters
    ----------
    name : str or None
        Its source in the ledger; None for the stage's own corpus and the kept-in web, which are known by their place.
    lengths, counts : array-like
        Tokens of each distinct row, and how often it was trained on.

    Returns
    -------
    dict
        rows and tokens (repeats included), unique_rows and unique_tokens (rows trained on at least once), mean_tokens
        (per row, repeats included).
    """
    length_N, count_N = np.asarray(lengths, dtype=np.float64), np.asarray(counts, dtype=np.float64)
    rows, tokens, seen = float(count_N.sum()), float(length_N @ count_N), count_N > 0
    named = {} if name is None else {"name": str(name)}
    return {
        **named,
        "rows": round(rows),
        "unique_rows": int(seen.sum()),
        "mean_tokens": tokens / rows if rows else 0.0,
        "tokens": tokens,
        "unique_tokens": float(length_N[seen].sum()),
    }


def used(name: str | None, rows: Used) -> dict[str, Any]:
    """Count one source of given rows; where the context cut any, also how many, their tokens, and what was left out."""
    counts = counted(name, rows.length_N, rows.count_N)
    n_cut = int((rows.lost_N > 0).sum())
    if not n_cut and not rows.left_out:
        return counts
    return {**counts, "cut_rows": n_cut, "cut_tokens": int(rows.lost_N.sum()), "left_out_rows": len(rows.left_out)}


def write_training(
    out: Path, sources: Sequence[dict[str, Any]], losses: Sequence[float], rewards: Sequence[float] = ()
) -> None:
    """Write `training.json` into a result."""
    curves = {"loss": losses, "reward": rewards}
    ends = {
        f"{end}_{name}": float(np.mean(values[:ENDS] if end == "first" else values[-ENDS:])) if values else None
        for name, values in curves.items()
        if values or name == "loss"
        for end in ("first", "last")
    }
    write_json(out / "training.json", {"sources": list(sources), **ends})
