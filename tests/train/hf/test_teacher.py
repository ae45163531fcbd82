"""A local teacher: replies as `elicit` wants them, and its distribution along given texts."""

import numpy as np
import pytest
import torch
from tests.train.hf.models import ROWS, chat, small_model, small_tokenizer, tokenizer

from gauger.elicit.teacher.messages import ChatRequest, Message, ReplyOutcome
from gauger.errors import UserError
from gauger.train.hf.decode import Decoding, complete
from gauger.train.hf.head import Head
from gauger.train.hf.rows import encode
from gauger.train.hf.teacher import HfTeacher, hidden_states, log_probabilities, require_same_vocabulary

MODEL = small_model(3, sharp=20.0)


def request(text, **settings):
    return ChatRequest((Message("user", text),), **{"max_tokens": 6, **settings})


def test_every_request_gets_the_reply_that_it_would_get_alone():
    teacher = HfTeacher("small", MODEL, tokenizer(), terms="Apache-2.0", batch=2)
    requests = [
        request("a longer question than the others"),
        request("hi"),
        request("hi", temperature=1.0, seed=4),
        request("colour?", max_tokens=3),
        request("sum?"),
    ]
    replies = dict(teacher.ask(requests))
    assert sorted(replies) == [0, 1, 2, 3, 4]
    for index, asked in enumerate(requests):
        decoding = Decoding(asked.max_tokens, asked.temperature)
        (alone,) = complete(MODEL, tokenizer(), [asked.messages], decoding, asked.seed)
        reply = replies[index]
        assert (reply.text, reply.tokens_in, reply.tokens_out) == (alone.text, alone.tokens_in, alone.tokens_out)
        assert reply.outcome == (ReplyOutcome.ANSWERED if alone.ended else ReplyOutcome.TRUNCATED)
    assert (teacher.name, teacher.terms) == ("small", "Apache-2.0")


def test_alternatives_come_where_they_are_wanted():
    teacher = HfTeacher("small", MODEL, tokenizer())
    replies = dict(teacher.ask([request("hi"), request("hi", top_log_probabilities=2)]))
    assert replies[0].log_probabilities == ()
    assert len(replies[1].log_probabilities) == replies[1].tokens_out
    assert all(len(choice.alternatives) == 2 for choice in replies[1].log_probabilities)


@pytest.mark.parametrize("top_k", [3, None])
def test_log_probabilities_are_the_models_along_what_is_learnt(top_k):
    shown = HfTeacher("small", MODEL, tokenizer()).log_probabilities(ROWS, top_k)
    for example, each in zip(encode(tokenizer(), ROWS, 96), shown, strict=True):
        log = MODEL(torch.tensor([example.ids])).logits[0, example.start - 1 : -1].log_softmax(-1).detach()
        assert each.token_TK.shape == (example.n_learnt, top_k or len(tokenizer()))
        gathered = log.gather(1, torch.from_numpy(each.token_TK)).numpy()
        np.testing.assert_allclose(each.log_probability_TK, gathered, atol=1e-4)
        assert (np.diff(each.log_probability_TK, axis=1) <= 0).all()
    if top_k is None:
        assert np.exp(shown[0].log_probability_TK).sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_hidden_states_hold_the_full_distribution():
    examples = encode(tokenizer(), ROWS, 96)
    (full, *_), head = log_probabilities(MODEL, tokenizer(), ROWS, None), Head.of(MODEL)
    log = head.logits(hidden_states(MODEL, examples)[0]).log_softmax(-1).detach()
    order = torch.from_numpy(full.token_TK)
    np.testing.assert_allclose(log.gather(1, order).numpy(), full.log_probability_TK, atol=1e-5)


def test_no_rows_no_distributions():
    assert log_probabilities(MODEL, tokenizer(), [], 3) == []
    assert list(HfTeacher("small", MODEL, tokenizer()).ask([])) == []


def test_another_vocabulary_is_refused_and_text_named_as_the_way():
    require_same_vocabulary(tokenizer(), small_tokenizer())
    with pytest.raises(UserError, match="distil its text instead"):
        require_same_vocabulary(small_tokenizer(first=("new",)), tokenizer())


def test_messages_reach_the_model_through_its_template():
    (reply,) = [reply for _, reply in HfTeacher("small", MODEL, tokenizer()).ask([request("hi")])]
    assert reply.tokens_in == len(tokenizer()("<s>user\nhi</s>\n<s>assistant\n").input_ids)
    assert complete(MODEL, tokenizer(), [chat("hi")], Decoding(6))[0].text == reply.text


def test_a_row_that_stands_twice_gets_its_states_twice():
    examples = encode(tokenizer(), ROWS[:2], 96)
    once, other, twice = hidden_states(MODEL, [*examples, examples[0]])
    assert torch.equal(once, twice)
    assert len(other) == examples[1].n_learnt
