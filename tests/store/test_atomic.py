"""Files that are wholly there or not there."""

import json
import os
import stat
from pathlib import Path

import polars as pl
import pytest

from gauger.errors import DamagedError, GaugerError
from gauger.store.atomic import fsync_path, read_json, write_json, write_parquet, write_text, write_with
from gauger.store.canonical import NotJSONError


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_parents_are_made_and_nothing_else_is_left(tmp_path):
    path = write_text(tmp_path / "deep" / "note.txt", "a\nb")
    assert path.read_bytes() == b"a\nb"
    assert names(tmp_path / "deep") == ["note.txt"]


def test_a_failing_writer_leaves_the_old_file(tmp_path):
    path = write_text(tmp_path / "note.txt", "old")

    def half(temporary):
        temporary.write_text("ne")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        write_with(path, half)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["note.txt"]


def test_the_content_is_on_disk_before_the_name(tmp_path, monkeypatch):
    events = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (events.append("fsync"), fsync(descriptor)))
    monkeypatch.setattr(os, "replace", lambda *args: (events.append("rename"), replace(*args)))
    write_text(tmp_path / "note.txt", "x")
    assert events == ["fsync", "rename", "fsync"], "file, name, directory"


def test_others_may_read_it_as_the_mask_says(tmp_path):
    before = os.umask(0o027)
    try:
        path = write_text(tmp_path / "note.txt", "x")
    finally:
        kept = os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert kept == 0o027, "the mask is looked at and put back"


def test_json_goes_there_and_back(tmp_path):
    value = {"b": 1, "a": [0.1, None, "é"]}
    assert read_json(write_json(tmp_path / "x.json", value)) == value
    assert list(json.loads((tmp_path / "x.json").read_text())) == ["b", "a"]


def test_nan_is_refused_and_the_old_file_stays(tmp_path):
    path = write_json(tmp_path / "x.json", 1)
    with pytest.raises(NotJSONError):
        write_json(path, {"x": float("nan")})
    assert read_json(path) == 1


def test_damaged_json_is_told_from_missing_json(tmp_path):
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(DamagedError, match=r"x\.json"):
        read_json(tmp_path / "x.json")
    (tmp_path / "y.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DamagedError):
        read_json(tmp_path / "y.json")
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "z.json")


def test_a_table_goes_there_and_back_with_the_same_bytes(tmp_path):
    frame = pl.DataFrame({"arm": ["a", "b"], "score": [0.5, None], "replicate": [0, 1]})
    one, two = write_parquet(tmp_path / "1.parquet", frame), write_parquet(tmp_path / "2.parquet", frame)
    assert pl.read_parquet(one).equals(frame)
    assert one.read_bytes() == two.read_bytes()


def test_a_table_with_nan_is_refused(tmp_path):
    frame = pl.DataFrame({"score": [0.5, float("nan")], "fine": [1.0, None]})
    with pytest.raises(GaugerError, match="NaN in column score"):
        write_parquet(tmp_path / "x.parquet", frame)
    assert names(tmp_path) == []


def test_what_was_forced_to_disk_is_closed_again(tmp_path):
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir()))
    for _ in range(5):
        fsync_path(tmp_path)
    assert len(list(descriptors.iterdir())) == before
