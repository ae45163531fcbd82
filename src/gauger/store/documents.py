"""Writes and reads `estimates.json`: the document that a report is made of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gauger.errors import DamagedError, InputError, Place
from gauger.records import ESTIMATES_SCHEMA, READABLE_SCHEMAS, CheckOutcome, Document, SetKind
from gauger.store.atomic import read_json, write_json


def write_document(path: Path, document: Document) -> Path:
    """Write `estimates.json` in one step; equal documents give equal bytes, and NaN is refused."""
    return write_json(path, document.to_dict())


def read_document(path: Path) -> Document:
    """Read `estimates.json` back.

    Returns
    -------
    Document
        With every nested record rebuilt; keys that this version does not know are left out.

    Raises
    ------
    InputError
        Where the file is missing, is not JSON, is of another schema, or does not fit it.
    """
    value = _read(path)
    schema = value.get("schema") if isinstance(value, dict) else None
    if schema not in READABLE_SCHEMAS:
        raise InputError(f"a file of schema {' or '.join(READABLE_SCHEMAS)}", f"schema {schema!r}", Place(str(path)))
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(Document).validate_python(as_current(value))
    except ValidationError as error:
        first = error.errors()[0]
        place = Place(str(path), key=".".join(str(part) for part in first["loc"]))
        raise InputError(f"a file of schema {ESTIMATES_SCHEMA}", first["msg"], place) from error


_KINDS = {
    "or above": SetKind.OUTSIDE,
    "No ratio is ruled out": SetKind.EVERYTHING,
    "without an upper end": SetKind.ABOVE,
    "without a lower end": SetKind.BELOW,
}
"""What the note of a version 1 estimate said of its set -> its kind."""
_OUTCOMES = {True: CheckOutcome.PASSED, False: CheckOutcome.FAILED, None: CheckOutcome.NOT_MADE}


def as_current(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Bring a parsed document of schema `gauger.estimates/1` to the current one; a current one is returned as it is.

    Version 1 told in a note where a set is no interval, and had a check either passed, failed or switched off (null).
    """
    if document.get("schema") == ESTIMATES_SCHEMA:
        return document
    current = {**document, "schema": ESTIMATES_SCHEMA}
    for name, change in (("estimates", _with_kind), ("assay", _with_outcome)):
        if name in document:
            current[name] = [change(entry) for entry in document[name] or ()]
    verdict = document.get("verdict")
    if verdict and verdict.get("estimate"):
        current["verdict"] = {**verdict, "estimate": _with_kind(verdict["estimate"])}
    return current


def _with_kind(estimate: Mapping[str, Any]) -> Mapping[str, Any]:
    note = estimate.get("note") or ""
    kinds = (kind for words, kind in _KINDS.items() if words in note)
    kind = SetKind.NONE if estimate.get("value") is None else next(kinds, SetKind.INTERVAL)
    return {"kind": str(kind), **estimate}


def _with_outcome(check: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"outcome": str(_OUTCOMES[check.get("passed")]), **check}


def _read(path: Path) -> Any:
    try:
        return read_json(path)
    except FileNotFoundError:
        raise InputError("no estimates are there yet", where=Place(str(path))) from None
    except NotADirectoryError:
        raise InputError("the directory of a run", "a file", Place(str(path.parent))) from None
    except DamagedError as error:
        raise InputError(str(error)) from error
