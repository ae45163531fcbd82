"""Defines whom an evaluator asks, and what its program must tell of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from gauger.plugs import Registry


@dataclass(frozen=True)
class EvaluationTarget:
    """Whom an evaluator asks: a checkpoint that it loads itself, or a model behind an interface."""

    checkpoint: Path | None = None
    """Its files; of a model elsewhere None."""
    url: str | None = None
    """Address of the interface up to and without `/chat/completions`; None: the checkpoint is loaded."""
    name: str = ""
    """What the interface calls it."""
    chat: bool = False
    """Whether prompts go into a chat template."""
    gpus: int = 0
    """GPUs that a checkpoint is loaded on."""
    precision: str | None = None
    """Numbers that a checkpoint is loaded in, as the study says; None: as the program is told where nobody chose."""
    attention: str | None = None
    """Attention of a checkpoint that is loaded; None: the library's choice."""
    seed: int = 0
    """Of the evaluator's own draws."""
    sent: Mapping[str, Any] = field(default_factory=dict)
    """What every request to an interface has besides, as the teacher is asked elsewhere in the study."""


class EvaluatorProgram(Protocol):
    """What a kind of evaluator is run with."""

    version: str
    """Python that prints the version."""
    key: str
    """Environment variable in which it looks for an endpoint's key."""

    def command(self, task: Any, target: EvaluationTarget, folder: Path, out: Path) -> Sequence[str]:
        """Return program and arguments; `folder` is the study's, what it writes goes below `out`."""
        ...

    def environment(self, target: EvaluationTarget) -> Mapping[str, str]:
        """Return what it must see besides."""
        ...

    def files(self, task: Any, folder: Path) -> Sequence[Path]:
        """Return the user's files that decide its results."""
        ...


PROGRAMS = Registry(
    "an evaluator",
    "gauger.evaluators",
    {
        "lm-eval": "gauger.measure.evaluators.lm_eval_program:PROGRAM",
        "inspect": "gauger.measure.evaluators.inspect_program:PROGRAM",
    },
)
"""Kind -> an `EvaluatorProgram`."""
