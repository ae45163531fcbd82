"""Words what the schema finds wrong with a study: path, what was expected, what stood there, what to do."""

from __future__ import annotations

import copy
import re
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gauger.errors import nearest
from gauger.spec.fault import Fault, value_at
from gauger.spec.shape import Shape, find_shape, study_shape
from gauger.spec.study import Study
from gauger.spec.yaml_tree import Path, dotted

_MISSING = "This key is missing."
_MAX_GIVEN = 60
_MAX_ROUNDS = 4
_SWITCHES = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def find_faults(data: Any) -> tuple[Study | None, list[Fault]]:
    """Hold data against the schema.

    Returns
    -------
    study : Study or None
        The study; where there are faults, one with valid stand-ins at their places, so that checks across the file can
        go on (they must drop findings that touch a fault). None where even that is not possible.
    faults : list of Fault
        Every fault of the data as given.
    """
    study, faults = _validate(data)
    latest = faults
    for _ in range(_MAX_ROUNDS):
        if study is not None:
            break
        data = _mend(data, latest)
        study, latest = _validate(data)
    return study, faults


def _validate(data: Any) -> tuple[Study | None, list[Fault]]:
    try:
        return Study.model_validate(data), []
    except ValidationError as error:
        details = error.errors(include_url=False)
        translated = [_translate(detail, data) for detail in details if not _miscounted(detail)]
        faults = [
            fault for place, fault in enumerate(translated) if fault not in translated[:place]
        ]  # one per alternative else
        return None, [fault for fault in faults if not _is_misspelt(fault, faults)]


def _miscounted(detail: ErrorDetails) -> bool:
    """Whether a list is called too short only because its faulty items were not counted."""
    return detail["type"] == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"]


def _is_misspelt(missing: Fault, faults: list[Fault]) -> bool:
    """Whether a key is missing only because it stands there misspelt, which another fault says."""
    if missing.hint != _MISSING:
        return False
    beside = [str(fault.path[-1]) for fault in faults if fault.extra and fault.path[:-1] == missing.path[:-1]]
    return bool(get_close_matches(str(missing.path[-1]), beside, n=1))


def _translate(detail: ErrorDetails, data: Any) -> Fault:
    path = _data_path(detail["loc"])
    if detail["type"] == "extra_forbidden":
        return _unknown_key(path, data)
    if path[-1:] == ("[key]",) and (mapping := find_shape(path[:-2], data)) is not None and mapping.named is not None:
        return _wrong_name(path[:-1])
    if detail["type"] == "union_tag_not_found" and isinstance(detail["input"], dict):
        path = (*path, "kind")
        return Fault(path, _kinds(path[:-1], data), "nothing", _MISSING)
    if detail["type"] == "union_tag_invalid":
        given = detail["input"].get("kind")
        hint = _near(given, _shape(path, data).kinds)
        return Fault((*path, "kind"), _kinds(path, data), describe(given), hint)
    if detail["type"] == "missing":
        return Fault(path, _shape(path, data).words(), "nothing", _MISSING)
    return _wrong_value(path, data, detail["input"])


def _data_path(loc: tuple[str | int, ...]) -> Path:
    """Drop the kind of a variant, which pydantic adds to a location."""
    shape: Shape | None = study_shape()
    path: Path = ()
    for part in loc:
        if shape is not None and part in shape.kinds:
            shape = shape.kinds[str(part)]
            continue
        path = (*path, part)
        shape = None if shape is None else shape.child(part)
    return path


def _shape(path: Path, data: Any) -> Shape:
    shape = find_shape(path, data)
    if shape is None:
        raise LookupError(f"the schema reports a place that it does not have: {path}")
    return shape


def _kinds(path: Path, data: Any) -> str:
    return f"one of {', '.join(_shape(path, data).kinds)}"


def _unknown_key(path: Path, data: Any) -> Fault:
    parent = _shape(path[:-1], data).of_kind(value_at(path[:-1], data))
    where = dotted(path[:-1]) or "a study"
    return Fault(path, f"a key of {where}", f"{path[-1]!r}", nearest(str(path[-1]), parent.properties), extra=True)


def _wrong_name(path: Path) -> Fault:
    name = str(path[-1])
    hint = f"For example: {_tidy(name)}" if _tidy(name) else ""
    return Fault(path, "a name (lower-case letters, digits, single hyphens)", describe(name), hint, extra=True)


def _tidy(name: str) -> str:
    """The nearest thing to a name: "My Arm" -> "my-arm"; empty where nothing of it can stay."""
    return re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")[:64].rstrip("-")


def _wrong_value(path: Path, data: Any, given: Any) -> Fault:
    shape = find_shape(path, data)
    if shape is None and path:
        # One of several alternatives: pydantic names the one it tried, the schema the place alone.
        return _wrong_value(path[:-1], data, given)
    shape = _shape(path, data)
    choices = shape.schema.get("enum", ())
    kind = shape.schema.get("type")
    hint = _near(given, choices) or _pitfall(kind if isinstance(kind, str) else None, given)
    return Fault(path, shape.words(), describe(given), hint)


def _near(given: Any, choices: Any) -> str:
    return nearest(given, choices).partition("Known:")[0].strip() if isinstance(given, str) and choices else ""


def _pitfall(kind: str | None, given: Any) -> str:
    """Name the habit behind a wrong type: YAML's quotes, switches, thousands separators and exponents."""
    if kind == "boolean" and isinstance(given, str) and given.lower() in _SWITCHES:
        return f"Write {_SWITCHES[given.lower()]}."
    if kind in {"integer", "number"} and isinstance(given, str):
        bare = re.sub(r"[_, ]", "", given)
        return f"Write {bare}, without quotes or separators." if re.fullmatch(r"[-+]?\d+(\.\d+)?", bare) else ""
    if kind == "integer" and isinstance(given, float) and given.is_integer() and abs(given) < 1e15:
        return f"Write {int(given)}."
    if kind == "string" and isinstance(given, bool | int | float):
        return "Put it in quotes."
    if kind == "array" and isinstance(given, str | int | float | dict):
        return "Write a list: [a, b], or lines that begin with '- '."
    if kind == "object" and given is None:
        return "Leave the key out for its default."
    return ""


def describe(value: Any) -> str:
    """Say in a few words what stands somewhere."""
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        empty = "" if value else "empty "
        kind = "mapping" if isinstance(value, dict) else "list"
        return f"{'an' if empty else 'a'} {empty}{kind}"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _MAX_GIVEN else f"{text[: _MAX_GIVEN - 3]}..."


def _mend(data: Any, faults: list[Fault]) -> Any:
    """Copy the data without unknown keys, with tidied names, and stand-ins where something is wrong or missing."""
    data = copy.deepcopy(data)
    for fault in sorted(faults, key=lambda fault: len(fault.path), reverse=True):
        if not fault.path:
            return study_shape().stand_in()
        parent, key = value_at(fault.path[:-1], data), fault.path[-1]
        if fault.extra:
            value = parent.pop(key)
            if _shape(fault.path[:-1], data).named is not None and _tidy(str(key)):
                parent.setdefault(_tidy(str(key)), value)
        elif isinstance(parent, dict | list):
            parent[key] = _stand_in(fault.path, data)  # type: ignore[index]
    return data


def _stand_in(path: Path, data: Any) -> Any:
    """A valid value for a place; for an unknown `kind`, the kind that knows most of the keys that stand beside it."""
    kinds = _shape(path[:-1], data).kinds
    if path[-1] == "kind" and kinds:
        keys = set(value_at(path[:-1], data))
        return max(kinds, key=lambda kind: len(keys & set(kinds[kind].properties)))
    return _shape(path, data).stand_in()
