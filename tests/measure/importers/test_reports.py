"""Logs as users of the harnesses have reported them, rebuilt small: each is read, or refused with words that help."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gauger.errors import InputError
from gauger.measure.importers.arm import ArmLogs, gather_arm
from gauger.measure.importers.log import Log, Measure
from measure.importers.inspect_logs import sample, write_inspect
from measure.importers.lm_eval_logs import (
    DATE,
    choice_line,
    generation_line,
    write_generation_log,
    write_lines,
    write_results,
)

ACC = Measure("none", "acc")


def gather(folder: Path) -> ArmLogs:
    return gather_arm("distilled", "distilled", [str(folder)])


def only(folder: Path) -> Log:
    (log,) = gather(folder).logs
    return log


def lines(n: int = 4, **changes: Any) -> list[dict[str, Any]]:
    return [{**choice_line(i, float(i % 2), 1.0), **changes} for i in range(n)]


def samples(folder: Path, rows: list[dict[str, Any]], name: str = f"samples_arc_{DATE}.jsonl") -> Path:
    return write_lines(folder / name, rows)


# OpenAI evals


def test_a_match_and_metrics_of_one_sample_are_one_answer(tmp_path: Path) -> None:
    """Some evaluations log both of every sample: each was a sample of its own, without the other's score."""
    events = [{"spec": {"eval_name": "sums.dev"}}]
    for i in range(4):
        shared = {"run_id": "r", "event_id": i, "sample_id": f"s.{i}"}
        events.append({**shared, "type": "match", "data": {"correct": i % 2 == 0}})
        events.append({**shared, "type": "metrics", "data": {"f1": i / 4}})
    events.append({"run_id": "r", "event_id": 9, "sample_id": "s.0", "type": "match", "data": {"correct": False}})
    events.append({"run_id": "r", "event_id": 9, "sample_id": "s.0", "type": "metrics", "data": {"f1": 0.5}})
    log = only(write_lines(tmp_path / "events.jsonl", events))
    rows = {metric: log.scores(Measure("", metric)).select("id", "sample", "outcome", "score").rows()
            for metric in ("correct", "f1")}  # fmt: skip
    assert rows["correct"] == [(f"s.{i}", 0, "scored", float(i % 2 == 0)) for i in range(4)] + [
        ("s.0", 1, "scored", 0.0)
    ]
    assert rows["f1"] == [(f"s.{i}", 0, "scored", i / 4) for i in range(4)] + [("s.0", 1, "scored", 0.5)]


# lm-eval


def test_model_args_may_be_a_mapping(tmp_path: Path) -> None:
    """Since 0.4.9 `model_args` is an object where it was text."""
    write_generation_log(tmp_path, [1.0, 0.0], [1.0, 1.0], model="base")
    path = tmp_path / f"results_{DATE}.json"
    value = json.loads(path.read_text())
    value["config"]["model_args"] = {"pretrained": "base", "peft": "out/lora", "revision": "main"}
    path.write_text(json.dumps(value))
    assert only(tmp_path).model == "base peft=out/lora"


def test_a_closing_slash_is_no_other_model(tmp_path: Path) -> None:
    """A local checkpoint is named as it was typed, with and without its closing slash."""
    for task, name in (("gsm8k", "out/ckpt"), ("arc", "out/ckpt/")):
        write_generation_log(tmp_path / task, [1.0, 0.0], [1.0, 1.0], task=task, model=name)
    arm = gather(tmp_path)
    assert (arm.n_replicates, arm.notes) == (1, ())


def test_underscores_of_an_old_file_name(tmp_path: Path) -> None:
    """0.4.0 to 0.4.2: `pretrained__org__my_model_arc_easy.jsonl`; the results beside it tell where the task begins."""
    name = "pretrained__org__my_model_arc_easy.jsonl"
    samples(tmp_path, lines(), name)
    assert only(tmp_path).benchmark == "model_arc_easy"
    write_results(tmp_path, {"arc_easy": {}, "easy": {}}).rename(tmp_path / "results.json")
    assert only(tmp_path).benchmark == "arc_easy"


def test_a_resumed_run_repeats_lines(tmp_path: Path) -> None:
    """A run that was stopped and resumed writes the documents it had done a second time."""
    rows = lines()
    samples(tmp_path, [*rows, *rows[:2]])
    log = only(tmp_path)
    assert log.scores(ACC)["score"].to_list() == [0.0, 1.0, 0.0, 1.0]
    assert "2 repeated rows (doc 0, doc 1)" in log.notes[0]


@pytest.mark.parametrize("target", [7, ["a", "b"], None, {"gold": 1}, 2.5, True])
def test_a_target_may_be_anything(tmp_path: Path, target: Any) -> None:
    """Tasks give numbers, lists of aliases (triviaqa) or objects as targets."""
    rows = [{k: v for k, v in one.items() if k != "target_hash"} for one in lines(target=target)]
    samples(tmp_path, rows)
    assert only(tmp_path).n_items == 4


@pytest.mark.parametrize("answers", [["7"], [["7", "8"]], [None], [], [[-1.5, True]]])
def test_filtered_responses_of_every_shape(tmp_path: Path, answers: list[Any]) -> None:
    """Filters such as take_first_k leave lists in lists; log-likelihood tasks leave pairs."""
    samples(tmp_path, lines(filtered_resps=answers))
    assert only(tmp_path).scores(ACC)["score"].to_list() == [0.0, 1.0, 0.0, 1.0]


def test_a_vote_of_several_answers_beside_the_first(tmp_path: Path) -> None:
    """gsm8k_cot_self_consistency: score-first, maj@8 and maj@64 of the same documents in one file."""
    rows = [
        generation_line(i, name, float(i % 2), "7") for name in ("score-first", "maj@8", "maj@64") for i in range(3)
    ]
    samples(tmp_path, rows, f"samples_gsm8k_cot_{DATE}.jsonl")
    assert [measure.filter for measure in only(tmp_path).measures] == ["score-first", "maj@8", "maj@64"]


@pytest.mark.parametrize("value", [True, 1, "1.0"])
def test_a_metric_may_be_a_boolean_or_text(tmp_path: Path, value: Any) -> None:
    """Custom `process_results` return booleans; text is named, never taken for 0."""
    samples(tmp_path, lines(acc=value))
    log = only(tmp_path)
    if isinstance(value, str):
        assert ACC in log.refused
    else:
        assert log.scores(ACC)["score"].to_list() == [1.0] * 4


def test_nan_in_a_metric(tmp_path: Path) -> None:
    """A prompt longer than the context gives NaN log-likelihoods, written as NaN, which JSON does not know."""
    samples(tmp_path, [*lines(3), {**choice_line(3, 1.0, 1.0), "acc": math.nan}])
    assert only(tmp_path).scores(ACC)["outcome"].to_list() == ["scored"] * 3 + ["failed"]


def test_colons_of_the_date_were_replaced_by_the_hub(tmp_path: Path) -> None:
    """Files copied from a dataset of details keep microseconds and dashes in their dates."""
    samples(tmp_path, lines(), "samples_leaderboard_bbh_boolean_expressions_2024-06-16T12-59-57.361163.jsonl")
    log = only(tmp_path)
    assert (log.benchmark, log.date) == ("leaderboard_bbh_boolean_expressions", "2024-06-16T12-59-57.361163")


def test_results_of_another_date_beside_the_samples(tmp_path: Path) -> None:
    """Two runs in one folder: each samples file takes the results of its own date, the model both agree on else."""
    write_results(tmp_path, {"arc": {}}, date="2025-01-01T00-00-00.0", model="m", shots=0)
    write_results(tmp_path, {"arc": {}}, date="2025-01-02T00-00-00.0", model="m", shots=5)
    samples(tmp_path, lines(), "samples_arc_2025-01-03T00-00-00.0.jsonl")
    log = only(tmp_path)
    assert (log.model, dict(log.settings)) == ("m", {})


def test_a_file_of_details_cut_at_a_line(tmp_path: Path) -> None:
    """A full disk loses the last documents without breaking a line: the harness's own count finds it."""
    path = write_generation_log(tmp_path, [1.0, 0.0, 1.0], [1.0] * 3)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    assert any("evaluated 3 items of gsm8k but the samples file holds 2" in note for note in only(tmp_path).notes)


def test_averages_alone_are_said(tmp_path: Path) -> None:
    """The run had no --log_samples: only results_*.json is there, under any name."""
    path = write_results(tmp_path, {"arc": {"acc,none": 0.5}})
    path.rename(tmp_path / "my_results.json")
    with pytest.raises(InputError, match=r"averages alone.*--log_samples"):
        gather(tmp_path)


def test_a_gzip_file_under_the_name_of_a_plain_one(tmp_path: Path) -> None:
    """Object stores unpack or keep compression as they please; the name says nothing."""
    path = samples(tmp_path, lines())
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert only(tmp_path).n_items == 4
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"a gzip file.*copy it again"):
        gather(tmp_path)


def test_a_fault_in_a_packed_file_is_named_by_that_file(tmp_path: Path) -> None:
    path = samples(tmp_path, lines())
    path.with_suffix(".jsonl.gz").write_bytes(gzip.compress(path.read_bytes()[:-30]))
    path.unlink()
    with pytest.raises(InputError, match=r"arc_.*\.jsonl\.gz:4: .*breaks off"):
        gather(tmp_path)


def test_a_fault_in_an_array_is_named_by_its_element(tmp_path: Path) -> None:
    rows = lines()
    del rows[2]["doc_id"]
    (tmp_path / f"samples_arc_{DATE}.json").write_text(json.dumps(rows))
    with pytest.raises(InputError, match="element 3 doc_id: expected the number of the document"):
        gather(tmp_path)


def test_a_benchmark_that_repeats_its_documents_keeps_them_together(tmp_path: Path) -> None:
    """AIME is asked 8 times by repeating its documents: 8 items of one cluster each, matched by document and place."""
    rows = [{**choice_line(i % 5, float(i % 2), 1.0), "doc_id": i} for i in range(40)]
    samples(tmp_path, rows)
    rows = only(tmp_path).scores(ACC)
    assert (rows["document"].n_unique(), rows["cluster"].n_unique()) == (40, 5)


def test_one_hash_for_all_documents_is_none(tmp_path: Path) -> None:
    """A custom task whose documents are empty: one hash for all of them names nothing."""
    samples(tmp_path, lines(doc={}, doc_hash="0" * 64))
    rows = only(tmp_path).scores(ACC)
    assert rows["document"].null_count() == rows["cluster"].null_count() == 4


def test_a_limit_is_said_even_where_nothing_else_is_there(tmp_path: Path) -> None:
    path = write_generation_log(tmp_path, [1.0, 0.0], [1.0, 1.0], n=2)
    results = path.with_name(f"results_{DATE}.json")
    results.write_text(results.read_text().replace('"original": 2', '"original": 1319'))
    assert only(tmp_path).partial == "limited to 2 of 1319 items"


# Inspect


def test_dates_of_two_time_zones_are_compared_as_moments(tmp_path: Path) -> None:
    """A log of the evening in one place is older than one of the next morning in another."""
    for name, created in (("early", "2026-01-01T10:30:00+02:00"), ("late", "2026-01-01T09:00:00+00:00")):
        write_inspect(tmp_path / f"{name}.eval", [sample(i, {"match": "C"}) for i in range(3)], created=created)
    assert [Path(log.file).stem for log in gather(tmp_path).logs] == ["late"]


def inspect(folder: Path, value: Callable[[int], Any], **changes: Any) -> Log:
    write_inspect(folder / "a.eval", [sample(i, {"match": value(i)}) for i in range(4)], **changes)
    return only(folder)


def test_a_cancelled_log_beside_nothing_is_read_and_named(tmp_path: Path) -> None:
    """An evaluation that was interrupted leaves what it had done."""
    log = inspect(tmp_path, lambda i: "CI"[i % 2], status="cancelled")
    assert (log.n_items, log.partial) == (4, "status cancelled")
    assert log.notes[0] == "the evaluation did not end well (status cancelled)"


def test_scores_as_text_of_numbers(tmp_path: Path) -> None:
    """Graders return "1" and "0.5"."""
    log = inspect(tmp_path, lambda i: ("1", "0.5", "0", "1.0")[i])
    assert log.scores(log.measures[0])["score"].to_list() == [1.0, 0.5, 0.0, 1.0]


def test_a_grade_of_its_own_alphabet_is_refused_with_the_value(tmp_path: Path) -> None:
    """A model grader that answers A to F: no letter is silently 0."""
    log = inspect(tmp_path, lambda i: "ABDF"[i])
    assert "sample q0 has 'A', no number" in log.refused[Measure("", "match")]


def test_images_and_messages_as_input(tmp_path: Path) -> None:
    """Multimodal inputs are lists of parts; the text of them is what was asked."""
    path = write_inspect(tmp_path / "a.json", [sample(i, {"match": "C"}) for i in range(2)])
    value = json.loads(path.read_text())
    for k, one in enumerate(value["samples"]):
        parts = [{"type": "image", "image": "data:..."}, {"type": "text", "text": f"what is {k}?"}]
        one["input"] = [{"id": f"random{k}", "role": "user", "content": parts}]
    path.write_text(json.dumps(value))
    assert only(tmp_path).rows["question"].n_unique() == 2


def test_long_inputs_moved_to_attachments_are_what_was_asked(tmp_path: Path) -> None:
    """Inspect moves long texts out of a sample and leaves a reference."""
    path = write_inspect(tmp_path / "a.json", [sample(0, {"match": "C"}, input="a long text")])
    plain = only(tmp_path).rows["question"][0]
    value = json.loads(path.read_text())
    value["samples"][0] |= {"input": "attachment://0f", "attachments": {"0f": "a long text"}}
    path.write_text(json.dumps(value))
    assert only(tmp_path).rows["question"][0] == plain


def test_an_archive_without_header_is_read_from_its_journal(tmp_path: Path) -> None:
    """A run that crashed never wrote header.json."""
    import zipfile

    start = {"version": 2, "eval": {"task": "t", "model": "m", "created": "2026", "config": {}}, "plan": {"steps": []}}
    with zipfile.ZipFile(tmp_path / "a.eval", "w") as archive:
        archive.writestr("_journal/start.json", json.dumps(start))
        one = {"id": 1, "epoch": 1, "input": "q", "target": "a", "scores": {"match": {"value": "C"}}}
        archive.writestr("samples/1_epoch_1.json", json.dumps(one))
    log = only(tmp_path)
    assert (log.n_items, log.partial) == (1, "status started")
