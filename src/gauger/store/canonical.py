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
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NotJSONError(f"{where} is {value}: stored JSON holds finite numbers, undefined is None with a reason")
        return float(value)
    if isinstance(value, Mapping):
        return _plain_mapping(value, where)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [plain(element, f"{where}[{index}]") for index, element in enumerate(value)]
    raise NotJSONError(f"{where} is a {type(value).__name__}, which stored JSON cannot hold")


def _plain_mapping(value: Mapping[object, object], where: str) -> dict[str, JSON]:
    result: dict[str, JSON] = {}
    for key, element in value.items():
        if not isinstance(key, str):
            raise NotJSONError(f"{where} has the key {key!r}: keys of stored JSON are text")
        result[str(key)] = plain(element, f"{where}.{key}")
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
