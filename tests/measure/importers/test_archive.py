"""Archives from strangers: real sizes are counted, whatever their directory claims."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from gauger.errors import InputError
from gauger.measure.importers.archive import ArchiveLimits, unpacked_archive

SMALL = ArchiveLimits(total_bytes=1 << 20, ratio=100, ratio_from_bytes=1 << 16, members=10)


def check_archive(path: Path, limits: ArchiveLimits) -> None:
    """Unpack everything, as the reader of a log does."""
    with unpacked_archive(path, limits) as archive:
        for position in range(len(archive.names)):
            archive.read_at(position)


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def test_a_sound_archive_passes(tmp_path: Path) -> None:
    check_archive(archive(tmp_path / "a.eval", {"header.json": b"{}", "samples/1.json": bytes(range(256)) * 9}), SMALL)


@pytest.mark.parametrize(
    "members",
    [
        {"bomb": bytes(2 << 20)},
        {"bomb": bytes(200_000)},
        {f"part{i}": bytes(range(256)) * 1000 for i in range(5)},
    ],
)
def test_an_archive_that_grows_too_far_is_refused(tmp_path: Path, members: dict[str, bytes]) -> None:
    with pytest.raises(InputError, match="unpacks to at most"):
        check_archive(archive(tmp_path / "a.eval", members), SMALL)


def test_a_bomb_that_claims_to_be_small_is_caught_while_unpacking(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.eval", {"bomb": bytes(2 << 20)})
    content = bytearray(path.read_bytes())
    directory = content.rfind(b"PK\x01\x02")
    struct.pack_into("<I", content, directory + 24, 10)
    struct.pack_into("<I", content, 22, 10)
    path.write_bytes(content)
    with zipfile.ZipFile(path) as file:
        assert file.infolist()[0].file_size == 10
    with pytest.raises(InputError, match="at bomb"):
        check_archive(path, SMALL)


def test_a_size_that_does_not_match_is_damage(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.eval", {"header.json": b"hello world"})
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, content.rfind(b"PK\x01\x02") + 24, 5)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"header.json does not match its size"):
        check_archive(path, SMALL)


def test_a_directory_that_swallows_its_next_entry_is_damage(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.eval", {"samples/1.json": b"1", "samples/2.json": b"2"})
    content = bytearray(path.read_bytes())
    first, second = content.find(b"PK\x01\x02"), content.rfind(b"PK\x01\x02")
    struct.pack_into("<H", content, first + 32, len(content) - 22 - second)
    path.write_bytes(content)
    with zipfile.ZipFile(path) as file:
        assert file.namelist() == ["samples/1.json"]
    with pytest.raises(InputError, match="its end names 2 files, its directory 1"):
        check_archive(path, SMALL)


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at most 10 files"):
        check_archive(archive(tmp_path / "a.eval", {str(i): b"" for i in range(11)}), SMALL)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a zip at all"])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.eval"
    path.write_bytes(content)
    with pytest.raises(InputError, match="a zip archive"):
        check_archive(path, SMALL)
