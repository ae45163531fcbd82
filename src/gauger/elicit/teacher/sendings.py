"""Logs requests before they are sent, so that one that is never heard of again is not forgotten.

A line is handed to the operating system before its request is sent: the end of this process, however sudden, loses
nothing. Nothing waits for the disk here, for it would hold up every request: a power cut may lose the lines that the
operating system has not yet written by itself (on Linux those of the last half minute or so).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gauger.elicit.teacher.bill import Usage, Use
from gauger.elicit.teacher.journal_format import missed_line, sent_line, usage_from

ENDING = ".sent"
"""Of the log's name, after that of the journal that it stands beside."""


@dataclass
class Sendings:
    """Sendings of one request that no reply counts."""

    sent: int = 0
    settled: int = 0
    """Those among them that were turned away, or billed as stated."""
    usages: list[Usage] = field(default_factory=list)
    """Of those that were billed as stated."""
    most: Use = field(default_factory=Use)
    """The most that one can have used."""


class SendingsFile:
    """The log beside one journal; whoever writes holds the journal's lock.

    Parameters
    ----------
    journal : Path
        The journal.
    counted : mapping
        Request's key -> sendings that the journal's last reply to it counts; the journal keeps it up to date.
    """

    def __init__(self, journal: Path, counted: Mapping[str, int]) -> None:
        self._path, self._counted = journal.with_name(journal.name + ENDING), counted
        self._descriptor, self._end = -1, 0
        self._open: dict[str, Sendings] = {}

    def begin(self) -> None:
        """Open the log for writing; what a crash left of a line is cut off."""
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self.read()
        os.ftruncate(self._descriptor, self._end)

    def close(self) -> None:
        """Close it."""
        os.close(self._descriptor)

    def read(self) -> None:
        """Take in what the log holds beyond what is known, once the journal is read; what is torn is passed over."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._end)
            for raw in file:
                if not raw.endswith(b"\n"):
                    return
                self._end += len(raw)
                with suppress(ValueError, KeyError, TypeError, AttributeError):
                    self._take_in(json.loads(raw))

    def sent(self, key: str, most: Use) -> None:
        """Note that a request is about to be sent."""
        number = self._number(key) + 1
        self._write(sent_line(key, number, most))
        self._note_sent(key, most)

    def missed(self, key: str, usage: Usage | None) -> None:
        """Note that its last sending came to nothing: billed as stated, or (None) not billed at all."""
        self._write(missed_line(key, self._number(key), usage))
        self._note_missed(key, usage)

    def forget(self, key: str) -> None:
        """Let go of a request's sendings: a reply counts them."""
        self._open.pop(key, None)

    def get(self, key: str) -> Sendings | None:
        """Return the sendings of a request that no reply counts; None where there are none."""
        return self._open.get(key)

    def __iter__(self) -> Iterator[str]:
        """Yield the keys of requests with such sendings."""
        return iter(list(self._open))

    def _number(self, key: str) -> int:
        """Return how often a request was sent."""
        known = self._open.get(key)
        return self._counted.get(key, 0) + (known.sent if known else 0)

    def _take_in(self, line: Mapping[str, Any]) -> None:
        key = line.get("sent") or line["missed"]
        if line["n"] <= self._counted.get(key, 0):
            return  # a reply counts it
        if "sent" in line:
            self._note_sent(key, Use(1, *line["most"]))
        else:
            self._note_missed(key, usage_from(line["usage"]) if "usage" in line else None)

    def _note_sent(self, key: str, most: Use) -> None:
        sendings = self._open.setdefault(key, Sendings())
        sendings.sent, sendings.most = sendings.sent + 1, most

    def _note_missed(self, key: str, usage: Usage | None) -> None:
        sendings = self._open.setdefault(key, Sendings())
        sendings.settled += 1
        sendings.usages += [] if usage is None else [usage]

    def _write(self, line: bytes) -> None:
        """Hand a line to the operating system, all of it or none."""
        view = memoryview(line)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError:
            os.ftruncate(self._descriptor, self._end)
            raise
        self._end += len(line)
