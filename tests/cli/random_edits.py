"""Makes one random edit in a run directory: what `gauger verify` has to find."""

from __future__ import annotations

import random
from pathlib import Path


def edit_at_random(root: Path, generator: random.Random) -> str:
    """Edit one file, each kind of edit and each file equally likely, and say what was done."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    kind, path = generator.choice(list(EDITS)), generator.choice(files)
    done = EDITS[kind](path, generator)
    return f"{kind} {path.relative_to(root)}{done}"


def _flip(path: Path, generator: random.Random) -> str:
    content = bytearray(path.read_bytes() or b"\0")
    place, bit = generator.randrange(len(content)), generator.randrange(8)
    content[place] ^= 1 << bit
    path.write_bytes(content)
    return f" at {place}, bit {bit}"


def _digit(path: Path, generator: random.Random) -> str:
    """Change one digit where there is one: the edit of somebody who wants another number."""
    content = bytearray(path.read_bytes())
    digits = [place for place, byte in enumerate(content) if chr(byte).isdigit() and byte < 128]
    if not digits:
        return _flip(path, generator)
    place = generator.choice(digits)
    content[place] = generator.choice([byte for byte in b"0123456789" if byte != content[place]])
    path.write_bytes(content)
    return f" at {place}"


def _cut(path: Path, generator: random.Random) -> str:
    size = path.stat().st_size
    if not size:
        return _flip(path, generator)
    length = generator.randrange(size)
    path.write_bytes(path.read_bytes()[:length])
    return f" to {length}"


def _append(path: Path, generator: random.Random) -> str:
    path.write_bytes(path.read_bytes() + generator.choice([b"\n", b" ", b"\0", b"{}\n"]))
    return ""


def _remove(path: Path, generator: random.Random) -> str:
    if path.name == "lock":  # that it is there says nothing
        return _flip(path, generator)
    path.unlink()
    return ""


def _add(path: Path, generator: random.Random) -> str:
    (path.parent / f"more{generator.randrange(10)}").write_bytes(b"")
    return ""


def _swap(path: Path, generator: random.Random) -> str:
    """Put another file of the run in its place."""
    others = sorted(one for one in path.parent.iterdir() if one.is_file() and one.read_bytes() != path.read_bytes())
    if not others:
        return _flip(path, generator)
    other = generator.choice(others)
    path.write_bytes(other.read_bytes())
    return f" by {other.name}"


EDITS = {"flip": _flip, "digit": _digit, "cut": _cut, "append": _append, "remove": _remove, "add": _add, "swap": _swap}
