"""Writes results for others: estimates as CSV, Markdown and LaTeX, a model card, evaluation results for a hub."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gauger.errors import UserError

if TYPE_CHECKING:
    from gauger.api.result import Result

CARD_ESTIMANDS = ("uplift", "gain", "gap_recovered", "carryover")
"""What a model card tells of an arm."""


def csv_of(result: Result) -> str:
    """Return the estimates as CSV: the columns of the JSON, numbers as they read back, NULL empty."""
    from gauger.store import csv_text

    frame = result.estimates
    return csv_text([frame.columns, *([_csv_cell(value) for value in row] for row in frame.rows())])


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, float) else str(value)


def write_tables(
    result: Result, *, csv: Path | None = None, latex: Path | None = None, markdown: Path | None = None
) -> Iterator[Path]:
    """Write the estimates in the asked forms, and yield the paths.

    Parameters
    ----------
    result : Result
    csv, latex, markdown : Path, optional
        Files; an existing one is replaced, a missing folder made.
    """
    from gauger.store import write_bytes

    texts = ((csv, csv_of), (latex, type(result).to_latex), (markdown, type(result).to_markdown))
    for path, text in texts:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(path, text(result).encode())
            yield path


def model_card(result: Result, arm: str | None = None) -> str:
    """Return a section for the model card of an arm: what it gained, over what, and what is not known.

    Parameters
    ----------
    result : Result
        A run or a comparison.
    arm : str, optional
        By default the verdict's arm, else the only distilled one.

    Raises
    ------
    UserError
        An arm without uplift or gain.
    """
    from gauger.report import markdown, plain_table

    document = result.to_dict()
    name = _arm(document, arm)
    rows = [
        row for row in document["estimates"]
        if row["arm"] == name and row["estimand"] in CARD_ESTIMANDS and row["scale"] == "points" and row["control"]
    ]  # fmt: skip
    study = document["study"]
    threats = [row for row in document.get("threats") or () if row["stands"] != "controlled"]
    lines = ["## Distillation", "", result.headline, "", f"Study: {study['name']} (`{study['fingerprint']}`).", ""]
    lines += [markdown(plain_table(rows)).rstrip(), ""]
    if threats:
        lines += ["What this does not control:", "", *(f"- {row['threat']}: {row['answer']}" for row in threats), ""]
    lines += ["Differences are in percentage points with 95 % intervals. Measured by Gauger.", ""]
    return "\n".join(lines)


def _arm(document: Mapping[str, Any], wanted: str | None) -> str:
    """Return the arm that a card is about."""
    from gauger.errors import nearest

    arms = [row["name"] for row in document.get("arms") or () if row["kind"] == "distilled"]
    if wanted is not None:
        if wanted not in arms:
            raise UserError("a distilled arm", repr(wanted), hint=nearest(wanted, arms))
        return wanted
    judged = ((document.get("verdict") or {}).get("rule") or {}).get("arm")
    if judged in arms:
        return str(judged)
    if len(arms) != 1:
        raise UserError("one distilled arm for a card", ", ".join(arms) or "none", hint="Name it with --arm.")
    return str(arms[0])


def eval_results(result: Result, arm: str | None = None) -> str:
    """Return an arm's scores as the ``model-index`` of a model card's metadata, in YAML.

    Hugging Face's hub reads it at the head of ``README.md``, and ``huggingface_hub`` as ``EvalResult``.

    Parameters
    ----------
    result : Result
        A run or a comparison.
    arm : str, optional
        By default the verdict's arm, else the only distilled one.
    """
    import yaml

    document = result.to_dict()
    name = _arm(document, arm)
    scores = [row for row in document["estimates"] if row["estimand"] == "score" and row["arm"] == name]
    results = [_eval_result(row) for row in scores if row["benchmark"] is not None and row["value"] is not None]
    index = [{"name": name, "results": results}]
    return str(yaml.safe_dump({"model-index": index}, sort_keys=False, allow_unicode=True))


def _eval_result(row: Mapping[str, Any]) -> dict[str, Any]:
    metrics = [{"type": "score", "name": "mean score", "value": row["value"]}]
    metrics += [
        {"type": f"score_{end}", "name": f"{end} end of the {row['level']:.0%} interval", "value": row[end]}
        for end in ("low", "high")
        if row[end] is not None
    ]
    return {
        "task": {"type": "text-generation"},
        "dataset": {"name": row["benchmark"], "type": row["benchmark"]},
        "metrics": metrics,
    }
