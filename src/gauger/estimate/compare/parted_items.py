"""Lists the items on which a student and its control part most, with what was asked and what each of them said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from gauger.measure import ArmLogs, Matched, ShownAnswer, rows_by_name, shown_answers

EACH, MOST = 8, 120
"""Items of each direction per benchmark, and items in all: what a document holds stays small."""
LONGEST = 400
"""Characters of a prompt, an answer or a reply that are kept; of a prompt the end, where the question stands."""


def parted_items(
    table: pl.DataFrame, matched: Mapping[str, Matched], arms: Sequence[ArmLogs], pair: tuple[str, str]
) -> dict[str, Any]:
    """Return the items that an arm wins and loses against its control, those with the largest change first.

    Parameters
    ----------
    table : pl.DataFrame
        Of `flips.item_table`: mean scores of every arm.
    matched : mapping of benchmark -> Matched
        What the table was made of, in its order.
    arms : sequence of ArmLogs
        With the files in which the texts stand.
    pair : (arm, control)
        Names of two arms.

    Returns
    -------
    dict
        ``arm``, ``control``, ``counts`` (benchmark, won, lost, same) and ``rows`` (benchmark, item, change, score_arm,
        score_control, difficulty, prompt, answer, reply_arm, reply_control; at most `EACH` of each direction and
        benchmark, `MOST` in all), as of a study's own items. Texts are those of each arm's first replicate and first
        sample, and None where the log does not hold them.

    Notes
    -----
    Tested in tests/estimate/test_parted_items.py.
    """
    by_name = {arm.name: arm for arm in arms}
    counts, rows = [], []
    for benchmark, items in matched.items():
        changed = _changes(table.filter(pl.col("benchmark") == benchmark), items, pair)
        count, chosen = won_and_lost(changed, benchmark)
        counts.append(count)
        texts = [_texts(by_name[name], items, chosen["key"].to_list()) for name in pair]
        rows += [_row(row, *(of_arm.get(row["key"], ShownAnswer()) for of_arm in texts)) for row in _named(chosen)]
    return largest_changes(pair, counts, rows, MOST)


def won_and_lost(changed: pl.DataFrame, benchmark: str) -> tuple[dict[str, Any], pl.DataFrame]:
    """Count the items of a benchmark that an arm wins and loses, and choose some of each.

    Parameters
    ----------
    changed : pl.DataFrame
        One row per item by size of change; column change.
    benchmark : str

    Returns
    -------
    dict, pl.DataFrame
        benchmark, won, lost, same; and the `EACH` first rows of each direction, won ones first.
    """
    won, lost = changed.filter(pl.col("change") > 0), changed.filter(pl.col("change") < 0)
    same = changed.height - won.height - lost.height
    count = {"benchmark": benchmark, "won": won.height, "lost": lost.height, "same": same}
    return count, pl.concat([won.head(EACH), lost.head(EACH)])


def largest_changes(
    pair: tuple[str, str], counts: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], most: int
) -> dict[str, Any]:
    """Put together what a document holds of changed items, the largest changes first.

    Parameters
    ----------
    pair : (arm, control)
        Names of two arms.
    counts : sequence of mapping
        One per benchmark (`won_and_lost`).
    rows : sequence of mapping
        One per item, with its change.
    most : int
        So many of the largest are kept, of equal ones the first.
    """
    by_size = sorted(rows, key=lambda row: -abs(row["change"]))
    return {"arm": pair[0], "control": pair[1], "counts": counts, "rows": by_size[:most]}


def _changes(part: pl.DataFrame, items: Matched, pair: tuple[str, str]) -> pl.DataFrame:
    """Return one row per item that both arms have a score on, by size of change."""
    arm, control = (pl.col(f"score {name}") for name in pair)
    both = part.with_columns(items.items["key"], score_arm=arm, score_control=control)
    both = both.with_columns(change=(pl.col("score_arm") - pl.col("score_control")).round(10))
    return both.filter(pl.col("change").is_not_null()).sort(
        pl.col("change").abs(), "item", "key", descending=[True, False, False]
    )


def _named(chosen: pl.DataFrame) -> list[dict[str, Any]]:
    return chosen.select("benchmark", "item", "key", "change", "score_arm", "score_control").to_dicts()


def _texts(arm: ArmLogs, items: Matched, keys: Sequence[str]) -> dict[str, ShownAnswer]:
    """Return what an arm's first log of the benchmark shows of each item."""
    logs = arm.on(items.benchmark)
    if not logs or not keys:
        return {}
    log = logs[0][1]
    places = {key: place for key, place in rows_by_name(log, items.key).items() if key in set(keys)}
    shown = shown_answers(log, places.values())
    return {key: shown[place] for key, place in places.items() if place in shown}


def _row(row: dict[str, Any], arm: ShownAnswer, control: ShownAnswer) -> dict[str, Any]:
    prompt, right = arm.prompt or control.prompt, arm.right or control.right
    del row["key"]
    return {
        **row,
        "difficulty": None,
        "prompt": None if prompt is None else prompt[-LONGEST:],
        "answer": None if right is None else right[:LONGEST],
        "reply_arm": None if arm.reply is None else arm.reply[:LONGEST],
        "reply_control": None if control.reply is None else control.reply[:LONGEST],
    }
