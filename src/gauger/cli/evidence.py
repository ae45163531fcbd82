"""``gauger evidence``: pools and checks the published literature on distillation, and takes additions to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from gauger.cli.export_options import TableFiles
from gauger.cli.option_groups import with_groups
from gauger.cli.output import JsonFlag, print_json, print_text, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gauger.api import Literature
    from gauger.evidence import Column, EvidenceTable

TableOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--table", metavar="DIR", help="Another table: a folder with results.csv and studies.csv."),
]
AllControls: TypeAlias = Annotated[
    bool, typer.Option("--all-controls", help="Over every control that is not itself distilled, not the base alone.")
]


def register(app: typer.Typer) -> None:
    """Add the command group; without a sub-command it prints the summary."""
    group = typer.Typer(help="The published literature on distillation.", no_args_is_help=False)

    @group.callback(invoke_without_command=True)
    def default(context: typer.Context) -> None:
        """Summarise, pool and check the published literature on distillation, and add to it."""
        if context.invoked_subcommand is None:
            summary(tables=TableFiles())

    for command in (summary, claims, forest, fit, multiverse, check, add, export):
        group.command()(with_groups(command))
    app.add_typer(group, name="evidence")


def _load(folder: Path | None) -> Literature:
    from gauger.api import evidence

    return evidence(folder)


def summary(
    table: TableOption = None,
    *,
    tables: TableFiles,
    as_json: JsonFlag = False,
) -> None:
    """Print the headline, what the table holds, and what it cannot tell."""
    from gauger.cli.evidence_text import summary as summary_text

    tables.check()
    known = _load(table)
    tables.write(known)
    if as_json:
        print_json(known.summary())
    else:
        print_text(summary_text(known.rows, known.quoted, known.excluded(), known.cannot_tell()))


def claims(table: TableOption = None, as_json: JsonFlag = False) -> None:
    """Print what the evidence says, claim by claim: effect, interval, studies, certainty, and what would change it."""
    from gauger.cli.evidence_text import claims_text

    claims = _load(table).claims()
    if as_json:
        print_json([claim.to_dict() for claim in claims])
    else:
        print_text(claims_text(claims))


def multiverse(table: TableOption = None, as_json: JsonFlag = False) -> None:
    """Fit every combination of the defensible choices (about 20 seconds), and say how far they move the answer."""
    from gauger.cli.evidence_text import multiverse_text

    curves = _load(table).multiverse()
    if as_json:
        print_json(curves.to_dict())
    else:
        print_text(multiverse_text(curves))


def export(
    out: Annotated[Path, typer.Argument(metavar="FILE.zip", help="The archive to write.")],
    table: TableOption = None,
    page: Annotated[bool, typer.Option("--page", help="Also put the page into it (half a minute).")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Write one archive ready for a DOI: table, protocol, dictionary, claims, references, citation."""
    from gauger.api import check_file
    from gauger.evidence import write_archive

    check_file(out, "the archive")
    known = _load(table)
    more = {}
    if page:
        from gauger.report import render_evidence

        more["evidence.html"] = render_evidence(known.analysis)
    written = write_archive(known.table, out, more)
    say(f"Wrote {written}")
    if as_json:
        print_json({"archive": str(written)})


def forest(table: TableOption = None, all_controls: AllControls = False, as_json: JsonFlag = False) -> None:
    """Print every study's own estimate by role of the benchmark, and the pooled means."""
    from gauger.cli.evidence_text import forest_text

    plot = _load(table).forest(all_controls=all_controls)
    if as_json:
        print_json(plot.to_dict())
    else:
        print_text(forest_text(plot))


def fit(
    table: TableOption = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Also write the page of figures.")] = None,
    *,
    tables: TableFiles,
    as_json: JsonFlag = False,
) -> None:
    """Run the pre-specified analysis, and say how far the headline moves under every restriction."""
    from gauger.api import check_file
    from gauger.cli.evidence_text import fit_text

    if html is not None:
        check_file(html, "--html")
    tables.check()
    known = _load(table)
    if html is not None:
        say(f"Wrote {known.report(html)}")
    tables.write(known)
    if as_json:
        print_json(known.to_dict())
    else:
        print_text(fit_text(known.analysis))


def check(
    table: TableOption = None,
    study: Annotated[str | None, typer.Option("--study", metavar="ID", help="Only this study.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Look for published tables that do not agree with themselves; each finding names its row of results.csv."""
    from gauger.cli.evidence_text import findings_text
    from gauger.evidence import ERRORS

    findings = _load(table).check(study)
    if as_json:
        print_json({"findings": [finding.to_dict() for finding in findings]})
    else:
        print_text(findings_text(findings))
    errors = sum(finding.kind in ERRORS for finding in findings)
    if errors:
        say(f"{errors} contradictions of the table with its own coding rules: correct them")
        raise typer.Exit(2)


def add(
    results: Annotated[
        Path | None, typer.Argument(metavar="[ROWS.csv]", help="Rows in the columns of results.csv.")
    ] = None,
    studies: Annotated[
        Path | None, typer.Option("--study", metavar="FILE", help="The new study's row, in the columns of studies.csv.")
    ] = None,
    into: Annotated[
        Path | None, typer.Option("--into", metavar="DIR", help="Append the checked rows to the table in this folder.")
    ] = None,
    table: TableOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Check a new study and say what it changes in the headline; without a file, ask for one row cell by cell."""
    from gauger.cli.evidence_text import addition_text
    from gauger.errors import Place, UserError
    from gauger.evidence import add_study as join
    from gauger.evidence import append_to
    from gauger.store import read_text

    known = _load(table if table is not None else into).table
    if results is None:
        rows, coding, source = _ask(known)
    else:
        rows, coding, source = read_text(results), None if studies is None else read_text(studies), str(results)
    addition = join(known, rows, source, coding, str(studies or "studies"))
    if into is not None and addition.contradictions:
        first = addition.contradictions[0]
        raise UserError("rows that keep the coding rules", first.text, Place(source, first.row), "Correct them first.")
    if into is not None:
        append_to(into, rows, coding)
        say(f"Appended {addition.n_rows} rows to {into}")
    if as_json:
        print_json(addition.to_dict())
    else:
        print_text(addition_text(addition))


def _ask(known: EvidenceTable) -> tuple[str, str | None, str]:
    """Ask for one row, and for the study's coding where it is new; every answer is checked as it is given."""
    from gauger.evidence import RESULT_COLUMNS, STUDY_COLUMNS, block, study_block

    say("One row: a student on one benchmark. Leave empty what the source does not say.")
    row = _ask_for(RESULT_COLUMNS, {})
    if row["study_id"] in set(known.studies["study_id"].to_list()):
        return block([row]), None, "answers"
    say("A new study: how was it done?")
    return block([row]), study_block(_ask_for(STUDY_COLUMNS, {"study_id": row["study_id"]})), "answers"


def _ask_for(columns: Mapping[str, Column], given: dict[str, str]) -> dict[str, str]:
    """Ask for the cells of one row, again until each can be read."""
    from gauger.evidence import QUESTIONS, read_cell, read_level

    row = dict(given)
    for name, column in columns.items():
        while name not in row:
            hint = f" ({', '.join(column.choices)})" if column.choices else ""
            answer = typer.prompt(f"{name}: {column.meaning}{hint}", default="", show_default=False, err=True).strip()
            try:
                read_cell(answer, column)
                if name in QUESTIONS:
                    read_level(name, answer)
            except ValueError as error:
                wanted, got = error.args
                say(f"Expected {wanted}, got {got}.")
            else:
                row[name] = answer
    return row
