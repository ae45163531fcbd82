"""Finds a free port on loopback and keeps other jobs of Gauger off it.

A port that nobody listens on now may be given to a second job before the first one's server listens: the server that
comes too late ends, and who asks it would be answered by the other's. So a port is locked as long as it is used, by a
file that the operating system lets go of when its holder ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
import weakref
from pathlib import Path

HOST = "127.0.0.1"


class HeldPort:
    """A port on loopback that no other job of this user's on this machine is given until it is let go of.

    Parameters
    ----------
    folder : Path, optional
        Where the locks lie; None: a folder for temporary files, one for each user.

    Notes
    -----
    Proof: tests/elicit/api/test_model_server.py.
    """

    def __init__(self, folder: Path | None = None) -> None:
        folder = folder or Path(tempfile.gettempdir()) / f"gauger-ports-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        while True:
            self.number = free_port()
            lock = os.open(folder / str(self.number), os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
            else:
                self.let_go = weakref.finalize(self, os.close, lock)
                """Leaves it to others; happens by itself where nobody has it any more."""
                return


def free_port() -> int:
    """Return a port on loopback that nobody listens on now."""
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        port: int = listening.getsockname()[1]
    return port
