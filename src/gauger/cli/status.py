"""``gauger status DIR``: tells what is done, what is left, what failed and why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gauger.cli.output import JsonFlag, print_json, print_text

if TYPE_CHECKING:
    from gauger.execute import Status


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(status)


def status(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Directory of a run.")], as_json: JsonFlag = False
) -> None:
    """Say how a run stands: done, running, left, failed (with arm, stage and reason), damaged; what it ended with."""
    from gauger.api import summary_of
    from gauger.execute import read_status

    found, ended = read_status(directory), summary_of(directory)
    if as_json:
        print_json(found.to_dict() | {"verdict": ended["verdict"], "report": ended["report"]})
    else:
        print_text("\n".join([*lines(found), *end_lines(ended)]))


def end_lines(ended: Mapping[str, Any]) -> list[str]:
    """Say the verdict and the report of a run that has estimates; of one that has none, nothing."""
    said = []
    if ended["verdict"] is not None:
        number = "undefined" if ended["value"] is None else f"{100 * ended['value']:+.1f}"
        said.append(f"verdict: {str(ended['verdict']).replace('_', ' ')} ({number})")
    return [*said, *([f"report: {ended['report']}"] if ended["report"] else [])]


def lines(found: Status) -> list[str]:
    """Say a status in lines."""
    said = [summary(found)]
    said += [f"running: {job.name}" for job in found.running]
    for job, failure in found.failed:
        said += [f"failed: {job.name}", f"  arm {job.arm}, stage {job.stage}: {failure.reason}"]
    if found.failed:
        said.append("tracebacks: --json, or jobs/failures; the next run tries these jobs again")
    said += [f"blocked: {job.name}" for job in found.blocked]
    said += [f"damaged: {job.name}: {reason}; the next run computes it again" for job, reason in found.damaged]
    if found.set_aside:
        said.append(f"damaged results set aside by earlier runs: {len(found.set_aside)} (jobs/damaged)")
    return said


def summary(found: Status) -> str:
    """Say a status in one line."""
    from gauger.execute import count, in_words

    left = len(found.left) + len(found.damaged)
    total = len(found.done) + len(found.running) + left + len(found.failed) + len(found.blocked)
    parts = [f"{len(found.done)} of {count(total, 'job')} done"]
    named = {"running": len(found.running), "failed": len(found.failed), "blocked": len(found.blocked)}
    parts += [f"{number} {word}" for word, number in named.items() if number]
    if left or found.running:
        parts += [f"{left} left", in_words(found.seconds_left)]
    parts.append(f"run by process {found.driver}" if found.driver else "no run is going on")
    return ", ".join(parts)
