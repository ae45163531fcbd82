"""Names what stands in the records table: one row per arm, replicate, item and sample."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """What a benchmark is to a study (docs/vocabulary.md)."""

    TARGETED = "targeted"
    """Its train split, or material made for it, seeded the teacher."""
    PARALLEL = "parallel"
    """New items, same skill, same form."""
    NEAR = "near"
    """Same skill, another form."""
    FAR = "far"
    """Another skill."""


class Outcome(StrEnum):
    """What became of one answer; only `scored` rows carry a score."""

    SCORED = "scored"
    UNPARSED = "unparsed"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    FAILED = "failed"


RECORD_COLUMNS: Mapping[str, str] = {
    "study": "str",
    "arm": "str",
    "replicate": "int",
    "benchmark": "str",
    "role": "str?",
    "item": "str",
    "cluster": "str?",
    "sample": "int",
    "outcome": "str",
    "score": "float?",
    "tokens_in": "int?",
    "tokens_out": "int?",
    "seconds": "float?",
}
"""The records table: column -> type, `?` marks those that may be NULL."""
