"""lm-eval samples: rows as the harness meant them, and nothing counted that it did not say."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gauger.errors import InputError
from gauger.measure.importers.lm_eval import read_lm_eval, task_and_date
from gauger.measure.importers.log import Log, Measure
from measure.importers.lm_eval_logs import (
    DATE,
    choice_line,
    generation_line,
    write_generation_log,
    write_lines,
    write_results,
)

STRICT, FLEXIBLE = Measure("strict-match", "exact_match"), Measure("flexible-extract", "exact_match")


def scores_of(log: Log, measure: Measure) -> list[float | None]:
    return log.scores(measure)["score"].to_list()


def test_both_filters_of_an_output_are_read_and_an_answer_not_found_is_unparsed(tmp_path: Path) -> None:
    log = read_lm_eval(write_generation_log(tmp_path / "m", [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]))
    assert log.benchmark == "gsm8k"
    assert log.measures == (STRICT, FLEXIBLE)
    assert scores_of(log, STRICT) == [1.0, None, 1.0]
    assert log.scores(STRICT)["outcome"].to_list() == ["scored", "unparsed", "scored"]
    assert scores_of(log, FLEXIBLE) == [1.0, 1.0, 0.0]
    assert log.notes == ()


def test_the_model_and_the_settings_come_from_the_results_of_the_same_date(tmp_path: Path) -> None:
    write_results(tmp_path / "m", {"gsm8k": {}}, date="2020-01-01T00-00-00.1", shots=0, model="older")
    log = read_lm_eval(write_generation_log(tmp_path / "m", [1.0, 0.0], [1.0, 1.0], model="student-s1", shots=8))
    assert (log.model, log.date) == ("student-s1", DATE)
    assert log.settings["few-shot examples"] == "8"
    assert "strict-match" in log.settings["answer extraction"]


def test_without_a_results_file_nothing_is_claimed(tmp_path: Path) -> None:
    path = write_lines(tmp_path / f"samples_arc_{DATE}.jsonl", [choice_line(0, 1.0, 0.0), choice_line(1, 0.0, 0.0)])
    log = read_lm_eval(path)
    assert (log.model, dict(log.settings)) == (None, {})
    assert log.measures == (Measure("none", "acc"), Measure("none", "acc_norm"))
    assert scores_of(log, Measure("none", "acc")) == [1.0, 0.0]


@pytest.mark.parametrize(
    ("name", "task", "date"),
    [
        (f"samples_gsm8k_{DATE}.jsonl", "gsm8k", DATE),
        (f"samples_mmlu_high_school_biology_{DATE}.jsonl", "mmlu_high_school_biology", DATE),
        ("samples_arc_easy.jsonl", "arc_easy", ""),
        ("mine.jsonl", "mine", ""),
    ],
)
def test_the_task_and_the_date_stand_in_the_file_name(name: str, task: str, date: str) -> None:
    assert task_and_date(Path(name)) == (task, date)


def test_items_are_their_documents_whatever_their_order_and_number(tmp_path: Path) -> None:
    lines = [choice_line(i, float(i % 2), 0.0) for i in range(6)]
    renumbered = [{**line, "doc_id": 100 - line["doc_id"]} for line in reversed(lines)]
    one = read_lm_eval(write_lines(tmp_path / "samples_a.jsonl", lines)).rows
    other = read_lm_eval(write_lines(tmp_path / "samples_b.jsonl", renumbered)).rows
    same = one.join(other, on=["document", "metric"])
    assert same.height == 12
    assert same["score"].to_list() == same["score_right"].to_list()


def test_a_document_that_occurs_twice_is_two_items_of_one_cluster(tmp_path: Path) -> None:
    twin = {**choice_line(0, 0.0, 0.0), "doc_id": 7}
    log = read_lm_eval(
        write_lines(tmp_path / "samples_a.jsonl", [twin, choice_line(0, 1.0, 1.0), choice_line(1, 1.0, 1.0)])
    )
    rows = log.scores(Measure("none", "acc"))
    first, second = rows.filter(label="doc 0"), rows.filter(label="doc 7")
    assert second["document"][0] == f"{first['document'][0]}#2"
    assert rows["cluster"].to_list() == [first["document"][0], first["document"][0], None]


def test_a_line_written_twice_counts_once_and_is_named(tmp_path: Path) -> None:
    lines = [choice_line(0, 1.0, 1.0), choice_line(1, 0.0, 0.0), choice_line(1, 0.0, 0.0)]
    log = read_lm_eval(write_lines(tmp_path / "samples_a.jsonl", lines))
    assert scores_of(log, Measure("none", "acc")) == [1.0, 0.0]
    assert log.notes == ("left out because an earlier row says the same: 1 repeated row (doc 1)",)


def test_two_lines_that_disagree_are_refused_with_both_places(tmp_path: Path) -> None:
    lines = [choice_line(0, 1.0, 1.0), choice_line(1, 0.0, 0.0), choice_line(2, 0.0, 0.0), choice_line(1, 1.0, 0.0)]
    path = write_lines(tmp_path / "samples_a.jsonl", lines)
    with pytest.raises(InputError, match=r"doc 1 once, got a second time, and not as at samples_a.jsonl:2") as caught:
        read_lm_eval(path)
    assert caught.value.where.line == 4


def test_nan_and_absent_scores_are_failed_and_counted_never_zero(tmp_path: Path) -> None:
    lines = [choice_line(0, float("nan"), 1.0), choice_line(1, 1.0, 1.0), {**choice_line(2, 1.0, 1.0), "acc": None}]
    log = read_lm_eval(write_lines(tmp_path / "samples_a.jsonl", lines))
    rows = log.scores(Measure("none", "acc"))
    assert rows["score"].to_list() == [None, 1.0, None]
    assert rows["outcome"].to_list() == ["failed", "scored", "failed"]
    assert log.notes == ("undefined, left out rather than counted as wrong: 2 scores (doc 0, doc 2)",)


def test_a_score_outside_0_to_1_refuses_the_measure_and_names_its_line(tmp_path: Path) -> None:
    lines = [choice_line(0, 1.0, 1.0), choice_line(1, 37.5, 1.0)]
    log = read_lm_eval(write_lines(tmp_path / "samples_a.jsonl", lines))
    assert log.refused == {Measure("none", "acc"): "doc 1 (line 2) has 37.5, outside 0 to 1"}


def test_a_metric_that_is_no_number_per_item_is_refused(tmp_path: Path) -> None:
    line = {**choice_line(0, 1.0, 1.0), "metrics": ["bleu", "acc"], "bleu": ["said", "meant"]}
    log = read_lm_eval(write_lines(tmp_path / "samples_a.jsonl", [line]))
    assert log.measures == (Measure("none", "acc"),)
    assert log.refused == {Measure("none", "bleu"): "each item holds a list, not one number"}


def test_sums_of_log_likelihoods_become_bits_of_each_document_and_are_no_score(tmp_path: Path) -> None:
    bits = Measure("none", "bits_per_byte")
    lines = [
        {**choice_line(i, 1.0, 1.0), "metrics": ["bits_per_byte"], "bits_per_byte": [-(i + 1) * math.log(2), 2]}
        for i in range(3)
    ]
    log = read_lm_eval(write_lines(tmp_path / "samples_a.jsonl", lines))
    assert scores_of(log, bits) == pytest.approx([0.5, 1.0, 1.5], abs=1e-12)
    assert log.refused == {bits: "each item holds a sum of log-likelihoods, no score from 0 to 1"}
    assert log.errors == {"bits_per_byte"}


def test_an_error_metric_is_known_by_what_the_log_says_or_by_its_name(tmp_path: Path) -> None:
    path = write_generation_log(tmp_path / "m", [1.0, 0.0], [1.0, 0.0], higher_is_better={"exact_match": False})
    assert read_lm_eval(path).errors == {"exact_match"}
    line = {**choice_line(0, 1.0, 1.0), "metrics": ["acc", "brier_score"], "brier_score": 0.2}
    assert read_lm_eval(write_lines(tmp_path / "samples_b.jsonl", [line])).errors == {"brier_score"}


def test_each_filter_keeps_the_metrics_it_lists(tmp_path: Path) -> None:
    plain = [generation_line(i, "none", 1.0, "7") for i in range(2)]
    voted = [
        {
            **{k: v for k, v in generation_line(i, "maj@8", 1.0, "7").items() if k != "exact_match"},
            "metrics": ["vote"],
            "vote": 0.5,
        }
        for i in range(2)
    ]
    log = read_lm_eval(write_lines(tmp_path / "samples_a.jsonl", plain + voted))
    assert set(log.measures) == {Measure("none", "exact_match"), Measure("maj@8", "vote")}
    assert scores_of(log, Measure("maj@8", "vote")) == [0.5, 0.5]
    assert log.notes == ()


def old_line(i: int, filter_name: str, score: float) -> dict[str, object]:
    dropped = ("filter", "metrics", "doc_hash", "prompt_hash", "target_hash")
    return {k: v for k, v in generation_line(i, filter_name, score, "7").items() if k not in dropped}


def test_an_old_log_without_filters_keeps_its_blocks_apart(tmp_path: Path) -> None:
    lines = [old_line(i, "", score) for scores in ([1.0, 0.0, 0.0], [1.0, 1.0, 0.0]) for i, score in enumerate(scores)]
    log = read_lm_eval(write_lines(tmp_path / "samples_gsm8k.jsonl", lines))
    assert log.measures == (Measure("filter 1", "exact_match"), Measure("filter 2", "exact_match"))
    assert scores_of(log, log.measures[0]) == [1.0, 0.0, 0.0]
    assert scores_of(log, log.measures[1]) == [1.0, 1.0, 0.0]
    assert "does not name its answer filters" in log.notes[0]
    assert log.rows["document"].null_count() == log.rows.height


def test_an_old_log_tells_items_apart_by_id_and_target(tmp_path: Path) -> None:
    log = read_lm_eval(write_lines(tmp_path / "samples_gsm8k.jsonl", [old_line(0, "", 1.0), old_line(1, "", 0.0)]))
    other = read_lm_eval(write_lines(tmp_path / "samples_b.jsonl", [{**old_line(0, "", 1.0), "target": "8"}]))
    assert log.rows["position"].n_unique() == 2
    assert log.rows["position"][0] != other.rows["position"][0]


def test_an_old_log_with_uneven_repeats_is_refused_not_guessed(tmp_path: Path) -> None:
    lines = [old_line(0, "", 1.0), old_line(1, "", 1.0), old_line(0, "", 0.0)]
    with pytest.raises(InputError, match="doc 0 once"):
        read_lm_eval(write_lines(tmp_path / "samples_gsm8k.jsonl", lines))


def test_a_file_that_lost_lines_is_found_out_by_the_harness_own_count(tmp_path: Path) -> None:
    path = write_generation_log(tmp_path / "m", [1.0, 0.0, 1.0, 1.0], [1.0] * 4)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:3]))
    notes = read_lm_eval(path).notes
    assert "the harness evaluated 4 items of gsm8k but the samples file holds 3" in notes
    assert any("reports 0.7500 but the samples' mean is 0.6667" in note for note in notes)


def test_a_metric_that_is_no_mean_over_items_is_pointed_out(tmp_path: Path) -> None:
    path = write_generation_log(tmp_path / "m", [1.0, 0.0], [1.0, 1.0])
    results = path.with_name(f"results_{DATE}.json")
    value = json.loads(results.read_text())
    value["results"]["gsm8k"]["exact_match,strict-match"] = 0.9
    results.write_text(json.dumps(value))
    assert ["0.9000 but the samples' mean is 0.5000" in note for note in read_lm_eval(path).notes] == [True]


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"results": 3, "configs": {"gsm8k": []}}'])
def test_a_broken_results_file_is_named_and_an_empty_one_says_nothing(tmp_path: Path, content: str) -> None:
    path = write_generation_log(tmp_path / "m", [1.0, 0.0], [1.0, 1.0])
    path.with_name(f"results_{DATE}.json").write_text(content)
    if content.startswith('{"') or content == "{}":
        assert read_lm_eval(path).notes == ()
    else:
        with pytest.raises(InputError, match="results_"):
            read_lm_eval(path)


def test_another_json_lines_file_is_refused_with_what_to_give_instead(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "chat.jsonl", [{"messages": [], "id": 3}])
    with pytest.raises(InputError, match=r"chat.jsonl:1: expected a line of lm-eval samples .* --log_samples"):
        read_lm_eval(path)


def test_a_metric_cannot_shadow_a_field(tmp_path: Path) -> None:
    line = {**choice_line(0, 1.0, 1.0), "metrics": ["doc_id", "target", "acc"]}
    assert read_lm_eval(write_lines(tmp_path / "samples_a.jsonl", [line])).measures == (Measure("none", "acc"),)


def test_a_million_characters_do_not_change_a_score(tmp_path: Path) -> None:
    lines = [generation_line(i, "strict-match", float(i % 2), "7") for i in range(4)]
    lines[1]["resps"] = [["no " * 400_000]]
    lines[1]["filtered_resps"] = ["no " * 400_000]
    log = read_lm_eval(write_lines(tmp_path / "samples_a.jsonl", lines))
    assert scores_of(log, STRICT) == [0.0, 1.0, 0.0, 1.0]


def test_means_equal_a_plain_loop_over_the_lines(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    path = write_generation_log(tmp_path / "m", *rng.integers(0, 2, size=(2, 50)).astype(float).tolist())
    sums: dict[str, list[float]] = {}
    for text in path.read_text().splitlines():
        line = json.loads(text)
        sums.setdefault(line["filter"], []).append(line["exact_match"])
    log = read_lm_eval(path)
    for measure in log.measures:
        wrong_where_unparsed = log.scores(measure).select(pl.col("score").fill_null(0.0).mean()).item()
        assert wrong_where_unparsed == pytest.approx(sum(sums[measure.filter]) / 50, abs=1e-12)
