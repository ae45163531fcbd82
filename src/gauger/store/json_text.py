"""Parses JSON in which no key stands twice in one object, and in which nothing is nested deeper than Python reads.

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


class NestedError(ValueError):
    """A value in a value in a value, deeper than the interpreter reads."""

    def __init__(self) -> None:
        super().__init__("a value nested too deeply")


def parse_json(text: str | bytes) -> Any:
    """Parse JSON as `json.loads` does, and refuse repeated keys.

    Every way in which a text is no JSON is a ValueError, nesting too: nobody who reads a file can forget one of them.

    Parameters
    ----------
    text : str or bytes
        One JSON value; bytes are UTF-8.

    Raises
    ------
    RepeatedKeyError
        At any depth.
    NestedError
        Where Python would end in a RecursionError.
    ValueError
        Whatever else is no JSON (`json.JSONDecodeError`, with its line), or is a number of too many digits.

    Tested in tests/store/test_json_text.py.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except RecursionError:
        raise NestedError from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        raise RepeatedKeyError(next(key for place, key in enumerate(keys) if key in keys[:place]))
    return value
