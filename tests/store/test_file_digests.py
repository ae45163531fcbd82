"""Digests of files: right whatever was kept, and large files read once."""

import hashlib
import json
import os

import pytest

from gauger.store import file_digests
from gauger.store.file_digests import file_digest


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Keep digests below a folder of the test; the files that are read, one entry for each time."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(file_digests, "LARGE_BYTES", 10)
    monkeypatch.setattr(file_digests, "SETTLED_S", -1.0)
    times, plain = [], file_digests._sha256
    monkeypatch.setattr(file_digests, "_sha256", lambda path: times.append(path.name) or plain(path))
    return times


def digest(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def large(tmp_path):
    (tmp_path / "large").write_bytes(b"a" * 20)
    return tmp_path / "large"


def test_a_large_file_is_read_once_and_a_small_one_each_time(read, large, tmp_path):
    (tmp_path / "small").write_bytes(b"b")
    for _ in range(2):
        assert file_digest(large) == digest(b"a" * 20)
        assert file_digest(tmp_path / "small") == digest(b"b")
    assert read == ["large", "small", "small"]


def test_a_change_is_noticed_also_where_size_and_time_are_as_before(read, large):
    file_digest(large)
    status = large.stat()
    with large.open("r+b") as file:
        file.write(b"c")
    os.utime(large, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert file_digest(large) == digest(b"c" + b"a" * 19)


def test_another_file_under_the_name_is_noticed(read, large, tmp_path):
    file_digest(large)
    (tmp_path / "other").write_bytes(b"d" * 20)
    os.utime(tmp_path / "other", ns=(0, large.stat().st_mtime_ns))
    (tmp_path / "other").replace(large)
    assert file_digest(large) == digest(b"d" * 20)


def test_the_digest_of_a_file_that_was_just_written_is_not_kept(read, large, monkeypatch):
    monkeypatch.setattr(file_digests, "SETTLED_S", 3600.0)
    assert {file_digest(large) for _ in range(2)} == {digest(b"a" * 20)}
    assert read == ["large", "large"]


@pytest.mark.parametrize("kept", ["{", "[]", '{"schema": "gauger.file-digests/1", "files": [1]}', "{}"])
def test_what_was_kept_and_is_damaged_is_not_believed(read, large, tmp_path, kept):
    (tmp_path / "cache" / "gauger").mkdir(parents=True)
    (tmp_path / "cache" / "gauger" / "digests.json").write_text(kept)
    assert {file_digest(large) for _ in range(2)} == {digest(b"a" * 20)}
    assert read == ["large"]


def test_where_nothing_can_be_kept_it_is_read_again(read, large, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert {file_digest(large) for _ in range(2)} == {digest(b"a" * 20)}
    assert read == ["large", "large"]


def test_files_that_are_gone_are_forgotten(read, large, tmp_path):
    (tmp_path / "gone").write_bytes(b"e" * 20)
    file_digest(tmp_path / "gone")
    (tmp_path / "gone").unlink()
    file_digest(large)
    kept = json.loads((tmp_path / "cache" / "gauger" / "digests.json").read_text())
    assert list(kept["files"]) == [str(large)]


def test_a_time_that_was_set_back_does_not_settle_a_file_that_was_just_written(read, large, monkeypatch):
    """Whoever copies with times kept writes now what looks old: the time of the last change of its state tells."""
    monkeypatch.setattr(file_digests, "SETTLED_S", 3600.0)
    os.utime(large, ns=(0, 0))
    for _ in range(2):
        file_digest(large)
    assert read == ["large", "large"]
