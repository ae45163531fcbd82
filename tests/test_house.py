"""The house is kept: rooms are entered by their doors, doors open, and each package lists its own files."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

import gauger

SOURCE = Path(gauger.__file__).parent
PACKAGES = [path for path in sorted(SOURCE.rglob("__init__.py")) if path.parent != SOURCE]
DOORS = [path.parent for path in PACKAGES if path.with_suffix(".pyi").exists()]


def name_of(folder: Path) -> str:
    return ".".join(("gauger", *folder.relative_to(SOURCE).parts))


def deep_imports(text: str, room: str) -> list[str]:
    """Return the modules of other rooms that the text imports names from past a door."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("gauger."):
            inner = SOURCE.joinpath(*node.module.split(".")[1:])
            is_room_file = inner.with_suffix(".py").exists() and inner.parent != SOURCE
            if is_room_file and node.module.split(".")[1] != room:
                found.append(node.module)
    return found


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_other_rooms_are_entered_by_their_doors(path):
    parts = path.relative_to(SOURCE).parts
    assert deep_imports(path.read_text(encoding="utf-8"), parts[0] if len(parts) > 1 else "") == []


def test_an_import_past_a_door_is_noticed():
    assert deep_imports("from gauger.spec.load import load_study", "cli") == ["gauger.spec.load"]
    assert deep_imports("from gauger.spec.load import load_study", "spec") == []
    assert deep_imports("from gauger.spec import load_study\nfrom gauger.errors import UserError", "cli") == []


@pytest.mark.parametrize("folder", DOORS, ids=name_of)
def test_everything_behind_a_door_can_be_had(folder):
    door = importlib.import_module(name_of(folder))
    assert door.__all__
    for name in door.__all__:
        assert not isinstance(getattr(door, name), ModuleType), f"{name} is a file of its own: the door would give that"


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: name_of(path.parent))
def test_a_package_lists_its_files(path):
    described = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    listed = re.findall(r"^(\w+(?:\.py|/))\s+\S", described, re.M)
    there = [one.name for one in path.parent.iterdir() if one.suffix == ".py" and one.name != "__init__.py"]
    there += [f"{one.parent.name}/" for one in path.parent.glob("*/__init__.py")]
    assert sorted(listed) == sorted(there)


def public_classes():
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.name, str(path.relative_to(SOURCE))


def test_a_public_class_name_means_one_thing():
    places: dict[str, list[str]] = {}
    for name, path in public_classes():
        places.setdefault(name, []).append(path)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def functions_to_describe(room: str) -> dict[str, bool]:
    """Return the room's public functions of two or more parameters, and whether each describes them."""
    described = {}
    for path in sorted((SOURCE / room).rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                if len(given) > 1:
                    name = f"{path.relative_to(SOURCE)}:{node.name}"
                    described[name] = "Parameters\n---" in (ast.get_docstring(node) or "")
    return described


@pytest.mark.parametrize("room", ["stats", "estimate", "train"])
def test_nine_in_ten_functions_of_the_numbers_say_their_parameters(room):
    described = functions_to_describe(room)
    lacking = [name for name, said in described.items() if not said]
    assert len(described) > 40
    assert len(lacking) <= 0.1 * len(described), lacking


MOST_LINES = 299


def test_a_file_can_be_read_in_one_sitting():
    lengths = {
        str(path.relative_to(SOURCE)): len(path.read_text(encoding="utf-8").splitlines())
        for path in SOURCE.rglob("*.py")
    }
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


EMPTY_NAMES = {"found", "one", "said"}


def empty_names(text: str) -> list[str]:
    """Return the lines where a function, lambda, loop or comprehension calls a value by a name that says nothing.

    Fields and methods are left out: there the class says what was found.
    """
    tree = ast.parse(text)
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    members = {id(getattr(statement, "target", statement)) for record in classes for statement in record.body}
    bound = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name = node.id
        else:
            name = node.arg if isinstance(node, ast.arg) else getattr(node, "name", None)
        if name in EMPTY_NAMES and id(node) not in members and not isinstance(node, ast.alias):
            bound.append((node.lineno, name))
    return [f"line {line}: {name}" for line, name in sorted(bound)]


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_names_say_what_a_value_is(path):
    assert empty_names(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "def rows():\n    found = []",
        "def rows(said): ...",
        "def row(rows):\n    return [one for one in rows]",
        "key = lambda one: one.name",
        "def row(rows):\n    for place, one in enumerate(rows): ...",
        "def row(rows):\n    return rows if (found := rows) else None",
        "def row(rows):\n    with rows as found: ...",
        "def row(rows):\n    def said(): ...",
        "try: ...\nexcept ValueError as found: ...",
    ],
)
def test_a_name_that_says_nothing_is_noticed(text):
    assert len(empty_names(text)) == 1


def test_a_field_or_method_may_be_called_found():
    assert empty_names("class Rate:\n    found: int\n    said: str = ''\n\n    def one(self): return self.found") == []
