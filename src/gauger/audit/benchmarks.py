"""Reads the items of benchmarks, with their texts: seeds files, tables with prompts, lm-eval and Inspect logs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from gauger.audit.corpora import strings_in
from gauger.errors import InputError, Place
from gauger.measure import LoggedItem, logged_items
from gauger.store import parse_json, read_as_parquet, read_csv, read_json_lines

_PASSAGES = ("context", "passage", "story", "article", "paragraph", "premise", "support", "ctx")
_QUESTIONS = (
    "question",
    "query",
    "problem",
    "prompt",
    "input",
    "instruction",
    "goal",
    "hypothesis",
    "sentence",
    "text",
)
_OPTIONS = ("choices", "options", "endings", "answers", "candidates")
_NUMBERED = re.compile(r"(?:choice|option|ending|answer|sol)_?[0-9a-e]|[A-J]", re.IGNORECASE)
_ANSWERS = re.compile(
    r"(?:true_|correct_|gold_?)*(?:answer|answers|answerkey|target|targets|label|gold|solution|rationale|explanation"
    r"|id|idx|ind|index|ind|source|source_id|split|split_type|subject|category|type|level|task_id|hash|benchmark"
    r"|doc_id|item|arm|role|outcome|dataset|url|cot_content)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class AuditItem:
    """One item of a benchmark."""

    benchmark: str
    id: str
    """As the audit names it."""
    question: str
    """Passage and question."""
    options: tuple[str, ...] = ()
    keys: Mapping[str, str] | None = None
    """Identities by which `gauger compare` knows the item: document, position, id."""
    equals: tuple[Mapping[str, str], ...] = ()
    """Those of further items of the benchmark that ask the same: they are looked for once."""

    @property
    def text(self) -> str:
        """What is looked for."""
        return "\n".join([self.question, *self.options])


def read_benchmark(path: Path, name: str | None = None) -> list[AuditItem]:
    """Read the items of a file, or of every log in a folder.

    Parameters
    ----------
    path : Path
        Seeds (JSON Lines with `id` and `prompt`), any table of questions (JSON Lines, JSON, CSV, TSV, Parquet), lm-eval
        samples, an Inspect log, or a folder of logs.
    name : str, optional
        The benchmark's name; None: as the file says, else the file's own name.

    Raises
    ------
    InputError
        Nothing there, or no item with a text.
    """
    candidates = list(_logged(path, name))
    if not candidates and path.is_file():
        candidates = list(_table(path, name))
    items: dict[tuple[str, str], AuditItem] = {}
    for item in filter(lambda candidate: candidate.text.strip(), candidates):
        key = (item.benchmark, item.text)
        first = items.setdefault(key, item)
        if first is not item and item.keys:
            items[key] = replace(first, equals=(*first.equals, item.keys))
    if not items:
        hint = "Read are seeds, tables with a column prompt or question, lm-eval samples and Inspect logs."
        raise InputError("a benchmark with the texts of its items", "none", Place(str(path)), hint)
    return _with_own_ids(list(items.values()))


def _with_own_ids(items: Sequence[AuditItem]) -> list[AuditItem]:
    """Give every item an id of its own within its benchmark."""
    seen: dict[tuple[str, str], int] = {}
    named = []
    for item in items:
        times = seen[item.benchmark, item.id] = seen.get((item.benchmark, item.id), 0) + 1
        own = item.id if times == 1 else f"{item.id} ({times})"
        named.append(replace(item, id=own))
    return named


def _logged(path: Path, name: str | None) -> Iterator[AuditItem]:
    for logged in logged_items(path):
        question, options = _parts(logged)
        yield AuditItem(name or logged.benchmark, logged.label, question, options, logged.keys)


def _parts(logged: LoggedItem) -> tuple[str, tuple[str, ...]]:
    if isinstance(logged.content, Mapping):
        question, options = question_of(logged.content)
    else:
        question, options = strings_in(logged.content), ()
    return question, options or logged.options


def _table(path: Path, name: str | None) -> Iterator[AuditItem]:
    for number, row in enumerate(_rows(path), start=1):
        question, options = question_of(row)
        if question:
            own = row.get("id", row.get("item"))
            own_benchmark = row.get("benchmark")
            benchmark = name or (str(own_benchmark) if own_benchmark else path.name.split(".")[0])
            key = str(number) if own is None else str(own)
            yield AuditItem(benchmark, key, question, options, {"id": key})


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open("rb") as file:
        start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"PAR1"):
        with read_as_parquet(path):
            rows = pl.read_parquet(path)
        yield from rows.iter_rows(named=True)
    elif start[:1] == b"[":
        yield from _elements(path)
    elif start[:1] == b"{":
        yield from (row for _, row in read_json_lines(path, "a benchmark's items"))
    else:
        table = read_csv(path)
        yield from (dict(zip(table.header, row, strict=True)) for _, row in table.rows)


def _elements(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        listed = parse_json(path.read_bytes().decode("utf-8-sig"))
    except ValueError as fault:
        raise InputError("a benchmark's items as a JSON array", str(fault)[:80], Place(str(path))) from None
    for number, element in enumerate(listed, start=1):
        if not isinstance(element, dict):
            given = f"a JSON {type(element).__name__}"
            raise InputError("a JSON object for every item", given, Place(str(path), key=f"element {number}"))
        yield element


def question_of(record: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return what a record asks, and its options; what is known to be no question (answers, ids) is left out."""
    if isinstance(record.get("messages"), list):
        contents = [turn.get("content") for turn in record["messages"] if turn.get("role") in ("user", "human")]
        return strings_in(contents), ()
    lower = {str(key).lower(): value for key, value in record.items()}
    texts = [strings_in(lower[key]) for key in (*_PASSAGES, *_QUESTIONS) if lower.get(key)]
    options = next((_listed(lower[key]) for key in _OPTIONS if _listed(lower.get(key))), ())
    numbered = tuple(strings_in(record[key]) for key in record if _NUMBERED.fullmatch(str(key)) and record[key])
    if not texts:
        texts = [strings_in(value) for key, value in record.items() if not _ANSWERS.fullmatch(str(key))]
    return "\n".join(filter(None, dict.fromkeys(texts))), options or (numbered if len(numbered) > 1 else ())


def _listed(value: Any) -> tuple[str, ...]:
    options = value.get("text") if isinstance(value, Mapping) else value
    if not isinstance(options, list) or not all(isinstance(option, str) for option in options):
        return ()
    return tuple(options)
