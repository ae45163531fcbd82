"""How long does the quickstart take from nothing, and what does it cost beside training and decoding?

Runs `gauger run studies/quickstart.yaml` into a temporary directory, as the command does it, with a stopwatch of
processor time around every part: the training loop and the decoding (log-probabilities included) inside the workers'
jobs, the rest of every kind of job (worlds, corpora, filters, files), the workers' own start and commits, and the
driver's steps. Processor time depends little on what else the machine does; the wall time is for a quiet machine.

Run: python benchmarks/quickstart.py [--set KEY=VALUE ...] [--study FILE] [--workers N]
Target: at most 4 minutes on two cores; under 5 % of the processor time is neither training nor decoding.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import resource
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from gauger.plugs import load_target

TIMES = "QUICKSTART_TIMES"
"""Environment variable: the directory where the workers put their times."""
WORK = {
    "training": [("gauger.jobs.training", "train_on_text"), ("gauger.jobs.models", "train_on_text")],
    "decoding": [("gauger.train.tiny.engine", "complete"), ("gauger.train.tiny.engine", "log_probabilities")],
}
"""What counts as training and as decoding, by the functions that the jobs call."""
STEPS = {
    "opening and planning": [("gauger.study.load", "open_study"), ("gauger.study.run", "plan_loaded")],
    "scheduling and progress": [("gauger.study.run", "execute")],
    "collecting": [("gauger.study.run", "collect"), ("gauger.study.run", "sample_texts")],
    "estimating": [("gauger.study.run", "make_document")],
    "writing tables": [("gauger.study.run", name) for name in ("write_json", "write_parquet", "write_document")],
    "report": [("gauger.report", "write")],
}
"""The driver's steps, by the functions that `gauger run` calls."""
Stopwatch = dict[str, float]


def main() -> None:
    """Run the study, then print where the time went."""
    options = read_options()
    load, start = os.getloadavg()[0], time.perf_counter()
    with tempfile.TemporaryDirectory() as directory:
        times = Path(directory) / "times"
        times.mkdir()
        driver = run_watched(options, Path(directory) / "run", times)
        wall = time.perf_counter() - start
        jobs = [json.loads(line) for path in times.iterdir() for line in path.read_text("utf-8").splitlines()]
    print(f"{platform.machine()}, {options.workers or os.cpu_count()} workers, load {load:.1f} before the start")
    print(f"wall time {wall:.0f} s: {wall / 60:.1f} minutes (target 4)")
    report(jobs, driver, processor_seconds(resource.RUSAGE_CHILDREN))


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--study", type=Path, default=Path(__file__).parents[1] / "studies" / "quickstart.yaml")
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="KEY=VALUE")
    parser.add_argument("--workers", type=int, default=0)
    return parser.parse_args()


def run_watched(options: argparse.Namespace, out: Path, times: Path) -> Stopwatch:
    """Run the command in this process, with workers that take their jobs from this file."""
    os.environ[TIMES] = str(times)
    paths = [str(Path(__file__).parent), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    watch: Stopwatch = defaultdict(float)
    from gauger.cli.run import run
    from gauger.jobs.registry import REGISTRY

    REGISTRY.own = {kind: f"quickstart:{target}" for kind, target in REGISTRY.own.items()}
    vars(REGISTRY).pop("targets", None)  # what was read before it was changed
    watch_all(STEPS, watch)
    run(options.study, out=out, workers=options.workers, overrides=options.overrides, as_json=False)
    watch["start and imports"] = processor_seconds(resource.RUSAGE_SELF) - sum(watch.values())
    return watch


def processor_seconds(whose: int) -> float:
    """Return the user and system time of this process or of its ended children."""
    usage = resource.getrusage(whose)
    return usage.ru_utime + usage.ru_stime


def watch_all(parts: dict[str, list[tuple[str, str]]], watch: Stopwatch) -> None:
    """Put a stopwatch around every function, where its caller finds it."""
    for part, functions in parts.items():
        for module_name, name in functions:
            module = importlib.import_module(module_name)
            setattr(module, name, partial(timed, watch, part, getattr(module, name)))


def timed(watch: Stopwatch, part: str, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
    """Call a function and add the processor seconds that it took to a part."""
    start = time.process_time()
    try:
        return function(*args, **named)
    finally:
        watch[part] += time.process_time() - start


# --- in the workers -------------------------------------------------------------------------------------------------


def __getattr__(name: str) -> Callable[..., None]:
    """Give a worker the job behind "module:function", watched."""
    function = name.partition(":")[2]
    if not function:
        raise AttributeError(name)
    return partial(watched_job, function, load_target(name))


def watched_job(name: str, job: Callable[..., None], *args: Any) -> None:
    """Do a job and note what it took, training and decoding apart."""
    if not _inside:
        watch_all(WORK, _inside)
    _inside.update(training=0.0, decoding=0.0)
    start = time.process_time()
    job(*args)
    note = {"job": name, "seconds": time.process_time() - start, **_inside}
    with (Path(os.environ[TIMES]) / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(note) + "\n")


_inside: Stopwatch = {}


# --- the table ------------------------------------------------------------------------------------------------------


def report(jobs: list[dict[str, Any]], driver: Stopwatch, workers_s: float) -> None:
    """Print processor seconds by kind of job and by step of the driver, and the share of each."""
    own_s = sum(driver.values())
    total = workers_s + own_s
    useful = sum(note["training"] + note["decoding"] for note in jobs)
    print(f"processor time {total:.1f} s: {workers_s:.1f} s workers, {own_s:.1f} s driver\n")
    print(f"{'job':24}{'jobs':>6}{'seconds':>10}{'training':>10}{'decoding':>10}{'rest':>10}{'rest %':>8}")
    for name, count in Counter(note["job"] for note in jobs).items():
        seconds, training, decoding = (
            sum(note[part] for note in jobs if note["job"] == name) for part in ("seconds", "training", "decoding")
        )
        rest = seconds - training - decoding
        share = 100 * rest / total
        print(f"{name:24}{count:6}{seconds:10.2f}{training:10.2f}{decoding:10.2f}{rest:10.2f}{share:8.2f}")
    outside = {"workers: start, commits": workers_s - sum(note["seconds"] for note in jobs)}
    for name, seconds in (outside | {f"driver: {step}": seconds for step, seconds in driver.items()}).items():
        print(f"{name:54}{seconds:16.2f}{100 * seconds / total:8.2f}")
    print(f"\nneither training nor decoding: {100 * (total - useful) / total:.1f} % of the processor time (target 5 %)")


if __name__ == "__main__":
    main()
