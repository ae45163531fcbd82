"""The key reaches the endpoint and nothing else."""

import base64
import html
import io
import json
import logging
import traceback
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from elicit.teacher.common import endpoint, question, questions
from elicit.teacher.fault_server import FaultServer, completion, encoded
from gauger.elicit.api.address import parse_teacher
from gauger.elicit.api.chat_format import read_reply
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


SLASHED = "sk-or/v1/abcdefgh+ijkl=mnop_q"
"""A key with everything in it that is spelled in several ways."""


def spellings(key):
    """How a key may stand in what an endpoint sends back."""
    content = key.encode()
    found = {
        "plain": key,
        "slashes escaped": key.replace("/", "\\/"),
        "as numbers": "".join(f"\\u{ord(letter):04x}" for letter in key),
        "as numbers, in capitals": "".join(f"\\u{ord(letter):04X}" for letter in key),
        "some as numbers": key.replace("/", "\\u002f").replace("e", "\\u0065"),
        "JSON within JSON": json.dumps(json.dumps({"key": key.replace("/", "\\/")})),
        "in an address": quote(key, safe=""),
        "in an address, twice": quote(quote(key, safe=""), safe=""),
        "in HTML": html.escape(key).replace("/", "&#x2F;").replace("+", "&#43;"),
        "in hexadecimal": content.hex(),
    }
    for before in ("", "a", "ab", "Bearer "):
        found[f"in base64 after {before!r}"] = base64.b64encode(before.encode() + content + b": end").decode()
        found[f"in base64 of addresses after {before!r}"] = base64.urlsafe_b64encode(before.encode() + content).decode()
    return found


@pytest.mark.parametrize("key", [KEY, SLASHED])
@pytest.mark.parametrize("spelling", list(spellings(KEY)))
def test_however_the_key_is_spelled_it_is_removed_and_nothing_else_is(key, spelling):
    spelled = spellings(key)[spelling]
    hidden = hide(f"before {spelled} after, 100 % \\frac{{1}}{{2}} &amp; so on", SecretStr(key))
    assert "[key removed]" in hidden
    for inner in {key, spelled, *spellings(key).values()}:
        assert inner not in hidden
    assert hidden.startswith("before ")
    assert hidden.endswith(" after, 100 % \\frac{1}{2} &amp; so on")


def test_what_can_be_recognised_and_not_be_cut_out_leaves_nothing():
    mixed = SLASHED.replace("/", "%5C%5C%5Cu002f")  # numbers spelled as an address
    assert hide(f"say {mixed}", SecretStr(SLASHED)) == "[key removed]"


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("abc\\/%&#;u0025fx =+"), max_size=40))
def test_a_text_without_the_key_stays_as_it_is(text):
    assert hide(text, SecretStr(SLASHED)) == text


@pytest.mark.parametrize(
    ("key", "spelled"),
    [("0000000%00", "0000000%0\\u0030"), ("0000000%00", "%30000000%00"), ("00000000u", "00000000\\u0075")],
)
def test_a_key_that_looks_like_a_spelling_is_removed(key, spelled):
    assert hide(f"<{spelled}>", SecretStr(key)) == "<[key removed]>"


_BEGINS_A_SPELLING = frozenset("\\%&#;uxX")


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=24), st.data())
def test_no_key_whatever_comes_through_however_each_letter_is_spelled(key, data):
    ways = (str, lambda c: f"\\u{ord(c):04x}", lambda c: f"%{ord(c):02X}", lambda c: "\\" + c, lambda c: f"&#{ord(c)};")
    way = data.draw(st.sampled_from(ways))
    some = data.draw(st.lists(st.booleans(), min_size=len(key), max_size=len(key)))
    spelled = "".join(way(letter) if chosen else letter for letter, chosen in zip(key, some, strict=True))
    hidden = hide(f"<{spelled}>", SecretStr(key))
    assert "[key removed]" in hidden
    assert not any(form in hidden for form in (key, spelled))
    if set(key).isdisjoint(_BEGINS_A_SPELLING):  # else a rest of a spelling may stay, such as the 0075 of an escaped u
        assert hidden in ("<[key removed]>", "[key removed]")


@pytest.mark.parametrize("status", [200, 400, 401])
@pytest.mark.parametrize("spelled", [SLASHED.replace("/", "\\/"), SLASHED.replace("/", "\\u002f")])
def test_a_key_that_json_escapes_reaches_no_sink(status, spelled, monkeypatch, tmp_path, log):
    monkeypatch.setenv("GAUGER_API_KEY", SLASHED)

    def answer(_, body):
        found = encoded(completion(body, "KEY", reasoning="KEY")) if status == 200 else b'{"error": {"message": "KEY"}}'
        return status, {}, found.replace(b"KEY", spelled.encode())

    path, raised = tmp_path / "replies.jsonl", ""
    with FaultServer(answer=answer) as server:
        try:
            replies = list(Journalled(endpoint(server.url), path).ask([question("echo")]))
        except UserError as error:
            replies, raised = [], everything(error)
    seen = repr(replies) + raised + path.read_text() + log.getvalue()
    assert "[key removed]" in repr(replies) + raised
    assert SLASHED not in seen
    assert spelled not in seen


def test_half_a_json_that_ends_amid_the_key_shows_no_part_of_it():
    text = '{"choices": "' + "x" * 20 + KEY + "y" * 70
    fault = read_reply(text.encode(), lambda found: hide(found, SecretStr(KEY)), "http://host/v1")
    assert KEY[-8:] not in fault.what


def test_tokens_that_spell_the_key_one_after_the_other_are_not_kept():
    tokens = [{"token": KEY[place : place + 4], "logprob": -0.1} for place in range(0, len(KEY), 4)]
    body = {"choices": [{"message": {"content": KEY}, "logprobs": {"content": tokens}, "finish_reason": "stop"}]}
    reply = read_reply(encoded(body), lambda found: hide(found, SecretStr(KEY)), "http://host/v1")
    assert (reply.text, reply.log_probabilities) == ("[key removed]", ())
    assert KEY[4:8] not in repr(reply.raw)
