"""Answers what was asked before, from the journal of a corpus: a recorded teacher."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from gauger.elicit.teacher.journal import FILE_NAME, Journal
from gauger.elicit.teacher.messages import Reply, ReplyOutcome, Request
from gauger.errors import InputError, Place


def journal_in(directory: Path) -> Path:
    """Find the journal in a directory (`replies.jsonl`), unless that is the journal itself.

    Raises
    ------
    InputError
        Where there is none.
    """
    path = directory / FILE_NAME if directory.is_dir() else directory
    if not path.is_file():
        raise InputError("the journal of a recorded teacher", "no such file", Place(str(path)))
    return path


class Replay:
    """A `Teacher` for tests, for sharing, and for working on without an endpoint.

    Parameters
    ----------
    directory : Path
        Where the journal (`replies.jsonl`) is, or the journal itself. It is only read.
    terms : str, optional
        Terms-of-use tag.

    Notes
    -----
    A request is known by its key: messages, token limit, temperature, seed, stops and log-probabilities must all be as
    they were. One that is not known is a failure. Costs, tokens and seconds are those of the recording.

    Raises
    ------
    InputError
        Where there is no journal, or it holds no replies.
    """

    def __init__(self, directory: Path, terms: str | None = None) -> None:
        path = journal_in(directory)
        self._journal, self._terms = Journal(path), terms
        self._journal.read()
        if self._journal.teacher is None:
            raise InputError("the journal of a recorded teacher", "a file without replies", Place(str(path)))

    @property
    def name(self) -> str:
        """`replay:` and the name of the teacher that was recorded."""
        return f"replay:{self._journal.teacher}"

    @property
    def terms(self) -> str | None:
        """Terms-of-use tag; None where nobody stated one."""
        return self._terms

    def ask(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        """Yield (index, reply) in order."""
        with self._journal.reading():
            for index, request in enumerate(requests):
                yield index, self._journal.get(request.key) or self._unknown(request.key)

    def _unknown(self, key: str) -> Reply:
        failed = self._journal.failed.get(key)
        if failed is not None:
            return failed
        why = "it was recorded with other messages or settings, or not at all"
        error = f"{self._journal.path} holds no reply to this request (key {key[:12]}…): {why}"
        return Reply(ReplyOutcome.FAILED, requests=0, error=error)
