"""A driver to kill: runs a toy plan of 12 jobs in chains of three, in the directory given."""

import sys
from pathlib import Path

from gauger.execute.cache import Cache
from gauger.execute.interrupt import Interrupted
from gauger.execute.job import make_job
from gauger.execute.local import run_jobs

HERE = Path(__file__).parent


def plan(sleep: float = 0.05):
    jobs = []
    for arm in "abcd":
        inputs = {}
        for stage in ("one", "two", "three"):
            name = f"{arm} · {stage}"
            params = {"text": f"{arm}{stage};", "sleep": sleep}
            labels = {"cost": 1.0, "arm": arm, "replicate": 0, "stage": stage, "version": "1"}
            jobs.append(make_job("write", name, params, inputs, **labels))
            inputs = {"before": jobs[-1].key}
    return jobs


if __name__ == "__main__":
    try:
        result = run_jobs(
            plan(float(sys.argv[2])),
            Cache(Path(sys.argv[1])),
            workers=2,
            registry={"write": "toy_jobs:write"},
            environment={"PYTHONPATH": str(HERE)},
        )
    except Interrupted as stop:
        print(stop, file=sys.stderr)
        sys.exit(stop.exit_code)
    print(len(result.done), len(result.cached))
