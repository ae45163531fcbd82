"""Items won and lost, recomputed by a plain loop; bounded, escaped, and only what was scored."""

from __future__ import annotations

import json
import random
from types import SimpleNamespace

import polars as pl
import pytest

from gauger.estimate.compare.parted_items import EACH
from gauger.report.blocks import TableCell
from gauger.report.document_view import View
from gauger.report.parts import items
from gauger.study.flipped_items import flipped_items


def benchmark(n, prompt="What is {}?"):
    made = [SimpleNamespace(id=f"i{k}", prompt=prompt.format(k), answer=str(k), difficulty=k / n) for k in range(n)]
    return SimpleNamespace(items=made)


def table(rows):
    schema = {"arm": pl.String, "benchmark": pl.String, "item": pl.String, "outcome": pl.String, "score": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def drawn(n=30, replicates=3):
    rng = random.Random(1)
    return [
        (arm, "b", f"i{k}", "scored", float(rng.random() < rate))
        for arm, rate in (("a", 0.6), ("c", 0.4), ("other", 1.0))
        for _ in range(replicates)
        for k in range(n)
    ]


def test_changes_are_differences_of_means_over_replicates():
    rows = drawn()
    found = flipped_items(table(rows), ("a", "c"), {"b": benchmark(30)}, unparsed_wrong=False)
    changes = {}
    for k in range(30):
        means = [
            sum(score for arm, _, item, _, score in rows if (arm, item) == (name, f"i{k}")) / 3 for name in ("a", "c")
        ]
        changes[f"i{k}"] = means[0] - means[1]
    won, lost = (sum(sign * change > 1e-9 for change in changes.values()) for sign in (1, -1))
    assert found["counts"] == [{"benchmark": "b", "won": won, "lost": lost, "same": 30 - won - lost}]
    assert won > EACH
    assert len([row for row in found["rows"] if row["change"] > 0]) == EACH
    for row in found["rows"]:
        assert row["change"] == pytest.approx(changes[row["item"]])
        assert (row["prompt"], row["answer"]) == (f"What is {row['item'][1:]}?", row["item"][1:])
    sizes = [abs(row["change"]) for row in found["rows"]]
    assert sizes == sorted(sizes, reverse=True)
    left = max(change for item, change in changes.items() if item not in {row["item"] for row in found["rows"]})
    assert left <= min(row["change"] for row in found["rows"] if row["change"] > 0) + 1e-9


def test_an_unparsed_answer_counts_as_the_study_says():
    rows = [("a", "b", "i0", "scored", 1.0), ("c", "b", "i0", "unparsed", None), ("a", "b", "i1", "failed", None)]
    one = {"b": benchmark(2)}
    wrong = flipped_items(table(rows), ("a", "c"), one, unparsed_wrong=True)
    assert [(row["item"], row["change"]) for row in wrong["rows"]] == [("i0", 1.0)]
    assert flipped_items(table(rows), ("a", "c"), one, unparsed_wrong=False) is None


def test_the_chapter_is_folded_filtered_and_escaped():
    hostile = "<script>alert({})</script>" + "x" * 1000
    found = flipped_items(table(drawn()), ("a", "c"), {"b": benchmark(30, hostile)}, unparsed_wrong=False)
    study = json.loads(json.dumps({"items": found}))
    section = items.build(View({"schema": "gauger.estimates/2", "study": study, "estimates": []}))
    (shown,) = section.tables
    assert shown.folded
    assert shown.filters
    assert shown.id
    asked = {cell.text for row in shown.cells() for cell in row if isinstance(cell, TableCell) and "alert" in cell.text}
    assert asked
    assert max(map(len, asked)) < 300
    assert items.build(View({"schema": "gauger.estimates/2", "study": {}, "estimates": []})) is None
