"""Does any input, however broken, end in a traceback, much memory or a long wait? A seeded fuzzer over every surface.

Run: python validation/fuzz/fuzz.py [--inputs 10000] [--seed 1] [--minutes 60] [--surface NAME ...] [--run RUN]
     python validation/fuzz/fuzz.py --surface table --only 17     one input again, with what it printed
The contract, for every input: exit 0 or 2 (1 only where a teacher gave no replies, and it says so), no traceback, no
NaN among the numbers, no character on the terminal that steers it (control, bidirectional), under 1 GB, under 20 s; and
where the answer is a number, the number that `literal.py` finds in the same bytes by a slow loop. `inputs.py` says what
is tried.

Each input has a process of its own, a fork of one in which the modules are imported already: what one input does to
memory, settings or threads touches no other, an input that hangs or is killed is named by its number, and an input
costs what Gauger's own work costs. A fork's memory and time are the kernel's figures, its output is whatever
reached the two descriptors, from Python or not.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import math
import os
import random
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from unicodedata import category

from inputs import SURFACES, of_run
from literal import Answer, difference

MOST_SECONDS, MOST_MEGABYTES = 20, 1000
LONGEST_WAIT_S = 600
"""Until an input is ended: longer than it may compute, for on a busy machine it waits for its turn too."""
MOST_DATA = 4 << 30
"""Bytes that an input may have at most, far beyond what it may use: the machine's own safeguard."""

BATCH = 25
AS_TEXT = 0.3
"""Share of the inputs whose answer is asked for as text for people, not as JSON."""
SLOW = ("scenario", "evidence", "finished-run")
"""Surfaces whose sound inputs take seconds: a quarter as many of these."""


@dataclass(frozen=True)
class Ended:
    """What became of one input."""

    code: int
    """Exit code; negative where a signal ended it."""
    texts: tuple[str, str]
    """Standard output and standard error."""
    took_s: float
    """Processor seconds."""
    used_mb: float
    """Most memory held at once, with the imported modules."""


def run(arguments: list[str], folder: Path) -> Ended:
    """Run one command line in a fork of this process, from a folder of its own."""
    outputs = [folder.parent / "out", folder.parent / "err"]
    child = os.fork()
    if child == 0:
        os._exit(_in_fork(arguments, folder, outputs))
    _, status, usage = os.wait4(child, 0)
    took = usage.ru_utime + usage.ru_stime
    out, err = (path.read_bytes().decode("utf-8", "replace") if path.exists() else "" for path in outputs)
    return Ended(os.waitstatus_to_exitcode(status), (out, err), took, usage.ru_maxrss / 1024)


def _in_fork(arguments: list[str], folder: Path, outputs: list[Path]) -> int:
    """Limit, redirect, run; SIGALRM ends whatever takes too long, native code too."""
    signal.setitimer(signal.ITIMER_REAL, LONGEST_WAIT_S)
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_DATA, MOST_DATA))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.chdir(folder)
    for descriptor, path in enumerate(outputs, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    from gauger.cli import main

    try:
        code = main(arguments)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is a fault
        os.write(2, f"Traceback: raised {type(error).__name__}: {error}"[:300].encode("utf-8", "replace"))
        code = 1
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return code


def warm() -> None:
    """Import, without running anything, the modules that any surface uses: found by running one input of each."""
    with tempfile.TemporaryDirectory() as name:
        for surface, make in SURFACES.items():
            folder = Path(name) / surface / "work"
            folder.mkdir(parents=True)
            arguments = make(folder, random.Random(0))  # noqa: S311
            read, write = os.pipe()
            if os.fork() == 0:
                _in_fork(arguments, folder, [folder.parent / "out", folder.parent / "err"])
                os.write(write, "\n".join(sys.modules).encode())
                os._exit(0)
            os.close(write)
            with os.fdopen(read) as modules:
                names = modules.read().split()
            os.wait()
            _import(names)
    _build_once()
    gc.freeze()  # else every fork copies what the collector touches


def _build_once() -> None:
    """Keep the command line's parser, which is the same for every input and half of its time."""
    from typer.main import get_command

    from gauger.cli import application

    command = get_command(application.build())
    application.build = lambda: command


def _import(names: list[str]) -> None:
    for name in names:
        if name not in sys.modules:
            try:
                importlib.import_module(name)
            except ImportError:
                continue  # made by its package, not found by name


def try_input(surface: str, seed: int, number: int, show: Callable[[str], object] | None = None) -> tuple[Ended, str]:
    """Make one input of a surface, run it, and say what came of it and how the contract was broken (empty: kept)."""
    generator = random.Random(f"{seed} {surface} {number}")  # noqa: S311
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "work"
        folder.mkdir()
        arguments = [word.replace("\0", "") for word in SURFACES[surface](folder, generator)]
        if "--json" in arguments and generator.random() < AS_TEXT:
            arguments.remove("--json")
        ended = run(arguments, folder)
        if show:
            show(f"{arguments}\n{ended}")
        return ended, broken_promise(ended) or _wrong_number(surface, arguments, ended)


def broken_promise(ended: Ended) -> str:
    """Hold what became of an input against the contract."""
    everything = "\n".join(ended.texts)
    if ended.code == -signal.SIGALRM:
        return f"did not end within {LONGEST_WAIT_S} s"
    if ended.took_s > MOST_SECONDS:
        return f"took {ended.took_s:.0f} s"
    asked_in_vain = ended.code == 1 and "the same command asks them again" in ended.texts[1]
    if (ended.code not in (0, 2) and not asked_in_vain) or "Traceback" in everything or "fault in Gauger" in everything:
        return f"exit {ended.code}: {' | '.join(everything.strip().splitlines()[-2:])[:300]}"
    if "NaN" in ended.texts[0] or "Infinity" in ended.texts[0]:
        return "NaN among the numbers"
    if steering := sorted(set(filter(steers, everything))):
        return f"{steering} reached the terminal"
    return f"took {ended.used_mb:.0f} MB" if ended.used_mb > MOST_MEGABYTES else ""


def steers(character: str) -> bool:
    """Whether a character can steer a terminal or turn its text around: control, format, and line ends of Unicode."""
    return category(character) in ("Cc", "Cf", "Zl", "Zp") and character != "\n"


def _wrong_number(surface: str, arguments: list[str], ended: Ended) -> str:
    """Hold the numbers of an answer against a literal reading of the same input."""
    if ended.code or not ended.texts[0].startswith("{"):
        return ""
    return difference(surface, Answer(arguments, json.loads(ended.texts[0]), ended.texts[1]))


@dataclass
class Tally:
    """What came of the inputs of one surface."""

    tried: int = 0
    answered: int = 0
    """Exit 0: inputs that were still sound enough."""
    faults: list[str] = field(default_factory=list)


def run_surfaces(shares: dict[str, int], seed: int, until: float) -> dict[str, Tally]:
    """Run inputs of all surfaces, `BATCH` of each in turn, so that a run that is cut short has tried all of them."""
    tallies = {surface: Tally() for surface in shares}
    for first in range(0, max(shares.values()), BATCH):
        for surface, n in shares.items():
            for number in range(first, min(first + BATCH, n)):
                if time.monotonic() > until:
                    return tallies
                ended, fault = try_input(surface, seed, number)
                tally = tallies[surface]
                tally.tried, tally.answered = tally.tried + 1, tally.answered + (ended.code == 0)
                if fault:
                    tally.faults.append(f"{surface} {number}: {fault}")
                    print(f"  {tally.faults[-1]}", flush=True)
    return tallies


def shares_of(surfaces: list[str], inputs: int) -> dict[str, int]:
    """Divide the inputs evenly, but for the slow surfaces, which get a quarter of an even share."""
    slow = [surface for surface in surfaces if surface in SLOW]
    each = math.ceil(inputs / (len(surfaces) - 0.75 * len(slow)))
    return {surface: math.ceil(each / 4) if surface in slow else each for surface in surfaces}


def main() -> int:
    """Run all surfaces."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--surface", nargs="*")
    parser.add_argument("--only", type=int)
    parser.add_argument("--run", type=Path, help="a finished run (tests/study/tiny.yaml gives one), one more surface")
    options = parser.parse_args()
    if options.run:
        SURFACES["finished-run"] = of_run(options.run.resolve())
    surfaces = options.surface or list(SURFACES)
    os.environ.update(POLARS_MAX_THREADS="1", OMP_NUM_THREADS="1")
    start = time.monotonic()
    warm()
    if options.only is not None:
        print([try_input(surface, options.seed, options.only, print)[1] for surface in surfaces])
        return 0
    tallies = run_surfaces(shares_of(surfaces, options.inputs), options.seed, start + 60 * options.minutes)
    for surface, tally in tallies.items():
        print(f"{surface}: {tally.tried} inputs, {tally.answered} answered, {len(tally.faults)} faults")
    total, faults = (
        sum(numbers) for numbers in zip(*((t.tried, len(t.faults)) for t in tallies.values()), strict=True)
    )
    print(f"{total} inputs, {faults} faults, {time.monotonic() - start:.0f} s, seed {options.seed}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
