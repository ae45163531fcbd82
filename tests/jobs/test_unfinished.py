"""A training that is killed inside a job goes on in the next run: same bytes, and only the steps that were left."""

from itertools import count

import pytest

from gauger.execute.worker import load
from gauger.jobs.registry import REGISTRY
from gauger.store import read_json
from gauger.study.load import open_study, plan_loaded
from gauger.train.losses import NextToken

from .running import Doing

EVERY, STEPS = 3, 10


class KilledError(Exception):
    """Stands for a process that dies."""


@pytest.fixture
def job_and_run(tiny_study, tmp_path):
    """The training of an arm, and what does it into a directory that a killed run left."""
    plan, world = plan_loaded(open_study(tiny_study, [f"arms.label.stages.0.steps={STEPS}"]))
    doing = Doing(plan, world, tmp_path)
    job = doing.job("label")
    doing.inputs(job)  # what it reads is done first: that trains too

    def run(name, steps, **more):
        out = doing.entries.parent / "partial" / f"{job.key}.{name}"
        out.mkdir(parents=True)
        load(REGISTRY[job.kind])({**job.params, "checkpoint_steps": steps, **more}, doing.inputs(job), out)
        return out

    return run, doing.entries.parent / "unfinished"


def counted(monkeypatch, dies_at=None):
    """Count the steps that are taken, and die in the middle of one."""
    calls, taken, alive = count(1), [], NextToken.__call__

    def loss(self, *args):
        number = next(calls)
        if number == dies_at:
            raise KilledError
        taken.append(number)
        return alive(self, *args)

    monkeypatch.setattr(NextToken, "__call__", loss)
    return taken


def results(out):
    return {path.name: path.read_bytes() for path in out.iterdir() if path.suffix == ".safetensors"}, read_json(
        out / "training.json"
    )


@pytest.mark.parametrize(("steps", "left"), [(EVERY, 4), (None, STEPS)])
def test_a_killed_training_goes_on_from_its_checkpoint_or_begins_anew(job_and_run, monkeypatch, steps, left):
    run, unfinished = job_and_run
    whole = results(run("whole", None))
    with monkeypatch.context() as patch:
        counted(patch, dies_at=9)  # eight steps are done, six of them written down
        with pytest.raises(KilledError):
            run("killed", steps)
    assert unfinished.exists() is (steps is not None)
    with monkeypatch.context() as patch:
        taken = counted(patch)
        again = results(run("again", steps))
    assert len(taken) == left
    assert again == whole
    assert not list(unfinished.glob("*")), "what is finished is removed"
