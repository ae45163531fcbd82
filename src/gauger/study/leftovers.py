"""Tells which results of a run its plan no longer needs, and why; removes them where that is wanted.

A result stands under an address that holds its settings, its inputs and the code that makes it. When one of these
changes, the job is done again under another address, and the old result stays: to go back costs nothing, until somebody
removes it (`gauger clean --remove`).
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gauger.errors import InputError, Place
from gauger.execute import Cache, Job, read_plan
from gauger.store import RunDirectory, contents_digest, described_files, locked, manifest_differences, write_manifest
from gauger.study.history import END, finish, read_log

CODE, SETTINGS, INPUTS = "their code changed", "their settings changed", "what they rest on changed"


@dataclass(frozen=True)
class Leftovers:
    """Results that no job of the last plan reads."""

    directory: Path
    results: tuple[str, ...]
    """Addresses below jobs/entries."""
    damaged: tuple[str, ...]
    """Names below jobs/damaged."""
    bytes: int
    """What all of them take."""

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping that ``gauger clean --json`` prints."""
        return {
            "run": str(self.directory),
            "results": list(self.results),
            "damaged": list(self.damaged),
            "bytes": self.bytes,
        }

    @property
    def paths(self) -> list[Path]:
        """Return the folders."""
        jobs = RunDirectory(self.directory).jobs
        return [*(jobs / "entries" / key for key in self.results), *(jobs / "damaged" / name for name in self.damaged)]


def computed_again(run: RunDirectory, jobs: Sequence[Job], cache: Cache) -> list[str]:
    """Say which results of the last plan are computed again, and why, before that is done; nothing where none is.

    Parameters
    ----------
    run : RunDirectory
        Of which the last plan is read.
    jobs : sequence of Job
        Of the plan that is about to run.
    cache : Cache
        Where results stand.
    """
    if not (run.jobs / "jobs.json").is_file():
        return []
    stored = read_plan(run.root)
    names = {job.key: (job.kind, job.name) for job in (*jobs, *stored)}
    # Jobs may share a name (one of two corpora asks the same model): only what one plan lacks has changed.
    unchanged = {job.key for job in jobs} & {job.key for job in stored}
    replaced: dict[tuple[str, str], list[Job]] = {}
    for job in stored:
        if job.key not in unchanged and cache.path(job.key).is_dir():
            replaced.setdefault((job.kind, job.name), []).append(job)
    counts: Counter[tuple[str, str]] = Counter()
    for job in jobs:
        candidates = replaced.get((job.kind, job.name), [])
        if candidates and job.key not in unchanged and not cache.path(job.key).is_dir():
            counts[job.kind, _why(job, candidates.pop(0), names)] += 1
    sentences = [
        f"computed again, for {why}: {n} {'result' if n == 1 else 'results'} of {kind}"
        for (kind, why), n in counts.items()
    ]
    kept = "the old results stay: gauger clean removes them"
    return [*sentences, kept] if sentences else []


def _why(job: Job, old: Job, names: Mapping[str, tuple[str, str]]) -> str:
    if dict(job.params) != dict(old.params):
        return SETTINGS
    inputs = [{role: names.get(key) for role, key in compared.inputs.items()} for compared in (job, old)]
    return CODE if inputs[0] == inputs[1] and dict(job.inputs) == dict(old.inputs) else INPUTS


def find_leftovers(directory: Path) -> Leftovers:
    """Find what the last plan of a run does not need.

    Raises
    ------
    InputError
        Where no run has begun.
    """
    needed = {job.key for job in read_plan(directory)}
    jobs = RunDirectory(directory).jobs
    entries = jobs / "entries"
    results = sorted(path.name for path in entries.iterdir() if path.name not in needed) if entries.is_dir() else []
    leftovers = Leftovers(directory, tuple(results), tuple(Cache(jobs).damaged()), 0)
    sizes = (file.stat().st_size for path in leftovers.paths for file in path.rglob("*") if file.is_file())
    return Leftovers(directory, leftovers.results, leftovers.damaged, sum(sizes))


def remove_leftovers(leftovers: Leftovers) -> None:
    """Remove them, and list what is left anew; of a run that verified before, it verifies after.

    Raises
    ------
    InputError
        Where the run is not what its manifest lists: to list it anew would hide that.
    """
    run = RunDirectory(leftovers.directory)
    with locked(run.jobs / "lock"):
        entries = read_log(run)
        sealed = bool(entries) and entries[-1]["kind"] == END and run.manifest.exists()
        # The lock itself is not empty while it is held here.
        differences = (
            [difference for difference in manifest_differences(run.root) if "jobs/lock" not in difference]
            if sealed
            else []
        )
        if differences:
            hint = "gauger verify says more."
            raise InputError("a run that is what it wrote", differences[0], Place(str(run.root)), hint)
        for path in leftovers.paths:
            shutil.rmtree(path)
        if sealed:
            last = entries[-1]
            finish(run, last["outcome"], last["stopped"], contents_digest(described_files(run.root)))
            write_manifest(run.root)
