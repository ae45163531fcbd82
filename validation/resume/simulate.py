"""Kill a run at random moments, start it again, and compare what it ends with (see README.md)."""

from __future__ import annotations

import argparse
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STUDY = ROOT / "studies" / "quickstart.yaml"
SIZES = """
world.entities=16 world.genera=4 world.relations=6 world.values=4 world.held_out_facts=1 world.letters=8
world.letter_sets=60 world.test_contents=10 world.benchmark_items=20 replicates=2
teacher.model.width=16 teacher.model.layers=1 teacher.model.heads=2
teacher.training.steps=300 teacher.training.batch=32 teacher.training.learning_rate=0.01
student.model.width=16 student.model.layers=1 student.model.heads=2 student.training.steps=40 student.training.batch=32
"""
"""The quickstart, so small that a run takes seconds; what it learns does not matter here."""
STAGE = "samples=60 steps=20 batch=16"
ARMS = ("label", "expand", "seedless", "logits")
SEED = 6
PATIENCE_S = 3600.0
NOT_STARTED = "Ray did not start on this machine"
"""What a run says where a busy machine lets Ray's own processes start too slowly; nothing of the run has begun then."""
VICTIMS = ("worker", "driver")
PLACES = ("local", "ray")


def command(place: str, out: Path) -> list[str]:
    """Return the command that starts the run or goes on with it."""
    settings = SIZES.split() + [f"arms.{arm}.stages.0.{setting}" for arm in ARMS for setting in STAGE.split()]
    sets = [part for setting in settings for part in ("--set", setting)]
    return [
        sys.executable,
        "-m",
        "gauger",
        "run",
        str(STUDY),
        "--out",
        str(out),
        "--workers",
        "2",
        "--on",
        place,
        *sets,
    ]


def start(place: str, out: Path) -> subprocess.Popen[bytes]:
    """Start the command with its output in files beside the run."""
    log = out.with_suffix(".log").open("ab")
    return subprocess.Popen(command(place, out), stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"})


def finish(place: str, out: Path) -> float:
    """Run the command to its end, which must be a good one; returns seconds."""
    began, code = time.monotonic(), start(place, out).wait(PATIENCE_S)
    while code and NOT_STARTED in out.with_suffix(".log").read_text().splitlines()[-1]:
        began, code = time.monotonic(), start(place, out).wait(PATIENCE_S)
    if code:
        raise SystemExit(f"{out.name} ended with {code}:\n{out.with_suffix('.log').read_text()[-3000:]}")
    return time.monotonic() - began


def fingerprints(out: Path) -> dict[str, str]:
    """SHA-256 of estimates, records and every file of every result; `done.json` holds seconds, which differ."""
    results = [path for path in (out / "jobs" / "entries").rglob("*") if path.is_file() and path.name != "done.json"]
    tables = [out / name for name in ("estimates.json", "records.parquet", "ledger.parquet")]
    files = sorted((*results, *tables))
    return {str(path.relative_to(out)): sha256(path.read_bytes()).hexdigest() for path in files}


def entries(out: Path) -> int:
    """Count the results that stand there."""
    return len(list((out / "jobs" / "entries").glob("*")))


def written(out: Path) -> dict[str, int]:
    """Say when each result was written, in nanoseconds: one that is computed again shows."""
    marks = (out / "jobs" / "entries").glob("*/done.json")
    return {mark.parent.name: mark.stat().st_mtime_ns for mark in marks}


def descendants(pid: int) -> Iterator[tuple[int, str]]:
    """Yield process id and command line of everything that a process started, directly or not."""
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            numbers = [int(number) for number in children.read_text().split()]
        except OSError:  # it is gone
            continue
        for number in numbers:
            try:
                yield number, Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            yield from descendants(number)


def workers(place: str, pid: int) -> list[int]:
    """Find the processes that do the jobs of a driver; on Ray those that have a job at this moment."""
    found = list(descendants(pid))
    if place == "local":
        return [number for number, line in found if "gauger.execute.worker" in line]
    return [number for number, line in found if line.startswith("ray::") and not line.startswith("ray::IDLE")]


@dataclass(frozen=True)
class Whole:
    """An undisturbed run on one place."""

    seconds: float
    prints: dict[str, str]
    n_jobs: int


@dataclass(frozen=True)
class Moment:
    """When to kill, and whom."""

    results: int
    """After so many finished jobs,"""
    seconds: float
    """and so long after that."""
    pick: float
    """Which of several workers, 0 to 1."""


@dataclass(frozen=True)
class Kill:
    """One kill and what came of it."""

    place: str
    victim: str
    results: int
    """Results that stood there when it was killed."""
    kept: bool
    """Whether all of those were used by the run that went on."""
    identical: bool


def wait_until(condition: Callable[[], object], driver: subprocess.Popen[bytes]) -> bool:
    """Wait for something while a driver runs; returns whether it came before the driver's end."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if driver.poll() is not None:
            return False
        if time.monotonic() > deadline:
            raise SystemExit("waited in vain")
        time.sleep(0.005)
    return True


def kill_once(place: str, victim: str, out: Path, moment: Moment) -> tuple[int, bool] | None:
    """Run, kill at a moment, go on to the end.

    Returns
    -------
    (int, bool) or None
        Results that stood there when it was killed, and whether all of them were used afterwards; None where the run
        ended before that moment.
    """
    driver = start(place, out)
    if not wait_until(lambda: entries(out) >= moment.results, driver):
        return None
    time.sleep(moment.seconds)
    targets = [driver.pid]
    if victim == "worker":
        if not wait_until(lambda: workers(place, driver.pid), driver):
            return None
        targets = workers(place, driver.pid) or workers(place, driver.pid)
    if not targets or driver.poll() is not None:
        driver.wait(PATIENCE_S)
        return None
    before = written(out)
    os.kill(targets[int(moment.pick * len(targets))], signal.SIGKILL)
    if driver.wait(PATIENCE_S):
        finish(place, out)
    after = written(out)
    return len(before), all(after.get(key) == time_ns for key, time_ns in before.items())


def simulate(place: str, n_kills: int, folder: Path, whole: Whole, rng: random.Random) -> Iterator[Kill]:
    """Kill a worker or the driver (by turns) of fresh runs, each at a random moment."""
    n_done = attempt = 0
    while n_done < n_kills:
        attempt += 1
        victim, out = VICTIMS[n_done % len(VICTIMS)], folder / f"{place}-{attempt}"
        moment = Moment(rng.randrange(whole.n_jobs), rng.uniform(0, whole.seconds / whole.n_jobs), rng.random())
        if outcome := kill_once(place, victim, out, moment):
            n_done += 1
            yield Kill(place, victim, *outcome, identical=fingerprints(out) == whole.prints)


def report(kills: list[Kill], wholes: dict[str, Whole]) -> str:
    """Say what came of all kills."""
    first, alike = next(iter(wholes.values())), len({str(whole.prints) for whole in wholes.values()}) == 1
    took = " and ".join(f"{whole.seconds:.0f} s on {place}" for place, whole in wholes.items())
    lines = [
        f"{platform.machine()}, Python {platform.python_version()}, seed {SEED}, load {os.getloadavg()[0]:.1f}",
        f"a run has {first.n_jobs} jobs; an undisturbed one took {took}",
        f"undisturbed runs on {' and '.join(wholes)} write the same bytes: {'yes' if alike else 'NO'}",
        "",
        f"place  victim  kills  {'finished jobs when killed':36}  results kept  identical at the end",
    ]
    for place, victim in product(wholes, VICTIMS):
        group = [kill for kill in kills if (kill.place, kill.victim) == (place, victim)]
        at = " ".join(str(number) for number in sorted(kill.results for kill in group))
        kept, same = sum(kill.kept for kill in group), sum(kill.identical for kill in group)
        n = len(group)
        lines.append(f"{place:5}  {victim:6}  {n:5}  {at:36}  {kept:6} of {n:2}  {same:10} of {n:2}")
    passed = alike and all(kill.kept and kill.identical for kill in kills)
    return "\n".join([*lines, "", "every claim holds" if passed else "A CLAIM FAILS"])


def undisturbed(place: str, folder: Path) -> Whole:
    """Run to the end without a kill."""
    out = folder / f"whole-{place}"
    seconds = finish(place, out)
    return Whole(seconds, fingerprints(out), entries(out))


def main() -> None:
    """Run the simulation and print its table; exits 1 where a claim fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="kills per place")
    parser.add_argument("--places", nargs="+", default=PLACES, choices=PLACES)
    options = parser.parse_args()
    rng = random.Random(SEED)  # noqa: S311 - nothing here is secret
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wholes = {place: undisturbed(place, folder) for place in options.places}
        kills: list[Kill] = []
        for place, whole in wholes.items():
            for kill in simulate(place, options.kills, folder, whole, rng):
                print(kill, file=sys.stderr, flush=True)
                kills.append(kill)
    text = report(kills, wholes)
    print(text)
    sys.exit("FAILS" in text)


if __name__ == "__main__":
    main()
