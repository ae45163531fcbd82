"""Shows how far a run is and how long it takes: a live bar on a terminal, plain lines in a log file.

Everything goes to standard error, so that standard output holds results alone. The lines carry no times of day: the
logs of two runs can be compared.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from gauger.execute.counts import RunTally, in_words
from gauger.execute.job import Job

if TYPE_CHECKING:
    from rich.console import Console


class RunProgress:
    """Counts and says nothing; the displays below say it.

    `run_jobs` calls the methods in the order of events; `note` is for the commands that call it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.tally = RunTally(clock)

    def begin(
        self, jobs: Sequence[Job], workers: int, priority: Mapping[str, float], reused: Mapping[str, float | None]
    ) -> None:
        """Start showing a plan.

        Parameters
        ----------
        priority : mapping
            Key -> cost of the dearest chain that starts there (`schedule.Schedule.priority`).
        reused : mapping
            Key of each job whose result is there already -> the seconds it took, where known.
        """
        self.tally.begin(jobs, workers, priority)
        for job in jobs:
            if job.key in reused:
                self.tally.reuse(job, reused[job.key])

    def started(self, job: Job) -> None:
        """Count a job given to a worker."""
        self.tally.start(job)
        self.show(job)

    def finished(self, job: Job, seconds: float | None) -> None:
        """Count a result just made."""
        self.tally.finish(job, seconds)
        self.show(job)

    def failed(self, job: Job, reason: str) -> None:
        """Count and say a failure."""
        self.tally.fail(job)
        self.note(f"failed: {job.name}: {first_line(reason)}")

    def blocked(self, job: Job, because: Job) -> None:
        """Count and say a job that can never run because another failed."""
        self.tally.block(job)
        self.note(f"blocked: {job.name} (waits for {because.name})")

    def retried(self, job: Job, reason: str) -> None:
        """Say that a job's worker was lost and the job will be tried again."""
        self.tally.stop(job)
        self.note(f"again: {job.name}: {first_line(reason)}")

    def damaged(self, job: Job, reason: str) -> None:
        """Say that a stored result failed verification and will be computed again."""
        self.note(f"damaged: the result of {job.name}: {first_line(reason)}; set aside and computed again")

    def note(self, text: str) -> None:
        """Say one line."""

    def show(self, job: Job | None = None) -> None:
        """Bring the display up to date; `job` is what just moved."""

    def end(self) -> None:
        """Leave the display in its last state."""


class LogProgress(RunProgress):
    """Plain lines: each failure at once, the state now and then.

    Parameters
    ----------
    stream : TextIO, optional
        Where lines go; standard error by default.
    every_s : float
        The state is said at least this often while something moves or waits.
    every_share : float
        And whenever this share of the work has been done since the last time,
    at_most_every_s : float
        but not more often than this.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        every_s: float = 20.0,
        every_share: float = 0.05,
        at_most_every_s: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(clock)
        self.stream = stream or sys.stderr
        self.every_s, self.every_share, self.at_most_every_s = every_s, every_share, at_most_every_s
        self._said_share, self._said_at = 0.0, clock()

    def begin(
        self, jobs: Sequence[Job], workers: int, priority: Mapping[str, float], reused: Mapping[str, float | None]
    ) -> None:
        """Say what there is to do."""
        super().begin(jobs, workers, priority, reused)
        self._said_share = self.tally.share
        before = f", {len(reused)} of them done before" if reused else ""
        self.note(f"{count(len(jobs), 'job')} on {count(workers, 'worker')}{before}")

    def note(self, text: str) -> None:
        """Write one line."""
        self.stream.write(text + "\n")
        self.stream.flush()

    def show(self, job: Job | None = None) -> None:
        """Write the state, if enough has happened since the last time."""
        tally, now = self.tally, self.tally.clock()
        waited = now - self._said_at
        moved = tally.share - self._said_share
        if waited >= self.every_s or (waited >= self.at_most_every_s and moved >= self.every_share):
            self._said_share, self._said_at = tally.share, now
            self.note(f"{state(tally)}{f' · {job.name}' if job else ''}")

    def end(self) -> None:
        """Write the outcome."""
        self.note(outcome(self.tally))


class LiveProgress(RunProgress):
    """A bar that moves, for terminals.

    Parameters
    ----------
    console : rich.console.Console, optional
        Default: standard error.
    """

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        from rich.console import Console as RichConsole
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as Bar

        super().__init__(clock)
        self.console = console or RichConsole(stderr=True)
        columns = (
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
            TextColumn("{task.description}"),
        )
        self.bar = Bar(*columns, console=self.console, refresh_per_second=4)
        self.task = self.bar.add_task("", total=None, left="")

    def begin(
        self, jobs: Sequence[Job], workers: int, priority: Mapping[str, float], reused: Mapping[str, float | None]
    ) -> None:
        """Draw the bar."""
        super().begin(jobs, workers, priority, reused)
        self.bar.update(self.task, total=len(jobs), completed=len(reused))
        self.bar.start()

    def note(self, text: str) -> None:
        """Print one line above the bar."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def show(self, job: Job | None = None) -> None:
        """Move the bar."""
        from rich.markup import escape

        name = escape(job.name) if job else None
        left = in_words(self.tally.seconds_left())
        self.bar.update(self.task, completed=self.tally.settled, description=name, left=left)

    def end(self) -> None:
        """Replace the bar by the outcome."""
        self.bar.update(self.task, completed=self.tally.settled, description="", left="")
        self.bar.stop()
        self.note(outcome(self.tally))


def make_progress(*, quiet: bool = False) -> RunProgress:
    """Choose the display: none, a live bar on a terminal, plain lines elsewhere."""
    if quiet:
        return RunProgress()
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        return LiveProgress()
    return LogProgress()


def state(tally: RunTally) -> str:
    """Say in one line how far it is: "37/150 jobs · 25 % of the work · about 3 min left"."""
    width = len(str(tally.total))
    left = in_words(tally.seconds_left())
    return f"{tally.settled:>{width}}/{tally.total} jobs · {100 * tally.share:3.0f} % of the work · {left}"


def outcome(tally: RunTally) -> str:
    """Say in one line how it ended."""
    parts = [f"{tally.done} of {count(tally.total, 'job')} done"]
    parts += [f"{tally.cached} of them before"] if tally.cached else []
    parts += [f"{tally.failed} failed"] if tally.failed else []
    parts += [f"{tally.blocked} blocked"] if tally.blocked else []
    return ", ".join(parts)


def count(number: int, noun: str, plural: str = "") -> str:
    """Say a number of things: "1 job", "2 jobs"; `plural` where it is not noun + s."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def first_line(text: str) -> str:
    """Keep the first line of a reason: displays show one line, `status` shows all."""
    return text.strip().splitlines()[0] if text.strip() else "no reason given"
