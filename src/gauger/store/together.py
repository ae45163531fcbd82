"""Writes several files of one folder together: after a full disk or a kill, all of them are old or all are new.

1. Every new content goes to a temporary file beside its target, forced to disk.
2. A journal that names all of them gets its place by one rename: from here on the new contents count.
3. The temporary files are put in place, and the journal is removed.

Whoever reads such a folder calls `finish_writing` first: it does what is left of step 3, so that a kill in its midst is
made up for. What is left of step 1 alone is a few files that nobody reads (`.NAME.….tmp`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from gauger.errors import DamagedError
from gauger.store.atomic import fsync_path, put_in_place, read_json, refuse_folder, staged, write_json

JOURNAL, SCHEMA = ".together.json", "gauger.together/1"
Content = bytes | Callable[[Path], object]
"""What a file holds: its bytes, or what writes them to the path that it is given."""


def write_together(folder: Path, contents: Mapping[str, Content]) -> None:
    """Write files of one folder, all of them or none.

    Parameters
    ----------
    folder : Path
        Made where it does not exist.
    contents : mapping
        Relative name, with ``/`` between folders -> bytes, or what writes the file (larger ones).

    Raises
    ------
    IsADirectoryError
        Where a folder stands in the place of a file: none of them is written, and nothing is left behind.
    """
    finish_writing(folder)
    folder = folder.resolve()  # staged files have absolute paths
    for name in contents:
        refuse_folder(folder / name)
    waiting: dict[str, Path] = {}
    try:
        for name, content in contents.items():
            waiting[name] = staged(folder / name, _writer(content))
        files = {name: path.absolute().relative_to(folder.absolute()).as_posix() for name, path in waiting.items()}
        write_json(folder / JOURNAL, {"schema": SCHEMA, "files": files})
    except BaseException:
        for path in waiting.values():
            path.unlink(missing_ok=True)
        raise
    finish_writing(folder)


def _writer(content: Content) -> Callable[[Path], object]:
    """Return what writes a content to a path."""
    if isinstance(content, bytes):
        return lambda temporary: temporary.write_bytes(content)
    return content


def finish_writing(folder: Path) -> None:
    """Put in place what a process that was killed had already decided to write; nothing where nothing is left to do.

    Raises
    ------
    DamagedError
        Where the journal is not one that `write_together` writes.
    """
    journal = folder / JOURNAL
    if not journal.is_file():
        return
    for name, waiting in _files(journal).items():
        if (folder / waiting).exists():  # else it is in place already
            put_in_place(folder / waiting, folder / name)
            fsync_path((folder / name).parent)
    journal.unlink()
    fsync_path(folder)


def _files(journal: Path) -> dict[str, str]:
    value = read_json(journal)
    files = value.get("files") if isinstance(value, dict) and value.get("schema") == SCHEMA else None
    if not isinstance(files, dict) or not all(_is_pair(name, waiting) for name, waiting in files.items()):
        raise DamagedError(f"{journal} is not of schema {SCHEMA}; remove it if nothing was being written")
    return files


def _is_pair(name: object, waiting: object) -> bool:
    """Tell whether one is a temporary file of the other, below the folder: a stranger's journal moves nothing else."""
    if not isinstance(name, str) or not isinstance(waiting, str):
        return False
    target, temporary = PurePosixPath(name), PurePosixPath(waiting)
    below = not target.is_absolute() and ".." not in target.parts and target.parent == temporary.parent
    return below and temporary.name.startswith(f".{target.name}.") and temporary.suffix == ".tmp"
