"""`estimates.json`: the document that a report is made of, written and read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gauger.errors import DamagedError, InputError, Place
from gauger.records import ESTIMATES_SCHEMA, Document
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
    if schema != ESTIMATES_SCHEMA:
        raise InputError(f"a file of schema {ESTIMATES_SCHEMA}", f"schema {schema!r}", Place(str(path)))
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(Document).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = Place(str(path), key=".".join(str(part) for part in first["loc"]))
        raise InputError(f"a file of schema {ESTIMATES_SCHEMA}", first["msg"], place) from error


def _read(path: Path) -> Any:
    try:
        return read_json(path)
    except FileNotFoundError:
        raise InputError("no estimates are there yet", where=Place(str(path))) from None
    except DamagedError as error:
        raise InputError(str(error)) from error
