"""Locks a directory, so that it has one driver.

The lock is the operating system's (`flock`): it is released when its holder ends, however it ends, so a killed run
leaves no lock behind. Beside it the file names the holder by process id and start time, for messages and for `status`;
the start time tells a living holder from an unrelated process that was given the same id later.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gauger.errors import UserError
from gauger.store.json_text import parse_json

_LOOK_AGAIN_S = 0.2
"""How often a lock that is waited for is looked at."""
_STARTTIME_FIELD = 22  # of /proc/PID/stat, counted from 1 (proc_pid_stat(5))


@dataclass(frozen=True)
class Holder:
    """The process that holds a lock, or held it last."""

    pid: int
    started: str | None
    """Clock ticks between boot and its start, with the boot's id; None where the system does not tell."""
    host: str
    since: float | None = None
    """Seconds since 1970 by that host's clock; None where an earlier version wrote the lock."""

    @property
    def age(self) -> str:
        """How long the lock has been held, in words; clocks of two hosts may differ, and no age is below 0."""
        if self.since is None:
            return "for an unknown time"
        minutes = max(time.time() - self.since, 0.0) / 60
        return f"for {minutes:.0f} min" if minutes < 120 else f"for {minutes / 60:.0f} h"

    @property
    def alive(self) -> bool:
        """Whether it still runs; on another host nobody can tell from here, and the answer is yes."""
        if self.host != socket.gethostname():
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return self.started is None or self.started == start_time(self.pid)


@contextmanager
def locked(path: Path, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the lock at `path` for the length of the block, after waiting for it so long at most.

    Raises
    ------
    UserError
        Where another process holds it still, or one of another host that nobody can look at from here signed it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        last = time.monotonic() + wait_s
        while not _taken(descriptor):
            if time.monotonic() >= last:
                raise _busy(path) from None
            time.sleep(_LOOK_AGAIN_S)
        _refuse_other_host(path)
        _sign(descriptor)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    """Take the lock if it is free; say whether it is held now."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def holder(path: Path) -> Holder | None:
    """Name the living process that holds the lock; None where there is none (or its file cannot be read)."""
    try:
        value = parse_json(path.read_bytes())
        owner = Holder(int(value["pid"]), value["started"], str(value["host"]), _seconds(value.get("since")))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return owner if owner.alive else None


def start_time(pid: int) -> str | None:
    """Say when a process started, in a form that no other process of any boot shares; None where unknown."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    after_name = stat.rpartition(")")[2].split()  # the name may hold blanks; fields 1 and 2 are cut off
    return f"{boot}:{after_name[_STARTTIME_FIELD - 3]}"


def _sign(descriptor: int) -> None:
    pid = os.getpid()
    about = {"pid": pid, "started": start_time(pid), "host": socket.gethostname(), "since": time.time()}
    content = json.dumps(about)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, content.encode() + b"\n", 0)


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _refuse_other_host(path: Path) -> None:
    """Refuse a lock that another host signed: file systems that hosts share do not always share locks."""
    owner = holder(path)
    if owner is not None and owner.host != socket.gethostname():
        raise UserError(
            f"process {owner.pid} on {owner.host} ({owner.age}) is already working in {path.parent}, or was killed",
            hint=f"Wait for it; if it is gone, remove {path}.",
        )


def _busy(path: Path) -> UserError:
    owner = holder(path)
    who = f"process {owner.pid} on {owner.host} ({owner.age})" if owner else "another process"
    return UserError(
        f"{who} is already working in {path.parent}",
        hint="Wait for it, or choose another directory with --out.",
    )
