"""``gauger fit POINTS.csv``: fits scaling laws to trained models, and scores them on points held out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gauger.cli.output import JsonFlag, print_json, print_text, say


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(fit)


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
    as_json: JsonFlag = False,
) -> None:
    """Fit scaling laws: parameters with intervals, a back-test on larger models, predictions that own up to distance.

    Columns: n_params, n_tokens, and loss (nats per token) or accuracy (0-1). Optional: teacher_loss (empty: no
    teacher), unique_tokens, pretrained (0 or 1), n_items, loss_se, accuracy_se, weight, group. Points of one group
    share their errors. With both loss and accuracy, accuracies are predicted through the loss.
    """
    from gauger.cli.fit_text import fit_text
    from gauger.cli.table_input import read_points
    from gauger.estimate import FitRequest, fit_points
    from gauger.stats import Search, find_law

    _check(level, delta)
    if law != "auto":
        find_law(law)
    table = read_points(points)
    wanted = None if predict is None else read_points(predict, outcome=False)
    request = FitRequest(law, bootstrap, level, Search(starts, delta, seed))
    document = fit_points(table.points, request, None if wanted is None else wanted.points)
    said = [*table.warnings, *(wanted.warnings if wanted is not None else [])]
    document["warnings"] = [*said, *document["warnings"]]
    for warning in document["warnings"]:
        say(warning)
    if as_json:
        print_json(document)
    else:
        print_text(fit_text(document))


def _check(level: float, delta: float | None) -> None:
    from gauger.errors import UserError

    if not 0.5 <= level < 1.0:
        raise UserError("a coverage from 0.5 to below 1", f"{level:g}", hint="For example --level 0.95.")
    if delta is not None and not 0.0 < delta < float("inf"):
        raise UserError("a --delta above 0", f"{delta:g}")
