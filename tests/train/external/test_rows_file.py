"""The rows of an external training: the same, in the same order, as our own engine would train on them."""

import json

import numpy as np
import pytest
from tests.train.models import ROWS, chat, hf_model, tokenizer

from gauger.errors import UserError
from gauger.train.external.rows_file import NOT_LEARNT, DrawnRows, draw_order
from gauger.train.hf.tokens import encode
from gauger.train.loop import Options
from gauger.train.rows import Mixture, RowSource, TrainingRow
from gauger.train.text import train_on_text

PLAIN = (TrainingRow("2+2=", "4"), TrainingRow(chat("name a colour"), "red"))


def drawn(rows, order):
    return DrawnRows(rows, encode(tokenizer(), rows, 96), np.array(order))


def written(rows, form, path, order=None):
    drawn(rows, range(len(rows)) if order is None else order).write(form, path / "rows.jsonl")
    return [json.loads(line) for line in (path / "rows.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_is_that_of_our_own_engine(seed, monkeypatch):
    seen = []
    monkeypatch.setattr("gauger.train.text.fit_rows", lambda model, rows, draws, *rest: seen.append(draws))
    data = Mixture((RowSource(ROWS),), (4,))
    train_on_text(hf_model(), data, hf_model().defaults.schedule(5, 0.01), Options(seed))
    ours = np.concatenate([step[0] for step in seen[0]])
    assert draw_order(len(ROWS), 5, 4, seed).tolist() == ours.tolist()
    assert draw_order(len(ROWS), 5, 4, seed + 5).tolist() != ours.tolist()


def test_tokens_are_those_of_our_own_engine_and_only_what_is_learnt_has_labels(tmp_path):
    lines, tokens = written(ROWS, "tokens", tmp_path), encode(tokenizer(), ROWS, 96)
    for number, line in enumerate(lines):
        start = int(tokens.start_N[number])
        assert tuple(line["input_ids"]) == tokens.tokens_of(number)
        assert line["labels"] == [NOT_LEARNT] * start + line["input_ids"][start:]


def test_rows_come_as_often_and_in_the_order_that_they_are_drawn_in(tmp_path):
    lines = written(PLAIN, "plain", tmp_path, [1, 0, 1, 1])
    assert [line["completion"] for line in lines] == ["red", "4", "red", "red"]
    assert drawn(PLAIN, [1, 0, 1, 1]).used.count_N.tolist() == [1, 3]


def test_formats(tmp_path):
    user, red = {"role": "user", "content": "name a colour"}, {"role": "assistant", "content": "red"}
    assert written(PLAIN, "messages", tmp_path)[1] == {"messages": [user, red]}
    assert written(PLAIN, "messages", tmp_path)[0]["messages"][0] == {"role": "user", "content": "2+2="}
    described = json.loads((tmp_path / "dataset_info.json").read_text())["gauger"]
    assert described["file_name"] == "rows.jsonl"
    assert described["columns"] == {"messages": "messages"}
    assert described["tags"]["system_tag"] == "system", "without it LLaMA-Factory leaves out rows with instructions"
    both = written(PLAIN, "prompt-completion", tmp_path)
    assert both == [{"prompt": "2+2=", "completion": "4"}, {"prompt": [user], "completion": [red]}]
    assert written(PLAIN, "plain", tmp_path)[1] == {"prompt": "name a colour", "completion": "red"}


def test_running_text_needs_labels(tmp_path):
    whole = (TrainingRow("the sun", " rises", whole=True),)
    assert written(whole, "tokens", tmp_path)[0]["labels"][0] == NOT_LEARNT
    assert (
        written(whole, "tokens", tmp_path)[0]["labels"].count(NOT_LEARNT) == 1
    )  # nothing comes before the first token
    with pytest.raises(UserError, match="running text"):
        written(whole, "messages", tmp_path)
