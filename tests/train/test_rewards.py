"""Rewards: advantages, the policy gradient at the start, that what is rewarded is learnt, in every engine."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gauger.errors import GaugerError
from gauger.train.engine import Adapter, Continuation
from gauger.train.likelihood import token_logs
from gauger.train.loop import Options
from gauger.train.own_samples import AskedOfStudent
from gauger.train.reward_loss import GrpoLoss
from gauger.train.rewards import Play, advantages_of, one_by_one, train_on_rewards
from gauger.train.rows import answered
from gauger.train.state import Checkpoints

from .models import BOTH_ENGINES, HF_KIT, batch_of


def play(kit, reward=None, **settings):
    middle = len(kit.model().vocabulary) // 2
    own = reward or (lambda _, answer: float(answer.ids[0] < middle))
    questions = AskedOfStudent(("2+2=", "7+5="), Continuation(1, temperature=1.0))
    return Play(questions, one_by_one(own), **{"group": 8, "per_step": 16, **settings})


def trained(kit, data, steps=4, options=None, rate=0.05):
    return train_on_rewards(kit.model(), data, kit.schedule(steps, rate), options)


@BOTH_ENGINES
def test_at_ratio_1_it_is_the_policy_gradient(kit):
    model = kit.model(1, sharp=True).trainee(None, 0)
    rows, advantage = answered([(1, 5), (1, 7, 8), (1, 9)], [(6, 2), (2,), (7, 8, 2)]), torch.tensor([0.7, -1.3, 0.4])
    logs = token_logs(model, rows)
    rows = rows.with_targets(
        drawn_log=logs, reference_log=logs, advantage=advantage.repeat_interleave(torch.from_numpy(rows.n_learnt))
    )
    weights, batch = list(model.weights().values()), batch_of(rows)
    loss = GrpoLoss(0.2, 0.5)(model.hidden(batch), model.head(), batch)
    found = torch.autograd.grad(loss, weights)
    total = torch.zeros(())
    for i, own in enumerate(advantage):
        ids, start = rows.tokens_of(i), int(rows.start_N[i])
        log = kit.logits_of(model, ids).log_softmax(-1)
        total = total - own * log[torch.arange(start - 1, len(ids) - 1), torch.tensor(ids[start:])].sum()
    wanted = torch.autograd.grad(total, weights)
    assert max(float(slope.abs().max()) for slope in wanted) > 1e-2
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)


@BOTH_ENGINES
def test_what_is_rewarded_becomes_likelier(kit):
    found = trained(kit, play(kit, updates=2), 24, Options(seed=1, loss=GrpoLoss(0.2, 0.0)))
    assert len(found.losses) == 24
    assert len(found.rewards) == 12
    assert len(found.drawn) == 12 * 16
    assert {answer.times for answer in found.drawn} == {2}
    assert np.mean(found.rewards[-3:]) > np.mean(found.rewards[:3]) + 0.25
    assert found.rewards[0] == pytest.approx(np.mean([answer.reward for answer in found.drawn[:16]]))


def test_an_adapter_follows_rewards_too():
    """One token in 259 is rewarded; the head stays as it is, so the layers must turn towards it."""
    student = HF_KIT.model(0, sharp=True)
    asked = student.encode_prompt("2+2=")
    token = int(HF_KIT.logits_of(student, asked)[-1].topk(3).indices[2])
    data = replace(play(HF_KIT, lambda _, answer: float(answer.ids[0] == token)), questions=ONE, group=64, per_step=64)
    options = Options(loss=GrpoLoss(0.2, 0.0), adapter=Adapter(rank=4, alpha=8))
    found = train_on_rewards(student, data, HF_KIT.schedule(12, 0.1), options)
    assert found.rewards[0] < 0.05
    assert np.mean(found.rewards[-3:]) > 0.15  # 192 answers: a standard error of 3 %


ONE = AskedOfStudent(("2+2=",), Continuation(1, temperature=1.0))


@BOTH_ENGINES
def test_a_heavy_penalty_keeps_the_student_where_it_was(kit):
    free, held = (trained(kit, play(kit), 40, Options(1, GrpoLoss(0.2, weight)), 0.02) for weight in (0.0, 50.0))
    assert np.mean(held.rewards[-3:]) < np.mean(free.rewards[-3:]) - 0.15


@BOTH_ENGINES
def test_without_a_difference_in_reward_nothing_moves(kit):
    found = train_on_rewards(
        kit.model(),
        play(kit, lambda *_: 1.0),
        replace(kit.schedule(3), weight_decay=0.0),
        Options(loss=GrpoLoss(0.2, 0.0)),
    )
    assert found.losses == pytest.approx([0.0] * 3, abs=1e-6)
    assert found.model.digest() == kit.model().digest()


@BOTH_ENGINES
def test_answers_without_a_reward_are_neither_compared_nor_learnt(kit):
    found = trained(kit, play(kit, lambda *_: None), 2)
    assert found.model.digest() == kit.model().digest()
    assert (len(found.drawn), found.rewards, found.losses) == (32, (), [0.0, 0.0])
    assert {answer.times for answer in found.drawn} == {0}
    half = trained(kit, play(kit, lambda place, answer: None if place else float(answer.ids[0] % 2)), 2)
    assert {(answer.prompt, answer.times, answer.reward is None) for answer in half.drawn} == {
        (0, 1, False),
        (1, 0, True),
    }
    assert half.model.digest() != kit.model().digest()


def test_advantages_are_within_the_known_rewards_of_a_group():
    rewards = [1.0, None, 0.0, None, None, None, 0.5, 0.5]
    assert advantages_of(rewards, 4) == [1.0, None, -1.0, None, None, None, 0.0, 0.0]


@BOTH_ENGINES
def test_answers_come_in_groups_and_are_used_as_often_as_wanted(kit):
    found = trained(kit, play(kit, updates=3), 7)
    assert len(found.rewards) == 3
    assert [answer.times for answer in found.drawn] == [3] * 32 + [1] * 16
    prompts = [answer.prompt for answer in found.drawn]
    assert all(len(set(prompts[first : first + 8])) == 1 for first in range(0, 48, 8))
    assert all(sorted(set(prompts[first : first + 16])) == [0, 1] for first in range(0, 48, 16))


@BOTH_ENGINES
def test_the_same_seed_gives_the_same_model(kit):
    first, again, other = (trained(kit, play(kit), options=Options(seed)) for seed in (3, 3, 4))
    assert first.losses == again.losses != other.losses
    assert first.model.digest() == again.model.digest()
    assert first.drawn == again.drawn != other.drawn


@BOTH_ENGINES
def test_it_goes_on_from_a_checkpoint_bit_for_bit(kit, tmp_path):
    whole = trained(kit, play(kit, updates=2), 6)
    options = Options(checkpoints=Checkpoints(tmp_path, every=4))
    trained(kit, play(kit, updates=2), 6, options)
    again = trained(kit, play(kit, updates=2), 6, options)
    assert again.losses == whole.losses
    assert again.model.digest() == whole.model.digest()
    assert again.drawn == whole.drawn[32:]


@BOTH_ENGINES
def test_what_cannot_be_is_refused(kit, tmp_path):
    nobody = replace(play(kit), questions=AskedOfStudent((), Continuation(1, 1.0)))
    with pytest.raises(GaugerError, match="no prompts"):
        trained(kit, nobody)
    with pytest.raises(GaugerError, match="no whole groups of 8"):
        trained(kit, play(kit, per_step=12))
    with pytest.raises(GaugerError, match="every 2 steps"):
        trained(kit, play(kit, updates=2), options=Options(checkpoints=Checkpoints(tmp_path, every=3)))
