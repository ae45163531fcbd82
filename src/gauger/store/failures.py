"""Keeps failed jobs as data: one JSON file each, with the boundary at which it failed and the reason."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from gauger.errors import DamagedError
from gauger.store.atomic import read_json, write_json

SCHEMA = "gauger.failure/1"


@dataclass(frozen=True)
class JobFailure:
    """Why one job has no result."""

    key: str
    name: str
    arm: str
    replicate: int | None
    stage: str
    boundary: str
    """"job" (it raised an error), "worker" (every worker that tried it was lost) or "cluster" (no node can hold it)."""
    error: str
    """Class of the error; "WorkerDied" at the boundary "worker"."""
    message: str
    detail: str = ""
    """Traceback, or the last lines of the dead worker's log."""

    @property
    def reason(self) -> str:
        """Error and message in one line or more, as people read it."""
        return f"{self.error}: {self.message}" if self.message else self.error


def write_failure(directory: Path, failure: JobFailure) -> Path:
    """Keep a failure under its job's key; an earlier one of the same job is replaced."""
    return write_json(directory / f"{failure.key}.json", {"schema": SCHEMA, **asdict(failure)})


def clear_failures(directory: Path) -> None:
    """Forget all failures: a new run tries their jobs again."""
    for path in directory.glob("*.json"):
        path.unlink()


def read_failures(directory: Path) -> list[JobFailure]:
    """Read every failure kept in a directory, in the order of their keys; none where there is no directory.

    Raises
    ------
    DamagedError
        Where a file is not what `write_failure` writes.
    """
    return [_read(path) for path in sorted(directory.glob("*.json"))]


def _read(path: Path) -> JobFailure:
    value = read_json(path)
    if not isinstance(value, dict) or value.pop("schema", None) != SCHEMA:
        raise DamagedError(f"{path} is not a failure of schema {SCHEMA}")
    try:
        return JobFailure(**value)
    except TypeError as error:
        raise DamagedError(f"{path} is not a failure of schema {SCHEMA}: {error}") from error
