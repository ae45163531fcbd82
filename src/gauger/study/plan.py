"""Holds a plan: every job that a study needs, and which of them make up each arm x replicate."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from gauger.execute import Job
from gauger.spec import Arm, ScaledCell, SpecPart, Study

SAMPLED = ("expand", "textbook", "seedless")
"""Strategies that draw at random: every replicate asks anew. The others give every replicate the same corpus."""


@dataclass(frozen=True)
class ArmReplicate:
    """One arm x replicate: the jobs whose results are its corpora, its model and its records."""

    arm: str
    replicate: int
    corpora: tuple[str, ...]
    """Keys of the corpora, one per stage."""
    stages: tuple[str, ...]
    """Keys of the training jobs, one per stage."""
    records: str
    """Key of the measurement."""
    drawn: str | None = None
    """Key of the texts that were drawn from the model to be tested for a mark; None: they are not."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of everything that the arm needs."""
        return (*self.corpora, *self.stages, self.records, *(() if self.drawn is None else (self.drawn,)))


@dataclass
class Plan:
    """Everything a study needs done."""

    study: Study
    folder: Path
    """Where the study file lies."""
    arms: tuple[Arm, ...]
    scaled: tuple[ScaledCell, ...] = ()
    """Cells of the study's scale, planned beside the arms."""
    jobs: dict[str, Job] = field(default_factory=dict)
    """Key -> job, in an order in which inputs come first."""
    parameters: dict[str, SpecPart] = field(default_factory=dict)
    """Key -> the job's parameters as the record that they are."""
    cells: list[ArmReplicate] = field(default_factory=list)
    requested: int = 0
    """Jobs before those that several arms share were counted once."""

    def add(self, job: Job, parameters: SpecPart) -> str:
        """Add a job, unless it is there already, and return its key."""
        self.requested += 1
        self.jobs.setdefault(job.key, job)
        self.parameters.setdefault(job.key, parameters)
        return job.key


def seed_of(*parts: object) -> int:
    """Derive a seed below 2^31 from words and numbers; unrelated parts give unrelated seeds."""
    digest = hashlib.sha256("\0".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
