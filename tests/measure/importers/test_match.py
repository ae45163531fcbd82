"""Items on every side: nothing is dropped in silence, and no score of one item meets another item's."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.errors import InputError, UserError
from gauger.measure.importers.arm import ArmLogs, arm_of_logs, gather_arm
from gauger.measure.importers.differences import setting_differences
from gauger.measure.importers.item_keys import MIN_OVERLAP
from gauger.measure.importers.log import ROWS, Log, Measure
from gauger.measure.importers.match import Matched, MatchingRule, match_items
from gauger.measure.importers.measures import Wish, check_wish, choose_measures
from measure.importers.lm_eval_logs import choice_line, write_generation_log, write_lines

ACC, NORM = Measure("none", "acc"), Measure("none", "acc_norm")


def log(scores: dict[str, float | None], prompt: str = "p", **changes: Any) -> Log:
    """A log of one measure from item -> score; None is a failed item."""
    rows = [
        (k, item, f"{item}:t", item, f"doc {item}", 0, None, f"{prompt}{item}", f"{prompt}{item}", None, "none", "acc",
         "failed" if score is None else "scored", score)
        for k, (item, score) in enumerate(scores.items())
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema=dict(ROWS), orient="row")
    return Log(**{"file": "f", "format": "lm-eval", "benchmark": "b", "rows": frame, "measures": (ACC,), **changes})


def arms(*scores: dict[str, float | None] | list[dict[str, float | None]]) -> list[ArmLogs]:
    names = ("distilled", "control", "teacher")
    return [
        arm_of_logs(
            name, name, [log(one, run=str(k)) for k, one in enumerate(given if isinstance(given, list) else [given])]
        )
        for name, given in zip(names, scores, strict=False)
    ]


def values(matched: Matched, arm: str) -> dict[str, float]:
    named = matched.records.filter(arm=arm).join(matched.items, on="item")
    return dict(named.select("key", "score").iter_rows())


def test_items_of_one_side_are_left_out_counted_and_named() -> None:
    matched = match_items(
        arms({"a": 1.0, "b": 0.0, "c": 1.0}, {"c": 0.0, "d": 1.0, "b": 1.0}), "b", ACC, MatchingRule()
    )
    assert values(matched, "distilled") == {"b": 0.0, "c": 1.0}
    assert values(matched, "control") == {"b": 1.0, "c": 0.0}
    assert matched.n_items == 2
    assert matched.notes == (
        "b: 1 item (doc d) not in the logs of distilled, left out on every side",
        "b: 1 item (doc a) not in the logs of control, left out on every side",
        "b: 2 of 4 items are compared",
    )


def test_an_item_without_a_score_on_one_side_is_left_out_on_both() -> None:
    matched = match_items(arms({"a": 1.0, "b": 0.0}, {"a": None, "b": 1.0}), "b", ACC, MatchingRule())
    assert set(matched.items["key"]) == {"b"}
    assert "b: 1 item (doc a) without a score in control, left out on every side" in matched.notes


def test_an_item_that_one_replicate_lacks_is_kept_and_said() -> None:
    matched = match_items(
        arms([{"a": 1.0, "b": 0.0}, {"a": 1.0, "b": None}], {"a": 0.0, "b": 0.0}), "b", ACC, MatchingRule({"b": "near"})
    )
    assert matched.n_items == 2
    assert matched.notes == ("b: without an answer of some replicate of distilled: 1 item (doc b)",)
    assert matched.records["role"].unique().to_list() == ["near"]


def test_no_item_in_common_is_an_error_with_the_likely_cause() -> None:
    left, right = arms({"a": 1.0}, {"z": 1.0})
    with pytest.raises(InputError, match="different item sets"):
        match_items([left, right], "b", ACC, MatchingRule())
    moved = right.logs[0].rows.with_columns(position=pl.lit("a:t"))
    other = arm_of_logs("control", "control", [Log("f", "lm-eval", "b", moved, (ACC,))])
    with pytest.raises(InputError, match="100% agree in id and target: --match id-and-target"):
        match_items([left, other], "b", ACC, MatchingRule())


def test_what_was_asked_matches_where_a_log_has_no_document_hash() -> None:
    left, right = arms({"a": 1.0, "b": 0.0}, {"a": 0.0, "b": 1.0})
    bare = right.logs[0].rows.with_columns(document=pl.lit(None, pl.String), position=pl.format("z{}", "position"))
    other = arm_of_logs("control", "control", [Log("f", "lm-eval", "b", bare, (ACC,))])
    matched = match_items([left, other], "b", ACC, MatchingRule())
    assert values(matched, "control") == {"pa": 0.0, "pb": 1.0}
    assert (matched.key, matched.notes) == ("question", ())


def test_ids_and_targets_match_where_a_log_has_neither_document_nor_question() -> None:
    left, right = arms({"a": 1.0, "b": 0.0}, {"a": 0.0, "b": 1.0})
    bare = right.logs[0].rows.with_columns(document=pl.lit(None, pl.String), question=pl.lit(None, pl.String))
    other = arm_of_logs("control", "control", [Log("f", "lm-eval", "b", bare, (ACC,))])
    matched = match_items([left, other], "b", ACC, MatchingRule())
    assert values(matched, "control") == {"a:t": 0.0, "b:t": 1.0}
    assert "matched by id and target" in matched.notes[0]


def test_ids_that_were_only_counted_are_refused_when_questions_moved() -> None:
    def without_documents(prompts: dict[str, str]) -> ArmLogs:
        rows = log(dict.fromkeys(prompts, 1.0)).rows.with_columns(
            document=pl.lit(None, pl.String), question=pl.Series(list(prompts.values()))
        )
        return arm_of_logs("control", "control", [Log("f", "inspect", "b", rows, (ACC,))])

    left = without_documents({"1": "pears", "2": "figs", "3": "plums"})
    same = without_documents({"1": "Think! pears", "2": "Think! figs", "3": "plums"})
    matched = match_items([left, dataclasses.replace(same, name="x")], "b", ACC, MatchingRule())
    assert "b: items are matched by id and target, of which 100% are on every side (what was asked 33%)" in (
        matched.notes
    )
    moved = without_documents({"1": "plums", "2": "Think! figs", "3": "Think! pears"})
    with pytest.raises(InputError, match="one id for each question of b"):
        match_items([left, dataclasses.replace(moved, name="x")], "b", ACC, MatchingRule())


def test_questions_that_repeat_and_moved_are_matched_by_what_was_asked() -> None:
    def asked(prompts: dict[str, str], name: str) -> ArmLogs:
        rows = log({item: float(prompt == "figs") for item, prompt in prompts.items()}).rows.with_columns(
            document=pl.lit(None, pl.String), prompt=pl.Series(list(prompts.values()))
        )
        rows = rows.with_columns(question="prompt", position="id")
        return arm_of_logs(name, "control", [Log("f", "inspect", "b", rows, (ACC,))])

    left = asked({"1": "pears", "2": "figs", "3": "pears", "4": "plums"}, "distilled")
    right = asked({"1": "figs", "2": "plums", "3": "pears", "4": "pears"}, "control")
    matched = match_items([left, right], "b", ACC, MatchingRule())
    assert values(matched, "distilled") == values(matched, "control")
    assert matched.n_items == 4


def asked_alike(items: dict[str, float], name: str, n_texts: int = 2) -> ArmLogs:
    """Items that share a few texts, as pictures do that are asked the same."""
    rows = log(items).rows.with_columns(  # type: ignore[arg-type]
        document=pl.lit(None, pl.String), question=pl.col("id").cast(pl.Int64).mod(n_texts).cast(pl.String)
    )
    return arm_of_logs(name, "control", [Log("f", "inspect", "b", rows, (ACC,))])


def test_items_of_one_text_are_matched_by_their_place_where_one_side_lacks_some() -> None:
    scores = {str(i): float(i < 60) for i in range(100)}
    for held in (list(scores)[:70], list(scores)[2:], list(scores)[::-3]):
        part = asked_alike({item: scores[item] for item in held}, "distilled")
        matched = match_items([part, asked_alike(scores, "control")], "b", ACC, MatchingRule())
        assert (matched.key, matched.n_items) == ("question", len(held))
        assert values(matched, "distilled") == values(matched, "control")
        missing = [f"doc {item}" for item in scores if item not in held]
        assert f"b: {len(missing)} items ({', '.join(missing[:2])}" in matched.notes[0]


def test_a_text_that_repeats_on_one_side_alone_has_its_place_on_every_side() -> None:
    left = asked_alike({"0": 1.0, "1": 0.0, "2": 0.0, "5": 1.0}, "distilled", 4)
    right = asked_alike({"0": 0.0, "2": 1.0, "5": 1.0}, "control", 4)
    matched = match_items([left, right], "b", ACC, MatchingRule())
    assert sorted(matched.items["label"]) == ["doc 0", "doc 2", "doc 5"]
    assert sorted(values(matched, "control")) == ["0", "1#5:t", "2"]


def test_places_of_one_text_that_do_not_meet_leave_its_items_to_the_next_key() -> None:
    left, right = asked_alike({"0": 1.0, "2": 0.0}, "distilled"), asked_alike({"4": 1.0, "6": 0.0}, "control")
    with pytest.raises(InputError, match="none in common by what was asked or id and target"):
        match_items([left, right], "b", ACC, MatchingRule())


def test_clusters_that_one_arm_alone_knows_are_kept_whichever_comes_first() -> None:
    plain = asked_alike({str(i): 1.0 for i in range(4)}, "plain", 4)
    rows = plain.logs[0].rows.with_columns(cluster=pl.col("id").cast(pl.Int64).floordiv(2).cast(pl.String))
    known = arm_of_logs("known", "control", [Log("f", "inspect", "b", rows, (ACC,))])
    for both in ([plain, known], [known, plain]):
        records = match_items(both, "b", ACC, MatchingRule()).records.sort("arm", "item")
        assert records["cluster"].to_list() == ["0", "0", "1", "1"] * 2


def test_a_prompt_that_all_items_share_tells_none_apart() -> None:
    left, right = (asked_alike({str(i): float(i % 2) for i in range(9)}, name, 1) for name in ("d", "c"))
    assert match_items([left, right], "b", ACC, MatchingRule()).key == "position"


def test_other_prompts_are_counted_and_named() -> None:
    left = arm_of_logs("distilled", "distilled", [log({"a": 1.0, "b": 0.0})])
    right = arm_of_logs("control", "control", [log({"a": 1.0, "b": 0.0}, prompt="other")])
    notes = match_items([left, right], "b", ACC, MatchingRule()).notes
    assert notes == ("b: distilled and control were shown different prompts for 2 items (doc a, doc b) of 2",)


def test_an_unparsed_answer_counts_or_does_not_as_the_rule_says() -> None:
    left, right = arms({"a": 1.0, "b": None}, {"a": 0.0, "b": 1.0})
    rows = left.logs[0].rows.with_columns(outcome=pl.col("outcome").replace("failed", "unparsed"))
    both = [arm_of_logs("distilled", "distilled", [Log("f", "lm-eval", "b", rows, (ACC,))]), right]
    assert match_items(both, "b", ACC, MatchingRule()).n_items == 2
    assert match_items(both, "b", ACC, MatchingRule(unparsed_counts=False)).n_items == 1


ITEMS = st.dictionaries(st.sampled_from("abcdefgh"), st.none() | st.sampled_from([0.0, 0.5, 1.0]), min_size=1)


@settings(max_examples=30, deadline=None)
@given(sides=st.lists(ITEMS, min_size=2, max_size=3))
def test_matching_is_the_intersection_of_answered_items_whatever_the_order(
    sides: list[dict[str, float | None]],
) -> None:
    answered = [{item: score for item, score in side.items() if score is not None} for side in sides]
    common = set.intersection(*(set(side) for side in answered))
    share = len(set.intersection(*map(set, sides))) / min(map(len, sides))
    if not common or share < MIN_OVERLAP:
        with pytest.raises(InputError):
            match_items(arms(*sides), "b", ACC, MatchingRule())
        return
    matched = match_items(arms(*sides), "b", ACC, MatchingRule())
    assert matched.n_items == len(common)
    for name, side in zip(("distilled", "control", "teacher"), answered, strict=False):
        assert values(matched, name) == {item: side[item] for item in common}
    lost = set().union(*sides) - common
    assert bool(lost) == any("items are compared" in note for note in matched.notes)


def test_settings_that_differ_are_told_once_with_their_benchmarks(tmp_path: Path) -> None:
    for task in ("x", "y"):
        write_generation_log(tmp_path / f"d{task}", [1.0, 0.0], [1.0, 0.0], task=task, shots=5)
        write_generation_log(tmp_path / f"c{task}", [0.0, 0.0], [1.0, 0.0], task=task, shots=0, temperature=0.7)
    both = [
        gather_arm(name, name, [str(tmp_path / f"{name[0]}x"), str(tmp_path / f"{name[0]}y")])
        for name in ("distilled", "control")
    ]
    said = setting_differences(both, ["x", "y"])
    assert said[0] == "few-shot examples differ: distilled 5; control 0, on x, y"
    assert said[1].startswith("generation settings differ: ")
    assert len(said) == 2


def test_settings_that_nobody_knows_are_told_too() -> None:
    left = arm_of_logs("distilled", "distilled", [log({"a": 1.0}, settings={"few-shot examples": "5"})])
    right = arm_of_logs("control", "control", [log({"a": 1.0})])
    assert "the settings of control are not known" in setting_differences([left, right], ["b"])[0]


def choice_arms(tmp_path: Path, **changes: Any) -> list[ArmLogs]:
    lines = [choice_line(i, float(i % 2), 1.0) for i in range(4)]
    for name in ("distilled", "control"):
        write_lines(tmp_path / name / "samples_arc.jsonl", [{**line, **changes.get(name, {})} for line in lines])
    return [gather_arm(name, name, [str(tmp_path / name)]) for name in ("distilled", "control")]


def test_the_first_listed_measure_is_compared_unless_another_is_wished(tmp_path: Path) -> None:
    both = choice_arms(tmp_path)
    assert choose_measures(both, "arc", Wish()).primary == ACC
    wished = choose_measures(both, "arc", Wish(metrics=("acc_norm",)))
    assert (wished.primary, wished.others) == (NORM, (ACC,))


def test_a_measure_outside_0_to_1_is_passed_over_aloud_but_refused_when_wished(tmp_path: Path) -> None:
    both = choice_arms(tmp_path, control={"acc": 37.5})
    choice = choose_measures(both, "arc", Wish())
    assert choice.primary == NORM
    assert "acc is not compared: doc 0 (line 1) has 37.5, outside 0 to 1" in choice.notes[0]
    with pytest.raises(InputError, match="percentages: divide by 100"):
        choose_measures(both, "arc", Wish(metrics=("acc",)))
    with pytest.raises(InputError, match=r"scores from 0 to 1 on arc, got acc: .*; acc_norm: "):
        choose_measures(choice_arms(tmp_path / "all", distilled={"acc": 2.0, "acc_norm": 3.0}), "arc", Wish())


def test_measures_of_one_side_are_told(tmp_path: Path) -> None:
    both = choice_arms(tmp_path, control={"metrics": ["acc_norm"]})
    choice = choose_measures(both, "arc", Wish())
    assert choice.primary == NORM
    assert choice.notes == ("arc: metric settings differ: acc is not in every log and is not compared",)
    left, right = choice_arms(tmp_path / "none", distilled={"metrics": ["acc"]}, control={"metrics": ["acc_norm"]})
    with pytest.raises(InputError, match="a metric of arc that every log has"):
        choose_measures([left, right], "arc", Wish())


def test_an_unknown_metric_or_filter_is_answered_with_the_nearest(tmp_path: Path) -> None:
    both = choice_arms(tmp_path)
    check_wish(both, Wish(("acc", "acc_norm"), ("none",)))
    with pytest.raises(UserError, match="Did you mean 'acc_norm'"):
        check_wish(both, Wish(metrics=("acc_nrm",)))
    with pytest.raises(UserError, match="a filter of the logs, got 'strict'"):
        check_wish(both, Wish(filters=("strict",)))
