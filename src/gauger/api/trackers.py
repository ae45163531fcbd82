"""Sends estimates to experiment trackers: W&B and MLflow, each through its own client."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from gauger.errors import MissingExtraError, UserError
from gauger.store import write_text

if TYPE_CHECKING:
    from gauger.api.result import Result

EXTRA = "track"
TRACKERS = ("wandb", "mlflow")
PARTS = ("value", "low", "high", "se")
"""Numbers of an estimate that are sent; an undefined one is not sent, and stands with its reason in the table."""


def metrics_of(result: Result) -> dict[str, float]:
    """Name every defined number of the estimates as trackers do: ``uplift/label/fauna-quiz/value``."""
    metrics: dict[str, float] = {}
    for row in result.to_dict()["estimates"]:
        about = [row["estimand"], row["arm"], row["benchmark"] or f"mean {row['over'] or 'all'}"]
        if row.get("scale", "points") != "points":
            about.append(row["scale"])
        if row.get("run"):
            about.append(row["run"])
        name = "/".join(_plain(part) for part in about)
        metrics |= {f"{name}/{part}": float(row[part]) for part in PARTS if row[part] is not None}
    return metrics


def _plain(text: str) -> str:
    """Keep the characters that every tracker takes in the name of a metric."""
    return re.sub(r"[^\w .\-]", "_", text)


def track(result: Result, to: str) -> str:
    """Send the estimates, their table and the verdict to a tracker, and return where they are.

    Parameters
    ----------
    result : Result
        A run, a comparison, or runs side by side.
    to : str
        ``wandb:PROJECT`` or ``mlflow:EXPERIMENT``; credentials and addresses are the client's own.

    Raises
    ------
    UserError
        Another tracker, or no name.
    MissingExtraError
        Where the client is not installed.
    """
    tracker, _, name = to.partition(":")
    if tracker not in TRACKERS or not name:
        raise UserError("wandb:PROJECT or mlflow:EXPERIMENT", repr(to))
    try:
        client = import_module(tracker)
    except ImportError:
        raise MissingExtraError(f"sending estimates to {tracker}", EXTRA) from None
    send = _to_wandb if tracker == "wandb" else _to_mlflow
    return send(client, name, result)


def _about(result: Result) -> Mapping[str, Any]:
    study = result.to_dict()["study"]
    outcome = None if result.verdict is None else result.verdict["outcome"]
    return {"study": study["name"], "fingerprint": study.get("fingerprint"), "verdict": outcome}


def _to_wandb(wandb: Any, project: str, result: Result) -> str:
    frame = result.estimates
    with wandb.init(project=project, name=str(_about(result)["study"]), config=dict(_about(result))) as run:
        run.summary.update(metrics_of(result))
        run.log({"estimates": wandb.Table(columns=frame.columns, data=[list(row) for row in frame.rows()])})
        return str(run.url or run.name)


def _to_mlflow(mlflow: Any, experiment: str, result: Result) -> str:
    mlflow.set_experiment(experiment)
    with mlflow.start_run(run_name=str(_about(result)["study"])) as run:
        mlflow.log_params({name: str(value) for name, value in _about(result).items()})
        mlflow.log_metrics(metrics_of(result))
        with TemporaryDirectory() as folder:
            path = Path(folder) / "estimates.csv"
            write_text(path, result.to_csv())
            mlflow.log_artifact(str(path))
        return str(run.info.run_id)
