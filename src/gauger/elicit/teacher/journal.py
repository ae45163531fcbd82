"""Keeps paid replies on disk as they come: append-only JSON lines, one writer at a time.

What was appended is on disk (fsync) before anybody sees it. A crash in the midst of a line leaves it torn; on the next
opening it is cut off and a note of it is appended, so that it stays counted. Where the disk takes half a line, that
half is cut off again at once. A log beside it tells which requests were sent (`sendings.py`).
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from gauger.elicit.teacher.bill import Usage, Use
from gauger.elicit.teacher.journal_format import READABLE, header_line, reply_line, reply_of, torn_line
from gauger.elicit.teacher.messages import Reply, ReplyOutcome, Request
from gauger.elicit.teacher.sendings import SendingsFile
from gauger.errors import DamagedError, InputError, Place, UserError
from gauger.store import fsync_path, locked

FILE_NAME = "replies.jsonl"
"""Name of the journal in a corpus' directory."""


class _Piece(NamedTuple):
    """Where a line stands in the file."""

    offset: int
    n_bytes: int


class JournalRow(NamedTuple):
    """A reply to be kept."""

    key: str
    request: Request
    reply: Reply


class Journal:
    """The replies in one file; they stay on disk, and only where each stands is held in memory.

    Parameters
    ----------
    path : Path
        The file; it is made where there is none. The lock stands beside it.
    wait_s : float
        How long a lock is waited for that another process holds; 0: it is refused at once.
    """

    def __init__(self, path: Path, wait_s: float = 0.0) -> None:
        self.path, self._wait_s = path, wait_s
        self.teacher: str | None = None
        """Name of the teacher whose replies these are; None as long as there are none."""
        self.torn = 0
        """Lines that crashes have torn: replies that were paid and lost, and are asked again."""
        self.failed: dict[str, Reply] = {}
        """Last failure by key, for requests that have no other reply."""
        self._counted: dict[str, int] = {}
        self._sendings = SendingsFile(path, self._counted)
        self._pieces: dict[str, _Piece] = {}
        self._end = 0
        self._descriptor = -1
        self._holders, self._held, self._lock = 0, ExitStack(), threading.RLock()

    def __len__(self) -> int:
        return len(self._pieces)

    def __contains__(self, key: str) -> bool:
        return key in self._pieces

    @contextmanager
    def writing(self, teacher: str) -> Iterator[None]:
        """Hold the file for a teacher's replies: other processes are refused, further calls here join in.

        Raises
        ------
        UserError
            Where another process is writing, or the replies are another teacher's.
        """
        with self._lock:
            if not self._holders:
                self._open(teacher)
            self._holders += 1
        try:
            yield
        finally:
            self._leave()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the file open for `get` alone; nothing is locked."""
        with self._lock:
            if not self._holders:
                self._descriptor = os.open(self.path, os.O_RDONLY)
                self._held.callback(os.close, self._descriptor)
            self._holders += 1
        try:
            yield
        finally:
            self._leave()

    def __getitem__(self, key: str) -> Reply:
        """Read the last reply with this key that is not a failure; the file must be held."""
        piece = self._pieces[key]
        return reply_of(json.loads(os.pread(self._descriptor, piece.n_bytes, piece.offset)))

    def get(self, key: str) -> Reply | None:
        """Return the same, or None where there is none."""
        return self[key] if key in self._pieces else None

    def append(self, rows: Iterable[JournalRow]) -> None:
        """Put replies on disk, all with one fsync; notes of sendings go on meanwhile."""
        rows = list(rows)
        lines = [reply_line(*row) for row in rows]
        with self._lock:
            offset = self._append_lines(b"".join(lines))
        os.fsync(self._descriptor)
        with self._lock:
            for row, line in zip(rows, lines, strict=True):
                self._note(row.key, row.reply, _Piece(offset, len(line)))
                offset += len(line)

    def sent(self, key: str, most: Use) -> None:
        """Note that a request is about to be sent, which uses so much at most."""
        with self._lock:
            self._sendings.sent(key, most)

    def missed(self, key: str, usage: Usage | None) -> None:
        """Note that a sending came to nothing: billed as stated, or (None) not billed at all."""
        with self._lock:
            self._sendings.missed(key, usage)

    @contextmanager
    def batches(self) -> Iterator[SendingsFile]:
        """Give the log of sendings to whoever sends many requests at once."""
        with self._lock:
            yield self._sendings

    def past(self, key: str, waiting: bool = False) -> Reply | None:
        """Return what is known of a request without a reply: its failures and sendings, as one failure; None: nothing.

        A sending of which nothing more is known may have been billed unseen. One in a batch that has not come in is not
        past, unless `waiting` says that it counts all the same.
        """
        failed, sendings = self.failed.get(key), self._sendings.get(key)
        if sendings is None:
            return failed
        known = failed or Reply(ReplyOutcome.FAILED, requests=0, error="the process ended before a reply came")
        sent = sendings.sent - (0 if waiting else sendings.waiting)
        return replace(
            known,
            requests=known.requests + sent,
            paid_again=known.paid_again + sent - sendings.settled,
            earlier=(*known.earlier, *sendings.usages),
        )

    def unanswered(self) -> Iterator[tuple[str, Use | None, Reply]]:
        """Yield every request that was sent and has no reply but failures, with the most that a sending used."""
        with self._lock:
            for key in dict.fromkeys((*self.failed, *self._sendings)):
                sendings = self._sendings.get(key)
                if (past := self.past(key, waiting=True)) is not None and key not in self._pieces:
                    yield key, sendings.most if sendings else None, past

    def read(self) -> None:
        """Take in what the file holds beyond what is known; a torn end is left alone. A missing file holds nothing."""
        if self.path.exists():
            for piece, line in self._lines():
                self._take_in(piece, line)
                self._end = piece.offset + piece.n_bytes
            self._sendings.read()

    def _open(self, teacher: str) -> None:
        with ExitStack() as held:
            held.enter_context(locked(self.path.with_name(f"{self.path.name}.lock"), self._wait_s))
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            held.callback(os.close, self._descriptor)
            self.read()
            self._mend()
            self._sendings.begin()
            held.callback(self._sendings.close)
            if self.teacher is None:
                self._append_synced(header_line(teacher))
                fsync_path(self.path.parent)
                self.teacher = teacher
            else:
                self._same_teacher(self.teacher, teacher)
            self._held = held.pop_all()

    def _leave(self) -> None:
        with self._lock:
            self._holders -= 1
            if not self._holders:
                self._held.close()
                self._descriptor = -1

    def _mend(self) -> None:
        """Cut off what a crash left of a line, and note it."""
        torn = os.fstat(self._descriptor).st_size - self._end
        if torn:
            os.ftruncate(self._descriptor, self._end)
            self.torn += 1
            if self.teacher is not None:
                self._append_synced(torn_line(torn))

    def _same_teacher(self, known: str, teacher: str) -> None:
        """Refuse another model; the same model at another address is the same teacher, and noted."""
        if _model(known) != _model(teacher):
            raise UserError(
                f"replies of {teacher} in {self.path}",
                f"those of {known}",
                hint="Choose another directory: replies of two teachers are not mixed.",
            )
        if known != teacher:
            self._append_synced(header_line(teacher))
            self.teacher = teacher

    def _append_synced(self, line: bytes) -> None:
        self._append_lines(line)
        os.fsync(self._descriptor)

    def _append_lines(self, content: bytes) -> int:
        """Hand lines to the operating system, all or none of them; return where they begin."""
        begin, view = self._end, memoryview(content)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError:
            os.ftruncate(self._descriptor, begin)
            raise
        self._end = begin + len(content)
        return begin

    def _lines(self) -> Iterator[tuple[_Piece, dict[str, Any]]]:
        """Yield the whole lines after what is known; unreadable ones at the end are torn, elsewhere damage."""
        broken: int | None = None
        offset = self._end
        with self.path.open("rb") as file:
            file.seek(offset)
            for number, raw in enumerate(file, start=1):
                line = _parsed(raw)
                if line is None:
                    broken = broken or number
                elif broken is not None:
                    raise DamagedError(f"{self.path}: line {broken} of those read is not JSON, and whole ones follow")
                else:
                    yield _Piece(offset, len(raw)), line
                offset += len(raw)

    def _take_in(self, piece: _Piece, line: dict[str, Any]) -> None:
        if piece.offset == 0 and line.get("schema") not in READABLE:
            raise InputError("a journal of replies", "another file", Place(str(self.path), 1))
        if "teacher" in line:
            self.teacher = str(line["teacher"])
        elif "torn_bytes" in line:
            self.torn += 1
        else:
            self._note(line["key"], reply_of(line), piece)

    def _note(self, key: str, reply: Reply, piece: _Piece) -> None:
        self._sendings.forget(key)  # a reply counts them all
        self._counted[key] = reply.requests
        if reply.outcome is not ReplyOutcome.FAILED:
            self._pieces[key] = piece
            self.failed.pop(key, None)
        elif key not in self._pieces:
            self.failed[key] = reply


def _parsed(raw: bytes) -> dict[str, Any] | None:
    """Parse one line; None where it is not whole."""
    if not raw.endswith(b"\n"):
        return None
    try:
        parsed = json.loads(raw)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def _model(teacher: str) -> str:
    """Return what follows the address in a teacher's name."""
    return teacher.rpartition("#")[2]
