"""A local teacher: replies as `elicit` wants them, from every engine."""

import pytest

from gauger.elicit.teacher.messages import Message, ReplyOutcome, Request
from gauger.train.engine import Continuation
from gauger.train.teacher import LocalTeacher

from .models import BOTH_ENGINES, HF_KIT, literal_logs, tokenizer


def request(text, **settings):
    return Request((Message("user", text),), **{"max_tokens": 6, **settings})


@BOTH_ENGINES
def test_every_request_gets_the_reply_that_it_would_get_alone(kit):
    model = kit.model(3, sharp=True)
    teacher = LocalTeacher("small", model, terms="Apache-2.0", batch=2)
    requests = [
        request("and a longer question than the others, is it?"),
        request("a"),
        request("a", temperature=1.0, seed=4, stop=("c", "e")),
        request("name a colour", max_tokens=3),
        request("the sun"),
    ]
    replies = dict(teacher.ask(requests))
    assert sorted(replies) == [0, 1, 2, 3, 4]
    for index, asked in enumerate(requests):
        decoding = Continuation(asked.max_tokens, asked.temperature)
        (alone,) = model.complete([asked.messages], decoding, [asked.seed], [asked.stop])
        reply = replies[index]
        assert (reply.text, reply.tokens_in, reply.tokens_out) == (alone.text, alone.tokens_in, alone.tokens_out)
        assert reply.outcome == (ReplyOutcome.ANSWERED if alone.ended else ReplyOutcome.TRUNCATED)
    assert (teacher.name, teacher.terms) == ("small", "Apache-2.0")
    assert list(teacher.ask([])) == []


@BOTH_ENGINES
def test_alternatives_come_where_they_are_wanted(kit):
    model = kit.model(3, sharp=True)
    replies = dict(LocalTeacher("small", model).ask([request("a"), request("a", top_log_probabilities=2)]))
    assert replies[0].log_probabilities == ()
    (answer,) = model.complete([request("a").messages], Continuation(6))
    choices = replies[1].log_probabilities
    asked = model.encode_prompt(request("a").messages)
    logs = literal_logs(kit, model, (*asked, *answer.ids), len(asked))
    assert [choice.token for choice in choices] == model.token_texts(answer.ids)
    assert [choice.log_probability for choice in choices] == pytest.approx(logs, abs=1e-4)
    for choice in choices:  # greedy: the chosen token is the first alternative
        assert len(choice.alternatives) == 2
        assert choice.alternatives[0][0] == choice.token
        assert choice.alternatives[0][1] == pytest.approx(choice.log_probability, abs=1e-5)
        assert choice.alternatives[0][1] >= choice.alternatives[1][1]


def test_messages_reach_a_language_model_through_its_template():
    (reply,) = [reply for _, reply in LocalTeacher("small", HF_KIT.model()).ask([request("hi")])]
    assert reply.tokens_in == len(tokenizer()("<s>user\nhi</s>\n<s>assistant\n").input_ids)
