"""Hashes everything in a study that can change a number."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import Enum
from typing import Any

from pydantic.fields import FieldInfo

from gauger.spec.base import Prose, SpecPart, unasked
from gauger.spec.controls import resolved_controls
from gauger.spec.study import Study

FINGERPRINT_SCHEMA = "gauger.study/1"


def fingerprint(study: Study) -> str:
    """Say whether two studies can differ in any number: SHA-256 (hex) of the canonical JSON of `numbers(study)`.

    The same for any order of keys, for a default that is written out or left out, and for 1 and 1.0 where a number may
    have a fraction. The study's name, its question, descriptions and the reasons for switching controls off do not
    enter. The versions of the programs that make the numbers do not enter either: they are not the study's.
    """
    content = {**numbers(study), "controls": resolved_controls(study), "schema": FINGERPRINT_SCHEMA}
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def canonical_json(data: Any) -> str:
    """Write JSON with sorted keys and no spaces; NaN and infinities are refused."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)


def numbers(part: Any) -> Any:
    """Plain data of a part of a study, without its prose."""
    if isinstance(part, SpecPart):
        fields = type(part).model_fields.items()
        kept = [name for name, field in fields if not _is_prose(field) and not unasked(part, name)]
        return {name: numbers(getattr(part, name)) for name in kept}
    if isinstance(part, Mapping):
        return {key: numbers(value) for key, value in part.items()}
    if isinstance(part, tuple):
        return [numbers(value) for value in part]
    if isinstance(part, Enum):
        return part.value
    return part + 0.0 if isinstance(part, float) else part  # -0.0 becomes 0.0


def _is_prose(field: FieldInfo) -> bool:
    return any(isinstance(mark, Prose) for mark in field.metadata)
