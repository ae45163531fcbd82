"""The items on which two arms part: what each log shows of them, whatever the order in which it shows them."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest

from gauger.api import compare
from gauger.estimate.compare import parted_items
from measure.importers.inspect_logs import sample, write_inspect
from measure.importers.lm_eval_logs import choice_line, generation_line, write_lines

N = 30
WON, LOST = {2, 3, 5, 7, 11, 13}, {4, 17}


def rows_of(tmp_path: Path, **arms: Path) -> dict[str, dict]:
    found = compare({arm: [path] for arm, path in arms.items()}).to_dict()["study"]["items"]
    assert (found["arm"], found["control"]) == ("distilled", "control")
    (counts,) = found["counts"]
    assert (counts["won"], counts["lost"], counts["same"]) == (len(WON), len(LOST), N - len(WON) - len(LOST))
    assert len(found["rows"]) == len(WON) + len(LOST)
    return {row["item"]: row for row in found["rows"]}


def score(arm: str, item: int) -> float:
    right = item % 2 == 0
    if item in WON or item in LOST:
        right = (arm == "distilled") == (item in WON)
    return float(right)


def in_order(arm: str, n: int = N) -> list[int]:
    """Every arm's log in an order of its own."""
    return random.Random(arm).sample(range(n), n)


def lm_eval(folder: Path, arm: str, packed: bool = False) -> Path:
    lines = [generation_line(i, "none", score(arm, i), f"{arm[0]}{i}") for i in in_order(arm)]
    path = write_lines(folder / arm / "samples_sums_2025-11-03T14-07-52.118034.jsonl", lines)
    if packed:
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    return folder / arm


@pytest.mark.parametrize("packed", [False, True])
def test_what_was_asked_and_said_stands_beside_each_item(tmp_path: Path, packed: bool) -> None:
    rows = rows_of(tmp_path, distilled=lm_eval(tmp_path, "distilled", packed), control=lm_eval(tmp_path, "control"))
    assert set(rows) == {f"doc {i}" for i in WON | LOST}
    for i in WON | LOST:
        row = rows[f"doc {i}"]
        assert row["prompt"] == f"Question: Ada has {i} pears and buys {2 * i}. How many?\nAnswer:"
        assert row["answer"].endswith(f"#### {3 * i}")
        assert (row["reply_arm"], row["reply_control"]) == (f"The answer is d{i}.", f"The answer is c{i}.")
        assert row["change"] == (1.0 if i in WON else -1.0)


def test_of_a_choice_the_reply_is_the_most_likely_one(tmp_path: Path) -> None:
    for arm in ("distilled", "control"):
        lines = []
        for i in in_order(arm):
            line = choice_line(i, score(arm, i), score(arm, i))
            line["filtered_resps"] = [[-1.0, False], [-2.0 + 3 * score(arm, i), False]]
            lines.append(line)
        write_lines(tmp_path / arm / "samples_arc_2025-11-03T14-07-52.118034.jsonl", lines)
    row = rows_of(tmp_path, distilled=tmp_path / "distilled", control=tmp_path / "control")["doc 3"]
    assert row["answer"] == "b"
    assert (row["reply_arm"], row["reply_control"]) == ("b (the most likely of 2)", "a (the most likely of 2)")


def test_inspect_logs_show_the_completion(tmp_path: Path) -> None:
    for arm in ("distilled", "control"):
        samples = [sample(i, {"match": "C" if score(arm, i) else "I"}) for i in in_order(arm)]
        write_inspect(tmp_path / f"{arm}.eval", samples)
    row = rows_of(tmp_path, distilled=tmp_path / "distilled.eval", control=tmp_path / "control.eval")["sample q3"]
    assert (row["prompt"], row["answer"], row["reply_control"]) == ("What is 3+1?", "4", "The answer is 4.")


def test_texts_are_the_items_own_where_several_scorers_judge_and_questions_repeat(tmp_path: Path) -> None:
    for arm in ("distilled", "control"):
        letter = {1.0: "C", 0.0: "I"}
        samples = [
            sample(i, {"match": letter[score(arm, i)], "includes": letter[score(arm, i)]}, input=f"Is it {i % 3}?")
            for i in in_order(arm)
        ]
        write_inspect(tmp_path / f"{arm}.eval", samples)
    rows = rows_of(tmp_path, distilled=tmp_path / "distilled.eval", control=tmp_path / "control.eval")
    for i in WON | LOST:
        row = rows[f"sample q{i}"]
        assert (row["prompt"], row["answer"]) == (f"Is it {i % 3}?", str(i + 1))
        assert (row["reply_arm"], row["reply_control"]) == (f"The answer is {i + 1}.",) * 2


def helm(folder: Path, arm: str) -> Path:
    path = folder / f"sums:model={arm}"
    path.mkdir()
    order = in_order(arm)
    stats = [
        {"instance_id": f"id{i}", "train_trial_index": 0,
         "stats": [{"name": {"name": "exact_match", "split": "test"}, "mean": score(arm, i)}]}
        for i in order
    ]  # fmt: skip
    asked = [
        {"id": f"id{i}", "input": {"text": f"{i}+1="},
         "references": [{"output": {"text": "no"}, "tags": []}, {"output": {"text": str(i + 1)}, "tags": ["correct"]}]}
        for i in range(N)
    ]  # fmt: skip
    told = [{"instance_id": f"id{i}", "train_trial_index": 0, "predicted_text": f"{arm} {i}"} for i in range(N)]
    for name, value in (
        ("per_instance_stats", stats), ("instances", asked), ("display_predictions", told)
    ):  # fmt: skip
        (path / f"{name}.json").write_text(json.dumps(value))
    return path / "per_instance_stats.json"


def test_helm_keeps_its_texts_in_files_beside_the_statistics(tmp_path: Path) -> None:
    distilled, control = helm(tmp_path, "distilled"), helm(tmp_path, "control")
    row = next(r for name, r in rows_of(tmp_path, distilled=distilled, control=control).items() if "id3" in name)
    assert (row["prompt"], row["answer"], row["reply_arm"]) == ("3+1=", "4", "distilled 3")
    (control.parent / "instances.json").unlink()
    (distilled.parent / "instances.json").unlink()
    row = next(r for name, r in rows_of(tmp_path, distilled=distilled, control=control).items() if "id3" in name)
    assert (row["prompt"], row["answer"], row["reply_arm"]) == (None, None, "distilled 3")


def test_a_records_table_holds_no_texts_and_the_report_says_so(tmp_path: Path) -> None:
    lines = ["arm,benchmark,item,score"]
    lines += [f"{arm},sums,{i},{score(arm, i)}" for arm in ("distilled", "control") for i in range(N)]
    (tmp_path / "records.csv").write_text("\n".join(lines))
    found = compare(tmp_path / "records.csv", distilled="distilled", control="control")
    rows = found.to_dict()["study"]["items"]["rows"]
    assert {row["prompt"] for row in rows} == {row["reply_arm"] for row in rows} == {None}
    page = found.report(tmp_path / "report.html").read_text()
    assert "not in the log" in page
    assert "control said" not in page, "a column that nobody has anything for is left out"


def test_what_a_model_wrote_is_shown_as_text_and_cut(tmp_path: Path) -> None:
    for arm in ("distilled", "control"):
        lines = [generation_line(i, "none", score(arm, i), "<script>alert(1)</script>" + "x" * 5000) for i in range(N)]
        write_lines(tmp_path / arm / "samples_sums_2025-11-03T14-07-52.118034.jsonl", lines)
    found = compare({arm: [tmp_path / arm] for arm in ("distilled", "control")})
    rows = found.to_dict()["study"]["items"]["rows"]
    assert {len(row["reply_arm"]) for row in rows} == {parted_items.LONGEST}
    page = found.report(tmp_path / "report.html").read_text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_no_more_than_a_stated_number_of_items_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parted_items, "EACH", 3)
    monkeypatch.setattr(parted_items, "MOST", 4)
    found = compare({arm: [lm_eval(tmp_path, arm)] for arm in ("distilled", "control")}).to_dict()["study"]["items"]
    assert len(found["rows"]) == 4
    assert sum(row["change"] > 0 for row in found["rows"]) <= 3
    assert found["counts"][0]["won"] == len(WON), "all are counted"


def test_of_a_long_prompt_the_end_is_shown_where_the_question_stands(tmp_path: Path) -> None:
    shots = "An example. " * 100
    for arm in ("distilled", "control"):
        lines = [generation_line(i, "none", score(arm, i), "7", prompt_head=shots) for i in range(N)]
        write_lines(tmp_path / arm / "samples_sums_2025-11-03T14-07-52.118034.jsonl", lines)
    rows = rows_of(tmp_path, distilled=tmp_path / "distilled", control=tmp_path / "control")
    assert rows["doc 3"]["prompt"].endswith("Ada has 3 pears and buys 6. How many?\nAnswer:")
    assert len(rows["doc 3"]["prompt"]) == parted_items.LONGEST
