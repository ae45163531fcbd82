"""Batches: files in, files out; the ledger is the server's bill, and no end of a process pays anything twice."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from elicit.api.batch_server import EACH_USD, PRICES, BatchServer, teacher
from elicit.api.quirks import BATCHES
from elicit.teacher.common import QUICK, question, questions
from elicit.teacher.fault_server import completion
from gauger.elicit.api import batch_session
from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.journalled import Journalled
from gauger.elicit.teacher.messages import ReplyOutcome
from gauger.errors import UserError

HERE = Path(__file__).parents[2]


def budget(**limits):
    return QueryBudget(**limits, prices=PRICES.times(0.5))


def ask(server, path, asked, found=None, **options):
    """Return the replies in order, of a journal."""
    return dict(Journalled(teacher(server.url, found or budget(), **options), path).ask(asked))


def costs(replies):
    return [sum(getattr(one, name) for one in replies.values()) for name in ("cost_usd", "cost_most_usd")]


def prompt(body):
    return body["messages"][-1]["content"]


def test_a_batch_answers_as_single_requests_do_at_half_the_price(tmp_path):
    spent = budget()
    with BatchServer() as server:
        replies = ask(server, tmp_path / "r.jsonl", questions(12), spent)
    assert len(server.batches) == 1
    assert server.paid.total() == len(replies) == 12
    assert replies[3].text == "answer to question 3 (0)"
    assert replies[9].outcome is ReplyOutcome.REFUSED
    assert all(reply.raw is not None and reply.requests == 1 for reply in replies.values())
    assert costs(replies) == pytest.approx([12 * EACH_USD / 2] * 2)
    assert spent.spent.usd == pytest.approx(12 * EACH_USD / 2)


def test_what_was_answered_is_not_asked_again_in_batches_or_one_by_one(tmp_path):
    path = tmp_path / "r.jsonl"
    with BatchServer() as server:
        first = ask(server, path, questions(3))
        assert {n: reply.text for n, reply in ask(server, path, questions(3), batch=False).items()} == {
            n: reply.text for n, reply in first.items()
        }
        assert server.paid.total() == 3


@pytest.mark.parametrize("quirk", BATCHES, ids=lambda quirk: quirk.name)
def test_what_becomes_of_one_request_of_a_batch_is_its_own(tmp_path, quirk):
    def say(number, body):
        return quirk.line if number == 0 and prompt(body) == "question 1" else (200, completion(body))

    spent = budget()
    with BatchServer(say, lambda number: {"status": quirk.ending if number == 0 else "completed"}) as server:
        replies = ask(server, tmp_path / "r.jsonl", questions(3), spent)
    assert [len(bodies) for bodies in server.asked] == [3, 1][: quirk.requests]
    one = replies[1]
    assert (one.outcome, one.requests, one.paid_again, one.respelt) == (
        quirk.outcome,
        quirk.requests,
        quirk.paid_again,
        quirk.respelt,
    )
    bill, (stated, most) = server.paid.total() * EACH_USD / 2, costs(replies)
    assert stated <= bill + 1e-9
    assert bill <= most + 1e-9
    assert spent.spent.usd == pytest.approx(most)
    assert quirk.paid_again or stated == pytest.approx(most)


def test_lines_that_never_come_are_given_up_as_soon_as_single_requests(tmp_path):
    few = replace(QUICK, attempts=3)
    with BatchServer(lambda _, body: "batch_expired") as server:
        replies = ask(server, tmp_path / "r.jsonl", questions(2), patience=few)
    assert len(server.asked) == 3
    assert {(reply.outcome, reply.requests, reply.cost_usd) for reply in replies.values()} == {
        (ReplyOutcome.FAILED, 3, 0.0)
    }
    assert "given up after 3 attempts: in a batch: batch_expired" in replies[0].error


def test_a_batch_is_cut_to_what_the_budget_has_room_for_at_the_most(tmp_path):
    most = budget().most(question("question 0")).usd
    limit = 2.5 * most
    spent = budget(max_usd=limit)
    with BatchServer() as server:
        replies = ask(server, tmp_path / "r.jsonl", questions(9), spent)
    assert len(server.asked[0]) == 2
    assert all(len(bodies) * most <= limit for bodies in server.asked)
    assert len(replies) == server.paid.total()
    assert spent.spent.usd == pytest.approx(server.paid.total() * EACH_USD / 2)
    assert spent.spent.usd <= limit


def test_long_lists_are_cut_into_several_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(batch_session, "_MOST_LINES", 4)
    with BatchServer() as server:
        assert len(ask(server, tmp_path / "r.jsonl", questions(9))) == 9
    assert [len(bodies) for bodies in server.asked] == [4, 4, 1]


def test_a_batch_that_fails_as_a_whole_costs_nothing_and_says_why(tmp_path):
    errors = {"data": [{"code": "model_not_found", "message": "no such model for batches"}]}
    with BatchServer(ending=lambda _: {"status": "failed", "errors": errors}) as server:
        with pytest.raises(UserError, match="no such model for batches"):
            ask(server, tmp_path / "r.jsonl", questions(2))
        server.ending = None
        replies = ask(server, tmp_path / "r.jsonl", questions(2))
    assert costs(replies) == pytest.approx([2 * EACH_USD / 2] * 2)


def test_a_full_queue_is_waited_for(tmp_path):
    errors = {"data": [{"code": "token_limit_exceeded", "message": "too many"}]}
    full = {"status": "failed", "errors": errors}
    with BatchServer(ending=lambda number: full if number == 0 else {"status": "completed"}) as server:
        replies = ask(server, tmp_path / "r.jsonl", questions(2))
    assert len(server.asked) == 2
    assert costs(replies) == pytest.approx([2 * EACH_USD / 2] * 2)


def test_faults_around_a_batch_are_tried_again_and_a_batch_is_begun_once(tmp_path):
    away = [
        ("POST", "/v1/files", 503),
        ("POST", "/v1/batches", 504),
        ("GET", "/v1/batches/", 503),
        ("GET", "/v1/files", 503),
    ]
    with BatchServer(turned_away=away) as server:
        replies = ask(server, tmp_path / "r.jsonl", questions(3))
        assert not server.turned_away
    assert len(server.batches) == 1, "the gateway's 504 hid that the batch was begun"
    assert costs(replies) == pytest.approx([3 * EACH_USD / 2] * 2)


@pytest.mark.parametrize("stage", ["uploaded", "created", "polled", "downloaded"])
def test_a_kill_at_any_stage_loses_nothing_and_pays_nothing_twice(tmp_path, stage):
    path, others = tmp_path / "r.jsonl", []

    def kill(reached):
        if reached == stage and others:
            os.kill(others.pop().pid, signal.SIGKILL)

    with BatchServer(at=kill) as server:
        command = [sys.executable, "-m", "elicit.api.batch_server", server.url, str(path), "6"]
        seen = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])}
        others.append(process := subprocess.Popen(command, env=seen))
        assert process.wait(60) == -signal.SIGKILL
        one_by_one = pytest.raises(UserError, match="one by one")
        with one_by_one:
            ask(server, path, questions(6), batch=False)
        spent = budget()
        replies = ask(server, path, questions(6), spent)
    assert set(server.paid.values()) == {1}
    assert len(server.batches) == 1
    assert costs(replies) == pytest.approx([6 * EACH_USD / 2] * 2)
    assert spent.spent.usd == pytest.approx(6 * EACH_USD / 2)
    assert {reply.paid_again for reply in replies.values()} == {0}


def begun(tmp_path, **options):
    """Leave a batch behind: its session is told to stop as soon as it looks."""
    path = tmp_path / "r.jsonl"
    server = BatchServer(**options)
    sessions = []
    server.at = lambda stage: stage == "polled" and [one.stop() for one in sessions]
    return path, server, sessions


def test_a_stopped_session_leaves_its_batch_to_the_next_and_counts_it_meanwhile(tmp_path, monkeypatch):
    path, server, sessions = begun(tmp_path)
    server.ending = lambda _: {"status": "in_progress"}
    made = batch_session.BatchSession.__init__
    monkeypatch.setattr(
        batch_session.BatchSession, "__init__", lambda self, *args: (made(self, *args), sessions.append(self))[0]
    )
    with server:
        first = Journalled(teacher(server.url, budget()), path)
        assert dict(first.ask(questions(2))) == {}
        assert sum(reply.paid_again for reply in first.unseen()) == 2, "it may be paid"
        sessions.clear()
        server.at = None
        server.batches["batch/0"]["status"] = "completed"
        replies = ask(server, path, questions(2))
        assert set(server.paid.values()) == {1}
        assert costs(replies) == pytest.approx([2 * EACH_USD / 2] * 2)
        server.ending = lambda _: {"status": "in_progress"}


def test_elsewhere_or_gone_a_batch_is_not_paid_again_unsaid(tmp_path, monkeypatch):
    path, server, sessions = begun(tmp_path)
    server.ending = lambda _: {"status": "in_progress"}
    made = batch_session.BatchSession.__init__
    monkeypatch.setattr(
        batch_session.BatchSession, "__init__", lambda self, *args: (made(self, *args), sessions.append(self))[0]
    )
    with server, BatchServer() as other:
        assert ask(server, path, questions(2)) == {}
        with pytest.raises(UserError, match="begun at http"):
            ask(other, path, questions(2))
        assert not other.asked
        sessions.clear()
        server.batches.clear()
        server.ending = server.at = None
        replies = ask(server, path, questions(2))
    assert {reply.paid_again for reply in replies.values()} == {1}


def test_an_endpoint_without_batches_is_named(tmp_path):
    with BatchServer() as server:
        server.posted = lambda *_: (404, {"error": {"message": "no such path"}})
        with pytest.raises(UserError, match="an endpoint with an interface for batches"):
            ask(server, tmp_path / "r.jsonl", questions(2))


def test_a_batch_that_is_gone_at_once_is_left_to_the_next_run_and_not_begun_again(tmp_path):
    with BatchServer() as server:
        kept = server.batches
        server.at = lambda stage: stage == "polled" and setattr(server, "batches", {})
        with pytest.raises(UserError, match="which was just begun"):
            ask(server, tmp_path / "r.jsonl", questions(2))
        server.at, server.batches = None, kept
        replies = ask(server, tmp_path / "r.jsonl", questions(2))
    assert set(server.paid.values()) == {1}
    assert {reply.paid_again for reply in replies.values()} == {0}
