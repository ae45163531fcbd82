"""Forecasts a scenario from the published literature, and decides (`gauger.forecast`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gauger.api.result import Result

if TYPE_CHECKING:
    from gauger.report import Figure


class Forecasted(Result):
    """A forecast: predictions, decision, and how far both can be trusted; what ``gauger forecast --json`` prints.

    `estimates` holds one row per role, control and dose, in percentage points.
    """

    rows_of = "predictions"

    @property
    def headline(self) -> str:
        """The answer in one sentence."""
        return str(self._document["sentence"])

    @property
    def decision(self) -> Mapping[str, Any]:
        """The best action under the stated losses, where it turns, and what would settle it."""
        decision: Mapping[str, Any] = self.to_dict()["decision"]
        return decision

    @property
    def study(self) -> str | None:
        """The experiment that would settle most, as the text of a study file; None where none is worth anything."""
        study_text: str | None = self._document["decision"]["study"]
        return study_text

    def _drawn(self) -> Sequence[Figure]:
        from gauger.report import forecast_figures

        return forecast_figures(self.to_dict())

    def report(self, path: Path | str) -> Path:
        """Write the page for decisions and the page of the statistics, and return the first.

        Parameters
        ----------
        path : path
            A file that ends in ``.html`` (the second page gets ``-statistics`` in its name), or a directory that gets
            ``forecast.html``, ``forecast-statistics.html`` and, where there is one, ``experiment.yaml``.
        """
        from gauger.report import write_forecast

        return write_forecast(self.to_dict(), Path(path))


def forecast(
    scenario: Path | str | Mapping[str, Any] | None = None,
    *,
    studies: Sequence[Path | str] = (),
    table: Path | str | None = None,
    progress: Path | str | None = None,
) -> Forecasted:
    """Forecast what a scenario would give, from the published literature.

    Parameters
    ----------
    scenario : path, mapping or name, optional
        A scenario file, its keys as a mapping, or a packaged one: ``api-campaign`` (the default), ``small-lab``.
    studies : sequence of paths
        Directories of finished runs that enter as further studies.
    table : path, optional
        Another table of evidence: a folder with ``results.csv`` and ``studies.csv``.
    progress : path, optional
        Another table of scores by date, for months of progress and compute equivalents.

    Raises
    ------
    StudyError
        Mistakes in the scenario, with line and key.
    InputError
        A run whose results were edited since, or that is none.
    """
    from gauger.evidence import load, prepare
    from gauger.forecast import forecast_document, load_scenario, read_progress
    from gauger.study import require_unedited

    for study in studies:
        require_unedited(Path(study))
    wanted = load_scenario(scenario)
    scores = read_progress(None if progress is None else Path(progress))
    prepared = prepare(load(None if table is None else Path(table)))
    return Forecasted(forecast_document(wanted, prepared, scores, [Path(study) for study in studies]))


def back_test(table: Path | str | None = None, workers: int = 1) -> dict[str, Any]:
    """Score forecasts on studies and years left out: what is kept for the shipped table, else computed (minutes).

    Parameters
    ----------
    table : path, optional
        Another table of evidence.
    workers : int
        Processes.
    """
    from gauger.evidence import load, prepare
    from gauger.forecast import read_literature, read_stored, run_back_test

    literature = read_literature(prepare(load(None if table is None else Path(table))))
    kept = read_stored(literature)
    scores: dict[str, Any] = run_back_test(literature, workers=workers) if kept is None else kept["back_test"]
    return scores
