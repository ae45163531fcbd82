"""``gauger compare``: what evaluation logs that already exist say about a distilled student."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gauger.cli.compare_text import comparison_text
from gauger.cli.output import JsonFlag, print_json, print_text, say
from gauger.errors import Place, UserError, nearest

if TYPE_CHECKING:
    from gauger.measure.importers.arm import ArmLogs
    from gauger.records import Document

KINDS = ("distilled", "control", "teacher", "base")
"""Arms that can be given, in the order of the report."""

_Arms = Annotated[
    list[str],
    typer.Argument(
        metavar="ARM=PATH... | RECORDS",
        help="distilled=PATH control=PATH [teacher=PATH] [base=PATH], each as often as there are replicates; a PATH is "
        "a log, a folder of logs or a pattern. Or one records table, with --distilled and --control.",
    ),
]
_Name = Annotated[str | None, typer.Option(metavar="ARM", help="Name of this arm in RECORDS.")]
_Roles = Annotated[
    list[str] | None,
    typer.Option("--role", metavar="BENCHMARK=ROLE", help="targeted, parallel, near or far; BENCHMARK may hold a *."),
]
_Metrics = Annotated[list[str] | None, typer.Option("--metric", help="Metric to compare, in order of preference.")]
_Filters = Annotated[list[str] | None, typer.Option("--filter", help="Answer extraction to compare.")]
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
_Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write estimates.json and report.html there.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(compare)


def compare(
    arms: _Arms,
    distilled: _Name = None,
    control: _Name = None,
    teacher: _Name = None,
    base: _Name = None,
    role: _Roles = None,
    metric: _Metrics = None,
    filter_name: _Filters = None,
    paired: _Paired = None,
    unparsed: _Unparsed = "wrong",
    out: _Out = None,
    as_json: JsonFlag = False,
) -> None:
    """Compare a distilled model with its control from evaluation logs (lm-eval, Inspect, records table)."""
    from gauger.estimate.compare.logs import Question, compare
    from gauger.measure.importers.measures import Wish

    names = {"distilled": distilled, "control": control, "teacher": teacher, "base": base}
    question = Question(
        roles=dict(_split(one, "BENCHMARK=ROLE") for one in role or ()),
        wish=Wish(tuple(metric or ()), tuple(filter_name or ())),
        paired=paired,
        unparsed_wrong=_unparsed_wrong(unparsed),
    )
    gathered = _gather(arms, {kind: name for kind, name in names.items() if name})
    if out and out.exists() and not out.is_dir():
        raise UserError("a folder for --out", "an existing file", Place(str(out)))
    document = compare(gathered, question)
    for warning in document.warnings:
        say(f"warning: {warning}")
    if out:
        _write(document, out)
    if as_json:
        print_json(document.to_dict())
    else:
        print_text(comparison_text(document))


def _gather(arguments: list[str], names: dict[str, str]) -> list[ArmLogs]:
    """Read the logs of every arm, from one records table or from a path per arm."""
    from gauger.measure.importers.arm import arms_of_table, gather_arm

    if names:
        if len(arguments) != 1:
            raise UserError("one records table beside --distilled and --control", f"{len(arguments)} arguments")
        arms = arms_of_table(Path(arguments[0]), names)
    else:
        arms = [gather_arm(kind, kind, paths) for kind, paths in _paths(arguments).items()]
    kinds = [arm.kind for arm in arms]
    if "distilled" not in kinds or not {"control", "base"} & set(kinds):
        given = ", ".join(kinds)
        raise UserError("a distilled arm and a control (or a base) to compare it with", f"only {given}", hint=_USAGE)
    return arms


_USAGE = "gauger compare distilled=PATH control=PATH, or gauger compare RECORDS --distilled ARM --control ARM"


def _paths(arguments: list[str]) -> dict[str, list[str]]:
    """Return arm -> its paths, in the order of `KINDS`."""
    paths: dict[str, list[str]] = {}
    for argument in arguments:
        kind, path = _split(argument, "ARM=PATH")
        if kind not in KINDS:
            raise UserError("an arm", repr(kind), hint=nearest(kind, KINDS))
        paths.setdefault(kind, []).append(path)
    return {kind: paths[kind] for kind in KINDS if kind in paths}


def _split(text: str, form: str) -> tuple[str, str]:
    name, sign, value = text.rpartition("=") if form.endswith("ROLE") else text.partition("=")
    if not (name and sign and value):
        raise UserError(form, repr(text), hint=_USAGE if form == "ARM=PATH" else "")
    return name, value


def _unparsed_wrong(unparsed: str) -> bool:
    if unparsed not in ("wrong", "missing"):
        raise UserError("--unparsed wrong or missing", repr(unparsed))
    return unparsed == "wrong"


def _write(document: Document, directory: Path) -> None:
    from gauger.report import write
    from gauger.store.documents import write_document

    directory.mkdir(parents=True, exist_ok=True)
    write_document(directory / "estimates.json", document)
    say(f"wrote {write(document.to_dict(), directory)}")
