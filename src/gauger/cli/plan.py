"""``gauger plan STUDY.yaml``: arms, jobs, tokens, FLOPs, time, and the smallest uplift the study could detect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gauger.cli.output import JsonFlag, print_json, print_text
from gauger.cli.run import SetOption, StudyArgument

if TYPE_CHECKING:
    from gauger.run.forecast import Forecast


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(plan)


def plan(
    study: StudyArgument,
    out: Annotated[Path | None, typer.Option(help="Directory of the run [default: runs/NAME].")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Worker processes; 0: one per core.")] = 0,
    overrides: SetOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Say what a study would do, cost and find; run nothing."""
    from gauger.run.cache import Cache
    from gauger.run.forecast import forecast
    from gauger.run.local import cores
    from gauger.run.study import open_study, plan_loaded
    from gauger.store.directory import RunDirectory

    loaded = open_study(study, tuple(overrides or ()))
    directory = RunDirectory(out or Path("runs") / loaded.study.study)
    planned, atlas = plan_loaded(loaded)
    said = forecast(planned, atlas, Cache(directory.jobs), workers or cores())
    if as_json:
        print_json(said.to_dict())
    else:
        print_text("\n".join(lines(said)))


def lines(said: Forecast) -> list[str]:
    """Say a forecast in lines."""
    width = max(len(arm["name"]) for arm in said.arms)
    arms = [
        f"  {arm['name']:<{width}}  {arm['kind']:<9}  {', '.join(arm['stages']) or 'untouched'}"
        + (f", {arm['steps']} steps" if arm["steps"] else "")
        + (f", against {arm['matched']}" if arm["matched"] and arm["kind"] != "matched" else "")
        for arm in said.arms
    ]
    jobs = ", ".join(f"{count} {kind}" for kind, count in said.jobs.items())
    return [
        f"{said.study}: {len(said.arms)} arms x {said.replicates} replicates (base and teacher are one model each)",
        *arms,
        f"jobs       {said.jobs_total} ({jobs}); {said.jobs_shared} saved by sharing, {said.jobs_done} done already",
        f"training   {said.training_tokens / 1e6:.1f} M tokens, {said.training_flops:.2g} FLOPs",
        f"teacher    at least {said.teacher_queries:,} queries, {said.usd:.2f} USD",
        f"time       about {said.minutes:.1f} minutes on {said.workers} workers",
        f"could find an uplift of {100 * said.smallest_detectable_uplift:.1f} points on one benchmark with power 0.8",
        f"           (assumed: {said.assumption})",
    ]
