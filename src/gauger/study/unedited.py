"""Tells results that a run wrote from edited ones, by its log and its manifest, before they are shown or read on.

1. A run has a log of starts and, once it ended, a manifest: the files that are asked about have to be those listed, and
   the list the one that the log ends with.
2. Results of jobs, or a frozen rule, without either are refused: a run that kept none is as good as one that lost both.
3. A directory with neither (a comparison's; tables and estimates that somebody published without the run) has nothing
   to be held against, and passes.

Nothing is built anew: that is `verify_run`'s.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from gauger.errors import InputError, Place
from gauger.store import RunDirectory, contents_digest, manifest_differences, read_manifest_file
from gauger.study.history import END, read_log

NOT_ENDED = "not ended: the same gauger run command ends it"


def require_unedited(directory: Path) -> None:
    """Refuse to read on, or to draw a report of, a run whose results are not those that the run wrote.

    Parameters
    ----------
    directory : Path
        Of a run or a comparison; a few files are hashed, none is written.

    Raises
    ------
    InputError
        Naming every file that differs, or the log and manifest that a run should have.
    """
    run = RunDirectory(directory)
    differences = _differences(run, (run.estimates, run.records, run.ledger, run.corpora, run.study, run.frozen))
    if differences:
        hint = "gauger verify says more; the same gauger run command writes the results again from those of the jobs."
        raise InputError(
            f"the results that the run wrote; {'; '.join(differences)}", where=Place(str(directory)), hint=hint
        )


def doubt(directory: Path) -> str | None:
    """Say in a few words why the estimates of a directory are not to be shown as a run's; None where nothing speaks
    against them.

    Only `estimates.json` is hashed, so that many runs can be listed.

    Parameters
    ----------
    directory : Path
        Of a run or a comparison.
    """
    run = RunDirectory(directory)
    try:
        differences = _differences(run, (run.estimates,))
        entries = read_log(run)
    except InputError:
        return f"edited: {run.starts.name} is not what was logged"
    if not differences:
        return None
    return f"edited: {differences[0]}" if not entries or entries[-1]["kind"] == END else NOT_ENDED


def _differences(run: RunDirectory, files: Sequence[Path]) -> list[str]:
    """Say which of some files differ from what a run listed when it ended."""
    if not (run.starts.exists() or run.manifest.exists()):
        marks = (run.jobs / "entries", run.jobs / "jobs.json", run.frozen)
        left = [path.relative_to(run.root).as_posix() for path in marks if os.path.lexists(path)]
        gone = f"{run.starts.name} and {run.manifest.name} are missing, but {' and '.join(left)} are there"
        return [gone] if left else []
    ends = [entry["files"] for entry in read_log(run) if entry["kind"] == END]
    differences = manifest_differences(run.root, only=frozenset(path.name for path in files))
    if not differences and contents_digest(read_manifest_file(run.root)) not in ends[-1:]:
        differences = [f"{run.manifest.name} is not the one that the run ended with"]
    return differences
