"""How near to twice as fast are two Ray nodes for arms that have nothing to do with each other?

Starts one Ray node of one CPU on this machine, then two, and runs the same plan on each: `ARMS` independent chains of
`STAGES` jobs that keep one thread busy for a fixed amount of work. Reported for each cluster: processor seconds of the
jobs, wall time from the first job's start to the last one's end, and how busy the nodes were (sum of the jobs' wall
times over nodes x wall time). Other work on the machine stretches wall times; it stretches jobs and the whole alike, so
the busy share still says what distribution costs: speed-up on a quiet machine = 2 x busy share of two / that of one.

Run: python benchmarks/ray_scaling.py
Target: two nodes at least 90 % as busy as one, with jobs of a few seconds.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gauger.execute.cache import Cache
from gauger.execute.driver import Rules, drive
from gauger.execute.job import Job, make_job
from gauger.execute.local import cores
from gauger.execute.progress import RunProgress
from gauger.execute.ray import OBJECT_STORE_BYTES, RayPool
from gauger.execute.result import RunResult

ARMS, STAGES = 6, 2
ROUNDS = {"short": 4_000_000, "long": 40_000_000}
"""Turns of the loop of one job: under a second, and some seconds, on a free core."""
WARM_UP = 400_000
TARGET = 0.9


def burn(params: Mapping[str, Any], inputs: Mapping[str, Path], out: Path) -> None:
    """Keep one thread busy for a fixed amount of work, and say how long it took."""
    began, used = time.time(), time.process_time()
    value = len(inputs) + params["arm"]
    for turn in range(params["rounds"]):
        value = (value * 1103515245 + turn) % 2147483648
    times = {"began": began, "ended": time.time(), "processor_s": time.process_time() - used, "value": value}
    (out / "times.json").write_text(json.dumps(times))


def plan(arms: int, stages: int, rounds: int) -> list[Job]:
    """Make independent chains."""
    jobs: list[Job] = []
    for arm in range(arms):
        inputs: dict[str, str] = {}
        for stage in range(stages):
            labels: dict[str, Any] = {"cost": 1.0, "arm": str(arm), "replicate": 0, "stage": str(stage), "version": "1"}
            params = {"arm": arm, "stage": stage, "rounds": rounds}
            jobs.append(make_job("burn", f"{arm} · {stage}", params, inputs, **labels))
            inputs = {"start": jobs[-1].key}
    return jobs


def measure(n_nodes: int, rounds: int, folder: Path) -> dict[str, float]:
    """Run the plan on a cluster of one-CPU nodes, after a warm-up that starts their workers."""
    cluster_of = import_module("ray.cluster_utils").Cluster
    cluster = cluster_of()
    for _ in range(n_nodes):
        cluster.add_node(num_cpus=1, include_dashboard=False, object_store_memory=OBJECT_STORE_BYTES)
    try:
        with RayPool(address=cluster.address):
            run(plan(arms=n_nodes, stages=2, rounds=WARM_UP), folder / "warm-up")
            result = run(plan(ARMS, STAGES, rounds), folder / "jobs")
    finally:
        cluster.shutdown()
    if result.failed:
        raise SystemExit(f"a job failed: {result.failed[0][1]}")
    return summarise(n_nodes, [json.loads((path / "times.json").read_text()) for path in result.done.values()])


def run(jobs: list[Job], root: Path) -> RunResult:
    """Run jobs on the Ray that is connected."""
    places = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    pool = RayPool(environment={"PYTHONPATH": os.pathsep.join(places)})
    return drive(jobs, Cache(root), pool, Rules({"burn": "ray_scaling:burn"}), RunProgress())


def summarise(n_nodes: int, jobs: list[dict[str, float]]) -> dict[str, float]:
    """Sum up the times of all jobs."""
    wall = max(job["ended"] for job in jobs) - min(job["began"] for job in jobs)
    busy = sum(job["ended"] - job["began"] for job in jobs)
    return {
        "nodes": n_nodes,
        "jobs": len(jobs),
        "processor_s": sum(job["processor_s"] for job in jobs),
        "wall_s": wall,
        "busy_share": busy / (n_nodes * wall),
    }


def main() -> None:
    """Measure one node and two with short and with long jobs, and print the tables."""
    print(
        f"{platform.machine()}, {cores()} cores, load {os.getloadavg()[0]:.1f} before the start, Ray {version('ray')}"
    )
    print(f"{ARMS} independent arms of {STAGES} jobs each, one thread per job")
    for length, rounds in ROUNDS.items():
        with tempfile.TemporaryDirectory() as name:
            rows = [measure(n_nodes, rounds, Path(name) / str(n_nodes)) for n_nodes in (1, 2)]
        show(length, rows)


def show(length: str, rows: list[dict[str, float]]) -> None:
    """Print the table of one length of jobs."""
    print(f"\n{length} jobs, {rows[0]['processor_s'] / rows[0]['jobs']:.1f} processor seconds each")
    print("nodes  jobs  processor s of jobs  wall s  nodes busy")
    for row in rows:
        start = f"{row['nodes']:5}  {row['jobs']:4}  {row['processor_s']:19.1f}"
        print(f"{start}  {row['wall_s']:6.1f}  {row['busy_share']:10.1%}")
    one, two = rows
    kept = two["busy_share"] / one["busy_share"]
    print(f"speed-up by the clock: {one['wall_s'] / two['wall_s']:.2f}")
    print(f"speed-up by how busy the nodes were: {2 * kept:.2f} of 2 ({'meets' if kept >= TARGET else 'MISSES'} 90 %)")


if __name__ == "__main__":
    main()
