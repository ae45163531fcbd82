"""The key reaches the endpoint and nothing else."""

import io
import logging
import traceback

import pytest

from elicit.teacher.common import endpoint, question, questions
from elicit.teacher.fault_server import FaultServer, completion, encoded
from gauger.elicit.api.endpoint import parse_teacher
from gauger.elicit.api.secret import api_key, hide
from gauger.elicit.teacher.journalled import Journalled
from gauger.elicit.teacher.messages import ReplyOutcome
from gauger.errors import UserError

KEY = "sk-planted-0123456789abcdef"


@pytest.fixture(autouse=True)
def planted(monkeypatch):
    monkeypatch.setenv("GAUGER_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-the-other-one")


@pytest.fixture
def log():
    """Everything that anybody logs."""
    stream = io.StringIO()
    handler, root = logging.StreamHandler(stream), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.setLevel(level)
    root.removeHandler(handler)


def everything(error):
    """A traceback with causes, contexts and the local variables of every frame."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format(chain=True))


def echo(status, **reply):
    """A server that sends the key back, in its headers too."""

    def answer(headers, body):
        assert headers["authorization"] == f"Bearer {KEY}"
        said = headers["authorization"]
        content = encoded(
            completion(body, said, reasoning_content=said) if status == 200 else {"error": {"message": said}}
        )
        return status, {"X-Echo": said}, content

    return answer


def test_a_reply_that_holds_the_key_is_cleared_of_it(tmp_path, log):
    path = tmp_path / "replies.jsonl"
    with FaultServer(answer=echo(200)) as server:
        teacher = endpoint(server.url)
        ((_, reply),) = Journalled(teacher, path).ask([question("echo")])
    assert reply.text == reply.reasoning == "Bearer [key removed]"
    seen = repr(teacher) + repr(vars(teacher)) + repr(reply) + path.read_text() + log.getvalue() + teacher.name
    assert "Bearer [key removed]" in path.read_text()
    assert "HTTP" in log.getvalue()  # the log was on
    assert KEY not in seen


def test_a_failed_reply_and_its_journal_do_not_hold_the_key(tmp_path, log):
    path = tmp_path / "replies.jsonl"
    with FaultServer(answer=echo(400)) as server:
        ((_, reply),) = Journalled(endpoint(server.url), path).ask([question("echo")])
    assert reply.outcome is ReplyOutcome.FAILED
    assert reply.error == "HTTP 400: Bearer [key removed]"
    assert KEY not in repr(reply) + path.read_text() + log.getvalue()


@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_a_closed_door_is_the_users_and_its_traceback_does_not_hold_the_key(status, tmp_path, log):
    path = tmp_path / "replies.jsonl"
    with FaultServer(answer=echo(status)) as server, pytest.raises(UserError) as raised:
        list(Journalled(endpoint(server.url), path).ask(questions(5)))
    assert f"HTTP {status}: Bearer [key removed]" in str(raised.value)
    assert raised.value.hint
    shown = everything(raised.value)
    assert "session.py" in shown
    assert KEY not in shown + path.read_text() + log.getvalue()


def test_a_failed_connection_does_not_show_the_key(log):
    with FaultServer(1.0, faults=("reset", "cut off")) as server:
        replies = [reply for _, reply in endpoint(server.url).ask(questions(2))]
    assert [reply.outcome for reply in replies] == [ReplyOutcome.FAILED] * 2
    assert KEY not in repr(replies) + log.getvalue()


@pytest.mark.parametrize("end", ["\nsecond", "\x01", "é"])
def test_a_key_that_cannot_be_sent_is_not_shown_either(monkeypatch, end):
    monkeypatch.setenv("GAUGER_API_KEY", KEY + end)
    with pytest.raises(UserError, match="GAUGER_API_KEY") as raised:
        list(endpoint("http://127.0.0.1:1/v1").ask([question("never sent")]))
    assert KEY not in everything(raised.value)


def test_gaugers_own_variable_comes_first_and_blanks_around_it_do_not_count(monkeypatch):
    monkeypatch.setenv("GAUGER_API_KEY", f"  {KEY}\n")
    assert api_key().get_secret_value() == KEY
    monkeypatch.setenv("GAUGER_API_KEY", " ")
    assert api_key().get_secret_value() == "sk-the-other-one"
    monkeypatch.delenv("OPENAI_API_KEY")
    assert api_key() is None


def test_a_placeholder_is_no_secret(monkeypatch):
    monkeypatch.setenv("GAUGER_API_KEY", "none")
    assert hide("none of these", api_key()) == "none of these"


@pytest.mark.parametrize(
    "text", [f"https://user:{KEY}@host/v1#m", f"https://{KEY}@host/v1#m", f"https://h/v1?key={KEY}#m"]
)
def test_an_address_with_a_secret_is_refused_without_repeating_it(text):
    with pytest.raises(UserError, match="GAUGER_API_KEY") as raised:
        parse_teacher(text)
    assert KEY not in str(raised.value)
