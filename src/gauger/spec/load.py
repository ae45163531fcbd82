"""A study file from disk to a checked, frozen `Study`; every mistake in it is one message with its line."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from gauger.errors import StudyError, UserError
from gauger.spec.study import Study
from gauger.spec.world import World
from gauger.spec.yaml_tree import read_tree

Known = Callable[[World], Collection[str]] | Mapping[str, Collection[str]]


@dataclass(frozen=True)
class LoadedStudy:
    """A study as it will be run, and the file it came from."""

    study: Study
    path: Path
    text: str
    """The file as it stood."""
    overrides: tuple[str, ...] = ()
    """`key=value` as given on the command line, in order."""


def load_study(
    path: Path | str, overrides: Sequence[str] = (), *, benchmarks_known: Known | None = None
) -> LoadedStudy:
    """Read a study file."""
    path = Path(path)
    text = path.read_text("utf-8")
    tree = read_tree(text, str(path))
    if tree.problems:
        raise StudyError(tree.problems)
    try:
        study = Study.model_validate(tree.data)
    except ValidationError as error:
        problems = [UserError(e["msg"], repr(e["input"])[:80], tree.place(e["loc"])) for e in error.errors()]
        raise StudyError(problems) from None
    return LoadedStudy(study, path, text, tuple(overrides))
