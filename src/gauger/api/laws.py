"""Fits scaling laws to trained models (`gauger.fit`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gauger.api.left_out import left_out_warnings
from gauger.api.result import Result
from gauger.api.share_columns import in_fitted_order
from gauger.api.table_input import TableLike, read_points
from gauger.errors import UserError

if TYPE_CHECKING:
    from gauger.report import Figure


class ScalingFit(Result):
    """Scaling laws fitted to points: `estimates` are the parameters of the law that fits best."""

    rows_of = "parameters"

    @property
    def predictions(self) -> Any:
        """The predicted models, as a Polars frame; empty where none were asked for."""
        from gauger.api.frames import frame_of

        return frame_of(self.to_dict()["predictions"])

    @property
    def headline(self) -> str:
        """The law with its formula, and what it was fitted to."""
        document: Mapping[str, Any] = self._document
        return f"{document['law']}: {document['formula']} ({document['n']} points, {document['outcome']})"

    def _drawn(self) -> Sequence[Figure]:
        return ()

    def _page(self, *, unfolded: bool) -> str:
        from gauger.report import render_tables

        document = self.to_dict()
        tables = {
            "Parameters": document["parameters"],
            "Laws that competed": document["laws"] if len(document["laws"]) > 1 else (),
            "Back-test on points held out": document["validation"]["by_distance"],
            "Predictions": [_flat(row) for row in document["predictions"]],
        }
        return render_tables(self.headline, "Fitted scaling law", tables, self.warnings, unfolded=unfolded)

    def report(self, path: Path | str) -> Path:
        """Write the page, to a file that ends in ``.html`` or as ``report.html`` in a directory; return its path."""
        target = Path(path)
        return self._write_page(target if target.suffix == ".html" else target / "report.html")


def _flat(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a row whose parts in parts stand beside each other."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        inner = (
            {f"{name}_{part}": part_value for part, part_value in value.items()}
            if isinstance(value, Mapping)
            else {name: value}
        )
        flat |= inner
    return flat


def fit(
    points: TableLike,
    *,
    law: str = "auto",
    predict: TableLike | None = None,
    bootstrap: int = 1000,
    starts: int = 200,
    delta: float | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> ScalingFit:
    """Fit scaling laws: parameters with intervals, a back-test on larger models, predictions that own up to distance.

    Parameters
    ----------
    points : DataFrame or path
        One row per trained model: n_params, n_tokens, and loss (nats per token) or accuracy (0-1); optional columns as
        in ``gauger fit --help``.
    law : str
        Name of a law, or "auto": every law that could hold competes.
    predict : DataFrame or path, optional
        Models to predict: the same columns without outcomes.
    bootstrap : int
        Refits under random weights.
    starts : int
        Starting points of the search.
    delta : float, optional
        Where Huber's loss turns straight; by default 0.001 on log loss, 1.345 standard errors on accuracy.
    level : float
        Coverage of intervals.
    seed : int
        Seed of starts and refits.

    Raises
    ------
    UserError
        Any mistake in what was given, with file, line and column.
    """
    from gauger.estimate import FitRequest, fit_points
    from gauger.stats import Search, find_law

    if not 0.5 <= level < 1.0:
        raise UserError("a coverage from 0.5 to below 1", f"{level:g}", hint="For example --level 0.95.")
    if delta is not None and not 0.0 < delta < float("inf"):
        raise UserError("a --delta above 0", f"{delta:g}")
    if law != "auto":
        find_law(law)
    table = read_points(points)
    wanted = None if predict is None else read_points(predict, outcome=False)
    request = FitRequest(law, bootstrap, level, Search(starts, delta, seed))
    document = fit_points(table.points, request, None if wanted is None else in_fitted_order(table, wanted))
    warnings = [
        *table.warnings,
        *left_out_warnings(table, document["outcome"]),
        *(wanted.warnings if wanted is not None else []),
    ]
    document["warnings"] = [*document["warnings"], *warnings]
    return ScalingFit(document)
