"""Runs jobs in a worker process, one at a time, until its input ends: ``python -P -m gauger.execute.worker``.

Protocol, one JSON object per line. In: ``{"key", "name", "function": "module:name", "params", "inputs": {role: path},
"root": cache}``. Out: ``{"key", "seconds", "error": null}``, or with ``{"error", "message", "traceback"}`` filled in.

1. An exception in a job is a reply, and the worker goes on. Anything worse ends the worker, which the driver sees.
2. The end of standard input means that the driver is gone, however it went: the worker exits at once, in mid-job.
3. What a job prints goes to the worker's log (standard error); the protocol's pipes are out of its reach.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from gauger.errors import JobError
from gauger.execute.cache import Cache
from gauger.execute.executor import FEWER_WORKERS


def main() -> None:
    """Serve jobs until the driver closes the pipe."""
    requests, replies = _take_pipes()
    faulthandler.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole process group; the driver decides
    inbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, inbox), daemon=True).start()
    while True:
        reply = answer(json.loads(inbox.get()))
        replies.write(json.dumps(reply).encode() + b"\n")


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Move the protocol off descriptors 0 and 1, so that a job that reads or prints cannot disturb it."""
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, replies


def _listen(requests: BinaryIO, inbox: queue.SimpleQueue[bytes]) -> None:
    for line in requests:
        inbox.put(line)
    os._exit(0)  # the driver is gone; a half-written result stays in partial/ and is swept by the next driver


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Do one job and say how it went."""
    print(f"== {request['name']} ({request['key'][:12]})", file=sys.stderr, flush=True)
    try:
        seconds = execute(request)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the boundary where a job's failure becomes data
        text = traceback.format_exc()
        print(text, file=sys.stderr, flush=True)
        return failed(request["key"], error, text)
    return {"key": request["key"], "seconds": seconds, "error": None}


def failed(key: str, error: BaseException, trace: str) -> dict[str, Any]:
    """Make the reply that says why a job has no result."""
    message = str(error) or (f"no memory was left; {FEWER_WORKERS}" if isinstance(error, MemoryError) else "")
    return {"key": key, "seconds": None, "error": type(error).__name__, "message": message, "traceback": trace}


def execute(request: dict[str, Any]) -> float:
    """Call the job's function on a fresh directory and commit what it wrote; returns the seconds of the call."""
    function = load(request["function"])
    cache = Cache(Path(request["root"]))
    inputs = {role: Path(path) for role, path in request["inputs"].items()}
    out = cache.begin(request["key"])
    start = time.perf_counter()
    function(request["params"], inputs, out)
    seconds = time.perf_counter() - start
    cache.commit(request["key"], out, seconds)
    return seconds


def load(target: str) -> Callable[[dict[str, Any], dict[str, Path], Path], None]:
    """Import ``module:function`` and hold PyTorch, once it is there, to one thread."""
    module, _, name = target.partition(":")
    function: object = getattr(importlib.import_module(module), name, None)
    if not callable(function):
        raise JobError(f"{target} is not a function")
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
    return function


if __name__ == "__main__":
    main()
