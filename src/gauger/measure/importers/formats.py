"""Gives a file to the reader of its format, told by what it holds and never by what its name ends in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from gauger.errors import InputError, Place
from gauger.measure.importers import (
    alpaca_eval,
    helm,
    inspect_log,
    light_eval,
    lm_eval,
    lm_eval_03,
    mmlu_pro,
    open_compass,
    openai_evals,
    table,
)
from gauger.measure.importers.contents import Contents, NoLogError, opened
from gauger.measure.importers.log import Log, Wants
from gauger.measure.importers.shown_answers import ShownAnswer, ShownReader, of_helm, of_inspect, of_lm_eval
from gauger.plugs import Registry


@dataclass(frozen=True)
class LogFormat:
    """One format of logs."""

    fits: Callable[[Contents], bool]
    """Tells whether a file is of it, from its beginning where that says enough."""
    read: Callable[[Contents, Wants], list[Log]] | None
    """Reads it; None for the records table, whose arms have to be known."""
    shown: ShownReader | None = None
    """Reads what was asked and answered at chosen places; None: the format does not hold it."""


TABLE = "records table"
FORMATS: Mapping[str, LogFormat] = {
    "lm-eval samples": LogFormat(lm_eval.fits, lm_eval.read, of_lm_eval),
    "Inspect log": LogFormat(inspect_log.fits, inspect_log.read, of_inspect),
    lm_eval_03.NAME: LogFormat(lm_eval_03.fits, lm_eval_03.read),
    helm.NAME: LogFormat(helm.fits, helm.read, of_helm),
    mmlu_pro.NAME: LogFormat(mmlu_pro.fits, mmlu_pro.read),
    alpaca_eval.NAME: LogFormat(alpaca_eval.fits, alpaca_eval.read),
    openai_evals.NAME: LogFormat(openai_evals.fits, openai_evals.read),
    light_eval.NAME: LogFormat(light_eval.fits, light_eval.read),
    open_compass.NAME: LogFormat(open_compass.fits, open_compass.read),
    TABLE: LogFormat(table.fits, None),
}
"""Name -> format, in the order in which they are tried; the records table takes what is left."""

IMPORTERS = Registry("a format of logs", "gauger.importers", {})
"""Formats of other packages: name -> a `LogFormat`, tried before our own."""


@cache
def formats() -> Mapping[str, LogFormat]:
    """Return every format by name, in the order in which they are tried."""
    return {**{name: IMPORTERS.load(name) for name in IMPORTERS}, **FORMATS}


KNOWN = f"Read are {', '.join(FORMATS)} (CSV, TSV, Parquet, JSON Lines, W&B tables)."
AVERAGES = "It holds averages only. Give the samples_*.jsonl beside it (lm-eval writes them under --log_samples)."


def read_file(path: Path, arm: str, wants: Wants) -> list[Log]:
    """Read one file as what it holds; of a records table with several arms, the rows of `arm`.

    Raises
    ------
    NoLogError
        A sound file that is no evaluation log.
    InputError
        A log that cannot be read, with its line.
    """
    with opened(path) as contents:
        name = next((key for key, known in formats().items() if known.fits(contents)), None)
        if name is None and wants.columns and (contents.first is not None or not contents.is_json):
            name = TABLE  # its columns have names of their own, and the user tells them
        if name is None:
            raise _no_log(contents)
        known = formats()[name]
        try:
            logs = known.read(contents, wants) if known.read else _of_arm(table.checked_table(contents, wants), arm)
            return [replace(log, holds_texts=known.shown is not None) for log in logs]
        except InputError as fault:
            if fault.where.file != str(contents.plain):
                raise
            where = Place(str(path), fault.where.line, fault.where.key)
            raise type(fault)(fault.wanted, fault.given, where, fault.hint) from None
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as fault:
            given = f"{type(fault).__name__}: {fault}"[:120]
            hint = "One of its entries has another form than the first."
            raise InputError(f"{name} throughout", given, Place(str(path)), hint) from None


def shown_answers(log: Log, rows: Collection[int]) -> dict[int, ShownAnswer]:
    """Read what was asked, the right answer and the reply at chosen places of the file behind a log.

    Parameters
    ----------
    log : Log
        One evaluation, read from a file.
    rows : collection of int
        0-based places in the file (`log.ROWS`, row).

    Returns
    -------
    dict of int to ShownAnswer
        Empty where the format does not hold texts.

    Raises
    ------
    InputError
        A file that has changed since the log was read, so that it can be read no more.

    Tested in tests/measure/importers/test_shown_answers.py.
    """
    if not log.holds_texts:
        return {}
    with opened(Path(log.file)) as contents:
        known = next((importer for importer in formats().values() if importer.fits(contents)), None)
        return dict(known.shown(contents, frozenset(rows))) if known is not None and known.shown is not None else {}


def _of_arm(records: table.RecordsTable, arm: str) -> list[Log]:
    """Return the logs of a table that holds one arm, or several with this one among them."""
    if len(records.arms) <= 1:
        return table.table_logs(records)
    if arm not in records.arms:
        hint = (
            f"Give the whole table and name its arms: gauger compare {records.path.name} --distilled ARM --control ARM."
        )
        given = f"the arms {', '.join(map(repr, records.arms))}"
        raise InputError(f"a table with one arm, or with one named {arm!r}", given, Place(str(records.path)), hint)
    return table.table_logs(records, arm)


def _no_log(contents: Contents) -> InputError:
    """Say what a file is instead of a log: broken JSON is an error of its own, with its line."""
    where = Place(str(contents.path))
    if contents.is_json and contents.first is None and contents.document is None:
        if contents.plain.suffix == ".jsonl" and not contents.is_array:
            lm_eval.read_lm_eval(contents.path, contents.plain)  # names the line of the fault
        _ = contents.value  # names it too
    value = contents.document
    if isinstance(value, dict) and "results" in value and "eval" not in value:
        return NoLogError("an evaluation log", "averages alone", where, AVERAGES)
    if isinstance(value, dict):
        given = f"a JSON object with {', '.join(map(repr, list(value)[:6])) or 'nothing'}"
    elif contents.first is not None:
        given = f"JSON with {', '.join(map(repr, list(contents.first)[:6])) or 'nothing'}"
    elif contents.is_json:
        given = "JSON of another kind"
    else:
        given = "text" if b"\0" not in contents.start else "bytes of an unknown kind"
    return NoLogError("an evaluation log", given, where, KNOWN)
