"""Unpacks zip archives from strangers under a limit.

The sizes in a zip's directory are claims. Each member is therefore decompressed here in small pieces and counted, so
that an archive which would grow without bound, or whose members are damaged, is refused by name.
"""

from __future__ import annotations

import copy
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gauger.errors import InputError, Place

_PIECE_BYTES = 1 << 16
_END_BYTES = 22
"""Size of the last record of a zip file, without its comment."""
_ZIP64 = 0xFFFF
"""Stands for a count that the last record has no room for."""
_DAMAGE: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    NotImplementedError,
    zlib.error,
    EOFError,
    RuntimeError,
    ValueError,
    OSError,
)


@dataclass(frozen=True)
class ArchiveLimits:
    """How far an archive may grow. Real evaluation logs compress 5 to 100 times and stay far below both."""

    total_bytes: int = 4 << 30
    ratio: int = 500
    """Unpacked bytes per packed byte, judged once more than `ratio_from_bytes` are unpacked."""
    ratio_from_bytes: int = 64 << 20
    members: int = 1_000_000


class Unpacked:
    """Members of an archive, unpacked one by one under a limit for all of them together."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, limits: ArchiveLimits) -> None:
        self._path, self._archive, self._limits = path, archive, limits
        self._members = archive.infolist()
        self.names = [member.filename for member in self._members]
        self._packed_bytes, self._unpacked_bytes = path.stat().st_size, 0

    def read(self, name: str) -> bytes:
        """Return the bytes of the last member of a name."""
        return self.read_at(len(self.names) - 1 - self.names[::-1].index(name))

    def read_at(self, position: int) -> bytes:
        """Return the bytes of a member; the archive may hold several of one name.

        Raises
        ------
        zipfile.BadZipFile
            Bytes that do not match the member's size and checksum.
        InputError
            More bytes than the limits allow.
        """
        member, pieces = self._members[position], []
        size = checksum = 0
        for piece in _pieces(self._archive, member):
            size, checksum = size + len(piece), zlib.crc32(piece, checksum)
            _check_size(self._path, member.filename, self._unpacked_bytes + size, self._packed_bytes, self._limits)
            pieces.append(piece)
        if size != member.file_size or checksum != member.CRC:
            raise zipfile.BadZipFile(f"{member.filename} does not match its size and checksum")
        self._unpacked_bytes += size
        return b"".join(pieces)


@contextmanager
def unpacked_archive(
    path: Path, limits: ArchiveLimits | None = None, codec_errors: tuple[type[Exception], ...] = ()
) -> Iterator[Unpacked]:
    """Open a zip file whose members are unpacked as they are asked for; refuse what is damaged or too large.

    Parameters
    ----------
    path : Path
    limits : Limits, optional
    codec_errors : tuple of exception types
        What compression methods beyond the standard library's raise on damaged bytes.

    Raises
    ------
    InputError
        Not a zip file, a truncated one, a member whose bytes do not match its checksum or size, more members or bytes
        than `limits`, or a compression ratio above it.
    """
    bounds = limits or ArchiveLimits()
    try:
        with zipfile.ZipFile(path) as archive:
            _check_directory(path, archive, bounds)
            yield Unpacked(path, archive, bounds)
    except (*_DAMAGE, *codec_errors) as fault:
        hint = "The file is damaged or truncated: copy it again."
        raise InputError("a zip archive", str(fault) or type(fault).__name__, Place(str(path)), hint) from None


def _check_directory(path: Path, archive: zipfile.ZipFile, limits: ArchiveLimits) -> None:
    members = archive.infolist()
    if len(members) > limits.members:
        raise InputError(f"at most {limits.members} files in the archive", str(len(members)), Place(str(path)))
    declared = _declared_members(path, archive)
    if declared not in (len(members), _ZIP64):
        raise zipfile.BadZipFile(f"its end names {declared} files, its directory {len(members)}")
    declared_bytes = sum(member.file_size for member in members)
    _check_size(path, "its directory", declared_bytes, path.stat().st_size, limits)


def _declared_members(path: Path, archive: zipfile.ZipFile) -> int:
    """Return the number of members that the archive's last record names; a damaged directory shows fewer."""
    with path.open("rb") as file:
        file.seek(-_END_BYTES - len(archive.comment), os.SEEK_END)
        (count,) = struct.unpack_from("<H", file.read(_END_BYTES), 10)
    return int(count)


def _pieces(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield what a member really unpacks to, however small it claims to be."""
    real = copy.copy(member)
    real.file_size = 1 << 62
    del real.CRC
    with archive.open(real) as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece


def _check_size(path: Path, name: str, unpacked_bytes: int, packed_bytes: int, limits: ArchiveLimits) -> None:
    swollen = unpacked_bytes > limits.ratio_from_bytes and unpacked_bytes > limits.ratio * packed_bytes
    if not swollen and unpacked_bytes <= limits.total_bytes:
        return
    wanted = f"an archive that unpacks to at most {limits.total_bytes >> 20} MiB and {limits.ratio} times its size"
    given = f"more than {unpacked_bytes >> 20} MiB from {packed_bytes} bytes at {name}"
    raise InputError(wanted, given, Place(str(path)), "A log of this shape is not read: it may be a zip bomb.")
