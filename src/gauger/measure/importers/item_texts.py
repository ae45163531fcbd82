"""Reads what was asked from lm-eval and Inspect logs: the text of every item, with the identities that match it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gauger.measure.importers import inspect_log, lm_eval
from gauger.measure.importers.contents import Contents, NoLogError, as_lines, opened
from gauger.measure.importers.detect import find_logs
from gauger.measure.importers.inspect_file import open_inspect
from gauger.measure.importers.log import Log, Wants
from gauger.store import read_json_lines

_KEYS = ("document", "position", "id", "question")


@dataclass(frozen=True)
class LoggedItem:
    """One item as a log shows it."""

    benchmark: str
    label: str
    """As messages and tables name it."""
    content: Any
    """lm-eval's document, or Inspect's input."""
    options: tuple[str, ...]
    """Inspect's choices; lm-eval's stand in the document."""
    keys: Mapping[str, str]
    """Columns of `log.ROWS` that identify it -> value."""


def logged_items(path: Path) -> Iterator[LoggedItem]:
    """Yield the items of a log, or of every log in a folder; a file of another kind has none.

    Raises
    ------
    InputError
        A path that is not there, or a log that cannot be read.
    """
    for file, root in find_logs(str(path)):
        with suppress(*([] if file == root else [NoLogError])):
            yield from _of_file(file)


def _of_file(path: Path) -> Iterator[LoggedItem]:
    with opened(path) as contents:
        if lm_eval.fits(contents):
            yield from _of_lm_eval(contents)
        elif inspect_log.fits(contents):
            yield from _of_inspect(contents)


def _of_lm_eval(contents: Contents) -> Iterator[LoggedItem]:
    logs = lm_eval.read(contents, Wants())
    if not contents.is_array:
        yield from _of_lines(contents.plain, logs[0])
        return
    with as_lines(contents) as lines:
        yield from _of_lines(lines, logs[0])


def _of_lines(lines: Path, log: Log) -> Iterator[LoggedItem]:
    known = _identities(log)
    seen: set[str] = set()
    for row, (_, line) in enumerate(read_json_lines(lines)):
        label = f"doc {line.get('doc_id')}"
        if row in known and label not in seen:
            seen.add(label)
            yield LoggedItem(log.task or log.benchmark, label, line.get("doc") or {}, (), known[row])


def _of_inspect(contents: Contents) -> Iterator[LoggedItem]:
    log = inspect_log.read(contents, Wants())[0]
    known = _identities(log)
    seen: set[str] = set()
    with open_inspect(contents.plain) as opened_log:
        for row, (_, sample) in enumerate(opened_log.samples):
            label = f"sample {sample.get('id')}"
            if row in known and label not in seen:
                seen.add(label)
                choices = tuple(str(choice) for choice in sample.get("choices") or ())
                yield LoggedItem(log.task or log.benchmark, label, _input(sample.get("input")), choices, known[row])


def _input(value: Any) -> Any:
    """Return what the user said; Inspect's input is a text or a list of messages."""
    if not isinstance(value, list):
        return value
    return [turn.get("content") for turn in value if isinstance(turn, dict) and turn.get("role") == "user"]


def _identities(log: Log) -> dict[int, dict[str, str]]:
    rows = log.rows.unique("row", keep="first").select("row", *_KEYS)
    return {row[0]: {k: v for k, v in zip(_KEYS, row[1:], strict=True) if v is not None} for row in rows.iter_rows()}
