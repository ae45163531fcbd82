"""Records of what evaluators write: one score an item, the one that is wanted, under names that every arm shares."""

import json

import pytest

from gauger.errors import GaugerError
from gauger.measure.answers import SCHEMA
from gauger.measure.evaluators.logged_records import WantedScore, records_of_logs


def log(folder, task, scores, model="m", filters=("none",), metric="exact_match", **more):
    """Write samples of lm-eval."""
    place = folder / model
    place.mkdir(parents=True, exist_ok=True)
    lines = [
        json.dumps(
            {
                "doc_id": number, "doc": {"q": f"{task} {number}"}, "target": "t", "arguments": [[f"Q {number}"]],
                "resps": [["r"]], "filtered_resps": ["r"], "filter": name, "metrics": [metric], metric: score,
                "doc_hash": f"{task}-hash-{number}", "prompt_hash": f"p{number}", "target_hash": f"t{number}", **more,
            }
        )
        for name in filters
        for number, score in enumerate(scores)
    ]  # fmt: skip
    (place / f"samples_{task}_2026-01-01T00-00-00.000000.jsonl").write_text("\n".join(lines))


def test_one_row_an_item_with_the_names_that_the_documents_give(tmp_path):
    log(tmp_path / "a", "sums", [1.0, 0.0, 1.0])
    log(tmp_path / "b", "sums", [0.0, 0.0, 1.0], model="other")
    one, other = (records_of_logs(tmp_path / name, "mine", WantedScore()) for name in ("a", "b"))
    assert list(one.columns) == list(SCHEMA)
    assert one["item"].to_list() == other["item"].to_list()
    assert one["item"].n_unique() == 3
    assert set(one["benchmark"]) == {"mine"}
    assert sorted(one["score"]) == [0.0, 1.0, 1.0]
    assert set(one["outcome"]) == {"scored"}


def test_the_wanted_filter_and_metric_count(tmp_path):
    log(tmp_path, "sums", [1.0, 0.0], filters=("strict", "flexible"))
    for name in ("strict", "flexible"):
        assert records_of_logs(tmp_path, "mine", WantedScore(filter=name)).height == 2
    with pytest.raises(GaugerError, match=r"mine: exact_match lenient is not among its scores \(exact_match, strict; "):
        records_of_logs(tmp_path, "mine", WantedScore("exact_match", "lenient"))


def test_a_score_outside_0_to_1_is_never_taken(tmp_path):
    log(tmp_path, "words", [12.0, 3.0], metric="bleu")
    with pytest.raises(GaugerError, match="a score from 0 to 1 is not among its scores"):
        records_of_logs(tmp_path, "mine", WantedScore())


def test_every_model_is_judged_by_the_same_score(tmp_path):
    """Scores of bleu from 0 to 1 by chance are no reason to judge one model by them and another by what comes next."""
    for name, bleu in (("base", 0.0), ("student", 30.0)):
        log(tmp_path / name, "words", [bleu, 0.0], metrics=["bleu", "acc"], bleu=bleu, acc=1)
    with pytest.raises(GaugerError, match=r"its first score is no score from 0 to 1: bleu: .*evaluators\.mine\.metric"):
        records_of_logs(tmp_path / "student", "mine", WantedScore())
    scores = [records_of_logs(tmp_path / name, "mine", WantedScore("acc"))["score"] for name in ("base", "student")]
    assert [list(score) for score in scores] == [[1.0, 1.0]] * 2


def test_tasks_of_a_group_are_clusters_of_one_benchmark(tmp_path):
    log(tmp_path, "algebra", [1.0, 0.0])
    log(tmp_path, "biology", [1.0, 1.0, 0.0])
    found = records_of_logs(tmp_path, "many", WantedScore())
    assert found.height == 5
    assert set(found["cluster"]) == {"algebra", "biology"}
    assert found["item"].n_unique() == 5


def test_a_document_that_stands_there_twice_stays_two_items(tmp_path):
    log(tmp_path, "sums", [1.0, 0.0], doc_hash="same")
    assert records_of_logs(tmp_path, "mine", WantedScore())["item"].n_unique() == 2
