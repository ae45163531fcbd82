"""Loads a scenario file: safe YAML, every mistake one message with file, line and key."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from gauger.errors import Place, StudyError, UserError, nearest
from gauger.forecast.scenario import Scenario
from gauger.spec import YamlTree, read_tree
from gauger.store import read_text

MAX_LENGTH = 100_000
DEFAULT = "api-campaign"
_UNION = "a number, a range {low: …, high: …}, or unknown"


@cache
def packaged() -> tuple[str, ...]:
    """Names of the scenarios that come with the package."""
    folder = files("gauger.forecast") / "scenarios"
    return tuple(sorted(path.name.removesuffix(".yaml") for path in folder.iterdir() if path.name.endswith(".yaml")))


def load_scenario(source: Path | str | Mapping[str, Any] | None = None) -> Scenario:
    """Load a scenario.

    Parameters
    ----------
    source : path, mapping or name, optional
        A file; a mapping with the file's keys; or the name of a packaged scenario (`api-campaign`, `small-lab`), which
        is looked for where no such file is. None: `api-campaign`.

    Raises
    ------
    StudyError
        Every mistake of the file, with line and key.
    UserError
        No such file and no such name.
    """
    if isinstance(source, Mapping):
        return parse_scenario("", None, dict(source))
    path = Path(DEFAULT if source is None else source)
    if not path.exists() and str(path) in packaged():
        inner = files("gauger.forecast") / "scenarios" / f"{path}.yaml"
        return parse_scenario(inner.read_text(encoding="utf-8"), f"{path}.yaml")
    if not path.exists():
        raise UserError("a scenario file or the name of a packaged one", repr(str(path)), hint=_known(path))
    text = read_text(path)
    if len(text) > MAX_LENGTH:
        raise UserError(f"a scenario of at most {MAX_LENGTH // 1000} kB", "a longer file", Place(str(path)))
    return parse_scenario(text, str(path))


def _known(path: Path) -> str:
    beside = [file.name for file in path.parent.glob("*.yaml")] if path.parent.is_dir() else []
    return nearest(str(path), [*packaged(), *beside])


def parse_scenario(text: str, file: str | None, data: dict[str, Any] | None = None) -> Scenario:
    """Check a scenario's text (or data).

    Parameters
    ----------
    text : str
        YAML.
    file : str, optional
        Name in messages.
    data : dict, optional
        Used in place of the text.
    """
    tree = read_tree(text, file) if data is None else YamlTree(data)
    if tree.problems:
        raise StudyError(tree.problems)
    if not isinstance(tree.data, dict):
        raise StudyError([UserError("a scenario: a mapping with the key 'scenario'", "none", Place(file))])
    try:
        return Scenario.model_validate(tree.data)
    except ValidationError as error:
        raise StudyError(_problems(error, tree)) from None


def _problems(error: ValidationError, tree: YamlTree) -> list[UserError]:
    """One message per place; the branches of a union that did not fit are one mistake."""
    by_path: dict[tuple[str | int, ...], list[Any]] = {}
    for detail in error.errors(include_url=False):
        path = _path(detail["loc"], tree.data, missing=detail["type"] in ("missing", "extra_forbidden"))
        by_path.setdefault(path, []).append(detail)
    problems = [_problem(path, details, tree) for path, details in by_path.items()]
    return sorted(problems, key=lambda problem: problem.where.line or 0)


def _path(loc: tuple[str | int, ...], data: Any, *, missing: bool) -> tuple[str | int, ...]:
    """Keep the parts of a location that are keys and places of the data; pydantic adds the branches of unions."""
    path: list[str | int] = []
    for place, part in enumerate(loc):
        listed = dict(enumerate(data)) if isinstance(data, list | tuple) else data
        if isinstance(listed, dict) and part in listed:
            data = listed[part]
        elif missing and place == len(loc) - 1:
            pass
        else:
            continue
        path.append(part)
    return tuple(path)


def _problem(path: tuple[str | int, ...], details: list[Any], tree: YamlTree) -> UserError:
    place, first = tree.place(path), details[0]
    if first["type"] == "extra_forbidden":
        return UserError("a key of a scenario", repr(path[-1]), place, _keys(path[:-1], str(path[-1])))
    if first["type"] == "missing":
        return UserError(f"the key {path[-1]!r}", "nothing", place)
    if first["type"] == "value_error" and len(details) == 1:
        return UserError(str(first["ctx"]["error"]), where=place)
    given = repr(first["input"])
    given = given if len(given) <= 60 else given[:57] + "…"
    return UserError(_wanted(details), given, place, "A word may also be 'unknown'." if _literal(details) else "")


def _literal(details: list[Any]) -> bool:
    return any(detail["type"] == "literal_error" and "'unknown'" in detail["ctx"]["expected"] for detail in details)


def _wanted(details: list[Any]) -> str:
    """Say what would have been right, once."""
    words = []
    for detail in details:
        expected = str(detail["msg"]).removeprefix("Input should be ").removeprefix("Value error, ")
        expected = expected.removeprefix("a valid dictionary or instance of ").replace("PositiveBetween", "a range")
        words.append(expected.replace("Between", "a range"))
    return " or ".join(dict.fromkeys(words))


def _keys(path: tuple[str | int, ...], name: str) -> str:
    """List the keys that the model at a path has."""
    model: Any = Scenario
    for part in path:
        if isinstance(part, int):
            continue
        field = next((f for n, f in model.model_fields.items() if part in (n, f.alias)), None)
        inner = _models(field.annotation) if field is not None else []
        if not inner:
            return ""
        model = inner[0]
    return nearest(name, [field.alias or key for key, field in model.model_fields.items()])


def _models(annotation: Any) -> list[Any]:
    from typing import get_args

    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]
