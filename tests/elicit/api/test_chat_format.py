"""Replies of many servers, whole and broken, to one form."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.elicit.api.chat_format import read_reply
from gauger.elicit.api.faults import FailedAttempt, retry_after_s, status_fault
from gauger.elicit.teacher.messages import Reply, ReplyOutcome, TokenChoices


def read(body, stops=()):
    return read_reply(json.dumps(body).encode(), str, "http://host/v1", stops)


def chat(message, finish="stop", **more):
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", **message}}
    return {"choices": [choice | more.pop("choice", {})], **more}


@pytest.mark.parametrize(
    ("body", "outcome", "text", "reasoning"),
    [
        (chat({"content": "a"}), "answered", "a", None),
        (chat({"content": "a", "reasoning_content": "r"}), "answered", "a", "r"),
        (chat({"content": "a", "reasoning": "r"}), "answered", "a", "r"),
        (chat({"content": "<think>\nr\n</think>\n\na"}), "answered", "a", "r"),
        (chat({"content": "<think>r"}, "length"), "truncated", "", "r"),
        (chat({"content": "a <think> b"}), "answered", "a <think> b", None),
        (chat({"content": None, "reasoning": "r"}, "length"), "truncated", "", "r"),
        (chat({"content": ""}, "length"), "truncated", "", None),
        (chat({"content": None, "refusal": "no"}), "refused", "no", None),
        (chat({"content": None}, "content_filter"), "refused", "", None),
        (chat({"content": "half an ans"}, "content_filter"), "refused", "half an ans", None),
        (chat({"content": "a"}, None), "answered", "a", None),
        (chat({"content": [{"type": "thinking"}, {"type": "text", "text": "a"}]}), "answered", "a", None),
        ({"choices": [{"text": "a", "finish_reason": "stop"}]}, "answered", "a", None),
        (chat({"content": "a"}) | {"error": None}, "answered", "a", None),
    ],
)
def test_outcome_text_and_reasoning(body, outcome, text, reasoning):
    reply = read(body)
    assert (str(reply.outcome), reply.text, reply.reasoning) == (outcome, text, reasoning)


@pytest.mark.parametrize(
    ("body", "outcome", "text", "stop"),
    [
        (chat({"content": "19\nand so on"}), "answered", "19", "\n"),
        (chat({"content": "19\nand so", "reasoning": "a\nb"}, "length"), "answered", "19", "\n"),
        (chat({"content": "<think>\n12 +\n7\n</think>\n\n19\n"}), "answered", "19", None),
        (chat({"content": "<think>\n12 +\n7\n</think>\n\n19\nmore"}), "answered", "19", "\n"),
        (chat({"content": "<think>\n12 +\n7"}, "length"), "truncated", "", None),
        (chat({"content": "half an"}, "length"), "truncated", "half an", None),
        (chat({"content": "no\nno"}, "content_filter"), "refused", "no\nno", None),
        ({"choices": [{"text": " 19\nQuestion", "finish_reason": "length"}]}, "answered", " 19", "\n"),
    ],
)
def test_an_answer_ends_at_its_stop_which_nothing_in_a_thought_is(body, outcome, text, stop):
    reply = read(body, ("\n",))
    assert (str(reply.outcome), reply.text, reply.stop) == (outcome, text, stop)


def test_an_answer_that_begins_with_its_stop_is_no_answer():
    assert read(chat({"content": "\nno"}), ("\n",)).contentless


def test_log_probabilities_end_where_the_answer_does():
    tokens = [{"token": token, "logprob": -1.0, "top_logprobs": []} for token in ("1", "9", "\na", "nd")]
    reply = read(chat({"content": "19\nand"}, choice={"logprobs": {"content": tokens}}), ("\n",))
    assert [choice.token for choice in reply.log_probabilities] == ["1", "9"]


REASONED = {"prompt_tokens": 7, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 3}}


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}, (7, 5, None, None)),
        ({"prompt_tokens": 7, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4}}, (7, 5, None, 4)),
        # reasoning within the completion, and beside it
        (REASONED | {"total_tokens": 12}, (7, 5, 3, None)),
        (REASONED | {"total_tokens": 15}, (7, 8, 3, None)),
        ({"prompt_tokens": 7, "completion_tokens": 5, "completion_tokens_details": None}, (7, 5, None, None)),
        (None, (None, None, None, None)),
    ],
)
def test_usage(usage, tokens):
    reply = read(chat({"content": "a"}, usage=usage))
    assert (reply.tokens_in, reply.tokens_out, reply.tokens_reasoning, reply.tokens_cached) == tokens


def test_log_probabilities_of_chat_are_read_most_likely_first():
    tokens = [
        {
            "token": "a",
            "logprob": -0.1,
            "top_logprobs": [{"token": "b", "logprob": -2.5}, {"token": "a", "logprob": -0.1}],
        },
        {"token": "c", "logprob": -1.0},
    ]
    reply = read(chat({"content": "ac"}, choice={"logprobs": {"content": tokens}}))
    assert reply.log_probabilities == (
        TokenChoices("a", -0.1, (("a", -0.1), ("b", -2.5))),
        TokenChoices("c", -1.0),
    )


def test_log_probabilities_of_completions_are_read_alike():
    found = {"tokens": ["x", "a"], "token_logprobs": [None, -0.1], "top_logprobs": [None, {"b": -2.5, "a": -0.1}]}
    reply = read({"choices": [{"text": "a", "finish_reason": "stop", "logprobs": found}]})
    assert reply.log_probabilities == (TokenChoices("a", -0.1, (("a", -0.1), ("b", -2.5))),)


def test_an_alternative_of_probability_zero_is_none():
    token = {"token": "a", "logprob": 0.0, "top_logprobs": [{"token": "b", "logprob": float("-inf")}]}
    reply = read(chat({"content": "a"}, choice={"logprobs": {"content": [token]}}))
    assert reply.log_probabilities == (TokenChoices("a", 0.0),)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({"choices": []}, "no choices"),
        ({}, "no choices"),
        (chat({"content": None}), "no content"),
        (chat({"content": ""}), "no content"),
        (chat({"content": "a"}, "error"), "broke off"),
        (chat({"content": 7}), "not in the OpenAI format"),
        (chat({"content": {"a": 1}}), "not in the OpenAI format"),
        ([], "not in the OpenAI format"),
        (None, "not in the OpenAI format"),
        ({"choices": ["a"]}, "not in the OpenAI format"),
        ({"error": {"message": "upstream", "code": 502}}, "HTTP 502: upstream"),
        ({"error": "overloaded"}, "HTTP 500: overloaded"),
    ],
)
def test_what_is_no_reply_is_asked_again_and_counted_as_paid(body, what):
    fault = read(body)
    assert what in fault.what
    assert fault.again
    assert fault.paid


WHOLE = json.dumps(chat({"content": "an answer é"}, usage={"prompt_tokens": 1, "completion_tokens": 1})).encode()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(WHOLE) - 1))
def test_half_a_reply_is_a_fault_wherever_it_was_cut(end):
    fault = read_reply(WHOLE[:end], str, "http://host/v1")
    assert isinstance(fault, FailedAttempt)
    assert fault.paid


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["choices", "message", "content", "usage", "logprobs", "error", "finish_reason", "prompt_tokens", "code", "token"]
)
NEARLY = st.recursive(
    JSON, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)


@settings(max_examples=100, deadline=None)
@given(NEARLY)
def test_no_json_whatever_breaks_the_reader(body):
    assert isinstance(read(body), Reply | FailedAttempt)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_whatever_break_the_reader(content):
    assert isinstance(read_reply(content, str, "http://host/v1"), Reply | FailedAttempt)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "2"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 1970 00:16:50 GMT"}, 10.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:16:30 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers, seconds):
    assert retry_after_s(headers, now=1000.0) == seconds


@pytest.mark.parametrize(
    ("status", "again", "closed"),
    [
        *((status, True, False) for status in (408, 429, 500, 502, 503, 504, 520, 524, 529)),
        *((status, False, False) for status in (307, 400, 422)),
        *((status, False, True) for status in (401, 402, 403, 404)),
    ],
)
def test_statuses(status, again, closed):
    fault = status_fault(status, {}, '{"error": {"message": "why"}}', "http://host/v1")
    assert (fault.again, fault.closed is not None, fault.paid) == (again, closed, status in (408, 504, 520, 524))
    assert fault.what.startswith(f"HTTP {status}: why")


def test_a_long_explanation_is_cut():
    assert len(status_fault(500, {}, "x" * 10_000, "http://host/v1").what) < 400
    assert read(chat({"content": "a"})).outcome is ReplyOutcome.ANSWERED
