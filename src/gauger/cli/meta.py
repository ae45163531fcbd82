"""``gauger meta TABLE.csv``: fits a random-effects meta-analysis or meta-regression to any table of effects."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gauger.cli.export_options import TableFiles
from gauger.cli.option_groups import with_groups
from gauger.cli.output import JsonFlag, print_json, print_text, say


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_groups(meta))


def meta(
    table: Annotated[Path, typer.Argument(metavar="TABLE.csv", help="One row per effect, with a header line.")],
    effect: Annotated[str, typer.Option(metavar="COL", help="Column of effects.")],
    variance: Annotated[str, typer.Option(metavar="COL", help="Column of sampling variances (squared errors).")],
    within: Annotated[
        list[str] | None,
        typer.Option(metavar="COL", help="Nested level, from the outside in; may be repeated. Rows are added last."),
    ] = None,
    moderator: Annotated[
        list[str] | None, typer.Option(metavar="COL", help="Moderator, numeric or categorical; may be repeated.")
    ] = None,
    shared_control: Annotated[
        str | None, typer.Option(metavar="COL", help="Rows with one label here share one control; empty: none.")
    ] = None,
    shared_variance: Annotated[
        str | None,
        typer.Option(metavar="COL", help="Sampling variance of that control's score; empty where none is shared."),
    ] = None,
    test: Annotated[str, typer.Option(metavar="z|t|knapp-hartung", help="How coefficients are tested.")] = "z",
    df: Annotated[
        str, typer.Option(metavar="residual|contain", help="Degrees of freedom of t and knapp-hartung.")
    ] = "residual",
    robust: Annotated[
        str | None, typer.Option(metavar="COL", help="Cluster-robust CR2 errors by this column's labels.")
    ] = None,
    method: Annotated[str, typer.Option(metavar="REML|ML", help="How variances are estimated.")] = "REML",
    level: Annotated[float, typer.Option(metavar="SHARE", help="Coverage of intervals.")] = 0.95,
    small_study: Annotated[bool, typer.Option("--small-study", help="Add an Egger-type test.")] = False,
    vary_by: Annotated[
        str | None,
        typer.Option(metavar="COL", help="Random effects by this column's categories, correlated within --within."),
    ] = None,
    structure: Annotated[
        str, typer.Option(metavar="auto|one|hcs|un", help="Covariance of the effects by category; auto: by AIC.")
    ] = "auto",
    *,
    tables: TableFiles,
    as_json: JsonFlag = False,
) -> None:
    """Pool the effects of a table: mean or regression, variance between studies, prediction interval."""
    from gauger.api import meta as pool
    from gauger.cli.meta_text import meta_text

    tables.check()
    result = pool(
        table,
        effect=effect,
        variance=variance,
        within=within or (),
        moderators=moderator or (),
        shared_control=shared_control,
        shared_variance=shared_variance,
        test=test,
        df=df,
        robust=robust,
        method=method,
        level=level,
        small_study=small_study,
        vary_by=vary_by,
        structure=structure,
    )
    for warning in result.warnings:
        say(warning)
    tables.write(result)
    if as_json:
        print_json(result.to_dict())
    else:
        print_text(meta_text(result.to_dict()))
