"""Defines one mistake at one place of a study file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gauger.spec.yaml_tree import Path


@dataclass(frozen=True)
class Fault:
    """One mistake at one place of the data."""

    path: Path
    wanted: str
    given: str = ""
    hint: str = ""
    reads: tuple[Path, ...] = ()
    """Other places that the finding rests on; it is dropped when one of them is itself at fault."""
    extra: bool = False
    """The key itself is what is wrong, whatever stands under it."""

    def rests_on(self, path: Path) -> bool:
        """Whether the finding could be a mere consequence of a mistake at the path."""
        own = self.path[: len(path)] == path if self.extra else related(self.path, path)
        return own or any(related(read, path) for read in self.reads)

    def stands_in(self, data: Any) -> bool:
        """Whether the finding is about something that the data as given have, rather than about a tidied name."""
        return _has(self.path if self.extra else self.path[:-1], data)


def related(path: Path, other: Path) -> bool:
    """Whether one path leads to the other, or both are the same."""
    shorter = min(len(path), len(other))
    return path[:shorter] == other[:shorter]


def value_at(path: Path, data: Any) -> Any:
    """The value at a path; None where there is none."""
    for key in path:
        if not holds(data, key):
            return None
        data = data[key]
    return data


def _has(path: Path, data: Any) -> bool:
    return not path or holds(value_at(path[:-1], data), path[-1])


def holds(data: Any, key: str | int) -> bool:
    """Whether a mapping has the key, or a list the index."""
    in_list = isinstance(data, list) and isinstance(key, int) and key < len(data)
    return in_list or (isinstance(data, dict) and key in data)
