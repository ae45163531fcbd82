"""Decoding against a literal loop, one token and one row at a time."""

import numpy as np
import pytest
import torch
from tests.train.models import tiny_model

from gauger.train.engine import Continuation
from gauger.train.tiny.tokens import END

CONTEXT = 9
RNG = np.random.default_rng(0)
WORDS = [f"w{number}" for number in range(10)]
PROMPTS = [" ".join(RNG.choice(WORDS, size=length)) for length in (0, 3, 1, 3, 6, 0, 3, CONTEXT - 1, 2, 1)]
STOPS = [(), ("w2", "w4"), tuple(WORDS), ("absent", "w1 w2")]


@pytest.fixture(scope="module")
def model():
    """Embeddings scaled up: its logits differ by whole units, far beyond what batching can change (1e-5)."""
    return tiny_model(3, 8, WORDS, CONTEXT)


def literal_greedy(model, prompt, limit, stops):
    asked, ends = list(model.encode_prompt(prompt)), {END, *(model.vocabulary[w] for w in stops if w in WORDS)}
    text = list(asked)
    while len(text) - len(asked) < limit and len(text) < CONTEXT:
        text.append(int(model.decoder(torch.tensor([text]))[0, -1].argmax()))
        if text[-1] in ends:
            break
    return tuple(text[len(asked) :])


@pytest.mark.parametrize("limit", [1, 3, 20])
def test_greedy_decoding_is_the_most_likely_token_again_and_again(model, limit):
    prompts, stops = PROMPTS * len(STOPS), [own for own in STOPS for _ in PROMPTS]
    found = model.complete(prompts, Continuation(limit), stops=stops)
    wanted = [literal_greedy(model, prompt, limit, own) for prompt, own in zip(prompts, stops, strict=True)]
    assert [answer.ids for answer in found] == wanted
    assert {answer.stop for answer in found} >= {None, "w2"}


@pytest.mark.parametrize("batch", [1, 2, 3, 512])
def test_any_batching_and_any_order_give_the_same_tokens(model, batch):
    whole = model.complete(PROMPTS, Continuation(6))
    assert model.complete(PROMPTS, Continuation(6, batch=batch)) == whole
    assert model.complete(PROMPTS[::-1], Continuation(6, batch=batch)) == whole[::-1]


def test_an_answer_ends_with_its_first_stop_which_is_no_part_of_its_text(model):
    hot, seeds = Continuation(20, 1.0), list(range(200))
    for own in STOPS:
        for answer in model.complete(PROMPTS * 20, hot, seeds, [own] * 200):
            ends = {END, *(model.vocabulary[word] for word in own if word in WORDS)}
            assert not ends & set(answer.ids[:-1])
            assert answer.ended == (bool(answer.ids) and answer.ids[-1] in ends)
            assert answer.ended or answer.tokens_in + answer.tokens_out == CONTEXT
            kept = answer.ids[:-1] if answer.ended else answer.ids
            assert answer.text.split() == model.token_texts(kept)
            last = answer.ids[-1] if answer.ended else END
            assert answer.stop == (None if last == END else model.token_texts([last])[0])


def test_a_cold_sample_is_the_greedy_answer(model):
    cold = model.complete(PROMPTS, Continuation(6, 0.01), list(range(10)))
    assert cold == model.complete(PROMPTS, Continuation(6))
