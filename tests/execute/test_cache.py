"""Results by content address: whole or absent, and verified."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest

import gauger.execute.cache as cache_module
from gauger.errors import DamagedError, JobError
from gauger.execute.cache import MANIFEST, Cache, State

KEY = "k" * 64


@pytest.fixture
def told():
    return []


@pytest.fixture
def cache(tmp_path, told):
    return Cache(tmp_path / "jobs", on_damaged=lambda key, reason: told.append((key, reason)))


@pytest.fixture
def entry(cache):
    out = cache.begin(KEY)
    (out / "weights.bin").write_bytes(b"0123456789")
    (out / "deep").mkdir()
    (out / "deep" / "text.txt").write_text("text")
    return cache.commit(KEY, out, seconds=1.5)


def test_a_committed_result_is_found(cache, entry):
    assert cache.get(KEY) == entry
    assert (entry / "deep" / "text.txt").read_text() == "text"
    assert cache.inspect(KEY).seconds == 1.5
    assert set(json.loads((entry / MANIFEST).read_text())["files"]) == {"weights.bin", "deep/text.txt"}


def test_an_absent_result_is_none(cache, told):
    assert cache.get(KEY) is None
    assert cache.inspect(KEY).state is State.MISSING
    assert told == []


def test_a_result_in_the_making_is_not_there(cache):
    out = cache.begin(KEY)
    (out / "weights.bin").write_bytes(b"half")
    assert cache.get(KEY) is None
    assert cache.in_progress() == {KEY}
    cache.sweep()
    assert not out.exists()


def flip(entry):
    (entry / "weights.bin").write_bytes(b"0123456780")


def cut(entry):
    (entry / "weights.bin").write_bytes(b"0123")


def lose(entry):
    (entry / "deep" / "text.txt").unlink()


def lose_manifest(entry):
    (entry / MANIFEST).unlink()


def cut_manifest(entry):
    (entry / MANIFEST).write_bytes((entry / MANIFEST).read_bytes()[:40])


def empty_manifest(entry):
    (entry / MANIFEST).write_text("{}")


def another_key(entry):
    (entry / MANIFEST).write_text((entry / MANIFEST).read_text().replace(KEY, "x" * 64))


def no_files(entry):
    (entry / MANIFEST).write_text(json.dumps({"schema": "gauger.result/1", "key": KEY, "files": None}))


DAMAGE = {
    flip: "weights.bin does not match its checksum",
    cut: "weights.bin has the wrong size",
    lose: "deep/text.txt is missing",
    lose_manifest: "done.json is missing",
    cut_manifest: "done.json is unreadable",
    empty_manifest: "done.json does not describe this result",
    another_key: "done.json does not describe this result",
    no_files: "done.json lists no files",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_noticed_reported_and_set_aside(cache, entry, told, damage):
    damage(entry)
    assert cache.inspect(KEY).state is State.DAMAGED
    assert entry.exists(), "inspecting changes nothing"
    assert cache.get(KEY) is None
    assert told == [(KEY, DAMAGE[damage])]
    assert not entry.exists()
    assert [name.split(".")[0] for name in cache.damaged()] == [KEY]
    assert cache.get(KEY) is None
    assert len(told) == 1, "said once"


def test_a_second_commit_keeps_the_first(cache, entry):
    out = cache.begin(KEY)
    (out / "weights.bin").write_bytes(b"other")
    assert cache.commit(KEY, out) == entry
    assert (entry / "weights.bin").read_bytes() == b"0123456789"
    assert not out.exists()


def test_links_are_refused(cache):
    out = cache.begin(KEY)
    (out / "link").symlink_to("/etc/hostname")
    with pytest.raises(JobError, match="link"):
        cache.commit(KEY, out)
    assert cache.get(KEY) is None


def test_results_of_another_user_are_read_though_their_times_cannot_be_set(cache, entry, monkeypatch):
    def refuse(path):
        raise PermissionError(1, "Operation not permitted", str(path))

    monkeypatch.setattr(os, "utime", refuse)
    assert cache.get(KEY) == entry


def test_of_a_result_behind_a_link_the_link_is_discarded(cache, entry, tmp_path):
    moved = entry.rename(tmp_path / "elsewhere")
    entry.symlink_to(moved)
    assert cache.get(KEY) == entry
    cache.discard(KEY)
    assert cache.get(KEY) is None
    assert (moved / MANIFEST).is_file()


def test_discard(cache, entry):
    cache.discard(KEY)
    cache.discard(KEY)
    assert cache.get(KEY) is None


def test_abandon_drops_only_that_key(cache):
    mine, other = cache.begin(KEY), cache.begin("o" * 64)
    cache.abandon(KEY)
    assert not mine.exists()
    assert other.exists()


def test_a_moved_cache_still_holds(cache, entry, tmp_path):
    shutil.copytree(cache.root, tmp_path / "elsewhere")
    assert Cache(tmp_path / "elsewhere").get(KEY) is not None


def test_a_result_that_cannot_be_put_in_place_is_no_result(cache, monkeypatch):
    """The rename fails and nothing stands there: that is an error, never a committed result."""
    out = cache.begin(KEY)
    (out / "weights.bin").write_bytes(b"0123456789")

    def refuse(self, target):
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OSError, match="No space left"):
        cache.commit(KEY, out)
    assert cache.get(KEY) is None


def test_every_file_of_a_result_is_forced_to_disk_before_it_counts(cache, monkeypatch):
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(Path(f"/proc/self/fd/{fd}").readlink()), real(fd)))
    out = cache.begin(KEY)
    (out / "weights.bin").write_bytes(b"0123456789")
    (out / "deep").mkdir()
    (out / "deep" / "text.txt").write_text("text")
    cache.commit(KEY, out)
    names = [path.name for path in synced]
    assert {"weights.bin", "text.txt", MANIFEST} <= set(names)
    assert names.index(MANIFEST) > max(names.index("weights.bin"), names.index("text.txt")), "the marker comes last"


@pytest.fixture
def copied(cache, entry, tmp_path):
    """Another cache, and in its partial folder a copy of a result of the first, marker included."""
    other = Cache(tmp_path / "other")
    out = other.begin(KEY)
    shutil.copytree(entry, out, dirs_exist_ok=True)
    return other, out


def test_an_adopted_copy_is_forced_to_disk_and_takes_its_place(copied, monkeypatch):
    other, out = copied
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(Path(f"/proc/self/fd/{fd}").readlink().name), real(fd)))
    path = other.adopt(KEY, out)
    assert {"weights.bin", "text.txt", MANIFEST} <= set(synced)
    assert (other.get(KEY), path.parent, out.exists()) == (path, other.path(KEY).parent, False)
    assert (path / "deep" / "text.txt").read_text() == "text"


def test_a_copy_from_anywhere_is_adopted_by_a_cache_that_is_not_there_yet(entry, tmp_path):
    copy = shutil.copytree(entry, tmp_path / "copy")
    new = Cache(tmp_path / "not" / "yet" / "there")
    assert new.adopt(KEY, copy) == new.get(KEY)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("weights.bin", b"012345678", "has the wrong size"),
        ("weights.bin", b"0123456780", "does not match its checksum"),
        ("deep/text.txt", None, "is missing"),
        (MANIFEST, b"{}", "does not describe this result"),
        (MANIFEST, None, "done.json is missing"),
    ],
)
def test_a_copy_that_is_not_what_its_marker_says_is_not_adopted(copied, name, content, reason):
    other, out = copied
    (out / name).unlink()
    if content is not None:
        (out / name).write_bytes(content)
    with pytest.raises(DamagedError, match=reason):
        other.adopt(KEY, out)
    assert other.get(KEY) is None


def test_a_copy_under_another_key_is_not_adopted(copied):
    other, out = copied
    with pytest.raises(DamagedError, match="does not describe this result"):
        other.adopt("m" * 64, out)


TICK_S = 0.02
"""Longer than the step in which a file system counts time: two files of one step cannot be told apart."""


def untouched_in_time(entry, name="weights.bin"):
    """Spoil a file and set its times back to what they were; only its inode can tell."""
    path = entry / name
    before = path.stat()
    path.write_bytes(b"x" * before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("damage", [*DAMAGE, untouched_in_time])
def test_a_glance_notices_what_was_touched_and_changes_nothing(cache, entry, told, damage):
    assert cache.glance(KEY).state is State.DONE
    damage(entry)
    assert cache.glance(KEY).state is State.DAMAGED
    assert (entry.exists(), told) == (True, [])


def counting(monkeypatch):
    """Names of the files that are hashed from now on."""
    hashed = []
    whole = cache_module._sha256
    monkeypatch.setattr(cache_module, "_sha256", lambda path: hashed.append(path.name) or whole(path))
    return hashed


def test_what_will_be_read_is_hashed_and_nothing_else(cache, entry, monkeypatch):
    time.sleep(TICK_S)
    cache.look_up(KEY)
    hashed = counting(monkeypatch)
    assert cache.glance(KEY).state is State.DONE
    assert hashed == []
    assert cache.look_up(KEY, read=("deep/text.txt", "other.txt")).state is State.DONE
    assert hashed == ["text.txt"]
    cache.look_up(KEY)
    assert sorted(hashed) == ["text.txt", "text.txt", "weights.bin"]


def test_a_file_that_rots_without_a_trace_is_noticed_before_it_is_read(cache, entry, monkeypatch):
    """What no time tells (a bit that flips on the disk): sizes and times say done, the hash before reading says no."""
    cache.look_up(KEY)
    untouched_in_time(entry)
    os.utime(entry / "done.json", ns=(0, time.time_ns() + 10**9))  # the clock that a glance looks at says nothing
    assert cache.glance(KEY).state is State.DONE
    assert cache.look_up(KEY, read=("deep/text.txt",)).state is State.DONE
    assert cache.look_up(KEY, read=("weights.bin",)).state is State.DAMAGED


def test_a_copied_result_is_hashed_once_and_then_known(cache, entry, tmp_path, monkeypatch):
    shutil.copytree(tmp_path / "jobs", tmp_path / "copy")
    copy, hashed = Cache(tmp_path / "copy"), counting(monkeypatch)
    copy.glance(KEY)
    assert "weights.bin" in hashed, "a copy's times are those of the copying"
    time.sleep(TICK_S)
    copy.look_up(KEY)
    hashed.clear()
    assert copy.glance(KEY).state is State.DONE
    assert hashed == []
