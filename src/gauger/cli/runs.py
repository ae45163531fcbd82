"""``gauger runs [DIR]``: lists runs with their verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from gauger.cli.output import JsonFlag, print_json, print_text
from gauger.records import SetKind


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(runs)


def runs(
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="Folder whose runs are listed.")] = Path("runs"),
    as_json: JsonFlag = False,
) -> None:
    """List the runs in a folder: study, seed, verdict, and the number that it judges."""
    from gauger.api import list_runs
    from gauger.cli.tables import table

    summaries = list_runs(directory)
    if as_json:
        print_json({"runs": summaries})
    elif summaries:
        header = ("Run", "Study", "Seed", "Replicates", "Verdict", "Value", "Interval")
        print_text(table(header, [_row(summary) for summary in summaries], {2, 3, 5}))
    else:
        print_text(f"no runs in {directory}")


def _row(run: Mapping[str, Any]) -> Sequence[str]:
    if run["problem"]:
        return (run["run"], run["study"] or "", "", "", run["problem"], "", "")
    verdict = run["verdict"] or {"compare": "comparison", "runs": "side by side"}.get(str(run["kind"]), "none")
    value, ends = _number(run["value"]), _ends(run)
    counts = (_text(run["seed"]), _text(run["replicates"]))
    return (run["run"], run["study"] or "", *counts, verdict.replace("_", " "), value, ends)


def _ends(run: Mapping[str, Any]) -> str:
    """Return which values are left standing, and at which level: a set may lie outside two ends."""
    low, high, level = run["low"], run["high"], f" ({100 * run['level']:.4g} %)" if run["level"] else ""
    if run["value"] is None or run["set"] in (None, SetKind.NONE):
        return ""
    if run["set"] == SetKind.EVERYTHING:
        return f"no value is ruled out{level}"
    if run["set"] == SetKind.OUTSIDE:
        return f"below {_number(low)} or above {_number(high)}{level}"
    return f"{_number(low) or '-inf'} to {_number(high) or 'inf'}{level}"


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _number(value: float | None) -> str:
    return "" if value is None else f"{100 * value:+.1f}"
