"""Keeps programs of others from outliving who wanted them: ``python -P -m gauger.execute.keeper``.

One JSON object comes on standard input: ``{"command", "folder", "environment", "log", "mark"}``. The program runs with
exactly that environment and the mark, in a session of its own. It ends with the keeper, and the keeper ends

1. when the program ends: with its exit code, 128 + n where signal n ended it;
2. when standard input ends, because who asked closed it or is gone, however it went: with code 0.

Either way no process that carries the mark is left, whatever group or session it moved to: first they are asked
(SIGTERM), then they are killed. Where there is no ``/proc`` (macOS) the program's own session is all that is reached.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

MARK = "GAUGER_PROGRAM"
"""Environment variable that every process of a program carries."""
GRACE_S = 5.0
"""How long processes may take to leave after SIGTERM."""
_PARENT_DEATH_SIGNAL, _CHILD_SUBREAPER = 1, 36
_PROCESSES = Path("/proc")


def main() -> None:
    """Run one program to its end, or until standard input ends."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # who asked ends it by the pipe: then nothing is left behind
    order = json.loads(sys.stdin.buffer.readline() or b"null")
    if order is None:
        return
    _control(_CHILD_SUBREAPER)  # what a process of the program leaves behind becomes a child of this one
    with Path(order["log"]).open("ab") as log:
        program = start(order, log)
    let_go = threading.Event()
    threading.Thread(target=_listen, args=(let_go,), daemon=True).start()
    while program.poll() is None and not let_go.wait(0.05):
        pass
    code = program.poll()
    end_marked(order["mark"], program)
    os._exit(0 if code is None else code if code >= 0 else 128 - code)  # a thread still waits for standard input


def start(order: dict[str, Any], log: Any) -> subprocess.Popen[bytes]:
    """Start the program; should this process be killed, the kernel ends it too."""
    keeper = os.getpid()

    def last_before_it_runs() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # what is ignored here would be ignored there too
        _control(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != keeper:  # killed before the line above
            os._exit(1)

    return subprocess.Popen(
        order["command"],
        cwd=order["folder"],
        env={**order["environment"], MARK: order["mark"]},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=last_before_it_runs,
    )


def _listen(let_go: threading.Event) -> None:
    sys.stdin.buffer.read()
    let_go.set()


def _control(what: int, value: int = 1) -> None:
    """Ask the kernel for something of this process; only Linux has it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(what, value, 0, 0, 0)


def marked(mark: str) -> list[int]:
    """Return the processes that carry a mark, but for this one and what has ended already."""
    wanted, processes = f"{MARK}={mark}".encode(), []
    for place in _PROCESSES.iterdir() if _PROCESSES.is_dir() else ():
        if not place.name.isdigit() or int(place.name) == os.getpid():
            continue
        with suppress(OSError):  # it has just ended, or is somebody else's
            if wanted in (place / "environ").read_bytes().split(b"\0"):
                processes.append(int(place.name))
    return processes


def end_marked(mark: str, program: subprocess.Popen[bytes] | None = None) -> None:
    """End every process with a mark: SIGTERM, and SIGKILL to those that have not left in `GRACE_S`.

    Parameters
    ----------
    mark : str
        What the processes carry.
    program : subprocess.Popen, optional
        The one that was started: its session is ended too, and it is waited for.
    """
    for chosen, patience in ((signal.SIGTERM, GRACE_S), (signal.SIGKILL, GRACE_S)):
        _tell(mark, program, chosen)
        if _wait(lambda: not marked(mark) and (program is None or program.poll() is not None), patience):
            return


def _tell(mark: str, program: subprocess.Popen[bytes] | None, chosen: signal.Signals) -> None:
    for process in marked(mark):
        with suppress(ProcessLookupError):
            os.kill(process, chosen)
    if program is not None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(program.pid, chosen)


def _wait(reached: Callable[[], bool], patience_s: float) -> bool:
    end = time.monotonic() + patience_s
    while not reached():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


if __name__ == "__main__":
    main()
