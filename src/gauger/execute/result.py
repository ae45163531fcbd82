"""Holds what became of every job of a plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gauger.execute.job import Job


@dataclass
class RunResult:
    """What became of every job; each stands in exactly one of `done`, `failed`, `blocked` and `left`."""

    done: dict[str, Path] = field(default_factory=dict)
    """Key -> directory of the result."""
    failed: list[tuple[Job, str]] = field(default_factory=list)
    """Jobs that failed, with the reason."""
    blocked: list[Job] = field(default_factory=list)
    """Jobs that could not run because one they depend on failed."""
    left: list[Job] = field(default_factory=list)
    """Jobs that a limit kept from starting."""
    stopped: str = ""
    """The limit that was reached, in words; "" where none was."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Key -> seconds the job took when it ran (now or earlier)."""
    cached: set[str] = field(default_factory=set)
    """Keys whose results were there before."""
    damaged: list[tuple[Job, str]] = field(default_factory=list)
    """Jobs whose stored result failed verification, with what was wrong; they were run again."""
