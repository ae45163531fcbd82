"""Does the jobs of a plan in this process, each when it is first wanted."""

from gauger.execute.worker import load
from gauger.jobs.registry import REGISTRY


class Doing:
    """The jobs of a plan below a folder: `of(key)` is a job's directory, and does what it reads first."""

    def __init__(self, plan, world, folder):
        self.plan, self.world, self.folder, self._n, self._done = plan, world, folder, 0, {}
        self.entries = folder / "jobs" / "entries"
        self.entries.mkdir(parents=True)

    def of(self, key):
        """The directory of a planned job."""
        if key not in self._done:
            job, out = self.plan.jobs[key], self.entries / key
            out.mkdir(exist_ok=True)
            load(REGISTRY[job.kind])(job.params, self.inputs(job), out)
            self._done[key] = out
        return self._done[key]

    def inputs(self, job):
        """Role -> directory of what a job reads."""
        return {role: self.of(key) for role, key in job.inputs.items()}

    def again(self, job, **params):
        """Do a job with other parameters; returns its directory."""
        self._n += 1
        out = self.entries / f"again-{self._n}"
        out.mkdir()
        load(REGISTRY[job.kind])({**job.params, **params}, self.inputs(job), out)
        return out

    def job(self, arm, stage=0, what="stages"):
        """A corpus or a training job of an arm, or its records."""
        cell = next(cell for cell in self.plan.cells if cell.arm == arm)
        keys = getattr(cell, what)
        return self.plan.jobs[keys if isinstance(keys, str) else keys[stage]]


def surfaced(asked, **settings):
    """Who is asked, behind another surface."""
    return asked | {"surface": asked["surface"] | settings}
