"""Programs of others: what they see, and that nothing of them is left, however they or we end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gauger.errors import GaugerError, UserError
from gauger.execute.keeper import MARK, marked
from gauger.execute.program import KEPT, ProgramOrder, RunningProgram, environment_for, log_tail, output_of

LEAVES = """
import os, subprocess, sys, time
deserter = "import os, time; os.setsid(); print('deserted', os.getpid(), flush=True); time.sleep(60)"
subprocess.Popen([sys.executable, "-c", deserter])
print("ready", flush=True)
time.sleep(float(sys.argv[1]))
"""
needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="processes are found by their environment in /proc")


def order(tmp_path, code, *arguments, named=(), **given):
    command = [sys.executable, "-c", code, *arguments]
    return ProgramOrder(command, tmp_path, tmp_path / "log", environment_for(named, given))


def wait_for(what, seconds=30):
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def deserter_of(tmp_path):
    lines = [line for line in log_tail(tmp_path / "log").splitlines() if line.startswith("deserted ")]
    return int(lines[0].split()[1]) if lines else None


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_it_ends_with_its_own_code_and_all_that_it_says_is_in_the_log(tmp_path):
    with RunningProgram(
        order(tmp_path, "import sys; print('said'); sys.stderr.write('moaned\\n'); sys.exit(7)")
    ) as one:
        assert wait_for(lambda: one.code is not None)
        assert one.code == 7
    assert sorted(one.tail().split()) == ["moaned", "said"]


def test_a_signal_that_ended_it_is_told_apart_from_a_code(tmp_path):
    with RunningProgram(order(tmp_path, "import os; os.kill(os.getpid(), 9)")) as one:
        wait_for(lambda: one.code is not None)
        assert one.code == 128 + 9


@needs_proc
def test_what_it_started_ends_with_it_even_in_a_session_of_its_own(tmp_path):
    with RunningProgram(order(tmp_path, LEAVES, "0.5")) as one:
        pid = wait_for(lambda: deserter_of(tmp_path))
        wait_for(lambda: one.code is not None)
    assert not alive(pid)


@needs_proc
def test_leaving_the_block_ends_it(tmp_path):
    with RunningProgram(order(tmp_path, LEAVES, "60")) as one:
        pid = wait_for(lambda: deserter_of(tmp_path))
        assert one.code is None
        assert marked(one.mark)
    assert not alive(pid)
    assert not marked(one.mark)


@needs_proc
@pytest.mark.parametrize("victim", ["us", "the keeper"])
def test_nothing_is_left_where_we_or_the_keeper_are_killed(tmp_path, victim):
    """Adversary: without a keeper (`subprocess` alone) the program outlives its killed parent."""
    parent = (
        "import sys, time; from pathlib import Path\n"
        "from gauger.execute.program import ProgramOrder, RunningProgram, environment_for\n"
        f"code, folder = {LEAVES!r}, Path({str(tmp_path)!r})\n"
        "order = ProgramOrder([sys.executable, '-c', code, '60'], folder, folder / 'log', environment_for())\n"
        "with RunningProgram(order) as one:\n    print(one.mark, one._keeper.pid, flush=True)\n"
        "    while one.code is None:\n        time.sleep(0.05)\n"
    )
    us = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True)
    mark, keeper = us.stdout.readline().split()
    pid = wait_for(lambda: deserter_of(tmp_path))
    os.kill(us.pid if victim == "us" else int(keeper), signal.SIGKILL)
    us.wait(30)
    us.stdout.close()
    wait_for(lambda: not marked(mark))
    assert not alive(pid)


@needs_proc
def test_a_program_started_without_a_keeper_is_left(tmp_path):
    """The naive way, so that the test above can fail."""
    parent = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(p.pid, flush=True); p.wait()"
    )
    us = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True)
    pid = int(us.stdout.readline())
    us.kill()
    us.wait()
    us.stdout.close()
    assert alive(pid)
    os.kill(pid, signal.SIGKILL)


def test_it_sees_where_things_are_and_what_is_named_and_no_other_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", "hidden")
    monkeypatch.setenv("HF_TOKEN", "shown")
    code = "import os; print(sorted(os.environ))"
    with RunningProgram(order(tmp_path, code, named=["HF_TOKEN"], GAUGER_SEED="3")) as one:
        wait_for(lambda: one.code is not None)
    seen = set(eval(one.tail()))  # noqa: S307 - our own list
    assert {"HF_TOKEN", "GAUGER_SEED", "PATH", MARK} <= seen
    assert "SOME_API_KEY" not in seen
    assert seen <= {*KEPT, "HF_TOKEN", "GAUGER_SEED", MARK, "PYTHONUNBUFFERED", "PYTHONHASHSEED", "LC_CTYPE"}
    assert not any(word in name for name in KEPT for word in ("KEY", "TOKEN", "SECRET", "PASSWORD"))


def test_mistakes_are_named(tmp_path, monkeypatch):
    monkeypatch.delenv("NOT_SET", raising=False)
    with pytest.raises(UserError, match="NOT_SET"):
        environment_for(["NOT_SET"])
    with pytest.raises(UserError, match="'no-such-program'"):
        RunningProgram(ProgramOrder(["no-such-program"], tmp_path, tmp_path / "log", environment_for()))
    assert output_of([sys.executable, "-c", "print(' 1.2 ')"], environment_for()) == "1.2"
    with pytest.raises(GaugerError, match="exit code 3: why"):
        output_of([sys.executable, "-c", "import sys; sys.stderr.write('why'); sys.exit(3)"], environment_for())
    with pytest.raises(GaugerError, match=r"more than 0\.2 s"):
        output_of([sys.executable, "-c", "import time; time.sleep(9)"], environment_for(), timeout_s=0.2)
