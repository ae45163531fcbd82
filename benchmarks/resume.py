"""What does it cost to go on with a run, to plan it again and to look at its status, where everything is done?

A run directory with `ENTRIES` results of `WEIGHTS_MB` of weights and a small table each, as trained models leave them.
Timed are `drive` (it finds everything done), `read_status` and a look at every result as `gauger plan` has it; beside
another commit by turns, in processes of their own.

Run: python benchmarks/resume.py [--beside SRC]     (SRC: `src` of another commit)
Target: nothing that grows with the bytes of weights.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ENTRIES, WEIGHTS_MB = 100, 20
SOURCES = Path(__file__).resolve().parents[1] / "src"


def jobs() -> list[Any]:
    """Make the plan."""
    from gauger.execute.job import make_job

    labels: dict[str, Any] = {"cost": 1.0, "replicate": 0, "stage": "train", "version": "1"}
    return [make_job("train", f"{arm} · train", {"arm": arm}, {}, arm=str(arm), **labels) for arm in range(ENTRIES)]


def fill(run: Path) -> None:
    """Write the results."""
    from gauger.execute.cache import Cache

    cache, weights = Cache(run / "jobs"), os.urandom(WEIGHTS_MB * 1_000_000)
    for job in jobs():
        out = cache.begin(job.key)
        (out / "weights.safetensors").write_bytes(weights)
        (out / "training.json").write_text("{}")
        cache.commit(job.key, out, 1.0)


def measure(run: Path) -> dict[str, float]:
    """Time the three on what is there."""
    from gauger.execute.cache import Cache
    from gauger.execute.driver import Rules, drive
    from gauger.execute.pool import Pool
    from gauger.execute.progress import RunProgress
    from gauger.execute.status import read_status

    root, plan = run / "jobs", jobs()
    rules = Rules({"train": "a:b"})
    if hasattr(rules, "read"):
        rules.read = ("training.json",)
    cache = Cache(root)
    look = getattr(cache, "glance", cache.inspect)
    timed = {
        "going on": lambda: drive(plan, cache, Pool(1, root / "logs"), rules, RunProgress()),
        "status": lambda: read_status(run),
        "plan": lambda: [look(job.key) for job in plan],
    }
    found = {}
    for name, call in timed.items():
        began = time.process_time()
        call()
        found[name] = time.process_time() - began
    return found


def run_there(sources: Path, run: Path) -> Mapping[str, float]:
    """Measure the Gauger below `sources` in a process of its own."""
    code = [sys.executable, __file__, "--measure", str(run)]
    done = subprocess.run(code, env={**os.environ, "PYTHONPATH": str(sources)}, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout))


def main() -> None:
    """Fill a directory, measure, and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--beside", type=Path)
    parser.add_argument("--measure", type=Path)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(asked.measure)))
        return
    with tempfile.TemporaryDirectory() as name:
        fill(Path(name))
        sources = {"beside": asked.beside, "here": SOURCES} if asked.beside else {"here": SOURCES}
        found = {who: run_there(place, Path(name)) for who, place in sources.items()}
    print(f"{platform.machine()}, load {os.getloadavg()[0]:.1f}; {ENTRIES} results of {WEIGHTS_MB} MB, all done")
    print(f"\n{'processor seconds':24}" + "".join(f"{who:>12}" for who in found))
    for what in found["here"]:
        print(f"{what:24}" + "".join(f"{figures[what]:12.3f}" for figures in found.values()))


if __name__ == "__main__":
    main()
