"""Shows runs side by side as text: every verdict, the judged difference, what differs, and all differences."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gauger.cli.compare_cells import interval_in_points, set_in_points
from gauger.cli.tables import NOTE_WIDTH, table, titled

Row = Mapping[str, Any]


def side_by_side_text(document: Mapping[str, Any], headline: str) -> str:
    """Say the whole result in lines."""
    study = document["study"]
    parts = [headline, "", _runs(study["runs"])]
    parts += ["", *map(_pairing, study["pairs"])]
    if study["settings"]:
        parts += ["", titled("Settings that differ:", _settings(study))]
    students = {arm["name"] for arm in document["arms"] if arm["kind"] == "distilled"}
    rows = [row for row in document["estimates"] if row["arm"] in students and not _is_the_same(row)]
    parts += ["", titled("Differences, in percentage points:", _differences(rows), NOTE), "", _left_out(document, rows)]
    return "\n".join(parts)


NOTE = (
    "The last column adds the two runs' own variances, as if they shared neither items nor seeds nor models: what two "
    "separate reports would give. It stands here for comparison alone."
)


def _is_the_same(row: Row) -> bool:
    """Tell a difference of models with themselves."""
    return bool(row["value"] == 0.0 and row["se"] == 0.0)


def _left_out(document: Row, shown: Sequence[Row]) -> str:
    """Say what the table leaves out: control arms, and differences of models with themselves."""
    left = len(document["estimates"]) - len(shown)
    return f"Not shown: {left} differences of control arms, or of models that stand on both sides (--json has them)."


def _runs(runs: Sequence[Row]) -> str:
    return table(("Run", "Study", "Seed", "Verdict", "Value", "95 % interval"), [_run(run) for run in runs], {2, 4})


def _run(run: Row) -> Sequence[str]:
    verdict = run["verdict"]
    seed = "" if run["seed"] is None else str(run["seed"])
    if verdict is None:
        return (run["run"], run["name"], seed, "-", "", "")
    estimate = verdict["estimate"] or {}
    value = estimate.get("value")
    shown = "undefined" if value is None else f"{100 * value:+.1f}"
    ends = "" if value is None else set_in_points(estimate)
    return (run["run"], run["name"], seed, verdict["outcome"].replace("_", " "), shown, ends)


def _pairing(pair: Row) -> str:
    items = "the same items" if pair["same_items"] else "different items"
    seeds = "shared seeds" if pair["same_seeds"] else "different seeds"
    shared = ", ".join(pair["shared_arms"]) or "none"
    return f"{pair['run']} against {pair['against']}: {items}, {seeds}; the same models in both: {shared}"


def _settings(study: Row) -> str:
    header = ("", *(run["run"] for run in study["runs"]))
    rows = [(row["key"], *(_value(value) for value in row["values"])) for row in study["settings"]]
    return table(header, rows)


def _value(value: Any) -> str:
    text = "-" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= NOTE_WIDTH else f"{text[:NOTE_WIDTH]}…"


def _differences(rows: Sequence[Row]) -> str:
    header = ("Run", "Estimate", "Arm", "On", "Difference", "95 % interval", "As if unrelated", "Note")
    return table(header, [_difference(row) for row in rows], {4})


def _difference(row: Row) -> Sequence[str]:
    where = row["benchmark"] or f"all {row['over']}"
    name = row["estimand"].removesuffix("_difference").replace("_", " ")
    if row["value"] is None:
        return (row["run"], name, row["arm"], where, "undefined", "", "", row["reason"])
    alone = ""
    if row["unpaired_se"] is not None:
        alone = interval_in_points(row["unpaired_low"], row["unpaired_high"], row["value"])
    ends = set_in_points(row)
    return (row["run"], name, row["arm"], where, f"{100 * row['value']:+.1f}", ends, alone, "")
