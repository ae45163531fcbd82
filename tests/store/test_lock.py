"""One driver per directory."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gauger.errors import UserError
from gauger.store.lock import holder, locked, start_time

HOLD = "import sys, pathlib\nfrom gauger.store.lock import locked\n" + (
    "with locked(pathlib.Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "jobs" / "lock"


@pytest.fixture
def other(path):
    """Another process that holds the lock until it is told to end."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_process_is_refused_and_told_who(path, other):
    assert holder(path).pid == other.pid
    with pytest.raises(UserError, match=f"process {other.pid} on .* is already working in"), locked(path):
        pass


def test_a_lock_is_free_after_its_holder_is_killed(path, other):
    other.kill()
    other.wait()
    assert holder(path) is None
    with locked(path):
        assert holder(path).pid == os.getpid()
    assert holder(path) is None


def test_a_lock_is_free_after_an_error_in_the_block(path):
    with pytest.raises(RuntimeError), locked(path):
        raise RuntimeError
    assert holder(path) is None
    with locked(path):
        pass


def test_the_same_process_is_refused_too(path):
    with locked(path), pytest.raises(UserError), locked(path):
        pass


def sign(path, **changes):
    own = {"pid": os.getpid(), "started": start_time(os.getpid()), "host": socket.gethostname()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(own | changes))


def test_a_process_id_given_to_another_process_is_no_holder(path):
    sign(path)
    assert holder(path).pid == os.getpid()
    sign(path, started="boot:1")
    assert holder(path) is None
    with locked(path):
        pass


def test_a_holder_on_another_host_is_believed(path):
    sign(path, host="elsewhere", started="boot:1")
    assert holder(path).host == "elsewhere"


def test_a_process_that_does_not_tell_its_start_is_believed(path):
    sign(path, started=None)
    assert holder(path) is not None


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"pid": "x", "started": null, "host": ""}'])
def test_an_unreadable_lock_names_nobody(path, content):
    path.parent.mkdir()
    path.write_text(content)
    assert holder(path) is None
    with locked(path):
        pass


def test_start_times():
    assert start_time(os.getpid()) == start_time(os.getpid())
    assert start_time(os.getpid()) != start_time(os.getppid())
    assert start_time(2**22 + 1) is None


def signed_elsewhere(path, **more):
    path.write_text(json.dumps({"pid": 12, "started": None, "host": "otherhost", **more}))


@pytest.mark.parametrize(
    ("ago_s", "age"), [(60, "for 1 min"), (7200, "for 2 h"), (-7200, "for 0 min"), (None, "for an unknown time")]
)
def test_a_lock_of_another_host_is_named_with_host_and_age(tmp_path, ago_s, age):
    """A clock that jumped, or another host's that is ahead, makes no negative age."""
    path = tmp_path / "lock"
    signed_elsewhere(path, **({} if ago_s is None else {"since": time.time() - ago_s}))
    with pytest.raises(UserError) as caught, locked(path):
        pass
    said = str(caught.value)
    assert f"process 12 on otherhost ({age}) is already working in {tmp_path}, or was killed" in said
    assert f"remove {path}" in said
    path.unlink()
    with locked(path):
        pass


def test_a_lock_that_this_host_left_behind_is_taken(tmp_path):
    path = tmp_path / "lock"
    path.write_text(json.dumps({"pid": 2**22 + 1, "started": None, "host": socket.gethostname()}))
    with locked(path):
        pass


def test_a_start_is_counted_in_ticks_since_the_boot_and_does_not_move_with_what_the_process_does():
    """Field 22 of /proc/PID/stat, in ticks of the clock; the fields beside it grow with memory."""
    first = start_time(os.getpid())
    held = bytearray(30_000_000)
    assert start_time(os.getpid()) == first
    since_boot = float(Path("/proc/uptime").read_text().split()[0])
    assert 0 < int(first.rpartition(":")[2]) / os.sysconf("SC_CLK_TCK") <= since_boot
    assert len(held) == 30_000_000
