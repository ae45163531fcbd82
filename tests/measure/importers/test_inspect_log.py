"""Inspect logs: both formats say the same, no failure becomes a score, and nothing is fetched."""

from __future__ import annotations

import json
import socket
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from inspect_ai._util.error import EvalError
from inspect_ai.log import EvalSampleLimit, ProvenanceData
from inspect_ai.model import ChatMessageUser, ContentAudio, ContentImage, ContentText

from gauger.errors import InputError
from gauger.measure.importers.inspect_log import read_inspect
from gauger.measure.importers.inspect_samples import value_to_score
from gauger.measure.importers.item_texts import logged_items
from gauger.measure.importers.log import Measure
from measure.importers.inspect_logs import sample, write_inspect

MATCH = Measure("", "match")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: socket.socket, address: Any) -> None:
        raise AssertionError(f"tried to reach {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.parametrize("suffix", [".eval", ".json"])
def test_letters_become_scores_and_epochs_become_samples(tmp_path: Path, suffix: str) -> None:
    samples = [sample(i, {"match": value}, epoch) for epoch in (1, 2) for i, value in enumerate("CPI")]
    log = read_inspect(write_inspect(tmp_path / f"log{suffix}", samples))
    rows = log.scores(MATCH).sort("sample", "label")
    assert (log.benchmark, log.model, log.format) == ("addition", "toy/student", "inspect")
    assert rows["score"].to_list() == [1.0, 0.5, 0.0] * 2
    assert rows["sample"].to_list() == [0, 0, 0, 1, 1, 1]
    assert rows["position"].n_unique() == 3
    assert log.notes == ()


def test_both_formats_give_the_same_rows(tmp_path: Path) -> None:
    samples = [sample(i, {"match": "CI"[i % 2], "model_graded": {"fact": 0.5, "style": 1}}) for i in range(5)]
    eval_log = read_inspect(write_inspect(tmp_path / "a.eval", samples))
    json_log = read_inspect(write_inspect(tmp_path / "a.json", samples))
    assert eval_log.rows.equals(json_log.rows)
    assert eval_log.settings == json_log.settings
    assert eval_log.measures == (MATCH, Measure("", "model_graded/fact"), Measure("", "model_graded/style"))


def test_no_failure_becomes_a_score(tmp_path: Path) -> None:
    error = EvalError(message="down", traceback="", traceback_ansi="")
    told = ProvenanceData(author="ada", reason="wrong tool")
    samples = [
        sample(0, {"match": "C"}),
        sample(1, {"match": "I"}, error=error),
        sample(2, None, limit=EvalSampleLimit(type="token", limit=10)),
        sample(3, {"match": "C"}, invalidation=told),
        sample(4, {"match": "N"}),
        sample(5, {"match": float("nan")}),
        sample(6, None),
        sample(7, {"other": "C"}),
    ]
    log = read_inspect(write_inspect(tmp_path / "log.eval", samples))
    rows = log.scores(MATCH)
    assert dict(zip(rows["label"], rows["outcome"], strict=True)) == {
        "sample q0": "scored",
        "sample q1": "failed",
        "sample q2": "truncated",
        "sample q3": "failed",
        "sample q4": "unparsed",
        "sample q5": "failed",
        "sample q6": "failed",
        "sample q7": "failed",
    }
    assert rows["score"].to_list() == [1.0] + [None] * 7
    assert any("samples ended by a limit" in note or "1 sample" in note for note in log.notes)


def test_an_answer_cut_off_is_scored_as_it_stands_and_counted(tmp_path: Path) -> None:
    samples = [sample(0, {"match": "I"}, stop_reason="max_tokens"), sample(1, {"match": "C"})]
    log = read_inspect(write_inspect(tmp_path / "log.eval", samples))
    assert log.scores(MATCH)["score"].to_list() == [0.0, 1.0]
    assert log.notes == ("cut off by the token limit and scored as it stands: 1 answer (sample q0)",)


def test_a_scale_of_1_to_10_is_refused_with_the_sample(tmp_path: Path) -> None:
    log = read_inspect(write_inspect(tmp_path / "log.eval", [sample(0, {"grade": 1}), sample(1, {"grade": 8})]))
    assert log.refused == {Measure("", "grade"): "sample q1 (sample 2) has 8, outside 0 to 1"}


@pytest.mark.parametrize("value", ["B+", [1, 2]])
def test_a_score_that_is_no_number_is_set_aside_with_its_value_and_is_never_zero(tmp_path: Path, value: Any) -> None:
    samples = [sample(0, {"match": value, "other": "C"}), sample(1, {"match": "C", "other": "I"})]
    log = read_inspect(write_inspect(tmp_path / "log.eval", samples))
    assert log.measures == (Measure("", "other"),)
    assert log.scores(MATCH).is_empty()
    assert log.refused == {MATCH: f"sample q0 has {str(value)!r}, no number from 0 to 1 (nor C, P, I, N)"}


@pytest.mark.parametrize(
    ("value", "score"),
    [("C", 1.0), ("I", 0.0), ("P", 0.5), (True, 1.0), (0.25, 0.25), ("yes", 1.0), ("FALSE", 0.0), ("0.75", 0.75)],
)
def test_values_that_inspect_knows(value: Any, score: float) -> None:
    assert value_to_score(value) == score


@pytest.mark.parametrize("value", ["A", "", [1], {"a": 1}, None])
def test_values_that_are_no_score(value: Any) -> None:
    assert value_to_score(value) is None


def test_the_prompt_is_the_question_not_the_message_ids(tmp_path: Path) -> None:
    def turns() -> list[ChatMessageUser]:
        return [ChatMessageUser(content="What is 1+1?")]

    one = read_inspect(write_inspect(tmp_path / "a.eval", [sample(1, {"match": "C"}, input=turns())]))
    other = read_inspect(write_inspect(tmp_path / "b.eval", [sample(1, {"match": "C"}, input=turns())]))
    third = read_inspect(write_inspect(tmp_path / "c.eval", [sample(1, {"match": "C"}, input="Think! What is 1+1?")]))
    assert one.rows["prompt"][0] == other.rows["prompt"][0] != third.rows["prompt"][0]
    assert one.rows["position"][0] == third.rows["position"][0]


def test_pictures_that_are_asked_the_same_are_different_questions(tmp_path: Path) -> None:
    def asked(folder: str) -> list[Any]:
        pictures = [ContentImage(image=f"{folder}/{k}.png") for k in range(2)]
        parts = [*pictures, ContentAudio(audio="data:audio/wav;base64,AAAA", format="wav")]
        return [[ChatMessageUser(content=[ContentText(text="How many?"), part])] for part in parts]

    def questions(name: str, inputs: list[Any]) -> list[str]:
        samples = [sample(k, {"match": "C"}, input=turns) for k, turns in enumerate(inputs)]
        return read_inspect(write_inspect(tmp_path / name, samples)).rows["question"].to_list()

    here = questions("a.json", asked("/home/ada/data"))
    assert len({*here, *questions("c.json", ["How many?"])}) == 4
    assert questions("b.json", asked("elsewhere")) == here, "a folder is no part of what is asked"


@pytest.mark.parametrize("scores", [{"match": "C", "includes": "I"}, {"judge": {"style": 0.5, "fact": 1.0}}])
def test_with_several_scorers_a_row_still_says_where_its_sample_stands(tmp_path: Path, scores: dict[str, Any]) -> None:
    path = write_inspect(tmp_path / "a.json", [sample(k, scores) for k in (0, 1, 1, 2, 3)])
    log = read_inspect(path)
    assert log.rows["row"].to_list() == [0, 0, 1, 1, 3, 3, 4, 4]
    shown = {item.label: (item.content, item.keys["id"]) for item in logged_items(path)}
    assert shown == {f"sample q{k}": (f"What is {k}+1?", f"q{k}") for k in range(4)}


def test_a_score_beyond_1_is_named_by_its_sample_whatever_other_scorers_say(tmp_path: Path) -> None:
    samples = [sample(k, {"match": "C", "grade": 0.5 if k < 2 else 7.0}) for k in range(3)]
    log = read_inspect(write_inspect(tmp_path / "a.json", samples))
    assert log.refused[Measure("", "grade")] == "sample q2 (sample 3) has 7, outside 0 to 1"


def test_settings_that_matter_are_kept(tmp_path: Path) -> None:
    cold = read_inspect(write_inspect(tmp_path / "a.eval", [sample(0, {"match": "C"})])).settings
    warm = read_inspect(write_inspect(tmp_path / "b.eval", [sample(0, {"match": "C"})], temperature=0.7)).settings
    assert {name for name in cold if cold[name] != warm.get(name)} == {"generation settings"}


def test_a_run_that_ended_badly_says_so(tmp_path: Path) -> None:
    log = read_inspect(write_inspect(tmp_path / "a.eval", [sample(0, {"match": "C"})], status="cancelled"))
    assert log.notes == ("the evaluation did not end well (status cancelled)",)


def test_a_log_that_lost_samples_is_found_out_by_its_own_count(tmp_path: Path) -> None:
    log = read_inspect(write_inspect(tmp_path / "a.eval", [sample(0, {"match": "C"})], total=2))
    assert log.notes == ("Inspect counted 2 samples but the log holds 1",)


def test_logs_without_samples_or_scores_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="with samples"):
        read_inspect(write_inspect(tmp_path / "a.json", []))
    with pytest.raises(InputError, match="with scores"):
        read_inspect(write_inspect(tmp_path / "b.json", [sample(0, None)]))


def test_a_sample_written_twice_counts_once_and_two_that_disagree_are_refused(tmp_path: Path) -> None:
    twice = [sample(0, {"match": "C"}), sample(0, {"match": "C"}), sample(1, {"match": "I"})]
    log = read_inspect(write_inspect(tmp_path / "a.json", twice))
    assert log.scores(MATCH)["score"].to_list() == [1.0, 0.0]
    assert "1 repeated row (sample q0 (epoch 1))" in log.notes[0]
    with pytest.raises(InputError, match=r"sample q0 \(epoch 1\) once"):
        read_inspect(write_inspect(tmp_path / "b.json", [sample(0, {"match": "C"}), sample(0, {"match": "I"})]))


@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, 0.99])
@pytest.mark.parametrize("suffix", [".eval", ".json"])
def test_a_truncated_log_is_refused_by_name(tmp_path: Path, suffix: str, kept: float) -> None:
    path = write_inspect(tmp_path / f"log{suffix}", [sample(i, {"match": "C"}) for i in range(3)])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept if kept >= 1 else kept * len(whole))])
    with pytest.raises(InputError) as caught:
        read_inspect(path)
    assert caught.value.where.file == str(path)


def test_a_flipped_byte_of_an_archive_is_refused_or_changes_nothing(tmp_path: Path) -> None:
    path = write_inspect(tmp_path / "log.eval", [sample(i, {"match": "CI"[i % 2]}) for i in range(4)])
    whole, rows = path.read_bytes(), read_inspect(path).rows
    directory = whole.find(b"PK\x01\x02")
    for position in [*range(0, directory, max(1, directory // 20)), *range(directory, len(whole), 25)]:
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x41]) + whole[position + 1 :])
        try:
            found = read_inspect(path).rows
        except InputError:
            continue
        assert found.equals(rows)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"version": 2}', "\xff\xfe{", '{"a": ' * 3000])
def test_json_that_is_no_log_is_refused_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "log.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match="an Inspect log") as caught:
        read_inspect(path)
    assert caught.value.where.file == str(path)


def test_the_line_of_a_json_fault_is_named(tmp_path: Path) -> None:
    path = write_inspect(tmp_path / "log.json", [sample(0, {"match": "C"})])
    text = path.read_text()
    path.write_text(text[: text.index('"target"')])
    with pytest.raises(InputError) as caught:
        read_inspect(path)
    assert caught.value.where.line == text[: text.index('"target"')].count("\n") + 1


def test_a_log_of_the_first_schema_with_one_score_is_read(tmp_path: Path) -> None:
    path = write_inspect(tmp_path / "log.json", [sample(0, {"match": "C"})])
    value = json.loads(path.read_text())
    value["version"] = 1
    value["samples"][0]["score"] = value["samples"][0].pop("scores")["match"]
    path.write_text(json.dumps(value))
    log = read_inspect(path)
    assert log.scores(log.measures[0])["score"].to_list() == [1.0]


def test_an_archive_packed_by_zstandard_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_inspect(tmp_path / "log.eval", [sample(0, {"match": "C"})])
    with zipfile.ZipFile(path) as archive:
        methods = {member.compress_type for member in archive.infolist()}
    assert 93 in methods, "this version of Inspect no longer packs by zstandard: write the archive here"
    assert read_inspect(path).scores(MATCH)["score"].to_list() == [1.0]
    monkeypatch.setitem(sys.modules, "zipfile_zstd", None)
    with pytest.raises(InputError, match=r"pip install zipfile-zstd"):
        read_inspect(path)
