"""Follows a trainer's log while it runs: losses, what it says of failures, and whether it says anything at all."""

from __future__ import annotations

import math
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gauger.errors import GaugerError

_CHUNK = 1 << 20


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
    _resumed: bool = False

    def __post_init__(self) -> None:
        if self.log.is_file():  # an earlier start of the same training: its losses count
            self.read()
            self._resumed = bool(self.losses)

    @property
    def curve(self) -> list[float]:
        """Losses in the order of their steps; none where a resumption leaves open which steps they are of."""
        counted = "step" not in re.compile(self.progress).groupindex if self.progress else True
        return [] if counted and self._resumed else [self.losses[step] for step in sorted(self.losses)]

    def look(self) -> None:
        """Read on.

        Raises
        ------
        GaugerError
            Where the log tells of a failure, a loss is no number, or nothing was said for too long.
        """
        before = self._place
        for line in self.read():
            if self.failure and re.search(self.failure, line):
                raise GaugerError(f"the trainer says: {line.strip()[:300]}")
        lost = [step for step, loss in self.losses.items() if not math.isfinite(loss)]
        if lost:
            raise GaugerError(f"the loss of step {lost[0]} is {self.losses[lost[0]]}; a smaller learning rate may help")
        now = self.clock()
        if self._place > before or self._heard is None:
            self._heard = now
        elif self.silence_s is not None and now - self._heard > self.silence_s:
            raise GaugerError(f"the trainer has printed nothing for {self.silence_s / 60:g} minutes")

    def read(self) -> list[str]:
        """Take in the lines that are new, and their losses; returns them."""
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
        match = re.search(self.progress, line) if self.progress else None
        if match is None:
            return
        step = int(match["step"]) if "step" in match.re.groupindex else len(self.losses) + 1
        self.losses[step] = float(match["loss"])
        print(f"step {step}, loss {self.losses[step]:.4g}", file=sys.stderr, flush=True)
