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

    run_status, ended = read_status(directory), summary_of(directory)
    if as_json:
        print_json(run_status.to_dict() | {name: ended[name] for name in ("verdict", "report", "problem")})
    else:
        print_text("\n".join([*lines(run_status), *end_lines(ended)]))


def end_lines(ended: Mapping[str, Any]) -> list[str]:
    """Say the verdict and the report of a run that has estimates, or why none is shown; of others, nothing."""
    parts = [f"verdict: {ended['problem']}"] if ended["study"] and ended["problem"] else []
    if ended["verdict"] is not None:
        number = "undefined" if ended["value"] is None else f"{100 * ended['value']:+.1f}"
        parts.append(f"verdict: {str(ended['verdict']).replace('_', ' ')} ({number})")
    return [*parts, *([f"report: {ended['report']}"] if ended["report"] else [])]


def lines(status: Status) -> list[str]:
    """Say a status in lines."""
    texts = [summary(status)]
    texts += [f"running: {job.name}" for job in status.running]
    for job, failure in status.failed:
        texts += [f"failed: {job.name}", f"  arm {job.arm}, stage {job.stage}: {failure.reason}"]
    if status.failed:
        texts.append("tracebacks: --json, or jobs/failures; the next run tries these jobs again")
    texts += [f"blocked: {job.name}" for job in status.blocked]
    texts += [f"damaged: {job.name}: {reason}; the next run computes it again" for job, reason in status.damaged]
    if status.set_aside:
        texts.append(f"damaged results set aside by earlier runs: {len(status.set_aside)} (jobs/damaged)")
    return texts


def summary(status: Status) -> str:
    """Say a status in one line."""
    from gauger.execute import count, in_words

    left = len(status.left) + len(status.damaged)
    total = len(status.done) + len(status.running) + left + len(status.failed) + len(status.blocked)
    parts = [f"{len(status.done)} of {count(total, 'job')} done"]
    named = {"running": len(status.running), "failed": len(status.failed), "blocked": len(status.blocked)}
    parts += [f"{number} {word}" for word, number in named.items() if number]
    if left or status.running:
        parts += [f"{left} left", in_words(status.seconds_left)]
    parts.append(f"run by process {status.driver}" if status.driver else "no run is going on")
    return ", ".join(parts)
