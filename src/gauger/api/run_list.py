"""Lists the runs in a folder with their verdicts, and says of one run what it ended with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gauger.errors import GaugerError, InputError, Place

JUDGED = ("value", "low", "high", "set", "level")
SAID = ("study", "kind", "verdict", *JUDGED, "seed", "replicates", "report")
"""What is said of a run beside its path; None where it says nothing of it."""


def list_runs(folder: Path | str = "runs") -> list[Mapping[str, Any]]:
    """List the runs that stand directly in a folder, by name; a folder that is a run itself is listed alone.

    Returns
    -------
    list of mapping
        run (path), study, verdict, value, low, high, set, level, seed, replicates, report; `set` says which values low
        and high leave standing (`records.SetKind`): those outside of them, it may be. `problem` says of one that has no
        estimates, none that can be read, or others than the run wrote, why: it has no verdict then. Neither have
        comparisons of logs and runs side by side.

    Raises
    ------
    InputError
        No such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InputError("a folder of runs", "a file" if root.exists() else "no such folder", Place(str(root)))
    places = [root] if _is_run(root) else sorted(path for path in root.iterdir() if path.is_dir() and _is_run(path))
    return [summary_of(place) for place in places]


def _is_run(place: Path) -> bool:
    from gauger.store import RunDirectory

    run = RunDirectory(place)
    return run.estimates.exists() or run.frozen.exists()


def summary_of(place: Path) -> Mapping[str, Any]:
    """Say in a few numbers what a run ended with; see `list_runs`."""
    from gauger.store import RunDirectory, read_json
    from gauger.study import doubt

    run = RunDirectory(place)
    summary: dict[str, Any] = {"run": str(place), **dict.fromkeys(SAID), "problem": None}
    if not run.estimates.exists():
        return {**summary, "problem": "not finished"}
    try:
        document = read_json(run.estimates)
        study, verdict = document["study"], document.get("verdict") or {}
        judged = verdict.get("estimate") or {}
        summary |= {name: study.get(other) for name, other in (("study", "name"), ("kind", "kind"), ("seed", "seed"))}
        summary |= {"replicates": study.get("replicates") if isinstance(study.get("replicates"), int) else None}
        level = judged.get("level") or (verdict.get("rule") or {}).get("level")
        summary |= {"verdict": verdict.get("outcome"), **{name: judged.get(name) for name in ("value", "low", "high")}}
        summary |= {"set": judged.get("kind"), "level": level if judged else None}
        if problem := doubt(place):
            summary |= {**dict.fromkeys(("verdict", *JUDGED)), "problem": problem}
    except (KeyError, TypeError, AttributeError):
        return {**summary, "problem": "estimates.json is not one of Gauger's"}
    except GaugerError as error:
        return {**summary, "problem": str(error)}
    return summary | {"report": str(run.report) if run.report.exists() else None}
