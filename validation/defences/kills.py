"""Kills `gauger elicit` behind every kind of defence at random moments and begins it again: does its cap hold?

Run by hand: python validation/defences/kills.py [DEFENCE ...] [--runs N]. The endpoint is the tests' server on
loopback: 30 % of what arrives there meets a fault, and it counts every generation, whether the reply arrives or not.
Each collection is killed with SIGKILL three times, at moments drawn from 0 to its cap, and then left to end. Exits with
1 where a cap is exceeded by more than the requests in flight, or where nothing was killed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from elicit.defences.capped import TAKES, kill_when
from elicit.teacher.fault_server import FAULTS, FaultServer

ROOT = Path(__file__).parents[2]
DEFENCES = ("heat", "brief", "rewrite", "ration", "refuse-flagged", "shorten", "wrong-answers")
LIMITS = {"max_queries": 60, "max_tokens": 4000, "max_usd": 0.006}
IN_FLIGHT, KILLS, RATE = 8, 3, 0.3
SOME_FAILED = 1
"""Exit code where a reply had come and no room was left to have it rewritten."""
QUICK = tuple(fault for fault in FAULTS if fault != "stall")
"""The command waits minutes for a reply that stalls; the tests, with less patience, have that fault too."""


def begin(url: str, folder: Path, defence: str, limit: str) -> subprocess.Popen[bytes]:
    """Begin a collection, or go on with it."""
    command = [sys.executable, "-m", "gauger", "elicit", "--teacher", f"{url}#m", "--strategy", "label"]
    command += ["--seeds", str(folder / "seeds.jsonl"), "--out", str(folder / "corpus"), "--defence", f"{defence}:0.4"]
    command += [f"--{limit.replace('_', '-')}", str(LIMITS[limit]), "--concurrency", str(IN_FLIGHT)]
    command += ["--answer-tokens", "20", "--price-in", "1", "--price-out", "4"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "GAUGER_API_KEY": "none"}
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment)


def collected(defence: str, limit: str, chance: np.random.Generator) -> tuple[float, int, int]:
    """Return what a collection was charged in all, how often it was killed at work, and how many samples it kept."""
    moments = sorted(chance.random(KILLS) * LIMITS[limit] / TAKES[limit])
    with tempfile.TemporaryDirectory() as name, FaultServer(RATE, QUICK, 0.01, int(chance.integers(2**30))) as server:
        folder = Path(name)
        lines = [json.dumps({"id": n, "prompt": f"tell me about topic {n}", "split": "train"}) for n in range(400)]
        (folder / "seeds.jsonl").write_text("\n".join(lines))
        killed = sum(kill_when(server, begin(server.url, folder, defence, limit), moment) for moment in moments)
        code = begin(server.url, folder, defence, limit).wait()
        if code not in (0, SOME_FAILED):
            raise SystemExit(f"{defence}, {limit}: exit code {code}\n{(folder / 'log').read_text()[-2000:]}")
        kept = (folder / "corpus" / "corpus.jsonl").read_bytes().count(b"\n")
        return sum(server.paid.values()) * TAKES[limit], killed, kept


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("defences", nargs="*", default=DEFENCES)
    parser.add_argument("--runs", type=int, default=1, help="of every defence under every cap")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    chance, broken, start = np.random.default_rng(given.seed), 0, time.perf_counter()
    print(f"{'defence':16} {'cap':12} {'killed':>6} {'kept':>5} {'charged':>9} {'cap':>9} {'of it':>6}")
    for limit, cap in LIMITS.items():
        for defence in given.defences:
            for _ in range(given.runs):
                charged, killed, kept = collected(defence, limit, chance)
                holds = 0 < charged <= cap + IN_FLIGHT * TAKES[limit] and killed > 0
                broken += not holds
                mark = "" if holds else "  BROKEN"
                line = f"{defence:16} {limit:12} {killed:6} {kept:5} {charged:9.6g} {cap:9.6g} {charged / cap:6.0%}"
                print(f"{line}{mark}", flush=True)
    print(f"{broken} broken, {time.perf_counter() - start:.0f} s")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
