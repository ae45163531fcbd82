"""From one sample of an Inspect log to rows: identity, outcome, and scores on the 0-1 scale."""

from __future__ import annotations

import math
from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from gauger.errors import InputError, Place
from gauger.records import Outcome

if TYPE_CHECKING:
    from inspect_ai.log import EvalSample

LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0}
"""Inspect's grades; N, no answer, is an outcome."""
WORDS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}

UNSCORED = ""
"""Metric of a sample that no scorer reached: it stands for every metric of the log."""


def sample_rows(row: int, sample: EvalSample, where: Place) -> Iterator[tuple[Any, ...]]:
    """Yield one row (`log.ROWS`) per measure of a sample; a sample without scores gives one with an empty metric.

    Raises
    ------
    InputError
        A score that is neither a number nor a letter or word Inspect gives a value.
    """
    target = sample.target if isinstance(sample.target, str) else "\x1f".join(sample.target)
    position = f"{sample.id}:{_hash(target)[:16]}"
    identity = (row, None, position, f"sample {sample.id}", sample.epoch - 1, None, _prompt(sample), "")
    failure = _failure(sample)
    for metric, value in _scores(sample) or [(UNSCORED, None)]:
        outcome, score = (failure, None) if failure else _outcome(value, sample, metric, where)
        yield (*identity, metric, str(outcome), score)


def _failure(sample: EvalSample) -> Outcome | None:
    """Return the outcome of a sample whose scores must not be read; None for a sound one."""
    if sample.error is not None or sample.invalidation is not None:
        return Outcome.FAILED
    if not sample.scores:
        return Outcome.TRUNCATED if sample.limit is not None else Outcome.FAILED
    return None


def _scores(sample: EvalSample) -> list[tuple[str, Any]]:
    """Return (measure, value) pairs; a scorer that returns a mapping gives one measure per key."""
    pairs: list[tuple[str, Any]] = []
    for name, score in (sample.scores or {}).items():
        if isinstance(score.value, dict):
            pairs += [(f"{name}/{key}", value) for key, value in score.value.items()]
        else:
            pairs.append((name, score.value))
    return pairs


def _outcome(value: Any, sample: EvalSample, metric: str, where: Place) -> tuple[Outcome, float | None]:
    if value == "N":
        return Outcome.UNPARSED, None
    score = value_to_score(value)
    if score is None:
        given = f"{str(value)[:40]!r} for sample {sample.id}"
        hint = "Give the scorer's values as numbers from 0 to 1, or as C, P, I and N."
        raise InputError(f"a number as the score of {metric}", given, where, hint)
    return (Outcome.SCORED, score) if math.isfinite(score) else (Outcome.FAILED, None)


def value_to_score(value: Any) -> float | None:
    """Return a score's value as a number; None where it is not one.

    Unlike Inspect's own conversion, an unknown word is no 0: it is not a score at all.
    """
    if isinstance(value, (bool, int, float)):
        return float(value)
    if not isinstance(value, str):
        return None
    known = LETTERS.get(value, WORDS.get(value.lower()))
    if known is not None:
        return known
    try:
        return float(value)
    except ValueError:
        return None


def _prompt(sample: EvalSample) -> str:
    """Hash what the sample asks: its input and choices, without the ids Inspect gives messages."""
    turns = [sample.input] if isinstance(sample.input, str) else [f"{turn.role}:{turn.text}" for turn in sample.input]
    return _hash("\x1f".join([*turns, *(sample.choices or [])]))


def _hash(text: str) -> str:
    return sha256(text.encode(errors="surrogatepass")).hexdigest()
