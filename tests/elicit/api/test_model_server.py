"""A served model: begun, waited for, asked as any endpoint, and gone afterwards with all that it started."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.elicit.api import stub_server

from gauger.elicit.api.address import Address
from gauger.elicit.api.dialect import Dialect
from gauger.elicit.api.endpoint import OpenAIEndpoint
from gauger.elicit.api.model_server import ModelServer, ServerCommand, answers, free_port, server_command
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
