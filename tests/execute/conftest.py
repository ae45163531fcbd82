import os
from pathlib import Path

import pytest

from gauger.execute.cache import Cache
from gauger.execute.job import make_job
from gauger.execute.local import run_jobs

HERE = Path(__file__).parent
ENVIRONMENT = {"PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])}
"""Workers find toy jobs, and the same code of Gauger as this process."""
REGISTRY = {name: f"toy_jobs:{name}" for name in ("write", "fail", "leave", "die", "hog", "order", "environment")}


@pytest.fixture(scope="session")
def toys():
    """How `drive` and executors find toy jobs: (registry, environment of the workers)."""
    return REGISTRY, ENVIRONMENT


@pytest.fixture
def toy():
    """Make a toy job: toy(text, *input_jobs, kind="write", **params)."""

    def make(text, *inputs, kind="write", arm="label", cost=1.0, resources=None, **params):
        roles = {f"in{index}": job.key for index, job in enumerate(inputs)}
        return make_job(
            kind,
            f"{arm} · {text}",
            {"text": text, **params},
            roles,
            cost=cost,
            arm=arm,
            replicate=None,
            stage=text,
            version="1",
            resources=resources,
        )

    return make


@pytest.fixture
def run(tmp_path):
    """Run toy jobs in a cache below tmp_path."""

    def call(jobs, workers=2, progress=None, root=tmp_path / "jobs"):
        return run_jobs(
            jobs, Cache(root), workers=workers, registry=REGISTRY, progress=progress, environment=ENVIRONMENT
        )

    return call
