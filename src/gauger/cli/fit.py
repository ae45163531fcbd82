"""``gauger fit POINTS.csv``: fits scaling laws to trained models, and scores them on points held out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gauger.cli.export_options import TableFiles
from gauger.cli.option_groups import with_groups
from gauger.cli.output import JsonFlag, print_json, print_text, say


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_groups(fit))


def fit(
    points: Annotated[
        Path, typer.Argument(metavar="POINTS.csv", help="One row per trained model, with a header line; see below.")
    ],
    law: Annotated[
        str, typer.Option(metavar="NAME|auto", help="The law to fit; auto lets all that could hold compete.")
    ] = "auto",
    predict: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV of models to predict: the same columns without outcomes.")
    ] = None,
    bootstrap: Annotated[int, typer.Option(metavar="N", min=100, help="Refits under random weights.")] = 1000,
    starts: Annotated[int, typer.Option(metavar="N", min=1, help="Starting points of the search.")] = 200,
    delta: Annotated[
        float | None,
        typer.Option(metavar="D", help="Huber's loss turns straight here: 0.001 on log loss, 1.345 se on accuracy."),
    ] = None,
    level: Annotated[float, typer.Option(metavar="SHARE", help="Coverage of intervals.")] = 0.95,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of starts and refits.")] = 0,
    *,
    tables: TableFiles,
    as_json: JsonFlag = False,
) -> None:
    """Fit scaling laws: parameters with intervals, a back-test on larger models, predictions that own up to distance.

    Columns: n_params, n_tokens, and loss (nats per token) or accuracy (0-1). Optional: teacher_loss (empty: no
    teacher), unique_tokens, pretrained (0 or 1), n_items, loss_se, accuracy_se, weight, group, run, share_NAME. Points
    of one group share their errors. Of the checkpoints of one run only the last is a point of a law of scale. With both
    loss and accuracy, accuracies are predicted through the loss, by a link fitted to all checkpoints. Shares of domains
    (summing to 1) of models of one size and number of tokens are fitted by the law of their mixture.
    """
    from gauger.api import fit as fit_laws
    from gauger.cli.fit_text import fit_text

    tables.check()
    result = fit_laws(
        points, law=law, predict=predict, bootstrap=bootstrap, starts=starts, delta=delta, level=level, seed=seed
    )
    for warning in result.warnings:
        say(warning)
    tables.write(result)
    if as_json:
        print_json(result.to_dict())
    else:
        print_text(fit_text(result.to_dict()))
