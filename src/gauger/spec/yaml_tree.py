"""Reads YAML text as plain data that still knows where each value stands.

Read by the safe loader's `compose`, so no tag can build an object, with the plain types of YAML 1.2: only `true` and
`false` are booleans (`on`, `off`, `yes` and `no` are text), `1e-3` is a number, and dates are text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar

import yaml

from gauger.errors import Place, UserError

Path = tuple[str | int, ...]
"""Keys and list indices from the root to a value."""

MAX_DEPTH = 32
MAX_VALUES = 50_000
"""Values after every alias is written out; bounds what a few lines of nested aliases can grow to."""
MAX_DIGITS = 18

_PREFIX = "tag:yaml.org,2002:"
_TYPES = {
    "bool": (re.compile(r"true|True|TRUE|false|False|FALSE"), "tTfF"),
    "int": (re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"), "-+0123456789"),
    "float": (
        re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
        "-+0123456789.",
    ),
    "null": (re.compile(r"~|null|Null|NULL|"), "~nN"),
}
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


def dotted(path: Path) -> str | None:
    """Write a path as users do (`arms.label.stages.0`); None for the root."""
    return ".".join(visible(str(part)) for part in path) or None


def visible(text: str) -> str:
    """Text on one line, with a space for every character that cannot be seen."""
    return "".join(character if character.isprintable() else " " for character in text)


@dataclass(frozen=True)
class YamlTree:
    """Plain data (dict, list, str, int, float, bool, None) and the place of each value."""

    data: Any
    places: dict[Path, Place] = field(default_factory=dict)
    """Path -> where its key (in a mapping) or its item (in a list) stands."""
    problems: tuple[UserError, ...] = ()
    """What is wrong with the text itself; the offending values are left out of `data`."""
    unread: tuple[Path, ...] = ()
    """Paths of the values left out."""
    shared: tuple[tuple[Path, ...], ...] = ()
    """For each value that an alias repeats, every path at which it stands; what it holds is listed the same way."""

    def place(self, path: Path) -> Place:
        """Where a value stands, or would stand: the place of the nearest value above it, with the full key."""
        for end in range(len(path), -1, -1):
            if (nearest := self.places.get(path[:end])) is not None:
                return Place(nearest.file, nearest.line, dotted(path))
        return Place(None, None, dotted(path))


class _Loader(yaml.SafeLoader):
    """The safe loader with YAML 1.2's plain types and a bound on nesting."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}  # type: ignore[misc]
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem=f"nested more than {MAX_DEPTH} levels deep", problem_mark=mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


for _name, (_pattern, _first) in _TYPES.items():
    _whole = re.compile(f"(?:{_pattern.pattern})$")
    _Loader.add_implicit_resolver(_PREFIX + _name, _whole, [*_first, *([""] if _name == "null" else [])])


def read_tree(text: str, file: str | None = None, *, numbered: bool = True) -> YamlTree:
    """Parse YAML into data and places, collecting every problem of the text on the way.

    Parameters
    ----------
    text : str
        One YAML document.
    file : str, optional
        Stands at the head of every message.
    numbered : bool
        Whether messages give lines; false for a value on the command line.

    Returns
    -------
    Tree
        `data` is None for an empty text, or for one that is not YAML (then `problems` says why).
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    n_lines = max(1, text.count("\n") + (not text.endswith("\n")))
    reader = _Reader(file, n_lines if numbered else None)
    reader.places[()] = reader.at(1)
    node = _compose(text, reader)
    data = None if node is None else reader.value(node, ())
    problems, unread = tuple(reader.problems), tuple(reader.unread)
    return YamlTree(None if data is _BAD else data, reader.places, problems, unread, reader.shared)


def _compose(text: str, reader: _Reader) -> yaml.Node | None:
    if (unseen := _UNSEEN.search(text)) is not None:
        line = text.count("\n", 0, unseen.start()) + 1
        reader.report(line, (), "visible text", f"the character {unseen.group()!a}", "Remove it.")
        return None
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        reader.report_yaml(error)
    except (ValueError, OverflowError):  # the scanner lets chr() and int() fail on huge escapes and version numbers
        line = loader.get_mark().line + 1
        reader.report(line, (), "readable YAML", "an escape that is no character")
    finally:
        loader.dispose()
    return None


_BAD = object()
"""A value that cannot be read; its problem is already reported."""


class _Reader:
    """Turns nodes into data, noting places and problems."""

    def __init__(self, file: str | None, n_lines: int | None) -> None:
        self.file, self.n_lines = file, n_lines
        self.places: dict[Path, Place] = {}
        self.problems: list[UserError] = []
        self.unread: list[Path] = []
        self.uses: dict[int, list[Path]] = {}
        self.n_values = 0
        self.overgrown = False

    @property
    def shared(self) -> tuple[tuple[Path, ...], ...]:
        """Return the paths of every value that stands at more than one: an alias leads to the anchor's own node."""
        return tuple(tuple(paths) for paths in self.uses.values() if len(paths) > 1)

    def at(self, line: int, path: Path = ()) -> Place:
        number = None if self.n_lines is None else min(line, self.n_lines)
        return Place(self.file, number, dotted(path))

    def report(self, line: int, path: Path, wanted: str, given: str, hint: str = "") -> None:
        self.problems.append(UserError(wanted, given, self.at(line, path), hint))

    def report_yaml(self, error: yaml.MarkedYAMLError) -> None:
        """Report what the parser could not read; the line is where it stopped."""
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "no YAML"
        hint = "Check the indentation and the brackets, and put text with ': ' or '#' in quotes."
        if "\\t" in problem:
            hint = "Indent with spaces, never with tabs."
        elif "single document" in (error.context or ""):
            problem, hint = "a second document begins", "Remove the line '---'."
        elif "alias" in problem or "deep" in problem:
            hint = ""
        place = self.at(1 if mark is None else mark.line + 1)
        self.problems.append(UserError(f"not readable as YAML: {problem}", where=place, hint=hint))

    def value(self, node: yaml.Node, path: Path) -> Any:
        """Data of a node; `_BAD`, with its path noted as unread, where it cannot be read."""
        self.n_values += 1
        self.uses.setdefault(id(node), []).append(path)
        line = node.start_mark.line + 1
        if len(path) > MAX_DEPTH or self.n_values > MAX_VALUES:
            if not self.overgrown:
                self.report(line, path[:1], "a study of reasonable size", "aliases that grow without end")
            self.overgrown = True
            data: Any = _BAD
        elif isinstance(node, yaml.MappingNode):
            data = self.mapping(node, path)
        elif isinstance(node, yaml.SequenceNode):
            data = self.sequence(node, path)
        else:
            data = self.scalar(node, path)
        if data is _BAD:
            self.unread.append(path)
        return data

    def tagged(self, node: yaml.Node, path: Path, usual: str) -> bool:
        if node.tag == _PREFIX + usual:
            return False
        self.report(node.start_mark.line + 1, path, "plain YAML", f"the tag {node.tag}", "Remove the tag.")
        return True

    def mapping(self, node: yaml.MappingNode, path: Path) -> Any:
        if self.tagged(node, path, "map"):
            return _BAD
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = self.key(key_node, path)
            if key is None:
                continue
            if key in data:
                first = self.places[(*path, key)].line
                self.report(line, (*path, key), "each key once", "it a second time", f"It stands in line {first} too.")
                continue
            self.places[(*path, key)] = self.at(line)
            data[key] = self.value(value_node, (*path, key))
        return {key: value for key, value in data.items() if value is not _BAD}

    def key(self, node: yaml.Node, path: Path) -> str | None:
        line = node.start_mark.line + 1
        if isinstance(node, yaml.ScalarNode) and node.tag == _PREFIX + "str":
            if node.value == "<<" and node.style is None:
                self.report(line, path, "keys written out", "the merge key <<", "An alias (*name) may repeat a value.")
                return None
            return self.text(node, path)
        given = repr(node.value) if isinstance(node, yaml.ScalarNode) else "a list or mapping"
        self.report(line, path, "a name as key", given, "Put it in quotes if it is meant as a name.")
        return None

    def sequence(self, node: yaml.SequenceNode, path: Path) -> Any:
        if self.tagged(node, path, "seq"):
            return _BAD
        items = []
        for index, item in enumerate(node.value):
            self.places[(*path, index)] = self.at(item.start_mark.line + 1)
            items.append(self.value(item, (*path, index)))
        return _BAD if any(item is _BAD for item in items) else items

    def text(self, node: yaml.Node, path: Path) -> str | None:
        text: str = node.value
        if (unseen := _UNSEEN.search(text)) is None:
            return text
        line = node.start_mark.line + 1
        self.report(line, path, "visible text", f"the character {unseen.group()!a}", "Remove it.")
        return None

    def scalar(self, node: yaml.Node, path: Path) -> Any:
        kind = node.tag.removeprefix(_PREFIX)
        if kind == "str":
            text = self.text(node, path)
            return _BAD if text is None else text
        if kind not in _TYPES or not _TYPES[kind][0].fullmatch(node.value):
            self.tagged(node, path, "str")
            return _BAD
        if kind == "int" and len(node.value) > MAX_DIGITS:
            self.report(node.start_mark.line + 1, path, f"a number of at most {MAX_DIGITS} digits", "a longer one")
            return _BAD
        return _plain(kind, node.value)


def _plain(kind: str, text: str) -> Any:
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return int(text, base)
    return float(re.sub(r"^([-+]?)\.(inf|nan)$", r"\1\2", text.lower()))
