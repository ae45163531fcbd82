"""Tells which results of a run its plan no longer needs, and why; removes them where that is wanted.

A result stands under an address that holds its settings, its inputs and the code that makes it. When one of these
changes, the job is done again under another address, and the old result stays: to go back costs nothing, until somebody
removes it (`gauger clean --remove`). So does what a killed training left to go on from, under the same address: rows,
checkpoints and logs, of our own engine or of another's. It is needed while the plan has that job and no result of it.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gauger.errors import InputError, Place
from gauger.execute import UNFINISHED, Cache, Job, read_plan
from gauger.store import RunDirectory, contents_digest, described_files, locked, manifest_differences, write_manifest
from gauger.study.history import END, finish, read_log

CODE, SETTINGS, INPUTS = "their code changed", "their settings changed", "what they rest on changed"


@dataclass(frozen=True)
class Leftovers:
    """Results that no job of the last plan reads, and trainings broken off that no job of it goes on with."""

    directory: Path
    results: tuple[str, ...]
    """Addresses below jobs/entries."""
    damaged: tuple[str, ...]
    """Names below jobs/damaged."""
    unfinished: tuple[str, ...]
    """Addresses below jobs/unfinished."""
    bytes: int
    """What all of them take."""

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping that ``gauger clean --json`` prints."""
        return {
            "run": str(self.directory),
            "results": list(self.results),
            "damaged": list(self.damaged),
            "unfinished": list(self.unfinished),
            "bytes": self.bytes,
        }

    @property
    def paths(self) -> list[Path]:
        """Return the folders."""
        jobs = RunDirectory(self.directory).jobs
        below = {"entries": self.results, "damaged": self.damaged, UNFINISHED: self.unfinished}
        return [jobs / folder / name for folder, names in below.items() for name in names]


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
    cache = Cache(jobs)
    results = tuple(key for key in _names_below(jobs / "entries") if key not in needed)
    unfinished = tuple(key for key in _names_below(jobs / UNFINISHED) if key not in needed or cache.path(key).is_dir())
    leftovers = Leftovers(directory, results, tuple(cache.damaged()), unfinished, 0)
    return replace(leftovers, bytes=sum(_bytes_of(path) for path in leftovers.paths))


def _names_below(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def _bytes_of(folder: Path) -> int:
    """Count what its own files take; where a trainer of somebody else's left links, not what these lead to."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_symlink() or not file.is_dir())


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
            if path.is_symlink():
                path.unlink()  # what it leads to is not the run's to remove
            else:
                shutil.rmtree(path)
        if sealed:
            last = entries[-1]
            finish(run, last["outcome"], last["stopped"], contents_digest(described_files(run.root)))
            write_manifest(run.root)
