"""A served model: begun, waited for, asked as any endpoint, and gone afterwards with all that it started."""

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.elicit.api import stub_server

from gauger.elicit.api import held_port
from gauger.elicit.api.address import Address
from gauger.elicit.api.dialect import Dialect
from gauger.elicit.api.endpoint import OpenAIEndpoint
from gauger.elicit.api.held_port import HeldPort, free_port
from gauger.elicit.api.model_server import ModelServer, ServerCommand, answers, server_command
from gauger.elicit.api.pacing import Pace
from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.messages import Message, Request
from gauger.errors import GaugerError, UserError
from gauger.execute.keeper import marked

STUB = Path(stub_server.__file__)


def serving(mode="echo", **settings):
    return ServerCommand(f"{sys.executable} {STUB} {{model}} {{port}} {mode}", **settings)


def asked(server, kind, text, **more):
    address = Address(f"{server.address}/v1", "m", Dialect(kind=kind), **more)
    ((_, reply),) = OpenAIEndpoint(address).ask([Request((Message("user", text),), 5)])
    return reply.text


@pytest.mark.parametrize("kind", ["chat", "completions"])
def test_it_answers_in_both_manners_and_is_gone_afterwards(tmp_path, kind):
    with ModelServer(serving(), tmp_path / "m", tmp_path / "log") as server:
        assert asked(server, kind, "one two three four") == "four three two"
    assert not answers(server.port, "/health")
    if sys.platform == "linux":
        assert not marked(server.program.mark)
    assert stub_server.LISTENS in (tmp_path / "log").read_text()


def test_our_own_server_gets_no_key_and_sees_none(tmp_path, monkeypatch):
    """Adversary: an address that is not marked as ours is sent the key."""
    monkeypatch.setenv("GAUGER_API_KEY", "sk-planted-in-a-test")
    with ModelServer(serving(), tmp_path, tmp_path / "log") as server:
        asked(server, "chat", "x", keyless=True)
        assert "sk-planted" not in (tmp_path / "log").read_text()
        assert "tokens: []" in (tmp_path / "log").read_text()
        asked(server, "chat", "x")
        assert "sk-planted" in (tmp_path / "log").read_text()


def test_one_that_ends_before_it_answers_says_why(tmp_path):
    with pytest.raises(GaugerError, match=r"exit code 1:\nno such device"):
        ModelServer(serving("broken"), tmp_path, tmp_path / "log").__enter__()


def test_one_that_never_answers_is_ended(tmp_path):
    server = ModelServer(serving("slow", start_s=0.5), tmp_path, tmp_path / "log")
    with pytest.raises(GaugerError, match="/health did not answer within"):
        server.__enter__()
    if sys.platform == "linux":
        assert not marked(server.program.mark)


# --- one that ends while it is asked -------------------------------------------------------------------------------

ASKED = [Request((Message("user", f"{n} one two three"),), 5) for n in range(8)]


def mortal(tmp_path, lives, **settings):
    """A server that is killed at its third request, so many times, and an endpoint that asks it."""
    (tmp_path / "lives").write_text(str(lives))
    server = ModelServer(serving(f"echo {tmp_path / 'lives'}", **settings), tmp_path, tmp_path / "log")
    address = Address(f"{server.address}/v1", "m", Dialect(kind="chat"), keyless=True)
    return server, OpenAIEndpoint(address, QueryBudget(max_queries=8), Pace(2), server=server)


def test_one_that_is_killed_is_started_again_and_only_what_was_in_flight_is_repeated(tmp_path, capsys):
    """All is answered, with a budget that has no room for more, and nothing of the three servers is left."""
    server, endpoint = mortal(tmp_path, 2)
    marks = set()
    with server:
        for _, reply in endpoint.ask(ASKED):
            marks.add(server.program.mark)
            assert reply.text == "three two one"
    log = (tmp_path / "log").read_text()
    assert (server.restarts, log.count(stub_server.LISTENS)) == (2, 3)
    assert 2 <= log.count("authorised with") - len(ASKED) <= 2 * 2, "at most two are in flight as it is killed"
    spent = endpoint.budget.spent
    assert (spent.queries, spent.queries_unseen) == (len(ASKED), 0)
    told = capsys.readouterr().err
    assert "ended with exit code 137; start 2 of 3, its log ended\n" in told
    assert "start 3 of 3" in told
    assert stub_server.LISTENS in told
    if sys.platform == "linux":
        assert not any(marked(mark) for mark in (*marks, server.program.mark))


def test_one_that_is_killed_every_time_ends_in_an_error_with_its_log(tmp_path):
    server, endpoint = mortal(tmp_path, 99)
    with server, pytest.raises(UserError, match="a server that stays until all is asked") as caught:
        list(endpoint.ask(ASKED))
    assert "exit code 137 after it was started again 2 times, its log ending" in str(caught.value)
    assert "authorised with" in str(caught.value)
    assert (tmp_path / "log").read_text().count(stub_server.LISTENS) == 3
    if sys.platform == "linux":
        assert not marked(server.program.mark)


def test_one_that_does_not_begin_again_says_why(tmp_path, monkeypatch):
    monkeypatch.setenv("STUB_AFTER", "none")
    server, endpoint = mortal(tmp_path, 1, environment=("STUB_AFTER",))
    with server, pytest.raises(UserError, match=r"exit code 1 after it was started again 2 times(.|\n)*no such device"):
        list(endpoint.ask(ASKED))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends a program with its keeper on Linux alone")
def test_one_whose_keeper_is_killed_is_started_again(tmp_path):
    server, endpoint = mortal(tmp_path, 0)
    with server:
        os.kill(server.program._keeper.pid, signal.SIGKILL)
        assert {reply.text for _, reply in endpoint.ask(ASKED)} == {"three two one"}
        assert server.restarts == 1
    assert not marked(server.program.mark)


def test_one_that_is_asked_by_others_is_revived_twice_and_then_given_up(tmp_path):
    with ModelServer(serving(), tmp_path, tmp_path / "log") as server:
        server.revive()
        assert (server.restarts, server.is_running()) == (0, True)
        for restarts in (1, 2):
            os.kill(server.program._keeper.pid, signal.SIGKILL)
            while server.is_running():
                time.sleep(0.01)
            server.revive()
            assert (server.restarts, server.ready()) == (restarts, True)
        server.program.stop()
        with pytest.raises(UserError, match="a server that stays until all is asked"):
            server.revive()


def test_one_that_runs_and_one_that_was_left_are_not_begun_again(tmp_path):
    with ModelServer(serving(), tmp_path, tmp_path / "log") as server:
        assert not server.begin_again()
        mark = server.program.mark
    assert not server.begin_again()
    assert (server.program.mark, server.restarts) == (mark, 0)


def test_another_place_of_health_is_asked(tmp_path):
    with pytest.raises(GaugerError, match="/nowhere did not answer"):
        ModelServer(serving(health="/nowhere", start_s=1.5), tmp_path, tmp_path / "log").__enter__()


def test_a_command_is_filled_in_and_a_path_with_a_space_stays_one_argument(tmp_path):
    command = "x --m {model} --port={port} -n {gpus}"
    assert server_command(command, Path("/a b"), 81, 2) == ["x", "--m", "/a b", "--port=81", "-n", "2"]
    for wrong, message in (("x {port}", "{model}"), ("x {model}", "{port}"), ("x {model} {port} {seed}", "{seed}")):
        with pytest.raises(UserError, match=message):
            server_command(wrong, tmp_path, 1, 0)


def test_fewer_gpus_than_wanted_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pytest.raises(GaugerError, match="wants 2 GPUs, and this job may use 1"):
        ModelServer(replace(serving(), gpus=2), tmp_path, tmp_path / "log")


def test_ports_are_free():
    assert len({free_port() for _ in range(5)}) > 1


def test_a_port_is_given_to_one_job_until_it_is_let_go_of(tmp_path, monkeypatch):
    """Adversary: two jobs are given one port before either's server listens, and one measures the other's model."""
    ports = iter([7001, 7001, 7002, 7001])
    monkeypatch.setattr(held_port, "free_port", lambda: next(ports))
    first, second = HeldPort(tmp_path), HeldPort(tmp_path)
    assert (first.number, second.number) == (7001, 7002)
    first.let_go()
    assert HeldPort(tmp_path).number == 7001


def test_one_that_ended_is_not_up_although_somebody_else_answers_on_its_port(tmp_path, monkeypatch):
    with ModelServer(serving(), tmp_path, tmp_path / "log") as other:
        monkeypatch.setattr(held_port, "free_port", lambda: other.port)
        monkeypatch.setattr(held_port.tempfile, "gettempdir", lambda: str(tmp_path))  # a user with other locks
        late = ModelServer(serving(), tmp_path, tmp_path / "late")
        begin = late._begin

        def begun_and_ended():
            begin()
            while late.is_running():
                time.sleep(0.05)

        monkeypatch.setattr(late, "_begin", begun_and_ended)
        with pytest.raises(GaugerError, match=r"the model's server ended with exit code 1:[\s\S]*in use"):
            late.__enter__()
