"""Every quirk of the table is met as the table says, in one request where nothing has to be asked again."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elicit.api.quirks import ALL, BEGIN, END, USAGE, fault, pieces, refuses, table, whole
from elicit.teacher.common import QUICK, question, questions
from elicit.teacher.fault_server import FaultServer
from gauger.elicit.api.address import Address, parse_teacher
from gauger.elicit.api.dialect import Dialect, without_system
from gauger.elicit.api.endpoint import OpenAIEndpoint
from gauger.elicit.api.stream import BrokenStreamError, joined_stream
from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.journalled import Journalled
from gauger.elicit.teacher.messages import Message, ReplyOutcome, Request
from gauger.elicit.teacher.prices import Prices
from gauger.errors import UserError

DOCS = Path(__file__).parents[3] / "docs" / "teachers.md"
TALK = Request((Message("system", "Be brief."), Message("user", "Hello.")), 20)


def teacher(server, patience=None, budget=None, dialect=None, **place):
    address = replace(parse_teacher(f"{server.url}#m"), dialect=dialect or Dialect(), **place)
    return OpenAIEndpoint(address, budget, None, patience or replace(QUICK, attempts=2))


@pytest.mark.parametrize("quirk", [one for rows in ALL.values() for one in rows], ids=lambda one: one.name)
def test_every_quirk(quirk, tmp_path):
    with FaultServer(answer=lambda _, body: quirk.answer(body)) as server:
        asked = Journalled(teacher(server), tmp_path / "replies.jsonl")
        ((_, reply),) = asked.ask([TALK])
        assert len(server.bodies) == quirk.requests
        found = (str(reply.outcome), reply.text, reply.reasoning, reply.flags, reply.respelt, reply.unpaid)
        assert found == (quirk.outcome, quirk.text, quirk.reasoning, quirk.flags, quirk.respelt, quirk.unpaid)
        assert quirk.said in (reply.error or "")
        if reply.outcome is not ReplyOutcome.FAILED:
            ((_, again),) = Journalled(teacher(server), tmp_path / "replies.jsonl").ask([TALK])
            assert len(server.bodies) == quirk.requests, "what came is kept, whatever it was"
            assert replace(again, error=None) == replace(reply, error=None)


def test_a_model_is_respelt_once_and_no_prompt_is_lost():
    with FaultServer(
        answer=lambda _, body: refuses("temperature", fault(400, "temperature: unsupported"))(body)
    ) as server:
        asked = teacher(server)
        assert {reply.text for _, reply in asked.ask(questions(40))} == {"A"}
        first = len(server.bodies)
        assert first <= 40 + 16, "those that were in flight when it was learnt"
        assert {reply.respelt for _, reply in asked.ask(questions(40))} == {("asked without temperature",)}
        assert len(server.bodies) == first + 40


def test_a_refused_prompt_costs_nothing_and_leaves_the_others(tmp_path):
    def answer(_, body):
        return fault(403, "flagged") if "7" in body["messages"][-1]["content"] else whole()

    budget = QueryBudget(max_usd=1.0, prices=Prices(1, 10))
    with FaultServer(answer=answer) as server:
        replies = dict(Journalled(teacher(server, budget=budget), tmp_path / "j.jsonl").ask(questions(20)))
    assert [str(replies[n].outcome) for n in (6, 7, 17, 18)] == ["answered", "refused", "refused", "answered"]
    assert budget.spent.queries == 18


def test_a_key_that_may_not_use_the_model_still_ends_the_run():
    shut = fault(403, "Your key has no access to this model")
    with (
        FaultServer(answer=lambda _, __: shut) as server,
        pytest.raises(UserError, match="a key that may use this model"),
    ):
        list(teacher(server).ask(questions(3)))


def test_what_is_set_besides_is_sent_as_it_is_and_a_null_takes_away():
    dialect = Dialect(
        effort="low", top_p=0.9, extra={"seed": None, "service_tier": "flex", "provider": {"only": ["x"]}}
    )
    with FaultServer(answer=lambda _, __: whole()) as server:
        list(teacher(server, dialect=dialect).ask([question("a")]))
        (body,) = server.bodies
    assert "seed" not in body
    assert (body["reasoning_effort"], body["top_p"], body["service_tier"]) == ("low", 0.9, "flex")
    assert body["provider"] == {"only": ["x"]}


def test_headers_and_query_are_sent_and_secrets_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("AZURE_SECRET", "not-a-real-secret-1")
    seen = []

    def answer(headers, _):
        seen.append(headers)
        return fault(400, "the key not-a-real-secret-1 is wrong")

    headers = {"api-key": "$AZURE_SECRET", "X-Title": "gauger"}
    with FaultServer(answer=answer) as server:
        ((_, reply),) = teacher(server, headers=headers, query={"api-version": "2024-10-21"}).ask([question("a")])
    assert (seen[0]["api-key"], seen[0]["x-title"]) == ("not-a-real-secret-1", "gauger")
    assert "not-a-real" not in reply.error
    assert Address("u", "m", query={"api-version": "2024-10-21"}).sent_query == "?api-version=2024-10-21"
    monkeypatch.delenv("AZURE_SECRET")
    with pytest.raises(UserError, match="environment variable AZURE_SECRET"):
        Address("u", "m", headers=headers).sent_headers()
    for name in ("api-key", "Authorization", "X-Secret"):
        with pytest.raises(UserError, match="the name of an environment variable"):
            Address("u", "m", headers={name: "sk-in-the-open"})


def test_a_reply_that_is_too_slow_is_asked_once_and_says_what_helps():
    with FaultServer(1.0, faults=("stall",)) as server:
        ((_, reply),) = teacher(server, replace(QUICK, total_s=0.3)).ask([question("a")])
        assert server.met == {"stall": 1}
    assert (reply.outcome, reply.paid_again) == (ReplyOutcome.FAILED, 1)
    assert "no whole reply within 0.3 s" in reply.error
    assert "streaming" in reply.error


def test_a_stream_is_asked_for_and_read_as_if_it_had_come_at_once():
    with FaultServer(answer=lambda _, __: pieces({"content": "A"}, {"content": " b"})) as server:
        ((_, reply),) = teacher(server, dialect=Dialect(stream=True)).ask([question("a")])
        assert server.bodies[0]["stream"] is True
    assert (reply.text, reply.tokens_in, reply.tokens_out) == (
        "A b",
        USAGE["prompt_tokens"],
        USAGE["completion_tokens"],
    )


@pytest.mark.parametrize(
    "content", [pieces({"content": "A"}, finish=None, done=False)[2], b"data: {\n\n", b"data: 7\n\n"]
)
def test_half_a_stream_is_no_reply(content):
    with pytest.raises(BrokenStreamError):
        joined_stream(content)


WORDS = st.lists(st.text(max_size=4), min_size=1, max_size=6)


@given(WORDS, WORDS)
def test_a_stream_adds_up_to_what_was_cut_into_pieces(thoughts, words):
    deltas = [{"reasoning_content": one} for one in thoughts] + [{"content": one} for one in words]
    body = joined_stream(pieces(*deltas)[2])
    message = body["choices"][0]["message"]
    assert (message["reasoning_content"], message["content"]) == ("".join(thoughts), "".join(words))
    assert (body["choices"][0]["finish_reason"], body["usage"]) == ("stop", USAGE)


def test_log_probabilities_of_a_stream_follow_one_another():
    lines = [
        {"choices": [{"delta": {"content": c}, "logprobs": {"content": [{"token": c, "logprob": -1.0}]}}]} for c in "ab"
    ]
    content = "".join(f": keep alive\ndata: {json.dumps(line)}\n\n" for line in lines) + "data: [DONE]\n\n"
    body = joined_stream(content.encode())
    assert [one["token"] for one in body["choices"][0]["logprobs"]["content"]] == ["a", "b"]


def test_the_words_of_the_system_come_before_those_of_the_user():
    said = (Message("system", "S"), Message("user", "1"), Message("assistant", "2"), Message("user", "3"))
    assert without_system(said) == (Message("user", "S\n\n1"), *said[2:])
    assert without_system((Message("system", "S"),)) == (Message("user", "S"),)
    assert without_system(said[1:]) == said[1:]


def test_the_documentation_holds_the_table():
    text = DOCS.read_text("utf-8")
    assert text.split(BEGIN)[1].split(END)[0].strip() == table(), (
        "cd tests; python -m elicit.api.quirks ../docs/teachers.md"
    )
