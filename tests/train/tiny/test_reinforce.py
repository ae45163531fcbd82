"""Reinforcement learning at its limits: advantages, the clipped surrogate, the penalty, and that it learns."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.errors import GaugerError
from gauger.train.tiny.loop import Schedule, train
from gauger.train.tiny.reinforce import GroupBatch, Groups, GrpoLoss, advantages, kl_k3, surrogate
from gauger.train.tiny.rollout import as_rollout, row_sums, token_log_probabilities

from .models import nano_model, small_model

QUESTIONS = [((1, 5), (6, 2)), ((1, 7, 8), (2,)), ((1, 9), (2,))]


def groups(student, reference=None, group=4, per_batch=12, **more):
    return Groups(student, reference or student, QUESTIONS, group, per_batch, **more)


# --- advantages --------------------------------------------------------------------------------------------------


def test_equal_rewards_give_no_advantage():
    assert advantages(torch.tensor([[0.0] * 4, [1.0] * 4, [0.3] * 4])).tolist() == [[0.0] * 4] * 3


def test_advantages_are_standard_scores_within_the_group():
    rewards = [[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 1.0]]
    found = advantages(torch.tensor(rewards, dtype=torch.float64))
    wanted = [[(r - np.mean(row)) / np.std(row) for r in row] for row in rewards]
    assert found.flatten().tolist() == pytest.approx(np.ravel(wanted).tolist())


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 1), min_size=2, max_size=12), st.floats(0.1, 50), st.floats(-50, 50))
def test_advantages_know_neither_scale_nor_level(rewards, scale, shift):
    plain = torch.tensor([rewards], dtype=torch.float64)
    assert torch.allclose(advantages(plain), advantages(scale * plain + shift), atol=1e-6)
    assert abs(advantages(plain).sum().item()) < 1e-9


# --- the surrogate -----------------------------------------------------------------------------------------------

CLIPPED = [(0.7, -1.0), (0.7999, -2.0), (1.2001, 1.0), (3.0, 0.5)]
"""Ratio and advantage where a token has gone far enough in the direction of its advantage."""
OPEN = [(1.0, 1.0), (1.0, -1.0), (0.81, -1.0), (1.19, 1.0), (0.5, 1.0), (1.5, -1.0), (5.0, -2.0), (0.1, 3.0)]
"""Inside the bounds, or outside them in the direction against its advantage."""


def slope_of(ratio, advantage):
    log_ratio = torch.tensor([math.log(ratio)], dtype=torch.float64, requires_grad=True)
    value = surrogate(log_ratio, torch.tensor([advantage], dtype=torch.float64), 0.2)
    return value.item(), torch.autograd.grad(value.sum(), log_ratio)[0].item()


@pytest.mark.parametrize(("ratio", "advantage"), CLIPPED)
def test_clipping_ends_the_gradient_outside_the_bounds(ratio, advantage):
    value, slope = slope_of(ratio, advantage)
    assert slope == 0
    assert value == pytest.approx(advantage * (1.2 if ratio > 1 else 0.8))


@pytest.mark.parametrize(("ratio", "advantage"), OPEN)
def test_and_nowhere_else(ratio, advantage):
    assert slope_of(ratio, advantage) == pytest.approx((ratio * advantage, ratio * advantage))


# --- the penalty -------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(st.floats(-30, 0), st.floats(-30, 0))
def test_the_penalty_is_never_below_zero(own, reference):
    found = kl_k3(torch.tensor([own], dtype=torch.float64), torch.tensor([reference], dtype=torch.float64)).item()
    assert found >= 0
    assert kl_k3(torch.tensor([own]), torch.tensor([own])).item() == 0


def test_its_mean_under_the_student_is_the_divergence():
    logits = torch.randn(2, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    log_q, log_r = logits.log_softmax(-1)
    whole = (log_q.exp() * (log_q - log_r)).sum().item()
    assert (log_q.exp() * kl_k3(log_q, log_r)).sum().item() == pytest.approx(whole)


# --- the loss ----------------------------------------------------------------------------------------------------


def flat_gradient(model, loss):
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(model.parameters()))])


def batch_with(model, advantage, reference=None):
    rollout = as_rollout([(1, 5), (1, 7, 8), (1, 9)], [(6, 2), (2,), (7, 8, 2)])
    rows = rollout.tokens_BT, rollout.learnt
    with torch.no_grad():
        own = token_log_probabilities(model, *rows)
        other = token_log_probabilities(reference or model, *rows)
    return GroupBatch(*rows, torch.tensor(advantage), own, other)


def test_at_ratio_1_it_is_the_policy_gradient():
    model, advantage = small_model(1, sharp=2), [0.7, -1.3, 0.4]
    batch = batch_with(model, advantage)
    found = flat_gradient(model, GrpoLoss(0.2, 0.0)(model, batch))
    log_B = row_sums(token_log_probabilities(model, batch.tokens_BT, batch.learnt), batch.learnt)
    wanted = flat_gradient(model, -(batch.advantage_B * log_B).mean())
    assert torch.allclose(found, wanted, atol=1e-6)
    assert wanted.abs().max() > 1e-2


def test_without_advantage_at_the_reference_nothing_is_learnt():
    model = small_model(1, sharp=2)
    loss = GrpoLoss()(model, batch_with(model, [0.0, 0.0, 0.0]))
    assert loss.item() == pytest.approx(0, abs=1e-7)
    assert flat_gradient(model, loss).abs().max() < 1e-6


def test_the_penalty_pulls_back_to_the_reference_in_proportion_to_its_weight():
    model, reference = small_model(1, sharp=2), small_model(2, sharp=2)
    batch = batch_with(model, [0.0, 0.0, 0.0], reference)
    once, twice = (GrpoLoss(0.2, weight)(model, batch).item() for weight in (0.1, 0.2))
    k3 = kl_k3(batch.drawn_log_P, batch.reference_log_P)
    assert once == pytest.approx(0.1 * k3.sum().item() / 3, rel=1e-4)
    assert twice == pytest.approx(2 * once, rel=1e-5)
    losses = train(model, _Again(batch), Schedule(20, 0.003), 1, GrpoLoss(0.2, 1.0))
    assert losses[-1] < 0.5 * losses[0]


class _Again:
    def __init__(self, batch):
        self.batch = batch

    def batches(self, steps, seed):
        return iter([self.batch] * steps)


# --- batches -----------------------------------------------------------------------------------------------------


def test_a_batch_is_groups_of_answers_to_one_question_each():
    student, reference = nano_model(1), nano_model(2)
    source = Groups(student, reference, [((1, 3), (2,)), ((1, 3, 3), (2,))], 8, 16)
    batch = next(source.batches(1, 3))
    lengths = (~batch.learnt).int().cumprod(1).sum(1) + 1
    assert lengths.tolist() in ([2] * 8 + [3] * 8, [3] * 8 + [2] * 8)
    right = [int(row[n]) == 2 for row, n in zip(batch.tokens_BT, lengths, strict=True)]
    wanted = advantages(torch.tensor(right, dtype=torch.float32).view(2, 8)).view(-1)
    assert torch.equal(batch.advantage_B, wanted)
    assert source.rewards == [pytest.approx(np.mean(right))]
    assert source.drawn.total() == 16
    own, other = (token_log_probabilities(model, batch.tokens_BT, batch.learnt) for model in (student, reference))
    assert torch.allclose(batch.drawn_log_P, own)
    assert torch.allclose(batch.reference_log_P, other)


def test_answers_are_used_for_as_many_updates_as_wanted():
    student = small_model(1, sharp=2)
    source = groups(student, updates=3)
    batches = list(source.batches(7, 1))
    assert [batches[i] is batches[i - 1] for i in range(1, 7)] == [True, True, False, True, True, False]
    assert len(source.rewards) == 3
    assert source.drawn.total() == 3 * 12


def trained(seed, steps=60, kl_weight=0.0):
    student = small_model(1)
    source = Groups(student, small_model(1), [((1, 5), (2,)), ((1, 7, 8), (6, 2))], 16, 32, updates=2)
    losses = train(student.train(), source, Schedule(steps, 0.01), seed, GrpoLoss(0.2, kl_weight))
    return source.rewards, losses


def test_training_raises_the_reward_and_is_decided_by_the_seed():
    (rewards, losses), (again, same), (other, _) = trained(1), trained(1), trained(2)
    assert rewards[0] < 0.2
    assert np.mean(rewards[-5:]) > 0.45  # the first question, at least, is answered
    assert (rewards, losses) == (again, same)
    assert rewards != other


def test_a_heavy_penalty_keeps_the_student_where_it_was():
    rewards, _ = trained(1, kl_weight=50.0)
    assert np.mean(rewards[-5:]) < 0.3


def test_without_questions_there_is_nothing_to_train_on():
    with pytest.raises(GaugerError, match="no questions"):
        next(Groups(small_model(1), small_model(1), [], 4, 8).batches(1, 1))
