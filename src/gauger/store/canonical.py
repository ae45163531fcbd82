"""Spells JSON in one way: the same value always gives the same bytes, and NaN is refused.

Two spellings. `canonical_bytes` sorts keys and drops blanks: it is what keys and fingerprints hash.
`document_bytes` keeps the order that the writer chose and is indented: it is what people read.
Floats are written by `repr`, the shortest text that reads back as the same number.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from gauger.errors import GaugerError

JSON: TypeAlias = bool | int | float | str | Sequence["JSON"] | Mapping[str, "JSON"] | None
"""What may stand in stored JSON; infinities and NaN may not, undefined is None."""


_AS_THEY_ARE = (bool, str, int)


class NotJSONError(GaugerError):
    """A value that stored JSON cannot hold (NaN, an infinity, an unknown type, a key that is not text)."""


def plain(value: object, where: str = "value") -> JSON:
    """Turn mappings and sequences into dicts and lists, and refuse what JSON cannot say exactly.

    Parameters
    ----------
    value : object
        Any nesting of mappings, lists, tuples, text, whole numbers, finite floats, booleans and None.
    where : str
        Path to the value, for the message.

    Raises
    ------
    NotJSONError
        With the path of the offending element, as in ``value.estimates[3].se is nan``.
    """
    try:
        return _plain(value)
    except _RefusedError as refused:
        raise NotJSONError(f"{where}{''.join(reversed(refused.path))} {refused.fault}") from None


class _RefusedError(Exception):
    """An element that JSON cannot hold; the way to it is gathered on the way back, from the inside out."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault, self.path = fault, list[str]()


def _plain(value: object) -> JSON:
    if value is None or isinstance(value, _AS_THEY_ARE):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _RefusedError(f"is {value}: stored JSON holds finite numbers, undefined is None with a reason")
        return float(value)
    if isinstance(value, dict | Mapping):
        return _plain_mapping(value)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return _plain_sequence(value)
    raise _RefusedError(f"is a {type(value).__name__}, which stored JSON cannot hold")


def _plain_mapping(value: Mapping[object, object]) -> dict[str, JSON]:
    result: dict[str, JSON] = {}
    for key, element in value.items():
        if not isinstance(key, str):
            raise _RefusedError(f"has the key {key!r}: keys of stored JSON are text")
        try:
            result[str(key)] = _plain(element)
        except _RefusedError as refused:
            refused.path.append(f".{key}")
            raise
    return result


def _plain_sequence(value: Sequence[object]) -> list[JSON]:
    result: list[JSON] = []
    for index, element in enumerate(value):
        try:
            result.append(_plain(element))
        except _RefusedError as refused:
            refused.path.append(f"[{index}]")
            raise
    return result


def canonical_bytes(value: object) -> bytes:
    """Spell a value in the one way that hashes agree on: keys sorted, no blanks, UTF-8.

    The order of keys does not matter; any other difference does (1, 1.0 and true are three values).
    """
    text = json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogatepass")


def document_bytes(value: object) -> bytes:
    """Spell a value for readers: order kept, one blank of indent, a newline at the end; always valid UTF-8."""
    text = json.dumps(plain(value), indent=1, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def fingerprint(value: object) -> str:
    """SHA-256 (64 hexadecimal digits) of the canonical spelling."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()
