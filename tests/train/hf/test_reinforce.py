"""GRPO for language models: the loss against a literal computation and at its limits, and that rewards are followed."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.train.hf.models import same_weights, small_model, tokenizer, weights

from gauger.errors import GaugerError
from gauger.train.hf.decode import Decoding
from gauger.train.hf.head import Head
from gauger.train.hf.likelihood import log_probabilities_of
from gauger.train.hf.loop import Options, Schedule, learnt_hidden
from gauger.train.hf.lora import Lora
from gauger.train.hf.reinforce import Answered, GrpoLoss, Play, advantages_of, train_on_rewards
from gauger.train.hf.rows import collate
from gauger.train.hf.state import Checkpoints

ROWS = (Answered((3, 4, 5, 6, 7), 2, advantage=1.5), Answered((8, 9, 10), 1, advantage=-0.5))


def with_logs(drawn_by, reference):
    drawn, before = log_probabilities_of(drawn_by, ROWS), log_probabilities_of(reference, ROWS)
    return [replace(row, drawn_log_P=a, reference_log_P=b) for row, a, b in zip(ROWS, drawn, before, strict=True)]


def loss_of(model, rows, loss):
    batch = collate(rows)
    return loss(learnt_hidden(model, batch), Head.of(model), batch)


@torch.no_grad()
def slow_logs(model, row):
    logs = model(torch.tensor([row.ids])).logits[0].log_softmax(-1)
    return np.array([float(logs[place - 1, row.ids[place]]) for place in range(row.start, len(row.ids))])


def test_log_probabilities_are_those_of_the_answers_tokens():
    model = small_model(sharp=20.0)
    for row, found in zip(ROWS, log_probabilities_of(model, ROWS), strict=True):
        assert found.numpy() == pytest.approx(slow_logs(model, row), abs=1e-4)


def test_the_loss_is_the_literal_formula():
    now, drawn, before = (small_model(seed, sharp=20.0) for seed in range(3))
    clip, weight, literal = 0.2, 0.3, 0.0
    for row in ROWS:
        for log_now, log_drawn, log_before in zip(*(slow_logs(m, row) for m in (now, drawn, before)), strict=True):
            ratio, left = np.exp(log_now - log_drawn), log_before - log_now
            gain = min(ratio * row.advantage, np.clip(ratio, 1 - clip, 1 + clip) * row.advantage)
            literal += weight * (np.exp(left) - left - 1) - gain
    found = loss_of(now, with_logs(drawn, before), GrpoLoss(clip, weight))
    assert float(found.detach()) == pytest.approx(literal, rel=1e-3)
    assert GrpoLoss().size(ROWS) == 2


def test_at_the_start_the_gradient_is_the_policy_gradient():
    model = small_model(sharp=20.0)
    loss_of(model, with_logs(model, model), GrpoLoss(0.2, 0.5)).backward()
    found = {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}
    other = small_model(sharp=20.0)
    for row in ROWS:
        logs = other(torch.tensor([row.ids])).logits[0].log_softmax(-1)
        places = torch.arange(row.start, len(row.ids))
        (-row.advantage * logs[places - 1, torch.tensor(row.ids)[places]].sum()).backward()
    for name, weight in other.named_parameters():
        if weight.grad is not None:
            assert torch.allclose(found[name], weight.grad, atol=1e-4), name


def play(reward, **settings):
    return Play(("2+2=", "7+5="), reward, Decoding(1, temperature=1.0), **{"group": 8, "per_step": 16, **settings})


def likes_low(place, answer):
    """Reward the lower half of the vocabulary as a first token: a half of what an untrained model says."""
    return float(bool(answer.ids) and answer.ids[0] < 130)


@pytest.mark.parametrize(("lora", "rate"), [(None, 0.05), (Lora(rank=4, alpha=8), 0.2)])
def test_what_is_rewarded_becomes_likelier(lora, rate):
    played = play(likes_low, updates=2)
    options = Options(seed=1, loss=GrpoLoss(0.2, 0.0), lora=lora)
    found = train_on_rewards(small_model(), tokenizer(), played, Schedule(24, rate), options)
    assert len(found.losses) == 24
    assert len(played.rewards) == 12
    assert len(played.drawn) == 12 * 16
    assert np.mean(played.rewards[-3:]) > np.mean(played.rewards[:3]) + 0.3


def test_without_a_difference_in_reward_nothing_moves():
    model = small_model()
    before = weights(model)
    found = train_on_rewards(
        model, tokenizer(), play(lambda *_: 1.0), Schedule(3, 0.05), Options(loss=GrpoLoss(0.2, 0.0))
    )
    after = weights(found.model)
    assert all(torch.allclose(before[name], after[name], atol=1e-6) for name in before)


def test_answers_without_a_reward_are_neither_compared_nor_learnt():
    rewards = [1.0, None, 0.0, None, None, None, 0.5, 0.5]
    assert advantages_of(rewards, 4) == [1.0, None, -1.0, None, None, None, 0.0, 0.0]
    model = small_model()
    before = weights(model)
    played = play(lambda *_: None)
    found = train_on_rewards(model, tokenizer(), played, Schedule(2, 0.05))
    after = weights(found.model)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert (len(played.drawn), played.rewards) == (32, [])


def test_the_same_seed_gives_the_same_model():
    found = [train_on_rewards(small_model(), tokenizer(), play(likes_low), Schedule(4, 0.05), Options(3)) for _ in "ab"]
    assert found[0].losses == found[1].losses
    assert same_weights(weights(found[0].model), weights(found[1].model))


def test_what_cannot_be_is_refused(tmp_path):
    with pytest.raises(GaugerError, match="no prompts"):
        train_on_rewards(small_model(), tokenizer(), replace(play(likes_low), prompts=()), Schedule(1, 0.1))
    with pytest.raises(GaugerError, match="no whole groups of 8"):
        train_on_rewards(small_model(), tokenizer(), play(likes_low, per_step=12), Schedule(1, 0.1))
    options = Options(checkpoints=Checkpoints(tmp_path, every=3))
    with pytest.raises(GaugerError, match="every 2 steps"):
        train_on_rewards(small_model(), tokenizer(), play(likes_low, updates=2), Schedule(1, 0.1), options)
