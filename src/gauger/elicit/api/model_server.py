"""Serves a local model by the user's command: starts it, waits until it answers, and ends all of it afterwards."""

from __future__ import annotations

import shlex
import socket
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType

from gauger.errors import GaugerError, UserError
from gauger.execute import ProgramOrder, RunningProgram, environment_for, visible_gpus

HOST = "127.0.0.1"
POLL_S = 0.2
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
        self.port = free_port()
        self.command = server_command(serving.command, model, self.port, _gpus(serving.gpus))

    def __enter__(self) -> ModelServer:
        environment = environment_for(self.serving.environment)
        self.program = RunningProgram(ProgramOrder(self.command, self.log.parent, self.log, environment))
        self.program.__enter__()
        try:
            self._wait()
        except BaseException:
            self.program.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.program.stop()

    @property
    def address(self) -> str:
        """Host and port, as ``http://127.0.0.1:8123``."""
        return f"http://{HOST}:{self.port}"

    def _wait(self) -> None:
        end = time.monotonic() + self.serving.start_s
        while not answers(self.port, self.serving.health):
            code = self.program.code
            if code is not None:
                raise GaugerError(f"the model's server ended with exit code {code}:\n{self.program.tail()}")
            if time.monotonic() > end:
                last_lines = self.program.tail()
                minutes = self.serving.start_s / 60
                raise GaugerError(f"{self.serving.health} did not answer within {minutes:g} minutes:\n{last_lines}")
            time.sleep(POLL_S)


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


def free_port() -> int:
    """Return a port on loopback that nobody listens on now."""
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        port: int = listening.getsockname()[1]
    return port


def _gpus(wanted: int) -> int:
    there = len(visible_gpus())
    if 0 < there < wanted:
        raise GaugerError(f"the model's server wants {wanted} GPUs, and this job may use {there}")
    return wanted if there else 0
