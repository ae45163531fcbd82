"""Serves a local model by the user's command: starts it, waits until it answers, and ends all of it afterwards.

One that ends while it is asked (no memory, a machine that is let go) is started again, `RESTARTS` times in all, by who
asks it (`session.Session`): what was in flight is sent again, what was answered is not. An evaluator of others that
asks it is stopped then, and begins anew (`jobs.evaluating`).
"""

from __future__ import annotations

import shlex
import sys
import threading
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType

from gauger.elicit.api.faults import unreachable_error
from gauger.elicit.api.held_port import HOST, HeldPort
from gauger.errors import GaugerError, UserError
from gauger.execute import ProgramOrder, RunningProgram, environment_for, granted_gpus

POLL_S = 0.2
RESTARTS = 2
"""Times that a server which has ended is started again: a third end within one job is no chance."""
_PLACES = ("model", "port", "gpus")


@dataclass(frozen=True)
class ServerCommand:
    """What serves a model."""

    command: str
    """With `{model}` and `{port}`, and perhaps `{gpus}`."""
    health: str = "/health"
    """What answers 200 once the model can be asked."""
    start_s: float = 900.0
    """How long it may take to begin."""
    environment: tuple[str, ...] = ()
    """Variables of this process that it sees besides."""
    gpus: int = 1
    """GPUs that it gets, where the machine has any."""


class ModelServer:
    """A model that is served on this machine for the length of a ``with`` block; nothing of it is left afterwards.

    Parameters
    ----------
    serving : ServerCommand
        What serves it.
    model : Path
        The checkpoint.
    log : Path
        Where all that it prints goes.

    Raises
    ------
    UserError
        A command that does not say where model and port go, or whose program is not there.
    GaugerError
        Where it ends before it answers, or takes too long; with the last lines of its log.

    Notes
    -----
    Proof: tests/elicit/api/test_model_server.py.
    """

    def __init__(self, serving: ServerCommand, model: Path, log: Path) -> None:
        self.serving, self.model, self.log = serving, model, log
        self._held = HeldPort()
        self.port = self._held.number
        self.command = server_command(
            serving.command, model, self.port, granted_gpus(serving.gpus, "the model's server")
        )
        self.restarts = 0
        self._turn, self._left = threading.Lock(), False

    def __enter__(self) -> ModelServer:
        self._begin()
        self._wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        with self._turn:  # nobody begins it again while, or after, it is ended
            self._left = True
            self.program.stop()
            self._held.let_go()

    @property
    def address(self) -> str:
        """Host and port, as ``http://127.0.0.1:8123``."""
        return f"http://{HOST}:{self.port}"

    def begin_again(self) -> bool:
        """Start it again where it has ended, on the same port; says whether it had. May be called from any thread.

        Raises
        ------
        UserError
            Where it has been started again `RESTARTS` times already; with the last lines of its log.
        """
        with self._turn:
            code = self.program.code
            if code is None or self._left:
                return False
            tail = self.program.tail()
            if self.restarts == RESTARTS:
                what = f"exit code {code} after it was started again {RESTARTS} times, its log ending\n{tail}\n"
                raise unreachable_error(what, self.address, own=True)
            self.restarts += 1
            told = f"the model's server ended with exit code {code}; start {self.restarts + 1} of {RESTARTS + 1}"
            print(f"{told}, its log ended\n{tail}", file=sys.stderr, flush=True)
            self.program.stop()
            self._begin()
            return True

    def is_running(self) -> bool:
        """Tell whether it has not ended."""
        return self.program.code is None

    def revive(self) -> None:
        """Start it again where it has ended, and wait until it answers: for who asks it by a program of others.

        Raises
        ------
        UserError, GaugerError
            As `begin_again` and the first start do.
        """
        if self.begin_again():
            self._wait()

    def _wait(self) -> None:
        try:
            while not self.ready():
                self._require_running()
                time.sleep(POLL_S)
            self._require_running()  # else who answers is somebody else on its port
        except BaseException:
            self.program.stop()
            raise

    def ready(self) -> bool:
        """Tell whether it answers.

        Raises
        ------
        GaugerError
            Where it does not although it has had its time; with the last lines of its log.
        """
        if answers(self.port, self.serving.health):
            return True
        if time.monotonic() > self._until:
            last_lines = self.program.tail()
            minutes = self.serving.start_s / 60
            raise GaugerError(f"{self.serving.health} did not answer within {minutes:g} minutes:\n{last_lines}")
        return False

    def _require_running(self) -> None:
        code = self.program.code
        if code is not None:
            raise GaugerError(f"the model's server ended with exit code {code}:\n{self.program.tail()}")

    def _begin(self) -> None:
        environment = environment_for(self.serving.environment)
        self.program = RunningProgram(ProgramOrder(self.command, self.log.parent, self.log, environment))
        self.program.__enter__()
        self._until = time.monotonic() + self.serving.start_s


def server_command(command: str, model: Path, port: int, gpus: int) -> list[str]:
    """Return program and arguments; no shell reads them.

    Parameters
    ----------
    command : str
        With `{model}`, `{port}`, `{gpus}`.
    model : Path
        The checkpoint.
    port : int
        Where it is to listen, on loopback.
    gpus : int
        GPUs that it has.

    Raises
    ------
    UserError
        Where model or port is not named, or anything else is.
    """
    try:
        words = [word.format(model=model, port=port, gpus=gpus) for word in shlex.split(command)]
    except (ValueError, KeyError, IndexError, AttributeError) as error:
        raise UserError(f"a command with {', '.join(f'{{{name}}}' for name in _PLACES)}", f"{command!r}") from error
    for name in ("model", "port"):
        if f"{{{name}}}" not in command:
            raise UserError(f"a command that says where {{{name}}} goes", repr(command))
    return words


def answers(port: int, path: str) -> bool:
    """Tell whether a server on loopback answers a path with 200.

    Parameters
    ----------
    port : int
    path : str
        As ``/health``.
    """
    line = HTTPConnection(HOST, port, timeout=5)
    try:
        line.request("GET", path)
        return line.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        line.close()
