"""Loads a study file from disk as a checked, frozen `Study`; every mistake in it is one message with its line."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gauger.errors import Place, StudyError, UserError, nearest
from gauger.spec.checks import Known, check_study
from gauger.spec.fault import Fault, related
from gauger.spec.mistakes import find_faults
from gauger.spec.overrides import apply_override, half_changed
from gauger.spec.study import Study
from gauger.spec.yaml_tree import YamlTree, read_tree

MAX_BYTES = 200_000


@dataclass(frozen=True)
class LoadedStudy:
    """A study as it will be run, and the file it came from."""

    study: Study
    path: Path
    text: str
    """The file as it stood."""
    overrides: tuple[str, ...] = ()
    """`key=value` as given on the command line, in order."""
    notes: tuple[str, ...] = ()
    """What the user should know of them: overrides that change one use of a YAML anchor and not the others."""


def load_study(
    path: Path | str,
    overrides: Sequence[str] = (),
    *,
    benchmarks_known: Known | None = None,
    forms_known: Known | None = None,
    parts_known: Mapping[str, Collection[str]] | None = None,
) -> LoadedStudy:
    """Read, override and check a study file.

    Parameters
    ----------
    path : Path or str
        The study file, YAML.
    overrides : sequence of str
        `key.path=value`, applied in order; the value is YAML.
    benchmarks_known, forms_known : function of the world, or mapping from its kind, optional
        The names that the world offers; None leaves names unchecked.
    parts_known : mapping, optional
        `filter`, `defence` and `engine` -> the names that there are.

    Raises
    ------
    StudyError
        With every mistake found, one message each: file, line, key, what was expected, what stood there.
    """
    path = Path(path)
    text = _read_text(path)
    study = parse_study(
        text,
        overrides,
        file=str(path),
        benchmarks_known=benchmarks_known,
        forms_known=forms_known,
        parts_known=parts_known,
    )
    return LoadedStudy(study, path, text, tuple(overrides), half_changed(text, overrides))


def parse_study(
    text: str,
    overrides: Sequence[str] = (),
    *,
    file: str | None = None,
    benchmarks_known: Known | None = None,
    forms_known: Known | None = None,
    parts_known: Mapping[str, Collection[str]] | None = None,
) -> Study:
    """Check the text of a study file, as `load_study` does; `file` stands at the head of its messages."""
    tree = read_tree(text, file)
    if tree.data is None:
        nothing = UserError("a study", "an empty file", Place(file, 1), "studies/quickstart.yaml is one to start from.")
        raise StudyError(tree.problems or [nothing])
    for override in overrides:
        tree = apply_override(tree, override)
    study, faults = find_faults(tree.data)
    faults = [fault for fault in faults if not any(related(fault.path, path) for path in tree.unread)]
    if study is not None:
        broken = [fault.path for fault in faults] + list(tree.unread)
        contradictions = check_study(study, benchmarks_known, forms_known, parts_known)
        faults += [
            fault for fault in contradictions if fault.stands_in(tree.data) and not any(map(fault.rests_on, broken))
        ]
    problems = [*tree.problems, *map(partial(_problem, tree), faults)]
    if problems or study is None:
        raise StudyError(sorted(problems, key=lambda problem: problem.where.line or 0))
    return study


def _problem(tree: YamlTree, fault: Fault) -> UserError:
    return UserError(fault.wanted, fault.given, tree.place(fault.path), fault.hint)


def _read_text(path: Path) -> str:
    """The text of a study file; every reason why there is none is the user's to mend."""
    data = _read_bytes(path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        given = f"the byte 0x{data[error.start]:02x}"
        raise _unreadable("text in UTF-8", given, Place(str(path), line), "Save the file as UTF-8.") from None


def _read_bytes(path: Path) -> bytes:
    place = Place(str(path))
    if path.is_dir():
        raise _unreadable("a study file", "a directory", place, _studies_in(path))
    if not path.exists():
        raise _unreadable("a study file", "no such file", place, _studies_in(path.parent, path.name))
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable("a readable study file", f"{error.strerror}", place) from error
    if len(data) > MAX_BYTES:
        raise _unreadable(f"a study file of at most {MAX_BYTES // 1_000} kB", "a larger one", place)
    return data


def _unreadable(wanted: str, given: str, place: Place, hint: str = "") -> StudyError:
    return StudyError([UserError(wanted, given, place, hint)])


def _studies_in(folder: Path, name: str = "") -> str:
    names = sorted(path.name for path in folder.glob("*.yaml")) if folder.is_dir() else []
    return nearest(name, names) if names else ""
