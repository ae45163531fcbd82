"""Follows a trainer's log while it runs: losses, what it says of failures, and whether it says anything at all."""

from __future__ import annotations

import math
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

from gauger.errors import GaugerError

_CHUNK = 1 << 20
_START = "gauger: the trainer starts after step"
_STARTED = re.compile(rf"^{_START} (\d+|unknown)$")
_RANK = re.compile(r"^\[rank\d+\]: ?")
_ERROR = re.compile(r"^[\w.]*(Error|Exception)(:.*|)$")
_OTHER = re.compile(r"^(Traceback |[EWI]\d{4} |\[|=|-|\s*\d+%)")
"""What no longer belongs to an error: another one, a launcher, a bar of progress."""
_REASON_LINES = 3
_OF_LAUNCHERS = ("ChildFailedError", "CalledProcessError")
"""What launchers say where a program of theirs failed: not why."""
_SIGNALLED = re.compile(r"Signal \d+ \(SIG\w+\) received by PID|died with <Signals\.SIG\w+: \d+>")


@dataclass
class LogWatch:
    """Reads what is added to a log.

    Parameters
    ----------
    log : Path
        What the trainer prints.
    progress, failure : str
        Regular expressions for a line, as `ExternalTrainer` has them; empty: none.
    silence_s : float, optional
        How long the log may stay as it is.
    """

    log: Path
    progress: str
    failure: str
    silence_s: float | None = None
    clock: Callable[[], float] = time.monotonic
    losses: dict[int, float] = field(default_factory=dict)
    """Step -> loss; a step that is trained again after a resumption counts once."""
    _place: int = 0
    _rest: str = ""
    _heard: float | None = None
    _counted: int = 0
    _lost_count: bool = False
    _lost_loss: int | None = None

    def __post_init__(self) -> None:
        self._read_all()  # an earlier start of the same training: its losses up to the checkpoint count

    @property
    def curve(self) -> list[float]:
        """Losses in the order of their steps; none where a resumption leaves open which steps they are of."""
        return [] if self._lost_count else [self.losses[step] for step in sorted(self.losses)]

    def begin(self, done: int | None) -> None:
        """Note in the log that the program starts: trainers that print no steps are counted from there.

        Parameters
        ----------
        done : int, optional
            Steps of the checkpoint that it goes on from; None: nobody knows.
        """
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"\n{_START} {'unknown' if done is None else done}\n")

    def look(self) -> None:
        """Read on.

        Raises
        ------
        GaugerError
            Where the log tells of a failure, a loss since the last start is no number, or nothing came for too long.
        """
        before = self._place
        for line in self._read_all():
            if self.failure and re.search(self.failure, line):
                raise GaugerError(f"the trainer says: {line.strip()[:300]}")
        if (lost := self._lost_loss) is not None:
            raise GaugerError(f"the loss of step {lost} is {self.losses[lost]}; a smaller learning rate may help")
        now = self.clock()
        if self._place > before or self._heard is None:
            self._heard = now
        elif self.silence_s is not None and now - self._heard > self.silence_s:
            raise GaugerError(f"the trainer has printed nothing for {self.silence_s / 60:g} minutes")

    def _read_all(self) -> list[str]:
        """Take in all that is new; returns its lines."""
        lines, before = self.read(), 0
        while before != self._place:
            before = self._place
            lines += self.read()
        return lines

    def read(self) -> list[str]:
        """Take in lines that are new, of `_CHUNK` bytes at most, and their losses; returns them."""
        if not self.log.is_file():
            return []
        with self.log.open("rb") as stream:
            stream.seek(self._place)
            chunk = stream.read(_CHUNK)
        self._place += len(chunk)
        *lines, self._rest = (self._rest + chunk.decode("utf-8", "replace")).replace("\r", "\n").split("\n")
        for line in lines:
            self._note(line)
        return lines

    def _note(self, line: str) -> None:
        if started := _STARTED.match(line):
            self._start_from(int(started[1]) if started[1].isdigit() else None)
        match = re.search(self.progress, line) if self.progress else None
        if match is None or match["loss"] is None:
            return
        self._counted += 1
        step = self._counted
        if match.groupdict().get("step") is not None:
            step, self._lost_count = int(_number_in(match, "step")), False
        loss = self.losses[step] = _number_in(match, "loss")
        if self._lost_loss is None and not math.isfinite(loss):
            self._lost_loss = step
        print(f"step {step}, loss {loss:.4g}", file=sys.stderr, flush=True)

    def _start_from(self, done: int | None) -> None:
        """Drop the losses that will be trained again: of steps after the checkpoint, and those that are no numbers."""
        self._counted, self._lost_count, self._lost_loss = done or 0, done is None, None
        kept = {step: loss for step, loss in self.losses.items() if math.isfinite(loss)}
        self.losses = {step: loss for step, loss in kept.items() if done is None or step <= done}


def _number_in(match: re.Match[str], group: str) -> float:
    """Return the number that a pattern has found; GaugerError where it took in something else."""
    try:
        return float(match[group])
    except ValueError:
        what = f"a `progress` whose group {group} takes in a number and nothing else was expected"
        raise GaugerError(f"{what}, got {match[group]!r} in the line {match.string.strip()[:200]!r}") from None


def reason_in(text: str) -> str:
    """Return what a failed program's log says of why: its last error, less those of launchers around it.

    Parameters
    ----------
    text : str
        The end of the log; where no line names an error, its last line is returned.
    """
    lines = [_RANK.sub("", line).rstrip() for line in _since_start(text).splitlines() if line.strip()]
    errors = [
        place
        for place, line in enumerate(lines)
        if _ERROR.match(line) and not any(name in line for name in _OF_LAUNCHERS)
    ]
    if not errors:
        return lines[-1].strip() if lines else "nothing"
    more = takewhile(lambda line: not _OTHER.match(line), lines[errors[-1] + 1 : errors[-1] + _REASON_LINES])
    return " ".join(line.strip() for line in (lines[errors[-1]], *more))


def tells_of_signal(text: str) -> bool:
    """Tell whether a launcher (torchrun, accelerate) says that a signal ended what it had started.

    Its own exit code is 1 then, as for every other failure.
    """
    return _SIGNALLED.search(_since_start(text)) is not None


def _since_start(text: str) -> str:
    return text.rpartition(_START)[2]
