"""Decoding against a literal loop, one token and one row at a time."""

import numpy as np
import pytest
import torch

from gauger.train.tiny.decode import END, Decoding, complete, log_probabilities

from .models import CONTEXT, VOCABULARY, small_model

RNG = np.random.default_rng(0)
PROMPTS = [RNG.integers(3, VOCABULARY, size=length).tolist() for length in (1, 4, 2, 4, 7, 1, 4, CONTEXT, 3, 2)]


@pytest.fixture(scope="module")
def model():
    """Embeddings scaled up: its logits differ by whole units, far beyond what batching can change (1e-5)."""
    return small_model(3, sharp=8)


def literal_greedy(model, prompt, limit, stops):
    text = list(prompt)
    while len(text) - len(prompt) < limit and len(text) < CONTEXT:
        token = int(model(torch.tensor([text]))[0, -1].argmax())
        text.append(token)
        if token in stops:
            break
    return text[len(prompt) :]


@pytest.mark.parametrize("limit", [1, 3, 20])
@pytest.mark.parametrize("stops", [frozenset({END}), frozenset({END, 5, 7}), frozenset(range(VOCABULARY))])
def test_greedy_decoding_is_the_most_likely_token_again_and_again(model, limit, stops):
    found = complete(model, PROMPTS, Decoding(limit, stops=stops))
    assert found == [literal_greedy(model, prompt, limit, stops) for prompt in PROMPTS]


@pytest.mark.parametrize("batch", [1, 2, 3, 512])
def test_any_batching_and_any_order_give_the_same_tokens(model, batch):
    whole = complete(model, PROMPTS, Decoding(6))
    assert complete(model, PROMPTS, Decoding(6, batch=batch)) == whole
    assert complete(model, PROMPTS[::-1], Decoding(6, batch=batch)) == whole[::-1]
    assert [complete(model, [prompt], Decoding(6))[0] for prompt in PROMPTS] == whole


def test_an_answer_ends_with_its_first_stop_and_never_goes_beyond_the_context(model):
    for stops in (frozenset({END}), frozenset({4, 6, 9, END})):
        for prompt, answer in zip(PROMPTS, complete(model, PROMPTS, Decoding(20, stops=stops)), strict=True):
            assert not stops & set(answer[:-1])
            assert len(prompt) + len(answer) <= CONTEXT
            assert (answer and answer[-1] in stops) or len(prompt) + len(answer) == CONTEXT


def test_a_full_context_leaves_no_answer(model):
    assert complete(model, [PROMPTS[7]], Decoding(5)) == [[]]
    assert complete(model, [], Decoding(5)) == []


def test_sampling_is_decided_by_the_generator(model):
    def sample(seed):
        return complete(model, PROMPTS, Decoding(6, 1.0), torch.Generator().manual_seed(seed))

    assert sample(1) == sample(1)
    assert len({str(sample(seed)) for seed in range(5)}) == 5


def test_sampling_follows_the_models_distribution():
    """4000 draws of one token: a chi-square statistic with 12 degrees of freedom exceeds 40 with probability 7e-5."""
    model, temperature, n = small_model(3, sharp=3), 1.7, 4000
    answers = complete(model, [[4, 5]] * n, Decoding(1, temperature), torch.Generator().manual_seed(0))
    expected = (model(torch.tensor([[4, 5]]))[0, -1] / temperature).softmax(-1).detach().numpy() * n
    counts = np.bincount([answer[0] for answer in answers], minlength=VOCABULARY)
    assert ((counts - expected) ** 2 / expected).sum() < 40
    unsoftened = model(torch.tensor([[4, 5]]))[0, -1].softmax(-1).detach().numpy() * n
    assert ((counts - unsoftened) ** 2 / unsoftened).sum() > 40


def test_a_cold_sample_is_the_greedy_answer(model):
    cold = complete(model, PROMPTS, Decoding(6, 0.01), torch.Generator().manual_seed(0))
    assert cold == complete(model, PROMPTS, Decoding(6))


ANSWERS = [[3], [4, 5, 2], [], [6, 2], [2], [7, 8, 9, 2], [2], [], [5, 2], [3, 3]]


def test_log_probabilities_are_those_of_the_models_forward_pass(model):
    for prompt, answer, (tokens, values) in zip(
        PROMPTS, ANSWERS, log_probabilities(model, PROMPTS, ANSWERS, VOCABULARY), strict=True
    ):
        assert tokens.shape == values.shape == (len(answer), VOCABULARY)
        for place in range(len(answer)):
            logits = model(torch.tensor([[*prompt, *answer[:place]]]))[0, -1].detach()
            assert values[place].exp().sum().item() == pytest.approx(1.0, abs=1e-5)
            assert values[place].tolist() == sorted(values[place].tolist(), reverse=True)
            expected = logits.log_softmax(-1)[tokens[place]]
            assert values[place].tolist() == pytest.approx(expected.tolist(), abs=1e-4)


@pytest.mark.parametrize("k", [1, 3, VOCABULARY + 5])
def test_the_k_most_likely_tokens_are_shown(model, k):
    full = log_probabilities(model, PROMPTS, ANSWERS, VOCABULARY)
    for (tokens, values), (all_tokens, all_values) in zip(
        log_probabilities(model, PROMPTS, ANSWERS, k), full, strict=True
    ):
        assert tokens.tolist() == all_tokens[:, :k].tolist()
        assert values.tolist() == all_values[:, :k].tolist()
