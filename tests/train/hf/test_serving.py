"""A local model behind a real OpenAI-compatible server (transformers' own), asked over HTTP on loopback."""

import os
import socket
import subprocess
import sys
import time

import httpx
import pytest
from tests.train.models import hf_model

from gauger.elicit.api.address import parse_teacher
from gauger.elicit.api.endpoint import OpenAIEndpoint
from gauger.elicit.teacher.messages import Message, Request
from gauger.train.teacher import LocalTeacher

START_S = 120
SERVE = "import sys; from transformers.cli.transformers import main; sys.argv[0] = 'transformers'; main()"


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Serve a small model; the server is another process that is ended afterwards."""
    directory, port = tmp_path_factory.mktemp("served") / "model", free_port()
    hf_model(3, sharp=20.0).save(directory)
    command = [sys.executable, "-c", SERVE, "serve", str(directory), "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    log = directory.parent / "log.txt"
    with log.open("wb") as written:
        server = subprocess.Popen([*command, "--device", "cpu"], env=environment, stdout=written, stderr=written)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", server, log)
        yield f"http://127.0.0.1:{port}/v1#{directory}"
    finally:
        server.terminate()
        server.wait(30)


def wait_for(url, server, log):
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        assert server.poll() is None, log.read_text()
        try:
            if httpx.get(url, timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError(log.read_text())


def test_answers_over_http_are_the_models_own(served, monkeypatch):
    monkeypatch.setenv("GAUGER_API_KEY", "not-needed-but-sent")
    requests = [Request((Message("user", text),), 6) for text in ("2+2=", "name a colour", "hi")]
    local = dict(LocalTeacher("local", hf_model(3, sharp=20.0)).ask(requests))
    replies = dict(OpenAIEndpoint(parse_teacher(served)).ask(requests))
    assert sorted(replies) == [0, 1, 2]
    for index, reply in replies.items():
        assert (reply.text, reply.outcome) == (local[index].text, local[index].outcome)
        assert (reply.tokens_in, reply.tokens_out) == (local[index].tokens_in, local[index].tokens_out)
