"""Replaces one key of a study file from the command line (`--set key.path=value`), with errors that say so."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gauger.errors import Place, UserError, nearest
from gauger.spec.mistakes import describe
from gauger.spec.shape import Shape, study_shape
from gauger.spec.yaml_tree import Path, YamlTree, dotted, read_tree, visible


def apply_override(tree: YamlTree, override: str) -> YamlTree:
    """Replace, or add, one value.

    The path names keys and list indices, joined by dots (`arms.label.stages.0.steps`); the value is YAML. Mappings that
    the file leaves out are made on the way where the schema knows them; a benchmark, arm or list item on the way must
    stand in the file. A mistake is added to the tree's problems, and the data stay as they were.
    """
    name, equals, text = override.partition("=")
    origin = f"--set {visible(override if len(override) <= 80 else f'{override[:77]}...')}"
    keys = name.split(".")
    if not equals or not all(keys):
        hint = "For example: --set world.seed=11"
        return _with(tree, UserError("a key and a value", describe(override), Place("--set"), hint))
    value = read_tree(text, origin, numbered=False)
    if value.problems:
        return _with(tree, *value.problems)
    try:
        return _replaced(tree, keys, value.data, Place(origin))
    except UserError as problem:
        return _with(tree, problem)


def half_changed(text: str, overrides: Sequence[str]) -> tuple[str, ...]:
    """Say which overrides change one use of a YAML anchor and leave its other uses as they were.

    Whoever wrote an anchor meant its uses to be alike: an arm's stage and the ingredient that it stands for, say. To
    change one of them alone is allowed, and seldom meant.

    Parameters
    ----------
    text : str
        The study file.
    overrides : sequence of str
        `key.path=value`, in order. Where several of them together change all uses to one value, nothing is said.

    Returns
    -------
    tuple of str
        One line for each override, with what to add so that the uses stay alike; empty where there are no anchors.
    """
    file = tree = read_tree(text)
    for override in overrides if file.shared else ():
        tree = apply_override(tree, override)
    sentences = []
    for override in overrides if file.shared else ():
        name, _, value = override.partition("=")
        path = _known_path(file.data, name.split("."))
        here = _at(tree.data, path)
        others = [other for other in _other_uses(file, path) if _at(tree.data, other) not in (here, _ABSENT)]
        if others:
            rest = " ".join(f"--set {dotted(other)}={value}" for other in others)
            places = " and ".join(str(dotted(other)) for other in others)
            keep = "keeps its value" if len(others) == 1 else "keep their values"
            sentences.append(f"--set {name} changes one use of a YAML anchor; {places} {keep} (for all: {rest})")
    return tuple(dict.fromkeys(sentences))


_ABSENT = object()
"""No value stands there."""


def _known_path(data: Any, keys: Sequence[str]) -> Path:
    """Return the path of dotted keys: indices where the file has lists."""
    path: list[str | int] = []
    for key in keys:
        path.append(int(key) if isinstance(data, list) and key.isdigit() else key)
        data = _at(data, (path[-1],))
    return tuple(path)


def _at(data: Any, path: Path) -> Any:
    """Return the value at a path, `_ABSENT` where there is none."""
    for key in path:
        if isinstance(data, dict) and key in data:
            data = data[str(key)]
        elif isinstance(data, list) and isinstance(key, int) and key < len(data):
            data = data[key]
        else:
            return _ABSENT
    return data


def _other_uses(tree: YamlTree, path: Path) -> Iterator[Path]:
    """Yield every other path at which the value of a path stands, because it, or what it lies in, is shared."""
    uses = {
        (*other, *path[len(use) :])
        for uses in tree.shared
        for use in uses
        if path[: len(use)] == use
        for other in uses
        if other != use
    }
    yield from sorted(uses, key=str)


def _with(tree: YamlTree, *problems: UserError) -> YamlTree:
    return YamlTree(tree.data, tree.places, (*tree.problems, *problems), tree.unread)


def _replaced(tree: YamlTree, keys: list[str], value: Any, place: Place) -> YamlTree:
    data = copy.deepcopy(tree.data)
    walk = _Walk(data, study_shape(), (), place)
    for key in keys[:-1]:
        walk = walk.enter(key)
    path = walk.put(keys[-1], value)
    places = {at: where for at, where in tree.places.items() if at[: len(path)] != path}
    for end in range(1, len(path)):
        places.setdefault(path[:end], place)
    return YamlTree(data, {**places, path: place}, tree.problems, tree.unread)


@dataclass(frozen=True)
class _Walk:
    """Where an override has got to on its way down."""

    data: Any
    shape: Shape | None
    path: Path
    place: Place

    @property
    def name(self) -> str:
        """The place, as messages call it."""
        return dotted(self.path) or "the study"

    def enter(self, name: str) -> _Walk:
        """Go to a key, making the mapping where the file leaves it out and the schema knows it."""
        key = self.key(name)
        shape = None if self.shape is None else self.shape.child(key, self.data)
        if isinstance(self.data, dict) and self.data.get(key) is None:
            free = self.shape is not None and self.shape.named is not None
            if free:
                raise self.error(f"a name under {self.name}", f"{key!r}", nearest(name, self.data))
            self.data[key] = {}
        return _Walk(self.data[key], shape, (*self.path, key), self.place)

    def put(self, name: str, value: Any) -> Path:
        """Set the last key, and return its full path; an unknown one is left to the schema to refuse."""
        key = self.key(name)
        self.data[key] = value
        return (*self.path, key)

    def key(self, name: str) -> str | int:
        """The key or index of a name; refuses an index past the end, and a key into a plain value."""
        if isinstance(self.data, list):
            if re.fullmatch("[0-9]{1,6}", name) and int(name) < len(self.data):
                return int(name)
            raise self.error(f"an index of {self.name} from 0 to {len(self.data) - 1}", f"{name!r}")
        if not isinstance(self.data, dict):
            raise self.error(f"{self.name} to be a mapping or list", describe(self.data))
        return name

    def error(self, wanted: str, given: str, hint: str = "") -> UserError:
        return UserError(wanted, given, self.place, hint)
