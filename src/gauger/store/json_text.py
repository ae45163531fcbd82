"""Parses JSON in which no key stands twice in one object.

JSON leaves open which of two values holds: Python takes the last, Polars the first, other programs either. A file that
two readers understand differently has no meaning, so it is refused (RFC 8259, section 4: names should be unique).
"""

from __future__ import annotations

import json
from typing import Any


class RepeatedKeyError(ValueError):
    """A key that stands twice in one object."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the key {json.dumps(key[:60])} twice in one object")


def parse_json(text: str | bytes) -> Any:
    """Parse JSON as `json.loads` does, and refuse repeated keys.

    Parameters
    ----------
    text : str or bytes
        One JSON value; bytes are UTF-8.

    Raises
    ------
    RepeatedKeyError
        At any depth; a ValueError, as are all others of `json.loads` but for RecursionError.

    Tested in tests/store/test_json_text.py.
    """
    return json.loads(text, object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        raise RepeatedKeyError(next(key for place, key in enumerate(keys) if key in keys[:place]))
    return value
