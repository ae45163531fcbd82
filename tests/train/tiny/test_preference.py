"""Preference optimisation at its limits, and against literal loops."""

import math

import numpy as np
import pytest
import torch

from gauger.errors import GaugerError
from gauger.train.tiny.loop import Schedule, train
from gauger.train.tiny.preference import DpoLoss, Pair, PairSource, dpo_loss, draw_answers, judge

from .models import VOCABULARY, literal_log, small_model

RNG = np.random.default_rng(2)


def draw_pairs(n=9):
    """Pairs of all lengths; prompts differ."""
    word = lambda size: tuple(RNG.integers(3, VOCABULARY, size=size).tolist())  # noqa: E731
    return [Pair((1, *word(2 + i % 3)), (*word(1 + i % 2), 2), (*word(2), 2)) for i in range(n)]


PAIRS = draw_pairs()


def batch_of(reference):
    return next(PairSource(PAIRS, reference, len(PAIRS)).batches(1, 1))


@pytest.mark.parametrize("beta", [0.01, 0.1, 1.0, 30.0])
def test_the_reference_itself_costs_log_2(beta):
    model = small_model(1, sharp=4)
    assert DpoLoss(beta)(model, batch_of(model)).item() == pytest.approx(math.log(2), abs=1e-4)


def test_the_loss_equals_the_formula_pair_by_pair():
    model, reference, beta = small_model(1, sharp=2), small_model(2, sharp=2), 0.7
    losses = []
    for pair in PAIRS:
        margin = sum(
            sign * (literal_log(model, pair.prompt, said) - literal_log(reference, pair.prompt, said))
            for sign, said in ((1, pair.chosen), (-1, pair.rejected))
        )
        losses.append(math.log(1 + math.exp(-beta * margin)))
    assert DpoLoss(beta)(model, batch_of(reference)).item() == pytest.approx(np.mean(losses), abs=1e-4)


def ratios(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def test_the_gradient_raises_the_preferred_and_lowers_the_other():
    """d loss / d log q(y+) = -beta sigmoid(-beta margin) = -d loss / d log q(y-); beta / 2 at the reference."""
    log_ratio = ratios(0.0, 0.4, 0.0, -1.1)
    (slope,) = torch.autograd.grad(dpo_loss(log_ratio, 0.3).sum(), log_ratio)
    weight = 0.3 / (1 + math.exp(0.3 * 1.5))
    assert slope.tolist() == pytest.approx([-0.15, -weight, 0.15, weight], abs=1e-12)
    assert torch.autograd.gradcheck(lambda x: dpo_loss(x, 0.3), (log_ratio,))


def test_with_beta_towards_0_nothing_tells_pairs_apart():
    log_ratio = ratios(5.0, -3.0, 0.0, 40.0)
    loss = dpo_loss(log_ratio, 1e-9)
    assert loss.tolist() == pytest.approx([math.log(2)] * 2, abs=1e-6)
    (slope,) = torch.autograd.grad(loss.sum(), log_ratio)
    assert (slope / 1e-9).tolist() == pytest.approx([-0.5, -0.5, 0.5, 0.5], abs=1e-6)


def test_with_large_beta_the_right_order_is_free_and_the_wrong_one_costs_its_margin():
    log_ratio = ratios(1.0, -2.0, 0.0, 1.0)
    loss = dpo_loss(log_ratio, 1000.0)
    assert loss.tolist() == pytest.approx([0.0, 3000.0], abs=1e-9)
    (slope,) = torch.autograd.grad(loss.sum(), log_ratio)
    assert slope.tolist() == pytest.approx([0.0, -1000.0, 0.0, 1000.0], abs=1e-6)


def test_swapping_a_pair_swaps_its_sides():
    log_ratio = torch.tensor([0.3, -0.9], dtype=torch.float64)
    right, wrong = dpo_loss(log_ratio, 0.5), dpo_loss(log_ratio.flip(0), 0.5)
    assert (right.exp().reciprocal() + wrong.exp().reciprocal()).item() == pytest.approx(1.0)  # chances add up to 1


def test_only_what_both_answers_do_not_share_counts():
    """A reference that is moved by the same amount on both answers leaves the loss as it is."""
    log_ratio = ratios(0.3, -0.2)
    assert dpo_loss(log_ratio + 5.0, 0.5).item() == pytest.approx(dpo_loss(log_ratio, 0.5).item())


def trained(seed, steps=30):
    model = small_model(1, sharp=2)
    source = PairSource(PAIRS, model, 4)
    losses = train(model.train(), source, Schedule(steps, 0.003), seed, DpoLoss(0.5))
    return source, losses, model


def test_training_prefers_and_is_decided_by_the_seed():
    (source, losses, model), (_, again, _), (_, other, _) = trained(1), trained(1), trained(2)
    assert losses[0] == pytest.approx(math.log(2), abs=1e-4)
    assert np.mean(losses[-5:]) < 0.3
    assert losses == again != other
    assert source.drawn.sum() == 30 * 4
    assert source.drawn.max() - source.drawn.min() <= 1
    before = small_model(1, sharp=2)
    margins = [
        [literal_log(one, pair.prompt, pair.chosen) - literal_log(one, pair.prompt, pair.rejected) for pair in PAIRS]
        for one in (before, model.eval())
    ]
    assert all(after > start for start, after in zip(*margins, strict=True))


def test_the_reference_stays_what_the_student_was():
    model = small_model(1, sharp=2)
    source = PairSource(PAIRS, model, 4)
    kept = source.reference_N2.clone()
    train(model.train(), source, Schedule(5, 0.01), 1, DpoLoss())
    assert torch.equal(source.reference_N2, kept)
    wanted = [[literal_log(small_model(1, sharp=2), p.prompt, said) for said in (p.chosen, p.rejected)] for p in PAIRS]
    assert kept.flatten().tolist() == pytest.approx(np.array(wanted).ravel().tolist(), abs=1e-4)


RIGHT, WRONG, WORSE = (5, 2), (6, 2), (7, 8, 2)


def test_a_pair_needs_a_right_and_a_wrong_answer():
    rng = np.random.default_rng(1)
    assert judge([WRONG, RIGHT], RIGHT, rng) == (RIGHT, WRONG)
    assert judge([RIGHT, RIGHT], RIGHT, rng) is None
    assert judge([WRONG, WORSE], RIGHT, rng) is None
    assert judge([], RIGHT, rng) is None


def test_the_wrong_answer_is_any_of_those_drawn():
    rng = np.random.default_rng(1)
    drawn = [judge([WRONG, RIGHT, WORSE, WORSE], RIGHT, rng) for _ in range(600)]
    share = np.mean([pair == (RIGHT, WORSE) for pair in drawn])
    assert abs(share - 2 / 3) < 4 * math.sqrt(2 / 9 / 600)


def test_answers_are_drawn_prompt_by_prompt():
    model = small_model(1, sharp=3)
    prompts = [(1, 5), (1, 6, 7), (1, 8)]
    drawn = draw_answers(model, prompts, 4, 1)
    assert [len(answers) for answers in drawn] == [4, 4, 4]
    assert drawn == draw_answers(model, prompts, 4, 1) != draw_answers(model, prompts, 4, 2)
    assert len({answer for answers in drawn for answer in answers}) > 3
    assert draw_answers(model, [], 4, 1) == []


def test_without_pairs_there_is_nothing_to_train_on():
    with pytest.raises(GaugerError, match="no prompt has a right and a wrong answer"):
        PairSource([], small_model(1), 4)
