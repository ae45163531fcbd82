"""Verifies a finished run: its log of starts, its manifest, its study, and its estimates built anew.

What each check finds, taken alone: the *manifest* any edit of a file by somebody who did not also edit the manifest;
the *log* any edit of its own past, and *contents* any edit of manifest and file together; *study* a study, rule or
frozen rule that is not the logged one; *results* a changed result of a job; *estimates* numbers that do not follow from
the results, whoever wrote them. Somebody who rewrites all of these consistently has made another run: only a digest
that was published before it (*registered*), or a signature, tells the two apart.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from gauger.errors import GaugerError, InputError, Place
from gauger.execute import Cache, State
from gauger.spec import frozen_rule, parse_study
from gauger.store import (
    RunDirectory,
    contents_digest,
    document_bytes,
    fingerprint,
    holds_rows,
    manifest_differences,
    read_document,
    read_json,
    read_manifest_file,
)
from gauger.study.description import program_versions
from gauger.study.history import END, fixed_start, read_log, registered_digest, starts_of
from gauger.study.rebuild import loaded_again, rebuild

TOLERANCE = 1e-9
"""How far numbers may lie apart, relative and absolute, where another machine computes them."""
MOST_NAMED = 20
"""Differences named per check; the others are counted."""


@dataclass
class VerifiedRun:
    """What was checked, and what differs."""

    directory: Path
    checks: dict[str, list[str]] = field(default_factory=dict)
    """Check -> what differs, one sentence each; an empty list is a check that was passed."""
    notes: list[str] = field(default_factory=list)
    entries: Sequence[Mapping[str, Any]] = ()
    """Of the log of starts."""
    drawn: Mapping[str, Any] | None = None
    """The estimates that the report has to show; None where they differ, or another version drew it."""

    @property
    def right(self) -> bool:
        """Whether every check was passed."""
        return not any(self.checks.values())

    @property
    def differs_when_rebuilt_alone(self) -> bool:
        """Whether all files are those that the run lists, and only estimates built anew from its results differ."""
        return bool(self.checks.get("estimates")) and not any(
            differences for name, differences in self.checks.items() if name != "estimates"
        )

    def check(self, name: str, find: Callable[[], Sequence[str]]) -> bool:
        """Make a check; returns whether it was passed. What cannot be read is a difference."""
        try:
            differences = list(find())
        except (GaugerError, OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
            differences = [f"could not be checked: {error or type(error).__name__}"]
        more = len(differences) - MOST_NAMED
        self.checks[name] = differences[:MOST_NAMED] + ([f"and {more} more"] if more > 0 else [])
        return not differences

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping that ``gauger verify --json`` prints."""
        checks = [
            {"check": name, "right": not differences, "differences": differences}
            for name, differences in self.checks.items()
        ]
        return {
            "schema": "gauger.verify/1",
            "run": str(self.directory),
            "right": self.right,
            "checks": checks,
            "notes": self.notes,
            "starts": [_told(entry) for entry in starts_of(self.entries)],
        }


def _told(start: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("number", "results", "registered", "versions")
    return {key: start[key] for key in keys} | {"study": fingerprint(start["deciding"])}


def verify_run(directory: Path, registered: str | None = None) -> VerifiedRun:
    """Check a finished run against itself and, where one is given, against a published digest.

    Parameters
    ----------
    directory : Path
        Of the run; nothing in it is changed.
    registered : str, optional
        What ``gauger plan --register`` printed before the run.

    Raises
    ------
    InputError
        Where no run stands there.
    """
    run, verified = RunDirectory(directory), VerifiedRun(directory)
    if not (run.starts.exists() or run.manifest.exists() or run.jobs.exists()):
        raise InputError("the directory of a run", "none", Place(str(directory)))
    logged = verified.check("log of starts", lambda: _log_differences(run, verified))
    verified.check("manifest", lambda: manifest_differences(run.root))
    verified.check("results", lambda: list(_damaged_results(run)))
    if not logged:
        verified.notes.append("study and estimates were not checked: they follow from the log of starts")
        return verified
    verified.check("contents", lambda: _contents_differences(run, verified.entries))
    verified.check("study", lambda: _study_differences(run, verified.entries))
    if registered is not None:
        verified.check("registered", lambda: _registered_differences(verified.entries, registered))
    elif starts_of(verified.entries)[-1]["registered"] is None:
        verified.notes.append("not externally anchored: no digest was published before the run, or none was given")
    if _rests_on_difference(verified):
        verified.notes.append("estimates were not built anew: they would rest on what differs")
    elif verified.check("estimates", lambda: _estimate_differences(run, verified)):
        _may_be_drawn(run, verified)
    else:
        _name_versions(run, verified)
    return verified


def _rests_on_difference(verified: VerifiedRun) -> bool:
    return any(
        difference.startswith("jobs/") or "manifest.json is" in difference
        for name in verified.checks
        for difference in verified.checks[name]
    )


def _may_be_drawn(run: RunDirectory, verified: VerifiedRun) -> None:
    """Let the report be compared where the same programs drew it."""
    start = starts_of(verified.entries)[-1]
    if start["versions"] == program_versions(loaded_again(run, start).study):
        verified.drawn = read_document(run.estimates).to_dict()
    else:
        verified.notes.append("the report was not drawn anew: other versions of the programs drew it")


def _name_versions(run: RunDirectory, verified: VerifiedRun) -> None:
    """Say whose estimates those are that differ, where it may be that programs changed and not the run."""
    start = starts_of(verified.entries)[-1]
    here = program_versions(loaded_again(run, start).study)
    other = [
        f"{name} {start['versions'].get(name, 'unknown')} (here {version})"
        for name, version in here.items()
        if start["versions"].get(name) != version
    ]
    verified.notes.append(
        f"the estimates were written by {', '.join(other)}: verify them with these versions"
        if other
        else "the same versions wrote these estimates; a development version may have changed without its number"
    )


def _log_differences(run: RunDirectory, verified: VerifiedRun) -> list[str]:
    verified.entries = read_log(run)
    if not starts_of(verified.entries):
        return [f"{run.starts.name} is missing: the run began under a version that kept no log, or it was removed"]
    if verified.entries[-1]["kind"] != END:
        return ["the last start has no end: the run was stopped, or is going on"]
    return []


def _damaged_results(run: RunDirectory) -> Iterator[str]:
    """Name results whose files are not what their own `done.json` lists, or that hold more."""
    cache = Cache(run.jobs)
    folder = run.jobs / "entries"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        entry = cache.inspect(path.name)
        if entry.state is not State.DONE:
            yield f"jobs/entries/{path.name}: {entry.reason or entry.state}"
            continue
        listed = set(read_json(path / "done.json")["files"]) | {"done.json"}
        present = {file.relative_to(path).as_posix() for file in path.rglob("*") if _is_part(file)}
        yield from (f"jobs/entries/{path.name}: {name} is not listed" for name in sorted(present - listed))


def _is_part(path: Path) -> bool:
    return path.is_symlink() or not path.is_dir()


def _contents_differences(run: RunDirectory, entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Hold the manifest against the digest that the log's last entry has of it."""
    same = contents_digest(read_manifest_file(run.root)) == entries[-1]["files"]
    return [] if same else [f"{run.manifest.name} does not list the files that the log of starts ends with"]


def _study_differences(run: RunDirectory, entries: Sequence[Mapping[str, Any]]) -> list[str]:
    start, differences = starts_of(entries)[-1], []
    if run.study.read_bytes() != document_bytes(json.loads(start["study"]["resolved"])):
        differences.append(f"{run.study.name} is not the study of the last start")
    if not run.frozen.exists():
        differences.append(f"{run.frozen.name} is missing")
    elif read_json(run.frozen) != fixed_start(entries)["rule"] and not fixed_start(entries)["results"]:
        differences.append(f"{run.frozen.name} is not the rule that the log of starts holds")
    loaded = loaded_again(run, start)
    if parse_study(loaded.text, loaded.overrides) != loaded.study:
        differences.append("the text of the study in the log of starts gives another study than the one that was run")
    if json.loads(document_bytes(frozen_rule(loaded.study) | {"study": loaded.study.study})) != start["rule"]:
        differences.append("the rule of the last start is not its study's")
    return differences


def _registered_differences(entries: Sequence[Mapping[str, Any]], registered: str) -> list[str]:
    """Hold the last start, which the estimates are of, to the published digest."""
    digest = registered_digest(starts_of(entries)[-1]["deciding"])
    same = digest == registered.strip().lower()
    return [] if same else [f"the run is of the study with digest {digest}, not {registered}"]


def _estimate_differences(run: RunDirectory, verified: VerifiedRun) -> list[str]:
    """Estimate again from the results of the jobs, and compare."""
    rebuilt = rebuild(run, verified.entries)
    differences = []
    tables = {run.records: iter([rebuilt.records]), run.ledger: rebuilt.ledger.pieces()}
    if run.corpora.exists():
        tables[run.corpora] = iter([rebuilt.ledger.uses])
    else:
        tables[run.ledger] = rebuilt.ledger.pieces_by_use()
        verified.notes.append("ledger.parquet is of an older layout: a corpus' rows once for every arm that used it")
    for path, pieces in tables.items():
        if not holds_rows(path, pieces):
            differences.append(f"{path.name} does not hold the results of the jobs")
    stored, wanted = run.estimates.read_bytes(), document_bytes(rebuilt.document.to_dict())
    if stored != wanted:
        apart = list(unlike(read_json(run.estimates), json.loads(wanted)))
        differences += [f"{run.estimates.name}: {place}" for place in apart]
        if not apart:
            verified.notes.append(
                "numbers agree to 1e-9, bytes do not: another platform, or other versions of libraries"
            )
    return differences


def unlike(stored: Any, wanted: Any, place: str = "") -> Iterator[str]:
    """Say where two values of JSON differ; numbers may lie `TOLERANCE` apart."""
    if isinstance(stored, dict) and isinstance(wanted, dict):
        for key in dict.fromkeys((*wanted, *stored)):
            where = f"{place}.{key}" if place else str(key)
            if key not in stored or key not in wanted:
                yield f"{where} is {'missing' if key in wanted else 'not of this run'}"
            else:
                yield from unlike(stored[key], wanted[key], where)
    elif isinstance(stored, list) and isinstance(wanted, list):
        if len(stored) != len(wanted):
            yield f"{place} has {len(stored)} entries, and should have {len(wanted)}"
        for index, pair in enumerate(zip(stored, wanted, strict=False)):
            yield from unlike(*pair, f"{place}[{index}]")
    elif not _same(stored, wanted):
        yield f"{place} is {str(stored)[:60]}, and should be {str(wanted)[:60]}"


def _same(stored: Any, wanted: Any) -> bool:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (stored, wanted))
    if numbers:
        return math.isclose(stored, wanted, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return type(stored) is type(wanted) and bool(stored == wanted)
