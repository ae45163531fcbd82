"""What is sent, what is read back, and what happens at the limits."""

import sys
import threading
import time
from dataclasses import replace
from itertools import islice, pairwise

import pytest

from elicit.teacher.common import QUICK, endpoint, question, questions
from elicit.teacher.fault_server import FaultServer, completion, encoded
from gauger.elicit.api.address import parse_teacher
from gauger.elicit.api.dialect import Dialect
from gauger.elicit.api.endpoint import OpenAIEndpoint
from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.messages import Message, ReplyOutcome, Request
from gauger.errors import MissingExtraError, UserError


@pytest.mark.parametrize(
    ("text", "url", "model"),
    [
        ("http://localhost:8000/v1#m", "http://localhost:8000/v1", "m"),
        (" https://host/v1/#org/model-7B ", "https://host/v1", "org/model-7B"),
        ("https://host/v1/chat/completions#m", "https://host/v1", "m"),
        ("http://host#a#b", "http://host", "a#b"),
    ],
)
def test_a_teacher_is_an_address_and_a_model(text, url, model):
    address = parse_teacher(text)
    assert (address.url, address.model) == (url, model)
    assert OpenAIEndpoint(address).name == f"{url}#{model}"


@pytest.mark.parametrize("text", ["", "m", "http://host/v1", "http://host/v1#", "#m", "ftp://host#m", "http://h:x/#m"])
def test_another_form_is_refused_with_an_example(text):
    with pytest.raises(UserError, match="as in http://localhost:8000/v1#my-model"):
        parse_teacher(text)


def test_everything_in_a_request_is_sent():
    messages = (Message("system", "be brief"), Message("user", "hello"))
    request = Request(messages, 30, temperature=0.7, seed=4, stop=("\n",), top_log_probabilities=3)
    with FaultServer() as server:
        list(endpoint(server.url).ask([request, question("plain")]))
        first, second = sorted(server.bodies, key=lambda body: -len(body))
    assert first == {
        "model": "m",
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}],
        "max_tokens": 30,
        "temperature": 0.7,
        "seed": 4,
        "logprobs": True,
        "top_logprobs": 3,
    }
    assert second == {
        "model": "m",
        "messages": [{"role": "user", "content": "plain"}],
        "max_tokens": 20,
        "temperature": 0.0,
        "seed": 0,
    }


def test_stops_go_to_those_who_continue_texts_and_chats_are_cut_at_them():
    request, text = question("plain", stop=("\n",)), "<think>\nb\n</think>\na\nand more"
    choice = {"finish_reason": "length", "text": text, "message": {"content": text}}
    with FaultServer(answer=lambda *_: (200, {}, encoded({"choices": [choice]}))) as server:
        address = parse_teacher(f"{server.url}#m")
        dialects = [Dialect(), Dialect("completions")]
        ends = [OpenAIEndpoint(replace(address, dialect=dialect), patience=QUICK) for dialect in dialects]
        chatted, continued = [reply for end in ends for _, reply in end.ask([request])]
        bodies = server.bodies
    assert ["stop" in body for body in bodies] == [False, True]
    assert [(reply.text, reply.reasoning) for reply in (chatted, continued)] == [("a", "b")] * 2


def test_an_empty_batch_asks_nothing():
    assert list(endpoint("http://127.0.0.1:1/v1").ask([])) == []


def test_no_more_requests_are_in_flight_than_allowed_and_as_many_as_allowed():
    with FaultServer(latency_s=0.05) as server:
        replies = list(endpoint(server.url, in_flight=5).ask(questions(30)))
    assert len(replies) == 30
    assert server.most_in_flight == 5


def test_a_model_that_wants_another_name_for_the_token_limit_gets_it():
    def answer(_, body):
        if "max_tokens" in body:
            message = "Use 'max_completion_tokens' instead."
            return (
                400,
                {},
                encoded({"error": {"message": message, "param": "max_tokens", "code": "unsupported_parameter"}}),
            )
        return 200, {}, encoded(completion(body))

    with FaultServer(answer=answer) as server:
        teacher = endpoint(server.url, in_flight=2)
        replies = list(teacher.ask(questions(8)))
        assert {reply.outcome for _, reply in replies} == {ReplyOutcome.ANSWERED}
        sent = len(server.bodies)
        list(teacher.ask(questions(8)))
        assert len(server.bodies) == sent + 8  # what was learnt stays
    assert sent <= 8 + 2


def test_completions_continue_one_text():
    def answer(_, body):
        choice = {"index": 0, "finish_reason": "length", "text": f"{body['prompt']} and on"}
        return 200, {}, encoded({"choices": [choice]})

    with FaultServer(answer=answer) as server:
        address = replace(parse_teacher(f"{server.url}#m"), dialect=Dialect(kind="completions", extra={"seed": None}))
        ((_, reply),) = OpenAIEndpoint(address, patience=QUICK).ask([question("on")])
        assert "seed" not in server.bodies[0]
    assert (reply.outcome, reply.text, reply.cost_usd) == (ReplyOutcome.TRUNCATED, "on and on", None)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_request_that_is_wrong_fails_at_once_and_alone(status):
    def answer(_, body):
        if body["messages"][0]["content"] == "question 1":
            return status, {}, encoded({"detail": "too long"})
        return 200, {}, encoded(completion(body))

    with FaultServer(answer=answer) as server:
        replies = dict(endpoint(server.url).ask(questions(3)))
        assert len(server.bodies) == 3
    assert (replies[1].outcome, replies[1].error) == (ReplyOutcome.FAILED, f"HTTP {status}: too long")
    assert {replies[0].outcome, replies[2].outcome} == {ReplyOutcome.ANSWERED}


def test_no_credit_is_the_users_to_mend_and_is_not_waited_for():
    error = encoded({"error": {"message": "quota", "code": "insufficient_quota"}})
    with FaultServer(answer=lambda _, __: (429, {}, error)) as server:
        with pytest.raises(UserError, match="credit"):
            list(endpoint(server.url, in_flight=2).ask(questions(9)))
        assert len(server.bodies) <= 2


def test_what_came_before_the_door_closed_is_delivered():
    def answer(_, body):
        if body["messages"][0]["content"] == "question 0":
            return 200, {}, encoded(completion(body))
        return 401, {}, b""

    with FaultServer(answer=answer) as server:
        replies = endpoint(server.url, in_flight=1).ask(questions(3))
        assert next(replies)[0] == 0
        with pytest.raises(UserError, match="GAUGER_API_KEY"):
            next(replies)
        assert len(server.bodies) == 2


def test_a_server_that_never_recovers_is_given_up_with_the_reason():
    with FaultServer(1.0, faults=("server error",)) as server:
        ((_, reply),) = endpoint(server.url, patience=replace(QUICK, attempts=3)).ask([question("a")])
        assert server.met == {"server error": 3}
    assert (reply.outcome, reply.requests, reply.paid_again) == (ReplyOutcome.FAILED, 3, 0)
    assert reply.error == "given up after 3 attempts: HTTP 500: <html>oops</html>"


@pytest.mark.parametrize("choices", [[], [{"finish_reason": "stop", "message": {"content": None}}]])
@pytest.mark.parametrize(("temperature", "times"), [(0.0, 2), (1.0, 3)])
def test_a_reply_without_content_is_paid_two_or_three_times_at_most(choices, temperature, times):
    with FaultServer(answer=lambda _, __: (200, {}, encoded({"choices": choices}))) as server:
        ((_, reply),) = endpoint(server.url).ask([question("a", temperature=temperature)])
        assert len(server.bodies) == times
    assert (reply.outcome, reply.requests, reply.paid_again) == (ReplyOutcome.EMPTY, times, times - 1)


def test_nobody_at_the_address_ends_the_batch_at_no_cost():
    budget = QueryBudget()
    teacher = endpoint("http://127.0.0.1:1/v1", budget, patience=replace(QUICK, attempts=2))
    with pytest.raises(UserError, match="given up after 2 attempts: ConnectionRefusedError"):
        list(teacher.ask(questions(50)))
    assert (budget.spent.queries, budget.exhausted) == (0, False)


@pytest.mark.parametrize(("keyless", "hint"), [(False, "Start the server"), (True, "The same command starts it again")])
def test_who_is_to_start_the_server_that_is_gone(keyless, hint):
    place = replace(parse_teacher("http://127.0.0.1:1/v1#m"), keyless=keyless)
    teacher = OpenAIEndpoint(place, QueryBudget(), patience=replace(QUICK, attempts=1))
    with pytest.raises(UserError) as gone:
        list(teacher.ask([question("a")]))
    assert hint in str(gone.value)


def test_a_model_that_knows_neither_name_for_the_token_limit_fails():
    def answer(_, body):
        name = "max_tokens" if "max_tokens" in body else "max_completion_tokens"
        return 400, {}, encoded({"error": {"message": "no", "param": name, "code": "unsupported_parameter"}})

    with FaultServer(answer=answer) as server:
        ((_, reply),) = endpoint(server.url).ask([question("a")])
        assert len(server.bodies) == 2
    assert (reply.outcome, reply.error) == (ReplyOutcome.FAILED, "HTTP 400: no")


def test_what_is_not_http_is_a_broken_reply():
    with FaultServer(1.0, faults=("garbage",)) as server:
        ((_, reply),) = endpoint(server.url, patience=replace(QUICK, attempts=2)).ask([question("a")])
    assert (reply.outcome, reply.requests, reply.paid_again) == (ReplyOutcome.FAILED, 2, 2)


def test_a_redirect_is_not_followed():
    with FaultServer() as other, FaultServer(answer=lambda _, __: (307, {"Location": other.url}, b"")) as server:
        ((_, reply),) = endpoint(server.url).ask([question("a")])
        assert not other.bodies
    assert reply.error == f"HTTP 307; it redirects to {other.url}, and no redirect is followed"


def test_without_the_extra_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingExtraError, match=r"gauger\[elicit\]"):
        list(endpoint("http://127.0.0.1:1/v1").ask([question("a")]))


def test_it_works_without_aiohttp_too(monkeypatch):
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with FaultServer(0.5, faults=("reset", "cut off", "garbage"), seed=1) as server:
        replies = list(endpoint(server.url).ask(questions(20)))
        paid = sum(server.paid.values())
    assert {reply.outcome for _, reply in replies} <= {ReplyOutcome.ANSWERED, ReplyOutcome.REFUSED}
    assert 20 < paid <= 20 + sum(reply.paid_again for _, reply in replies)
    with pytest.raises(UserError, match="an endpoint that answers"):
        list(endpoint("http://127.0.0.1:1/v1", patience=replace(QUICK, attempts=1)).ask([question("a")]))


def test_retry_after_is_honoured_by_all_requests_and_is_no_attempt():
    arrivals = []

    def answer(_, body):
        arrivals.append(time.monotonic())
        if len(arrivals) < 4:
            return 429, {"Retry-After": "0.2"}, b""
        return 200, {}, encoded(completion(body))

    with FaultServer(answer=answer) as server:
        replies = list(endpoint(server.url, in_flight=1, patience=replace(QUICK, attempts=1)).ask(questions(2)))
    assert [reply.requests for _, reply in replies] == [4, 1]
    assert all(later - earlier >= 0.2 for earlier, later in pairwise(arrivals[:4]))


def test_a_longer_pause_than_our_patience_is_a_failure():
    with FaultServer(answer=lambda _, __: (429, {"Retry-After": "3600"}, b"")) as server:
        ((_, reply),) = endpoint(server.url).ask([question("a")])
    assert reply.error.startswith("given up after 0 s: HTTP 429")


def test_the_pace_is_kept():
    with FaultServer() as server:
        start = time.monotonic()
        list(endpoint(server.url, requests_per_minute=60 / 0.05).ask(questions(6)))
        assert time.monotonic() - start >= 5 * 0.05


def test_a_caller_that_leaves_early_leaves_nothing_running():
    with FaultServer(latency_s=0.05) as server:
        replies = endpoint(server.url, in_flight=4).ask(questions(100))
        assert len(list(islice(replies, 3))) == 3
        replies.close()
        assert not [thread for thread in threading.enumerate() if thread.name == "endpoint"]
        time.sleep(0.2)
        assert len(server.bodies) < 40


def test_a_session_that_is_stopped_delivers_what_is_in_flight():
    with FaultServer(latency_s=0.1) as server:
        session = endpoint(server.url, in_flight=4).start(questions(100))
        batches = session.batches()
        first = next(batches)
        session.stop()
        replies = first + [row for batch in batches for row in batch]
        assert len(replies) == len(server.bodies) < 20


@pytest.mark.parametrize(("faults", "sentences"), [(2, 0), (3, 1), (6, 1)])
def test_who_waits_for_an_endpoint_that_does_not_answer_is_told_once(faults, sentences):
    seen, told = [], []

    def answer(headers, body):
        seen.append(body)
        return (503, {}, b"") if len(seen) <= faults else (200, {}, encoded(completion(body)))

    with FaultServer(answer=answer) as server:
        asked = OpenAIEndpoint(parse_teacher(f"{server.url}#m"), patience=QUICK, tell=told.append)
        replies = [reply.outcome for _, reply in asked.ask([question("a")])]
        replies += [reply.outcome for _, reply in asked.ask([question("b")])]
    assert replies == [ReplyOutcome.ANSWERED] * 2
    assert len(told) == sentences
    assert all(f"{server.url} failed 3 times (HTTP 503" in text and "at most 12 times" in text for text in told)
