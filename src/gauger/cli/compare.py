"""``gauger compare``: reads what evaluation logs that already exist say about a distilled student."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gauger.cli.compare_arguments import (
    USAGE,
    are_runs,
    command_of,
    example_arguments,
    paths_of_arms,
    records_table,
    refuse_unread,
    split_pairs,
)
from gauger.cli.compare_text import comparison_text
from gauger.cli.export_options import TableFiles
from gauger.cli.option_groups import with_groups
from gauger.cli.output import JsonFlag, print_json, print_text, say
from gauger.errors import UserError

if TYPE_CHECKING:
    from gauger.api import SideBySide

_Arms = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ARM=PATH... | RECORDS | RUN RUN...",
        help="distilled=PATH control=PATH, and where there are such logs teacher=PATH and base=PATH; each as often as "
        "needed: a PATH is a log, a folder of logs or a pattern. Several students are named: distilled:SMALL=PATH "
        "distilled:LARGE=PATH. Or one records table, with --distilled and --control. "
        "Or the directories of two runs or more of one question, or as many records tables.",
    ),
]
_Name = Annotated[str | None, typer.Option(metavar="ARM", help="Name of this arm in RECORDS.")]
_Names = Annotated[list[str] | None, typer.Option(metavar="ARM", help="Name of a student in RECORDS; may be repeated.")]
_Roles = Annotated[
    list[str] | None,
    typer.Option("--role", metavar="BENCHMARK=ROLE", help="targeted, parallel, near or far; BENCHMARK may hold a *."),
]
_Metrics = Annotated[list[str] | None, typer.Option("--metric", help="Metric to compare, in order of preference.")]
_Filters = Annotated[list[str] | None, typer.Option("--filter", help="Answer extraction to compare.")]
_Better = Annotated[
    list[str] | None,
    typer.Option(
        "--better",
        metavar="METRIC=higher|lower",
        help="Which values of a metric are better. Default: as the log says, else by the metric's name. A metric of "
        "which lower is better is compared on its own scale.",
    ),
]
_Paired = Annotated[
    bool | None,
    typer.Option(
        "--paired/--independent",
        help="Replicates of the same number share their seed across arms. Default: as the records table numbers them; "
        "replicates counted from files are independent.",
    ),
]
_Unparsed = Annotated[
    str, typer.Option("--unparsed", metavar="wrong|missing", help="How answers that were not extracted count.")
]
_Reduce = Annotated[
    str,
    typer.Option(
        "--reduce",
        metavar="REDUCER",
        help="How several samples of an item become one score: mean, median, mode, max, at_least_K or pass@K.",
    ),
]
_Match = Annotated[
    str | None,
    typer.Option(
        "--match",
        metavar="KEY",
        help="What items are matched by: document, question, id-and-target or id. Default: the best that all share.",
    ),
]
_Columns = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="COLUMN=NAME", help="What a table calls a column: --column score=correct."),
]
_Study = Annotated[
    str | None,
    typer.Option("--study", metavar="NAME", help="Of a table with the records of several studies: the one meant."),
]
_Replicate = Annotated[
    str | None,
    typer.Option(
        "--replicate",
        metavar="PATTERN",
        help="How replicates are told apart: a regular expression, searched in the model's name, then in the path. "
        "Default: one model name is one trained model.",
    ),
]
_By = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="COLUMN",
        help="Sub-groups of items: a column of the table, a field of lm-eval's documents, a key of Inspect's metadata, "
        "HELM's perturbation.",
    ),
]
_Audit = Annotated[
    Path | None,
    typer.Option("--audit", metavar="DIR", help="An audit of these benchmarks: uplift on clean and on touched items."),
]
_Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Write estimates.json, report.html and items.csv there.")
]


_Example = Annotated[
    bool,
    typer.Option("--example", help="Compare made-up logs that come with Gauger, and say the command that does it."),
]


@dataclass(frozen=True)
class RunOptions:
    """What was asked of runs side by side."""

    runs: list[str]
    distilled: list[str] | None
    singles: dict[str, str | None]
    roles: dict[str, str]
    paired: bool | None


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_groups(compare))


def compare(
    arms: _Arms = None,
    distilled: _Names = None,
    control: _Name = None,
    teacher: _Name = None,
    base: _Name = None,
    role: _Roles = None,
    metric: _Metrics = None,
    filter_name: _Filters = None,
    better: _Better = None,
    paired: _Paired = None,
    unparsed: _Unparsed = "wrong",
    reduce: _Reduce = "mean",
    match: _Match = None,
    column: _Columns = None,
    study: _Study = None,
    replicate: _Replicate = None,
    by: _By = None,
    audit: _Audit = None,
    out: _Out = None,
    example: _Example = False,
    *,
    tables: TableFiles,
    as_json: JsonFlag = False,
) -> None:
    """Compare distilled models with their control from evaluation logs (lm-eval, Inspect, tables and others).

    With two runs or more, every verdict stands side by side, and every other run is set against the first: the same
    study under another surface, seed, student or teacher. Differences are paired where seeds and items are shared.
    """
    from gauger.api import check_report_folder
    from gauger.api import compare as compare_logs

    if out is not None:
        check_report_folder(out, "--out")
    if example:
        arms, role = example_arguments([*(arms or ()), *(distilled or ()), *(role or ())])
        say(f"made-up logs that come with Gauger; the same as: {command_of(arms, role)}")
    if not arms:
        raise UserError("logs to compare", "none", hint=f"{USAGE}. To see one first: gauger compare --example")
    tables.check()
    singles = {"control": control, "teacher": teacher, "base": base}
    if are_runs(arms):
        options: dict[str, object] = {
            "--metric": metric,
            "--filter": filter_name,
            "--better": better,
            "--match": match,
            "--column": column,
            "--by": by,
        }
        options |= {"--replicate": replicate, "--audit": audit, "--unparsed": unparsed != "wrong"}
        refuse_unread({**options, "--reduce": reduce != "mean"})
        given = RunOptions(arms, distilled, singles, split_pairs(role or (), "BENCHMARK=ROLE"), paired)
        comparison = _side_by_side(given, out, as_json=as_json)
        return tables.write(comparison)
    by_name = bool(distilled or any(singles.values()))
    compared = compare_logs(
        records_table(arms) if by_name else paths_of_arms(arms),
        distilled=distilled,
        **singles,
        roles=split_pairs(role or (), "BENCHMARK=ROLE"),
        metric=metric,
        filter=filter_name,
        better=split_pairs(better or (), "METRIC=higher|lower"),
        paired=paired,
        unparsed=unparsed,
        reduce=reduce,
        match=match,
        columns=split_pairs(column or (), "COLUMN=NAME"),
        study=study,
        replicate=replicate,
        by=by,
        audit=audit,
    )
    for warning in compared.warnings:
        say(f"warning: {warning}")
    if out:
        say(f"wrote {compared.report(out)}")
    tables.write(compared)
    if as_json:
        print_json(compared.to_dict())
    else:
        print_text(comparison_text(compared.document))


def _side_by_side(asked: RunOptions, out: Path | None, *, as_json: bool) -> SideBySide:
    """Set runs side by side, and print what was found."""
    from gauger.api import compare_runs
    from gauger.cli.side_by_side_text import side_by_side_text

    comparison = compare_runs(
        asked.runs, distilled=asked.distilled, **asked.singles, roles=asked.roles, paired=asked.paired
    )
    for warning in comparison.warnings:
        say(f"warning: {warning}")
    if out:
        say(f"wrote {comparison.report(out)}")
    if as_json:
        print_json(comparison.to_dict())
    else:
        print_text(side_by_side_text(comparison.to_dict(), comparison.headline))
    return comparison
