"""Killed at any moment and started again, a run continues and ends with the same bytes."""

import os
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

from gauger.execute.cache import MANIFEST
from gauger.store.lock import holder

DRIVER = Path(__file__).parent / "toy_driver.py"


def start(root, sleep):
    """Start a driver that hangs up when told to, even where these tests run under nohup, which hands "ignored" down."""
    command = [sys.executable, DRIVER, root, str(sleep)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL), **pipes)


def finish(root, sleep=0.05):
    driver = start(root, sleep)
    out, err = driver.communicate(timeout=60)
    assert driver.returncode == 0, err
    return tuple(map(int, out.split()))


def contents(root):
    """SHA-256 of every result file; `done.json` holds seconds, which differ."""
    files = (path for path in (root / "entries").rglob("*") if path.is_file() and path.name != MANIFEST)
    return {str(path.relative_to(root)): sha256(path.read_bytes()).hexdigest() for path in files}


def workers_of(pid):
    """Process ids of a process's children."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_for(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def started(root, number):
    entries = root / "entries"
    return lambda: entries.is_dir() and len(list(entries.iterdir())) >= number


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    root = tmp_path_factory.mktemp("undisturbed")
    assert finish(root) == (12, 0)
    return contents(root)


@pytest.mark.parametrize("number", [0, 1, 4, 9])
def test_kill_9_of_the_driver(tmp_path, undisturbed, number):
    driver = start(tmp_path, 0.05)
    wait_for(started(tmp_path, number))
    children = workers_of(driver.pid)
    driver.kill()
    driver.communicate()
    wait_for(lambda: all(gone(child) for child in children))
    done, cached = finish(tmp_path)
    assert (done, cached >= number) == (12, True)
    assert contents(tmp_path) == undisturbed


def test_kill_again_and_again(tmp_path, undisturbed):
    for _ in range(6):
        driver = start(tmp_path, 0.05)
        time.sleep(0.35)
        driver.kill()
        driver.communicate()
    assert finish(tmp_path)[0] == 12
    assert contents(tmp_path) == undisturbed


def test_kill_9_of_a_worker_in_mid_run(tmp_path, undisturbed):
    driver = start(tmp_path, 0.05)
    wait_for(started(tmp_path, 2))
    os.kill(workers_of(driver.pid)[0], signal.SIGKILL)
    out, err = driver.communicate(timeout=60)
    assert (driver.returncode, out) == (0, "12 0\n"), err
    assert contents(tmp_path) == undisturbed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_cleanly_and_at_once(tmp_path, number):
    driver = start(tmp_path, 60)
    wait_for(lambda: len(list(tmp_path.glob("partial/*"))) == 2)
    children = workers_of(driver.pid)
    assert len(children) == 2
    before = time.monotonic()
    driver.send_signal(number)
    _, err = driver.communicate(timeout=20)
    assert time.monotonic() - before < 5, "workers leave in mid-job"
    assert driver.returncode == 128 + number
    assert err == f"stopped by {number.name}; the same command continues where it stopped\n"
    assert all(gone(child) for child in children)
    assert holder(tmp_path / "lock") is None


def test_workers_end_in_mid_job_when_the_driver_is_killed(tmp_path):
    driver = start(tmp_path, 60)
    wait_for(lambda: len(list(tmp_path.glob("partial/*"))) == 2)
    children = workers_of(driver.pid)
    driver.kill()
    driver.communicate()
    wait_for(lambda: all(gone(child) for child in children), seconds=5)


def test_an_ignored_hang_up_stays_ignored(tmp_path):
    command = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", sys.executable, str(DRIVER), str(tmp_path), "0.05"]
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(started(tmp_path, 1))
    driver.send_signal(signal.SIGHUP)
    out, err = driver.communicate(timeout=60)
    assert (driver.returncode, out) == (0, "12 0\n"), err
