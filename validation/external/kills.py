"""Kills a run at random moments, with a trainer and a server of others in it, and starts it again: the same estimates?

Usage: python validation/external/kills.py [KILLS]. The study's arms are trained by a program that goes on from its own
checkpoints, and its models are measured through a server. By turns the driver, a worker, a keeper, or a process of the
trainer or the server is killed with SIGKILL, at a moment drawn from the length of an undisturbed run.
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
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.elicit.api import stub_server
from tests.elicit.teacher.fault_server import FaultServer
from tests.jobs.test_external import OFF, STUB, STUDY
from tests.train.models import small_llama, small_tokenizer

from gauger.execute.keeper import MARK

ROOT = Path(__file__).parents[2]
PAUSE = "0.3"
VICTIMS = ("driver", "worker", "keeper", "program")


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
    serve = json.dumps(f"{sys.executable} {stub_server.__file__} {{model}} {{port}} echo")
    (folder / "study.yaml").write_text(study.replace("lora: null}", f"lora: null, serve: {{command: {serve}}}}}"))
    return folder / "study.yaml"


def start(study: Path, out: Path) -> subprocess.Popen[bytes]:
    """Begin a run."""
    command = [sys.executable, "-m", "gauger", "run", str(study), "--out", str(out), "--workers", "2", *OFF]
    environment = {**os.environ, "STUB_PAUSE": PAUSE, "PYTHONPATH": f"{ROOT / 'src'}"}
    with Path(f"{out}.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment)


def descendants(pid: int) -> list[int]:
    """Return all processes below one, the nearest first."""
    try:
        children = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return children + [other for child in children for other in descendants(child)]


def said(pid: int, name: str) -> bytes:
    """Return the command line or the environment of a process."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def of_programs() -> list[int]:
    """Return the processes that any program of others has left or has now."""
    every = [int(place.name) for place in Path("/proc").iterdir() if place.name.isdigit()]
    return [pid for pid in every if MARK.encode() + b"=" in said(pid, "environ")]


def choose(victim: str, driver: int, draw: random.Random) -> int | None:
    """Return a process of the wanted kind; None where there is none now."""
    below = descendants(driver)
    kinds = {"worker": b"gauger.execute.worker", "keeper": b"gauger.execute.keeper"}
    if victim == "driver":
        return driver
    if victim == "program":
        found = [pid for pid in below if MARK.encode() + b"=" in said(pid, "environ")]
    else:
        found = [pid for pid in below if kinds[victim] in said(pid, "cmdline")]
    return draw.choice(found) if found else None


def finish(study: Path, out: Path) -> float:
    """Run to the end; returns the seconds that it took."""
    begun = time.monotonic()
    if start(study, out).wait():
        sys.exit(Path(f"{out}.log").read_text())
    return time.monotonic() - begun


def main(kills: int) -> None:
    """Print one line a kill; end with 1 where any went wrong."""
    draw, failed = random.Random(1), False  # noqa: S311 - moments, no secret
    with tempfile.TemporaryDirectory() as folder, FaultServer() as server:
        study = prepare(Path(folder), server.url)
        whole = Path(folder) / "whole"
        length = finish(study, whole)
        for number in range(kills):
            out, victim = Path(folder) / f"run{number}", VICTIMS[number % len(VICTIMS)]
            driver = start(study, out)
            time.sleep(draw.uniform(0.15, 0.95) * length)
            while (pid := choose(victim, driver.pid, draw)) is None and driver.poll() is None:
                time.sleep(0.02)
            hit = pid is not None and driver.poll() is None
            if hit and pid is not None:
                os.kill(pid, signal.SIGKILL)
            ended = driver.wait()
            end = time.monotonic() + 60
            while of_programs() and time.monotonic() < end:
                time.sleep(0.05)
            left = len(of_programs())
            finish(study, out)
            same = all((out / name).read_bytes() == (whole / name).read_bytes() for name in ("estimates.json",))
            resumed = sum("resumed at" in log.read_text() for log in out.rglob("trainer.log"))
            failed = failed or not same or left > 0
            print(
                f"kill {number + 1:2}: {victim if hit else 'nothing, it had ended':8} first run ended with {ended:3}; "
                f"left behind: {left}; trainings gone on from a checkpoint: {resumed}; same estimates: {same}",
                flush=True,
            )
    sys.exit(int(failed))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
