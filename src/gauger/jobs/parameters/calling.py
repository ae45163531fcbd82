"""Makes functions of typed parameters ones that a worker can call with JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

from gauger.jobs.scope import job_scope
from gauger.spec import SpecPart

Inputs = Mapping[str, Path]
"""Role -> directory of the job whose result is read under that role."""
P = TypeVar("P", bound=SpecPart)
Called = Callable[[Mapping[str, Any], Inputs, Path], None]
"""What a worker calls: parameters as JSON, input directories, the directory to write into."""


def job(parameters: type[P]) -> Callable[[Callable[[P, Inputs, Path], None]], Called]:
    """Make a function of typed parameters one that a worker can call: it reads the record back from its JSON."""

    def typed(function: Callable[[P, Inputs, Path], None]) -> Called:
        @wraps(function)
        def called(params: Mapping[str, Any], inputs: Inputs, out: Path) -> None:
            with job_scope():
                function(parameters.model_validate(params), inputs, out)

        return called

    return typed
