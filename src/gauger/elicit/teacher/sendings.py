"""Logs requests before they are sent, so that one that is never heard of again is not forgotten.

A line is handed to the operating system before its request is sent: the end of this process, however sudden, loses
nothing. Nothing waits for the disk here, for it would hold up every request: a power cut may lose the lines that the
operating system has not yet written by itself (on Linux those of the last half minute or so). Lines of a batch do wait
for the disk, for it is one for thousands of requests, and its replies are at the endpoint for whoever knows its name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gauger.elicit.teacher.bill import Usage, Use
from gauger.elicit.teacher.journal_format import batch_line, lost_line, missed_line, sent_line, usage_from

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
    batch: str | None = None
    """Batch that the last one is in, as long as that has not come in."""

    @property
    def waiting(self) -> int:
        """How many of them a batch may still bring an answer to."""
        return 0 if self.batch is None else 1


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
        self.batches: dict[str, dict[str, Any]] = {}
        """Batches by our name: where they were begun (`at`), how they were put otherwise than meant (`respelt`), and
        what the endpoint calls them (`id`)."""

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

    def sent_together(self, name: str, about: dict[str, Any], rows: Sequence[tuple[str, Use]]) -> None:
        """Note that requests are about to be sent in one batch: where (`at`), and how put otherwise (`respelt`)."""
        lines = [sent_line(key, self._number(key) + 1, most, name) for key, most in rows]
        self._write(b"".join([batch_line(name, **about), *lines]))
        os.fsync(self._descriptor)
        self.batches[name] = about
        for key, most in rows:
            self._note_sent(key, most, name)

    def taken(self, name: str, batch_id: str) -> None:
        """Note under which name the endpoint keeps a batch."""
        self._write(batch_line(name, id=batch_id))
        os.fsync(self._descriptor)
        self.batches[name]["id"] = batch_id

    def lost(self, key: str) -> None:
        """Note that its batch has come in without it."""
        self._write(lost_line(key, self._number(key)))
        self._open[key].batch = None

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
        if "n" not in line:
            self.batches.setdefault(line["batch"], {}).update(line)
            return
        key = line.get("sent") or line.get("lost") or line["missed"]
        if line["n"] <= self._counted.get(key, 0):
            return  # a reply counts it
        if "sent" in line:
            self._note_sent(key, Use(1, *line["most"]), line.get("batch"))
        elif "lost" in line:
            self._open[key].batch = None
        else:
            self._note_missed(key, usage_from(line["usage"]) if "usage" in line else None)

    def _note_sent(self, key: str, most: Use, batch: str | None = None) -> None:
        sendings = self._open.setdefault(key, Sendings())
        sendings.sent, sendings.most, sendings.batch = sendings.sent + 1, most, batch

    def _note_missed(self, key: str, usage: Usage | None) -> None:
        sendings = self._open.setdefault(key, Sendings())
        sendings.settled, sendings.batch = sendings.settled + 1, None
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
