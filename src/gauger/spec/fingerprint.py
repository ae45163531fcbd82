"""One hash over everything in a study that can change a number."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from gauger.spec.base import Prose
from gauger.spec.study import Study

FINGERPRINT_SCHEMA = "gauger.study/1"


def fingerprint(study: Study) -> str:
    """Say whether two studies can differ in any number: SHA-256 (hex) of the canonical JSON of `numbers(study)`.

    The same for any order of keys, for a default that is written out or left out, and for 1 and 1.0 where a number may
    have a fraction. Names, descriptions, the question and the reasons for switching controls off do not enter: a
    benchmark's or an arm's name does, as it says which one is meant.
    """
    return hashlib.sha256(canonical_json({"schema": FINGERPRINT_SCHEMA, **numbers(study)}).encode()).hexdigest()


def canonical_json(data: Any) -> str:
    """Write JSON with sorted keys and no spaces; NaN and infinities are refused."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)


def numbers(part: Any) -> Any:
    """Plain data of a part of a study without its prose; a switched-off control keeps that it is off, not why."""
    if isinstance(part, BaseModel):
        return {name: _field(part, name) for name in type(part).model_fields}
    if isinstance(part, Mapping):
        return {key: numbers(value) for key, value in part.items()}
    if isinstance(part, tuple):
        return [numbers(value) for value in part]
    return part + 0.0 if isinstance(part, float) else part


def _field(part: BaseModel, name: str) -> Any:
    value = getattr(part, name)
    if any(isinstance(mark, Prose) for mark in type(part).model_fields[name].metadata):
        return value is not None and name == "off"
    return numbers(value)
