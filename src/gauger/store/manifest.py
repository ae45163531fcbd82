"""Keeps the manifest of a run directory: size and SHA-256 of every file that a finished run left, to find any edit.

1. `manifest.json` lists every file below the directory but itself, signatures of it, and what is no result (the lock,
   results half written or being deleted).
2. Of a result by content address it lists `done.json` alone, which lists the digests of the result's own files.
3. A link to a file is listed by what the file holds. Links to folders are followed where results of jobs lie (a run's
   `jobs/` may be on another disk), so that none of them hides an edit; every other link is listed by where it leads.
4. It is written last. A file that is changed, cut, missing or new is named by `manifest_differences`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from gauger.errors import DamagedError
from gauger.store.atomic import read_json, write_json
from gauger.store.canonical import fingerprint

MANIFEST_FILE, MANIFEST_SCHEMA = "manifest.json", "gauger.manifest/1"
SIGNATURES = (f"{MANIFEST_FILE}.sig", f"{MANIFEST_FILE}.minisig")
"""What `ssh-keygen -Y sign` and minisign put beside the manifest."""
JOBS, ENTRIES, FAILURES, DONE = "jobs", "jobs/entries", "jobs/failures", "done.json"
_DRAWN, _FIGURES = ("report.html", "report-print.html"), "figures/"
"""What is drawn from `estimates.json`, and may be drawn again."""
_UNLISTED_FILES = (MANIFEST_FILE, *SIGNATURES, "jobs/lock")
_UNLISTED_FOLDERS = ("jobs/partial/", "jobs/dropped/", "jobs/unfinished/")


def write_manifest(root: Path) -> dict[str, Any]:
    """Write the manifest of a run directory as it stands, and return it."""
    manifest = {"schema": MANIFEST_SCHEMA, "files": described_files(root)}
    write_json(root / MANIFEST_FILE, manifest)
    return manifest


def described_files(root: Path) -> dict[str, dict[str, Any]]:
    """Return relative name -> size in bytes and SHA-256 of every file that the manifest lists."""
    return {name: describe_file(root / name) for name in listed_names(root)}


def describe_file(path: Path) -> dict[str, Any]:
    """Return size in bytes and SHA-256 of a file; of a link that leads to no file, where it leads."""
    if not path.is_file():
        # A pipe or a device would never end, and a link to one is a link.
        return {"link": str(path.readlink())} if path.is_symlink() else {"special": True}
    with path.open("rb") as stream:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(stream, "sha256").hexdigest()}


def listed_names(root: Path) -> list[str]:
    """Return the relative names of all files that a manifest of this directory has to list, sorted."""
    return sorted(name for name in _names(root) if _is_listed(name))


def contents_digest(files: Mapping[str, Any]) -> str:
    """Return one digest for all listed files but the log, which holds it, and the report, which may be drawn again."""
    kept = {name: about for name, about in files.items() if name != "starts.jsonl" and not _is_drawn(name)}
    return fingerprint(kept)


def update_manifest(root: Path, drawn: Collection[str]) -> None:
    """List anew what was drawn again, and nothing else: an edit elsewhere stays an edit.

    Parameters
    ----------
    root : Path
        A run directory; one without a manifest is left without.
    drawn : collection of str
        Names of the files that were just written, of the report. What else of an earlier report is listed stays so
        where it still stands: whoever verifies says that it is drawn no more.
    """
    if not (root / MANIFEST_FILE).exists():
        return
    present = set(listed_names(root))
    kept = {name: about for name, about in read_manifest_file(root).items() if name in present or not _is_drawn(name)}
    listed_anew = {name: describe_file(root / name) for name in present & set(drawn)}
    write_json(root / MANIFEST_FILE, {"schema": MANIFEST_SCHEMA, "files": dict(sorted((kept | listed_anew).items()))})


def _is_drawn(name: str) -> bool:
    return name in _DRAWN or name.startswith(_FIGURES)


def read_manifest_file(root: Path) -> Mapping[str, Any]:
    """Return the files that the manifest of a directory lists.

    Raises
    ------
    DamagedError
        Where it is missing, is no JSON, or not of this schema.
    """
    path = root / MANIFEST_FILE
    try:
        value = read_json(path)
    except FileNotFoundError:
        raise DamagedError(f"{MANIFEST_FILE} is missing") from None
    files = value.get("files") if isinstance(value, dict) and value.get("schema") == MANIFEST_SCHEMA else None
    if not isinstance(files, dict) or set(value) != {"schema", "files"}:
        raise DamagedError(f"{MANIFEST_FILE} is not of schema {MANIFEST_SCHEMA}")
    return files


def manifest_differences(root: Path, *, only: frozenset[str] | None = None) -> list[str]:
    """Say what differs between a directory and its manifest, one sentence per file; nothing where all is right.

    Parameters
    ----------
    root : Path
        A run directory.
    only : frozenset of str, optional
        Relative names; None: all, and nothing may be there that is not listed.
    """
    try:
        listed = read_manifest_file(root)
    except DamagedError as error:
        return [str(error)]
    present = set(listed_names(root) if only is None else filter(lambda name: os.path.lexists(root / name), only))
    wanted = set(listed) if only is None else only & set(listed)
    differences = [f"{name} is missing" for name in sorted(wanted - present)]
    for name in sorted(wanted & present):
        if describe_file(root / name) != listed[name]:
            differences.append(f"{name} is not what {MANIFEST_FILE} lists")
    unlisted = present - set(listed) if only is None else (only & present) - set(listed)
    differences += [f"{name} is not listed in {MANIFEST_FILE}" for name in sorted(unlisted)]
    return differences + ([] if only is not None else _lock_differences(root))


def _lock_differences(root: Path) -> list[str]:
    lock = root / "jobs" / "lock"
    written = lock.is_file() and lock.stat().st_size > 0
    return ["jobs/lock is not empty: a run is going on there, or was killed"] if written else []


def _names(root: Path, folder: str = "") -> Iterator[str]:
    """Yield the names of all files and links below a folder; one that nobody may read holds no result."""
    with suppress(PermissionError):
        for path in sorted((root / folder).iterdir()):
            name = f"{folder}{path.name}"
            if path.is_dir() and (_leads_to_results(name) or not path.is_symlink()):
                yield from _names(root, f"{name}/")
            else:
                yield name


def _leads_to_results(name: str) -> bool:
    """Tell whether results of jobs lie behind a folder of this name, be it a link; none deeper, so that walks end."""
    return name in (JOBS, ENTRIES, FAILURES) or name.rpartition("/")[0] == ENTRIES


def _is_listed(name: str) -> bool:
    if name in _UNLISTED_FILES or name.startswith(_UNLISTED_FOLDERS):
        return False
    inside = name.removeprefix(f"{ENTRIES}/").split("/")
    return not (name.startswith(f"{ENTRIES}/") and len(inside) > 1 and inside[1:] != [DONE])
