"""Runs one job inside a Ray worker: JSON text in, JSON text out.

Ray calls `serve` by its name, so every node needs Gauger installed, and the same Gauger: a node whose code or packages
differ from the driver's refuses to work, because its results would stand under addresses that promise other code.

With a store, inputs are downloaded to a directory of this node and the result is uploaded from there; without one, both
are read and written where the driver sees them, on a shared disk.
"""

from __future__ import annotations

import getpass
import json
import os
import platform
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gauger.errors import GaugerError, JobError
from gauger.execute.cache import Cache
from gauger.execute.code import package_version
from gauger.execute.remote import RemoteStore
from gauger.execute.worker import answer, failed

PACKAGES = ("numpy", "polars", "torch", "transformers", "peft")
"""Packages that can change a result."""
SCRATCH = "GAUGER_SCRATCH"
"""Environment variable of a node: where results that travel through a store are kept; by default a directory of the
user's below the system's temporary one. It may be deleted whenever nothing runs."""


def serve(text: str) -> str:
    """Carry out one order.

    Parameters
    ----------
    text : str
        JSON of ``{"request", "inputs": {role: key}, "store": URL or null, "software"}``; the request is as
        `worker.answer` reads it.

    Returns
    -------
    str
        JSON of the worker's reply, or of ``{"lost": reason}`` where the job could not be done for reasons that are
        not its own, and another try may help.
    """
    order = json.loads(text)
    request = order["request"]
    if unlike := differences(order["software"], software()):
        node = platform.node()
        message = f"node {node} has {unlike} than the driver; install the same on all nodes"
        return json.dumps(failed(request["key"], JobError(message), ""))
    try:
        reply = answer(request) if order["store"] is None else _answer_away(order)
    except (GaugerError, OSError) as error:  # around the job, not in it: fetching inputs, sending the result
        reply = {"lost": f"{type(error).__name__}: {error}"}
    return json.dumps(reply)


def _answer_away(order: Mapping[str, Any]) -> dict[str, Any]:
    """Do a job on a node that shares no disk with the driver."""
    request, store = order["request"], RemoteStore(order["store"])
    key, cache = request["key"], Cache(scratch(order["store"]))
    inputs = {role: str(store.fetch(input_key, cache)) for role, input_key in order["inputs"].items()}
    entry = cache.look_up(key)
    if entry.seconds is not None:  # done here before, and then the upload or the driver was lost
        reply = {"key": key, "seconds": entry.seconds, "error": None}
    else:
        cache.abandon(key)  # what a worker that was killed on this node left half written
        reply = answer({**request, "inputs": inputs, "root": str(cache.root)})
    if reply["error"] is None:
        store.send(key, cache.path(key))
    return reply


def scratch(url: str) -> Path:
    """Name the directory of this node for results of one store; it belongs to this user alone.

    Raises
    ------
    JobError
        Where somebody else owns it.
    """
    default = Path(tempfile.gettempdir()) / f"gauger-{getpass.getuser()}"
    base = Path(os.environ.get(SCRATCH) or default)
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    if base.stat().st_uid != os.getuid():
        raise JobError(f"{base} belongs to another user; name another directory in {SCRATCH}")
    return base / sha256(url.encode()).hexdigest()[:16]


@lru_cache(maxsize=1)
def software() -> dict[str, str]:
    """Say what computes results here: the code that jobs use, Python, and the packages that matter."""
    versions = {"code of Gauger": package_version(), "Python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "none"
    return versions


def differences(wanted: Mapping[str, str], here: Mapping[str, str]) -> str:
    """Say in what two descriptions of software differ: "another numpy (2.1 instead of 2.4)"; "" where in nothing."""
    names = [name for name in wanted if wanted[name] != here.get(name)]
    return ", ".join(f"another {name} ({here.get(name, 'none')} instead of {wanted[name]})" for name in names)
