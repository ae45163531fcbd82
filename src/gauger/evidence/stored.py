"""Reads the multiverse of the shipped table, which is computed once per release and quoted by the headline.

A multiverse takes about 20 seconds and the headline one, so the result is kept beside the table with a digest of what
it was computed from. For any other table there is nothing to quote, and the headline says how to compute it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import polars as pl

from gauger.evidence.columns import RESULT_COLUMNS
from gauger.evidence.multiverse import Curve, Multiverse
from gauger.evidence.pooled import STRUCTURE
from gauger.evidence.switches import SWITCHES
from gauger.evidence.table import data_path
from gauger.store import write_text

FILE = "multiverse.json"


def digest_of(frame: pl.DataFrame) -> str:
    """Return a digest of the prepared rows, the switches and the structure: what a multiverse depends on."""
    columns = [*RESULT_COLUMNS, "exclusion", "risk", "handicap"]
    text = frame.select(columns).write_csv() + repr(SWITCHES) + repr(STRUCTURE)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def store(multiverse: Multiverse, frame: pl.DataFrame, path: Path | None = None) -> Path:
    """Write a multiverse beside the table; see validation/evidence_rows/release.py."""
    path = path or data_path() / FILE
    document = {"digest": digest_of(frame), **multiverse.to_dict()}
    return write_text(path, json.dumps(document, indent=1) + "\n")


def read_stored(frame: pl.DataFrame) -> dict[str, Any] | None:
    """Return the stored multiverse if it was computed from exactly these rows, else None."""
    path = data_path() / FILE
    if not path.is_file():
        return None
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document if document["digest"] == digest_of(frame) else None


def curves_of(document: dict[str, Any]) -> tuple[Curve, ...]:
    """Read the curves of a stored multiverse."""
    return tuple(Curve(**curve) for curve in document["roles"])


def quote(frame: pl.DataFrame) -> str:
    """Return the sentence of the headline that no number goes without."""
    document = read_stored(frame)
    if document is None:
        return "How far defensible choices move it: gauger evidence multiverse (about 20 seconds)."
    return Multiverse((), curves_of(document), ()).text()
