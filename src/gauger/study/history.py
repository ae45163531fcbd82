"""Keeps the history of a run: every start in a log that cannot be edited unseen, and what changed between them.

How a history bears on the verdict:

1. Fixed is what stood at the last start before which no result was there. Whatever can move the verdict and differs now
   makes it post hoc, with before and after.
2. Another number of replicates, in a run that had results, is optional stopping: to add runs until the interval clears
   the threshold finds a difference where there is none more often than the level says. It leaves the verdict at best
   *undetermined*, unless the rule declared so many looks before the first result (`verdict.looks`). A run was looked at
   once its estimates could be read, whether or not it was sealed after that: the look is logged just before they can.
3. Results that are older than the log count as a change: nobody can tell what was fixed before them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gauger.errors import DamagedError, InputError, Place, UserError
from gauger.spec import LoadedStudy, changes_between, compare_frozen, deciding_settings, frozen_rule
from gauger.store import RunDirectory, append_entry, fingerprint, read_chain, read_json, write_json
from gauger.study.description import program_versions
from gauger.study.job_parts import contents_of, programs_of
from gauger.study.plan import Plan
from gauger.worlds import describe_world

SCHEMA, REGISTRATION_SCHEMA = "gauger.starts/1", "gauger.registration/1"
START, LOOK, END = "start", "look", "end"
KEYS = {
    START: ("deciding", "registered", "results", "rule", "study", "versions"),
    LOOK: ("outcome",),
    END: ("files", "outcome", "stopped"),
}
"""Kind of entry -> what it holds; earlier versions logged no looks."""
REPLICATES = "replicates"


@dataclass(frozen=True)
class RunHistory:
    """What the log of a run says of its present study."""

    changes: tuple[str, ...] = ()
    """What can move the verdict and was changed after results were there, one sentence each, with before and after."""
    stopping: str = ""
    """Why the number of replicates was not fixed before the results; empty where it was, or its looks were declared."""
    looks: int = 1
    """How often the study was judged, now included, each time with another number of replicates."""
    registered: str | None = None
    """The digest that the run was held to."""
    notes: tuple[str, ...] = ()
    """What was found in the run directory and mended; it moves no number."""
    start: int | None = None
    """Number of the start in the log; None of records that no logged run made."""


NO_HISTORY = RunHistory()
"""Of records that no logged run made."""


def deciding(loaded: LoadedStudy, plan: Plan) -> dict[str, Any]:
    """Return all that can move a study's verdict: its settings, digests of all that it reads, versions of programs.

    It reads the world's files, checkpoints, recordings, prompt templates, and files of evaluators and trainers.
    """
    files = describe_world(loaded.study.world, loaded.path.parent).files
    contents: dict[str, str] = {}
    programs: dict[str, str] = {}
    for key, params in plan.parameters.items():
        contents |= contents_of(plan.jobs[key], params)
        programs |= programs_of(plan.jobs[key], params)
    return deciding_settings(loaded.study) | {"files": dict(files), "contents": contents, "programs": programs}


def registration(loaded: LoadedStudy, plan: Plan) -> str:
    """Return the digest to publish before a run: of all that can move the verdict, the rule included."""
    return registered_digest(deciding(loaded, plan))


def registered_digest(settings: Mapping[str, Any]) -> str:
    """Return the digest of what `deciding` gave, also after a round trip through JSON.

    Versions of other programs are not in it: a study is registered where it is planned, which may be a machine without
    them. `contents` go by their earlier name: a study that reads none has the digest that it always had.
    """
    named = {"contents": "models"}
    held = {named.get(key, key): value for key, value in settings.items() if key != "programs"}
    return fingerprint({"schema": REGISTRATION_SCHEMA, **held})


def begin(run: RunDirectory, loaded: LoadedStudy, plan: Plan, registered: str | None = None) -> RunHistory:
    """Log a start, freeze the rule at the first one, and say what the log says of the study.

    Raises
    ------
    InputError
        Where the log was edited, or the study is not the one that was registered.
    """
    registered = registered.strip().lower() if registered is not None else None
    if registered is not None and registration(loaded, plan) != registered:
        hint = "Run the study as it was registered, with the same --set, or without --registered."
        place = Place(str(loaded.path))
        raise InputError(f"the study registered as {registered}", registration(loaded, plan), place, hint)
    before = read_log(run)
    legacy = _older_rule(run, loaded) if not before else ()
    append_entry(run.starts, _start(run, loaded, deciding(loaded, plan), registered))
    entries = read_log(run)
    notes = _keep_rule(run, entries)
    logged = history(entries)
    return replace(logged, changes=(*legacy, *logged.changes), notes=notes)


def _older_rule(run: RunDirectory, loaded: LoadedStudy) -> tuple[str, ...]:
    """Return what differs from the rule that a version without a log froze."""
    if not (run.frozen.exists() and results_there(run)):
        return ()
    try:
        return compare_frozen(read_json(run.frozen), loaded.study).changes
    except DamagedError as error:
        raise InputError(str(error), hint="The frozen rule was damaged or edited: choose another --out.") from None


def _keep_rule(run: RunDirectory, entries: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Write the rule that the log holds to `frozen.json`, unless it stands there or is older than the log."""
    fixed = fixed_start(entries)
    if fixed["results"] and run.frozen.exists():
        return ()
    try:
        stands = read_json(run.frozen) if run.frozen.exists() else None
    except DamagedError:
        stands = {}
    if stands == fixed["rule"]:
        return ()
    write_json(run.frozen, fixed["rule"])
    first = len(starts_of(entries)) == 1 or (stands is not None and fixed is starts_of(entries)[-1])
    what = "missing" if stands is None else "not the rule of the log of starts"
    return () if first else (f"{run.frozen.name} was {what}: it is written again from the log",)


def require_last_start(run: RunDirectory, start: int | None) -> None:
    """Refuse to write what one start found where another one was logged after it: it would be taken for the other's.

    For whoever holds the lock of the run, which nobody holds while estimates are made.

    Raises
    ------
    UserError
        Where another process began in the meantime.
    """
    last = starts_of(read_log(run))[-1]["number"]
    if start is not None and last != start:
        hint = "No result of a job is lost: the same command, once the other one has ended, goes on from them."
        given = f"one that another process began in the meantime (start {last} of {run.starts.name})"
        raise UserError("a run to be one's own until it has ended", given, Place(str(run.root)), hint)


def look(run: RunDirectory, outcome: str | None) -> None:
    """Log that estimates of the last start are about to be readable: whatever happens to the run now, it was judged."""
    append_entry(run.starts, {"schema": SCHEMA, "kind": LOOK, "outcome": outcome})


def finish(run: RunDirectory, outcome: str | None, stopped: str, files: str) -> None:
    """Log the end of a run: that it was judged, and one digest of everything it left but this log."""
    append_entry(
        run.starts,
        {"schema": SCHEMA, "kind": END, "outcome": outcome, "stopped": stopped, "files": files},
    )


def read_log(run: RunDirectory) -> list[dict[str, Any]]:
    """Read the log of a run; one that never began has none.

    Raises
    ------
    InputError
        Where it was edited.
    """
    try:
        entries = read_chain(run.starts)
        for entry in entries:
            _check(run, entry)
    except DamagedError as error:
        hint = "The log of starts was changed after it was written: this run cannot be told from one whose rule moved."
        raise InputError(str(error), where=Place(str(run.root)), hint=hint) from None
    return entries


def _check(run: RunDirectory, entry: Mapping[str, Any]) -> None:
    keys = KEYS.get(entry.get("kind", ""))
    if entry.get("schema") != SCHEMA or keys is None or any(key not in entry for key in keys):
        raise DamagedError(f"{run.starts.name}:{entry['number']} is no entry of schema {SCHEMA}")


def _start(run: RunDirectory, loaded: LoadedStudy, now: Mapping[str, Any], registered: str | None) -> dict[str, Any]:
    study = loaded.study
    return {
        "schema": SCHEMA,
        "kind": START,
        "study": {
            "file": loaded.path.name,
            "folder": _folder(run, loaded),
            "text": loaded.text,
            "overrides": list(loaded.overrides),
            "resolved": study.model_dump_json(),  # as text: the order of its benchmarks and arms counts
        },
        "deciding": now,
        "rule": frozen_rule(study) | {"study": study.study},
        "registered": registered,
        "versions": program_versions(study),
        "results": results_there(run),
    }


def _folder(run: RunDirectory, loaded: LoadedStudy) -> str:
    """Where the study file lies, seen from the run: both may be moved together."""
    return os.path.relpath(loaded.path.parent.resolve(), run.root.resolve())


def results_there(run: RunDirectory) -> int:
    """Count the results of jobs that stand in a run directory."""
    return sum(1 for _ in (run.jobs / "entries").glob("*/done.json"))


def starts_of(entries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the starts among the entries of a log."""
    return [entry for entry in entries if entry["kind"] == START]


def fixed_start(entries: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the start that fixed the study: the last one before which nothing had resulted, else the first."""
    starts, fixed = starts_of(entries), starts_of(entries)[0]
    judged = next((entry["number"] for entry in entries if entry["kind"] != START), len(entries) + 1)
    for entry in starts:
        if entry["results"] or entry["number"] > judged:
            break
        fixed = entry
    return fixed


def history(entries: Sequence[Mapping[str, Any]]) -> RunHistory:
    """Say what a log, whose last start is the present one, says of the present study."""
    fixed, starts = fixed_start(entries), starts_of(entries)
    now = starts[-1]["deciding"]
    since = [entry for entry in starts if entry["number"] >= fixed["number"]]
    results = next(entry["results"] for entry in since if entry["deciding"] == now)
    changes = [f"{change}, after {results} results" for change in changes_between(*_digested(fixed["deciding"], now))]
    if fixed["results"]:
        changes.insert(0, f"{fixed['results']} results were there before the first logged start")
    looks, declared = _looks(entries), int(fixed["deciding"]["verdict"]["looks"])
    if looks <= declared:
        changes = [change for change in changes if not change.startswith(f"{REPLICATES} was ")]
    stopping = _stopping(fixed["deciding"][REPLICATES], now[REPLICATES], looks, declared)
    return RunHistory(tuple(changes), stopping, looks, starts[-1]["registered"], start=starts[-1]["number"])


def _digested(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Leave out digests that only one of two versions kept: earlier ones had `models`, of the edges of files alone."""
    alone = {key for key in ("models", "contents", "programs") if (key in before) != (key in now)}
    left = [{key: value for key, value in settings.items() if key not in alone} for settings in (before, now)]
    return left[0], left[1]


def _looks(entries: Sequence[Mapping[str, Any]]) -> int:
    """Count the numbers of replicates with which the study was judged, or fixed, and the present one."""
    seen, last = {fixed_start(entries)["deciding"][REPLICATES]}, 0
    for entry in entries:
        if entry["kind"] == START:
            last = entry["deciding"][REPLICATES]
        else:
            seen.add(last)
    return len(seen | {last})


def _stopping(before: int, after: int, looks: int, declared: int) -> str:
    """Say that runs were added, or left out, with results in sight; empty where that was declared or undone."""
    if before == after or looks <= declared:
        return ""
    counted = "one look was declared" if declared == 1 else f"{declared} looks were declared"
    return (
        f"Optional stopping: {REPLICATES} was {before} and is now {after}, after results were there; {counted}, and "
        f"this is look {looks}. Runs that are added until the interval clears the threshold are not the study that was "
        "fixed, so the outcome is undetermined at best; the interval shown is the nominal one. Declare verdict.looks "
        "before the first run, or go back to the number of replicates that was fixed."
    )
