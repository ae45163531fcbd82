"""``gauger plan STUDY.yaml``: lists arms, jobs, tokens, FLOPs and time, and the smallest uplift it could detect."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from gauger.cli.execution_options import WorkersOption
from gauger.cli.output import JsonFlag, print_json, print_text, say
from gauger.cli.run import OutOption, SetOption, StudyArgument
from gauger.cli.tables import aligned
from gauger.errors import UserError

if TYPE_CHECKING:
    from gauger.study import PlanForecast, Proposal

PilotOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="An earlier run: propose replicates for the verdict, and a scale's next cells."),
]
BudgetOption: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="FLOPS", min=0, help="What all replicates may train, with --pilot.", show_default="as planned"
    ),
]
TargetOption: TypeAlias = Annotated[
    tuple[float, float] | None,
    typer.Option(
        metavar="PARAMS TOKENS",
        help="Where a scale's forecast is wanted, with --pilot.",
        show_default="twice its largest cell's of both",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(plan)


def plan(
    study: StudyArgument,
    out: OutOption = None,
    workers: WorkersOption = 0,
    overrides: SetOption = None,
    pilot: PilotOption = None,
    budget: BudgetOption = None,
    target: TargetOption = None,
    register_it: Annotated[
        bool, typer.Option("--register", help="Print the digest to publish before the run, and nothing else.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Say what a study would do, cost and find; run nothing.

    With --pilot, propose how to divide the budget over the arms for the verdict and, for a study with a scale, which
    cells to train next so that its forecast narrows most. With --register, print a digest of all that can move the
    verdict: published before the run, it holds the run to what was planned (gauger verify --registered).
    """
    from gauger.api import directory_of
    from gauger.execute import Cache, cores, visible_gpus
    from gauger.store import RunDirectory
    from gauger.study import forecast, open_study, plan_loaded

    _check_options(pilot, budget, target)
    loaded = open_study(study, tuple(overrides or ()))
    for note in loaded.notes:
        say(note)
    directory = directory_of(loaded.study.study, out)
    planned, world = plan_loaded(loaded)
    if register_it:
        from gauger.study import registration

        digest = registration(loaded, planned)
        print_json({"registered": digest}) if as_json else print_text(digest)
        return
    plan_forecast = forecast(
        planned, world, Cache(RunDirectory(directory).jobs), workers or len(visible_gpus()) or cores()
    )
    proposal = None
    if pilot is not None:
        from gauger.study import propose

        proposal = propose(planned, world, pilot, budget, target)
    if as_json:
        print_json(plan_forecast.to_dict() | ({} if proposal is None else {"proposal": proposal.to_dict()}))
    else:
        print_text("\n".join([*lines(plan_forecast, directory), *([] if proposal is None else proposed(proposal))]))


def _check_options(pilot: Path | None, budget: float | None, target: tuple[float, float] | None) -> None:
    """Refuse options that would say nothing."""
    if pilot is None and (budget is not None or target is not None):
        named = "--budget" if target is None else "--target"
        raise UserError(f"an earlier run for {named} to start from", "none", hint="Add --pilot DIR.")
    if target is not None and min(target) <= 0:
        raise UserError("parameters and tokens above 0 with --target", f"{target[0]:g} {target[1]:g}")


def proposed(proposal: Proposal) -> list[str]:
    """Say a proposal in lines."""
    allocation = proposal.allocation
    further = next_cells(proposal)
    if allocation is None:
        none = "proposal   none: the pilot's estimate is undefined or unreplicated, or the budget is too small"
        return [none, *further]
    arms = ", ".join(f"{name} {count}" for name, count in allocation.replicates.items())
    equal = (
        "equal numbers are not affordable"
        if allocation.equal_replicates is None or allocation.equal_se is None
        else f"{allocation.equal_replicates} of each would give {100 * allocation.equal_se:.2f}"
    )
    return [
        f"proposal   for {proposal.budget:.2g} FLOPs, replicates: {arms}",
        f"           expected standard error of the verdict's contrast {100 * allocation.se:.2f} points; {equal}",
        *further,
    ]


def next_cells(proposal: Proposal) -> list[str]:
    """Say which cells a scale should be grown by, in lines."""
    cell_plan = proposal.cells
    if cell_plan is None:
        return []
    where = f"at {cell_plan.target_params:.2g} parameters and {cell_plan.target_tokens:.2g} tokens"
    if cell_plan.reason is not None:
        return [f"next cells none {where}: {cell_plan.reason}"]
    sentences = [f"next cells for {proposal.cells_budget:.2g} FLOPs; interval of the teacher's worth {where}:"]
    for cell in cell_plan.cells:
        what = "more replicates of" if cell.known else "new:"
        sentences.append(
            f"           {what} {cell.curve}, {cell.n_params:.2g} parameters, budget {cell.budget:.2g}"
            f" ({cell.flops:.2g} FLOPs): {cell.narrowing:.0%} as wide as now"
        )
    return sentences


def lines(plan: PlanForecast, directory: Path) -> list[str]:
    """Say a forecast in lines."""
    left = plan.jobs_total - plan.jobs_done
    kinds = ", ".join(f"{count} {kind}" for kind, count in plan.jobs.items())
    before = f"{plan.jobs_done} of {plan.jobs_total} jobs are done" if plan.jobs_done else "nothing is done yet"
    where = f"{plan.workers} workers{'' if plan.gpu_hours is None else ' without GPUs'}"
    time = f"about {plan.minutes:.1f} minutes on {where}" if left else "none: the next run only reports"
    return [
        f"{plan.study}: {len(plan.arms)} arms x {plan.replicates} replicates (base and teacher are one model each)",
        *_arms(plan),
        *(f"off        {name}: {reason}" for name, reason in plan.switched_off.items()),
        f"directory  {directory}: {before}",
        f"jobs       {plan.jobs_total} ({kinds}); {plan.jobs_shared} more saved by sharing",
        f"training   {plan.training_tokens / 1e6:.1f} M tokens, {plan.training_flops:.2g} FLOPs",
        f"teacher    at least {plan.teacher_queries:,} queries, {_usd(plan)} USD{_measured(plan)}",
        *_most(plan),
        f"time left  {time}",
        *_machine(plan),
        *([] if plan.no_curves is None else [f"scale      {plan.no_curves}"]),
        f"could find an uplift of {100 * plan.smallest_detectable_uplift:.1f} points on one benchmark with power 0.8",
        f"           (assumed: {plan.assumption})",
        f"seeds      {plan.replicates} alike leave {plan.share_of_seeds_not_excluded:.0%} of seeds that could still "
        "behave otherwise (at 95 %)",
    ]


def _machine(forecast: PlanForecast) -> list[str]:
    """Say what GPUs would take, and the memory of the largest job, where models are large enough for it to matter."""
    hours = (
        []
        if forecast.gpu_hours is None
        else [f"on GPUs    about {forecast.gpu_hours:.3g} hours ({forecast.gpu_assumption})"]
    )
    return hours + _memory(forecast)


def _memory(forecast: PlanForecast) -> list[str]:
    """Say what the largest jobs of our own engine and of others' trainers take, and whether this machine has it."""
    from gauger.execute import visible_gpus

    own, others, here = forecast.memory_gb, forecast.program_gb, forecast.memory_here_gb
    lines = []
    if own:
        lines.append(f"memory     about {_first(own):.1f} GB for the largest job of our own engine ({_by_kind(own)})")
    if others:
        where = "on each of its GPUs for the largest training by TRL"
        lines.append(f"{'' if own else 'memory':10} about {_first(others):.1f} GB {where} ({_by_kind(others)})")
    wanted = max(_first(own), _first(others) if visible_gpus() else 0.0)
    if here is not None and wanted > here:
        lines.append(f"           this machine has {here:.1f} GB for a job: here the run would be refused")
    return lines


def _first(by_kind: Mapping[str, float]) -> float:
    return next(iter(by_kind.values()), 0.0)


def _by_kind(by_kind: Mapping[str, float]) -> str:
    return ", ".join(f"{kind} {of_kind:.1f}" for kind, of_kind in by_kind.items())


def _usd(plan: PlanForecast) -> str:
    """Write what those queries cost: from answers of one token to the longest that there may be."""
    ends = [f"{end:.2f}" if plan.usd >= 1 or not end else f"{end:.4f}" for end in (plan.usd_least, plan.usd)]
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def _measured(plan: PlanForecast) -> str:
    count = plan.measuring_queries
    return f", {count:,} of the queries to measure it (no arm's budget but max_usd is on them)" if count else ""


def _most(plan: PlanForecast) -> list[str]:
    """Say what the surface's budgets let all arms and replicates spend together; nothing where there are none."""
    spent = [] if plan.queries_most is None else [f"{plan.queries_most:,} queries of arms"]
    spent += [] if plan.usd_most is None else [f"{plan.usd_most:.2f} USD"]
    return [f"           at most {', '.join(spent)}: the budgets of all arms and replicates"] if spent else []


def _arms(plan: PlanForecast) -> list[str]:
    rows = []
    for arm in plan.arms:
        stages = ", ".join(arm["stages"]) or "untouched"
        steps = f", {arm['steps']} steps" if arm["steps"] else ""
        against = f", against {arm['matched']}" if arm["matched"] and arm["kind"] != "matched" else ""
        rows.append((arm["name"], arm["kind"], stages + steps + against))
    return [f"  {line}" for line in aligned(rows).split("\n")]
