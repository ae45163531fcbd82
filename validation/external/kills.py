"""Kills a run at random moments, with a trainer or a server of others at work, and starts it again: the same estimates?

Usage: python validation/external/kills.py [KILLS [trainer|server [VICTIM ...]]]. First while the study's arms are
trained by a program that goes on from its own checkpoints, then while its models answer through a server. Killed with
SIGKILL are, by turns, the driver, a worker, a keeper, or a process of the trainer or the server. The moment is a step
of the training (or a question) that is drawn by chance, and a random share of the time that it takes.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.elicit.api import stub_server
from tests.elicit.teacher.fault_server import FaultServer
from tests.jobs.test_external import OFF, STUB, STUDY
from tests.train.models import small_llama, small_tokenizer

from gauger.execute.keeper import MARK

ROOT = Path(__file__).parents[2]
PAUSE_S = float(f"0.3{os.getpid():07}")
"""What a step and an answer take; also what tells the processes of these runs from others on this machine."""
VICTIMS = ("driver", "worker", "driver", "keeper", "driver", "program")
LEAVING_S = 60.0


@dataclass(frozen=True)
class Moments:
    """One kind of program, and how it is seen how far it came."""

    name: str
    log: str
    """Name of its log."""
    word: str
    """What a line of the log has for each step or question."""
    of: str
    """What the command line of the program has."""

    def count(self, out: Path) -> int:
        """Return how many steps or questions the logs of a run tell of."""
        return sum(text.count(self.word) for text in texts(out, self.log))


TRAINER = Moments("trainer", "trainer.log", '"step":', "stub_trainer")
SERVER = Moments("server", "server.log", "authorised with", "stub_server")


def texts(folder: Path, name: str) -> Iterator[str]:
    """Yield all files of a name; one that is moved away meanwhile is left out."""
    with suppress(OSError):
        for path in folder.rglob(name):
            with suppress(OSError):
                yield path.read_text()


def prepare(folder: Path, url: str) -> Path:
    """Write the study with its model and its questions."""
    small_llama(sharp=20.0).save_pretrained(str(folder / "model"))
    small_tokenizer().save_pretrained(str(folder / "model"))
    for name, first in (("train", 1), ("test", 50), ("new", 90)):
        lines = [{"id": f"{name}{i}", "prompt": f"Say {first + i}", "answer": str(first + i)} for i in range(8)]
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    text = (STUB.parent / "stub.json.j2").read_text()
    (folder / "stub.json.j2").write_text(text.replace("{{ options.pause }}", "null"))
    (folder / "version.py").write_text("print('stub 1')")
    study = STUDY.format(url=url, stub=STUB, python=sys.executable, folder=folder)
    command = f"{sys.executable} {stub_server.__file__} {{model}} {{port}} weights"
    serve = f"{{command: {json.dumps(command)}, concurrency: 1, environment: [STUB_PAUSE]}}"
    (folder / "study.yaml").write_text(study.replace("lora: null}", f"lora: null, serve: {serve}}}"))
    return folder / "study.yaml"


def start(study: Path, out: Path) -> subprocess.Popen[bytes]:
    """Begin a run."""
    command = [sys.executable, "-m", "gauger", "run", str(study), "--out", str(out), "--workers", "2", *OFF]
    environment = {**os.environ, "STUB_PAUSE": str(PAUSE_S), "PYTHONPATH": f"{ROOT / 'src'}"}
    with Path(f"{out}.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment)


def of_process(pid: int, name: str) -> bytes:
    """Return the command line or the environment of a process."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def of_runs() -> list[int]:
    """Return all processes of these runs: drivers, workers, keepers, and programs of others."""
    every = [int(place.name) for place in Path("/proc").iterdir() if place.name.isdigit()]
    return [pid for pid in every if f"STUB_PAUSE={PAUSE_S}".encode() in of_process(pid, "environ").split(b"\0")]


def choose(victim: str, driver: int, moments: Moments, draw: random.Random) -> int | None:
    """Return a process of the wanted kind that has to do with the program; None where there is none now."""
    if victim == "driver":
        return driver
    programs = [pid for pid in of_runs() if moments.of.encode() in of_process(pid, "cmdline")]
    programs = [pid for pid in programs if f"{MARK}=".encode() in of_process(pid, "environ")]
    levels = {"program": 0, "keeper": 1, "worker": 2}[victim]
    with suppress(OSError):
        return parent(draw.choice(programs), levels) if programs else None
    return None


def parent(pid: int, levels: int) -> int:
    """Return the process that started the one that started a process, so many levels up."""
    for _ in range(levels):
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pid


def waited(reached: Callable[[], bool], patience_s: float) -> bool:
    """Wait until something is so; tells whether it came to that."""
    end = time.monotonic() + patience_s
    while not reached() and time.monotonic() < end:
        time.sleep(0.02)
    return reached()


def finish(study: Path, out: Path) -> None:
    """Run to the end."""
    if start(study, out).wait():
        sys.exit(Path(f"{out}.log").read_text())


def kill(study: Path, whole: Path, out: Path, victim: str, moments: Moments, draw: random.Random) -> tuple[str, bool]:
    """Kill one run and go on with it; returns what came of it, and whether all was right."""
    total = moments.count(whole)
    moment = draw.randrange(1, total)
    driver = start(study, out)
    waited(lambda: moments.count(out) >= moment or driver.poll() is not None, 600)
    time.sleep(draw.random() * PAUSE_S)
    waited(lambda: choose(victim, driver.pid, moments, draw) is not None or driver.poll() is not None, 600)
    pid = choose(victim, driver.pid, moments, draw)
    hit = pid is not None and driver.poll() is None
    if hit and pid is not None:
        os.kill(pid, signal.SIGKILL)
    code = driver.wait()
    waited(lambda: not of_runs(), LEAVING_S)
    left, before = len(of_runs()), moments.count(out)
    finish(study, out)
    same = (out / "estimates.json").read_bytes() == (whole / "estimates.json").read_bytes()
    resumed = sum("resumed at" in text for text in texts(out, "trainer.log"))
    of_trainer = f"trainings gone on from a checkpoint: {resumed}"
    more = of_trainer if moments is TRAINER else f"asked again: {sendings(out) - sendings(whole)}"
    text = (
        f"{victim if hit else 'nothing, it had ended':8} at {moment:2} of {total}, run ended with {code:3}; "
        f"left behind: {left}; {before:2} done before, {more}; same estimates: {same}"
    )
    return text, hit and same and not left


def sendings(out: Path) -> int:
    """Return how many requests were sent, as the journals' logs have it."""
    return sum(text.count('"sent"') for text in texts(out / "jobs" / "journals", "*"))


def main(kills: int, names: Sequence[str], victims: Sequence[str]) -> None:
    """Print one line a kill of each kind of program, of the victims by turns; end with 1 where any went wrong."""
    draw, failed = random.Random(1), False  # noqa: S311 - moments, no secret
    with tempfile.TemporaryDirectory() as folder, FaultServer() as server:
        study = prepare(Path(folder), server.url)
        whole = Path(folder) / "whole"
        finish(study, whole)
        for moments in (moments for moments in (TRAINER, SERVER) if moments.name in names):
            for number in range(kills):
                out, victim = Path(folder) / f"{moments.name}{number}", victims[number % len(victims)]
                text, right = kill(study, whole, out, victim, moments, draw)
                failed = failed or not right
                print(f"{moments.name} kill {number + 1:2}: {text}", flush=True)
    sys.exit(int(failed))


if __name__ == "__main__":
    given = sys.argv[1:]
    main(int(given[0]) if given else 10, given[1:2] or ("trainer", "server"), given[2:] or VICTIMS)
