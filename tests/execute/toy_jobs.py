"""Job functions for tests: small, and misbehaving on request."""

import json
import os
import resource
import signal
import sys
import time
from pathlib import Path


def write(params, inputs, out: Path) -> None:
    """Write what the inputs hold, joined, and the text of this job."""
    time.sleep(params.get("sleep", 0))
    before = "".join((path / "text.txt").read_text() for _, path in sorted(inputs.items()))
    print("printed by a job")
    print("printed to stderr", file=sys.stderr)
    (out / "text.txt").write_text(before + params["text"])


def fail(params, inputs, out: Path) -> None:
    raise ValueError("the loss is not finite")


def leave(params, inputs, out: Path) -> None:
    sys.exit(3)


def die(params, inputs, out: Path) -> None:
    """Kill the own process the first `times` times, counted by files in `where`."""
    where = Path(params["where"])
    deaths = len(list(where.iterdir()))
    if deaths < params["times"]:
        (where / str(deaths)).touch()
        (out / "half.txt").write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)
    (out / "text.txt").write_text("survived")


def hog(params, inputs, out: Path) -> None:
    """Ask for more memory than this process may have."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + (256 << 20), before[1]))
    try:
        bytearray(1 << 30)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def order(params, inputs, out: Path) -> None:
    names = [name for name in params if name != "sleep"]
    (out / "text.txt").write_text(" ".join(names))


def environment(params, inputs, out: Path) -> None:
    (out / "text.txt").write_text(json.dumps({name: os.environ.get(name) for name in params["names"]}))
