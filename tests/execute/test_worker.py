"""The worker's own rules, in this process."""

import sys
import types
from pathlib import Path

import pytest

from gauger.errors import JobError
from gauger.execute.cache import Cache
from gauger.execute.worker import answer, load


@pytest.fixture
def request_(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)

    def make(function):
        return {
            "key": "k",
            "name": "name",
            "function": f"toy_jobs:{function}",
            "params": {"text": "t"},
            "inputs": {},
            "root": str(tmp_path),
        }

    return make


def test_a_job_is_answered_and_its_result_committed(request_, tmp_path):
    reply = answer(request_("write"))
    assert reply["error"] is None
    assert reply["seconds"] >= 0
    assert (Cache(tmp_path).get("k") / "text.txt").read_text() == "t"


def test_an_error_is_an_answer(request_, tmp_path, capsys):
    reply = answer(request_("fail"))
    assert (reply["error"], reply["message"]) == ("ValueError", "the loss is not finite")
    assert "toy_jobs.py" in reply["traceback"]
    assert "ValueError" in capsys.readouterr().err
    assert Cache(tmp_path).get("k") is None


def test_ctrl_c_is_no_answer(request_, monkeypatch):
    import toy_jobs

    def interrupted(params, inputs, out):
        raise KeyboardInterrupt

    monkeypatch.setattr(toy_jobs, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        answer(request_("write"))


def test_torch_is_held_to_one_thread(request_, monkeypatch):
    calls = []
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(set_num_threads=calls.append))
    load("toy_jobs:write")
    assert calls == [1]


@pytest.mark.parametrize("target", ["toy_jobs:nothing", "toy_jobs", "toy_jobs:os"])
def test_what_is_no_function_is_refused(request_, target):
    request_("write")
    with pytest.raises(JobError, match="not a function"):
        load(target)
