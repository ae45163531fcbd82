"""Starts programs of others (trainers, servers, evaluators) so that none outlives the job that wanted it.

A program gets no more of this process's environment than `KEPT`, and what it is given by name. All that it prints goes
to one log. `keeper.py` stands between: however this process ends, the program and everything it started end too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast
from uuid import uuid4

from gauger.errors import GaugerError, UserError
from gauger.execute.keeper import GRACE_S, end_marked

KEPT = (
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "CUDA_HOME", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"),
    *("HIP_VISIBLE_DEVICES", "HF_HOME", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "XDG_CACHE_HOME", "TORCH_HOME"),
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
)
"""Variables of this process that programs see: where things are, and no secret."""
TAIL_BYTES = 1 << 16


@dataclass(frozen=True)
class ProgramOrder:
    """What to run."""

    command: Sequence[str]
    """Program and arguments; no shell reads them."""
    folder: Path
    """Where it runs."""
    log: Path
    """What it prints is added here."""
    environment: Mapping[str, str]
    """Everything that it sees of the outside."""


def environment_for(named: Iterable[str] = (), given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a program: `KEPT`, variables named by the user, and what is given.

    Parameters
    ----------
    named : iterable of str
        Further variables of this process, such as a token that the program needs.
    given : mapping, optional
        Variable -> value; stands above both.

    Raises
    ------
    UserError
        Where a named variable is not set.
    """
    for name in named:
        if name not in os.environ:
            raise UserError(f"the environment variable {name}, which the study names", "none", hint=f"export {name}=…")
    kept = {name: os.environ[name] for name in (*KEPT, *named) if name in os.environ}
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONHASHSEED": "0", **(given or {})}


class RunningProgram:
    """A program, from its start to the end of the ``with`` block, which ends all of it.

    Parameters
    ----------
    order : ProgramOrder
        What to run.

    Raises
    ------
    UserError
        Where there is no such program.
    """

    def __init__(self, order: ProgramOrder) -> None:
        require_program(order.command, order.environment)
        self.order, self.mark = order, uuid4().hex

    def __enter__(self) -> RunningProgram:
        self._keeper = subprocess.Popen(
            [sys.executable, "-P", "-m", "gauger.execute.keeper"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            cwd=self.order.folder,
        )
        told: dict[str, Any] = {
            "command": list(self.order.command),
            "folder": str(self.order.folder),
            "environment": dict(self.order.environment),
            "log": str(self.order.log),
            "mark": self.mark,
        }
        with suppress(BrokenPipeError):  # it died: `code` says so
            self._pipe.write(json.dumps(told).encode() + b"\n")
            self._pipe.flush()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    @property
    def _pipe(self) -> IO[bytes]:
        return cast("IO[bytes]", self._keeper.stdin)

    @property
    def code(self) -> int | None:
        """Exit code, 128 + n for signal n; None while it runs."""
        code = self._keeper.poll()
        if code is not None and code < 0:  # the keeper itself was killed, and the kernel ended the program
            end_marked(self.mark)
            return 128 - code
        return code

    def stop(self) -> None:
        """End the program and all that it started, and wait until that is so."""
        with suppress(BrokenPipeError):
            self._pipe.close()
        try:
            self._keeper.wait(4 * GRACE_S)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait()
        end_marked(self.mark)

    def tail(self, lines: int = 20) -> str:
        """Return the last lines of the log."""
        return log_tail(self.order.log, lines)


def log_tail(log: Path, lines: int = 20) -> str:
    """Return the last lines of a log; "" where there is none."""
    if not log.is_file():
        return ""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - TAIL_BYTES))
        text = stream.read().decode("utf-8", "replace")
    return "\n".join(text.splitlines()[-lines:])


def require_program(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Refuse a command whose program is not there.

    Raises
    ------
    UserError
        Naming it.
    """
    from shutil import which

    if not command:
        raise UserError("a command", "an empty one")
    if which(command[0], path=environment.get("PATH")) is None:
        hint = "Install it, or write its whole path in the study."
        raise UserError("a program that can be run", repr(command[0]), hint=hint)


def output_of(command: Sequence[str], environment: Mapping[str, str], timeout_s: float = 120.0) -> str:
    """Run a short command to its end, and return what it prints.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    environment : mapping
        As `environment_for` returns it.
    timeout_s : float
        After which it is ended.

    Raises
    ------
    UserError
        Where there is no such program.
    GaugerError
        Where it fails, or takes too long.
    """
    require_program(command, environment)
    try:
        done = subprocess.run(command, capture_output=True, env=dict(environment), timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise GaugerError(f"{command[0]} took more than {timeout_s:g} s") from error
    if done.returncode:
        told = done.stderr.decode("utf-8", "replace").strip().splitlines()[-3:]
        raise GaugerError(f"{' '.join(command)} ended with exit code {done.returncode}: {' / '.join(told)}")
    return done.stdout.decode("utf-8", "replace").strip()
