"""Finds the files of a folder that hold texts, and names those that are left out: what is not read is not clean.

1. Of a run's directory the corpora that it collected are read; of one of `gauger elicit` its corpus: what stands beside
   it was asked or dropped, or is the same once more. Whatever else lies in such a folder of `elicit` is read too.
2. Of all other folders every file is read, code and markup as text, down to the last folder.
3. Left out, and named, are hidden files, images and other media, weights and other bytes that are no text, Parquet's
   notes on other files, and pages in which Gauger itself shows items. What is packed is refused when it is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gauger.errors import InputError, Place

_CORPUS, _LEDGER = "corpus.parquet", "ledger.parquet"
_OF_ELICIT = frozenset(
    {
        *(_LEDGER, "corpus.jsonl", "dropped.jsonl", "replies.jsonl", "seeds.parquet", "exports", "student"),
        *("settings.json", "notes.json", "done.json"),
    }
)
_SHOWN_BY = ("audit.json", "estimates.json")
_SHOWING = frozenset({"report.html", "report-print.html", *_SHOWN_BY})
_MEDIA = frozenset(
    {
        *(".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".ico", ".mp3", ".wav", ".flac", ".ogg"),
        *(".mp4", ".webm", ".avi", ".mov", ".mkv", ".ttf", ".otf", ".woff", ".woff2"),
    }
)
_WEIGHTS = frozenset({".safetensors", ".gguf", ".pt", ".pth", ".ckpt", ".onnx"})
_OF_PARQUET = frozenset({"_metadata", "_common_metadata"})
_MAY_HOLD_TEXTS = (b"PAR1", b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"BZh", b"ARROW1")
"""Parquet, and what is to be unpacked, or written anew, before it can be read."""
NAMED = 5
"""Files that are named of those left out; the others are counted."""


@dataclass(frozen=True)
class CorpusFolder:
    """What is read of a folder."""

    files: tuple[Path, ...]
    left_out: tuple[tuple[Path, str], ...] = ()
    """Files that are not, with the reason."""


def files_of_folder(folder: Path) -> CorpusFolder:
    """Find what is to be read of a folder.

    Raises
    ------
    InputError
        Where nothing is.
    """
    files: list[Path] = []
    left_out: list[tuple[Path, str]] = []
    for path, why in _walk(folder):
        if why:
            left_out.append((path, why))
        else:
            files.append(path)
    if not files:
        reasons = f"{len(left_out)} that are not read ({_named(folder, left_out)})" if left_out else "no files"
        raise InputError("a folder with a corpus", f"no files with texts: {reasons}", Place(str(folder)))
    return CorpusFolder(tuple(files), tuple(left_out))


def told_of(folder: Path, left_out: Sequence[tuple[Path, str]]) -> str:
    """Say how many files of a folder were not read, and name the first of them with the reason; "" where all were."""
    if not left_out:
        return ""
    count = "1 file was" if len(left_out) == 1 else f"{len(left_out)} files were"
    return f"{folder}: {count} not read, and may hold items: {_named(folder, left_out)}"


def _named(folder: Path, left_out: Sequence[tuple[Path, str]]) -> str:
    names = [f"{path.relative_to(folder).as_posix()} ({why})" for path, why in left_out[:NAMED]]
    more = len(left_out) - NAMED
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def _walk(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield every file below a folder, with the reason where it is left out; of a run, its corpora alone."""
    if _is_run(folder):
        yield from ((path, "") for path in sorted(folder.rglob(_CORPUS)))
        return
    elicited = (folder / _CORPUS).is_file() and (folder / _LEDGER).is_file()
    shown = any((folder / name).is_file() for name in _SHOWN_BY)
    for path in sorted(folder.iterdir()):
        if elicited and path.name in _OF_ELICIT:
            continue
        if path.is_dir() and not path.name.startswith("."):
            yield from _walk(path)
        elif path.is_dir():
            yield from ((below, "hidden") for below in sorted(path.rglob("*")) if below.is_file())
        elif path.is_file():
            yield path, _why_not(path, shown=shown)


def _is_run(folder: Path) -> bool:
    jobs = folder / "jobs"
    logged = (folder / "starts.jsonl").is_file() and (folder / "manifest.json").is_file()
    return logged or (jobs / "jobs.json").is_file() or (jobs / "entries").is_dir()


def _why_not(path: Path, *, shown: bool) -> str:
    suffix = path.suffix.lower()
    if path.name.startswith("."):
        return "hidden"
    if suffix in _MEDIA:
        return "media"
    if suffix in _WEIGHTS:
        return "weights"
    if path.name in _OF_PARQUET:
        return "says what other files hold"
    if shown and path.name in _SHOWING:
        return "shows what an audit or a study was about"
    with path.open("rb") as file:
        start = file.read(4096)
    return "no text" if b"\0" in start and not start.startswith(_MAY_HOLD_TEXTS) else ""
