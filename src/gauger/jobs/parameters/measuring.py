"""Defines the parameters of jobs that measure models, here or with programs of others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from gauger.jobs.parameters.asked import Asked, InWorld


class EvaluateModel(InWorld):
    """Measuring a model on one task of another program."""

    asked: Asked
    benchmark: str
    task: Mapping[str, Any]
    """Settings of an `EvaluatorTask`; its role is no part of what is measured."""
    folder: str
    """Where the study file lies."""
    files: Mapping[str, str]
    """The user's files that decide its results, with the digests of their contents."""
    version: str
    """What the program said of itself when the study was planned."""


class MeasureModel(InWorld):
    """Measuring a model on benchmarks; records of evaluators, inputs `evaluated0`, ..., are put beside its own."""

    asked: Asked
    benchmarks: tuple[str, ...] = Field(strict=False)
    max_new_tokens: int
    temperature: float
    samples: int
    loss: bool = False
    """Whether the cross-entropy of the true answers is wanted too."""


class DrawTexts(InWorld):
    """Having a model write answers to benchmark items, kept as the tokens that the teacher counts."""

    asked: Asked
    engine: str
    """Of the teacher, whose tokens count; it lies under the input `teacher`."""
    benchmarks: tuple[str, ...] = Field(strict=False)
    max_new_tokens: int
    samples: int
    """Answers in all."""


EVALUATED = "evaluated"
"""Begins the name of an input of a measurement with records of an evaluator."""
