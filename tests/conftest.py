"""What several rooms' tests share: a tiny study, a directory in which it has run, the published evidence analysed."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is; where CI is set, Hypothesis leaves both out by itself.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
if not os.environ.get("CI"):
    settings.load_profile("busy")

os.environ.pop("PYTHONUNBUFFERED", None)  # what is tested must do without it, as users do

TINY = Path(__file__).parent / "study" / "tiny.yaml"


@pytest.fixture(scope="session")
def tiny_study():
    """The file of a study in which every part runs, within seconds."""
    return TINY


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory):
    """A directory in which `gauger run` has run the tiny study, once for all processes of the test session.

    Beside it stand `stdout` and `stderr`, what the command said. Not to be written to: `copy_of_run` gives a copy.
    """
    base = tmp_path_factory.getbasetemp()
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "finished"
    root.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "gauger", "run", str(TINY), "--out", str(root / "run"), "--workers", "2"]
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "run" / "report.html").exists():
            with (root / "stdout").open("wb") as out, (root / "stderr").open("wb") as err:
                subprocess.run(command, stdout=out, stderr=err, check=True)
    return root / "run"


@pytest.fixture(scope="session")
def shipped():
    """The shipped table."""
    from gauger.evidence.table import load

    return load()


@pytest.fixture(scope="session")
def evidence(shipped):
    """The shipped table analysed, once per process: a quarter of a minute."""
    from gauger.evidence.fit import analyse

    return analyse(shipped)


@pytest.fixture
def copy_of_run(finished_run, tmp_path):
    """A copy of the finished run."""
    return shutil.copytree(finished_run, tmp_path / "copy")
