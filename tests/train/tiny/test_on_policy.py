"""On-policy distillation at its limits, and against the divergence of whole answers, all of them listed."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from gauger.errors import GaugerError
from gauger.train.tiny.loop import Schedule, train
from gauger.train.tiny.losses import soft_divergence
from gauger.train.tiny.on_policy import ON_POLICY_LOSS, DecoderScorer, OnPolicy
from gauger.train.tiny.rollout import as_rollout, row_sums
from gauger.train.tiny.rows import Mixture

from .models import VOCABULARY, every_answer, literal_log, nano_model, random_rows, small_model

PROMPTS = [(1, 5), (1, 6, 7), (1, 8, 9, 10)]
FLOOR_ERROR = 3e-6  # as in test_losses


def source(student, teacher, per_batch=12, **more):
    return OnPolicy(student, PROMPTS, DecoderScorer(teacher), per_batch, **more)


def first_batch(*args, seed=1, **more):
    return next(source(*args, **more).batches(1, seed))


def gradient(model, loss):
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(model.parameters()), allow_unused=False)])


def test_a_student_that_equals_its_teacher_has_loss_and_gradient_zero():
    student, teacher = small_model(1, sharp=4), small_model(1, sharp=4)
    loss = ON_POLICY_LOSS(student, first_batch(student, teacher))
    assert abs(loss.item()) < FLOOR_ERROR
    assert gradient(student, loss).abs().max() < 1e-4  # rounding of single precision
    other = ON_POLICY_LOSS(student, first_batch(student, small_model(2, sharp=4)))
    assert other.item() > 0.1
    assert gradient(student, other).abs().max() > 1e-2


def test_its_expectation_is_the_divergence_of_whole_answers():
    """Sum over answers y of q(y) x (sum over tokens of KL(q || p)) = KL(q(y) || p(y)), for every answer there is."""
    student, teacher, prompt = nano_model(1), nano_model(2), (1, 3)
    answers = every_answer(prompt)
    rollout = as_rollout([prompt] * len(answers), answers)
    scored = DecoderScorer(teacher).score(rollout.tokens_BT, rollout.learnt)
    with torch.no_grad():
        logits = student.logits(student.hidden(rollout.tokens_BT[:, :-1])[rollout.learnt])
    per_token = soft_divergence(logits, *scored, "reverse-kl")
    log_q, log_p = ([literal_log(model, prompt, answer) for answer in answers] for model in (student, teacher))
    chances = [math.exp(log) for log in log_q]
    found = float(row_sums(per_token.double(), rollout.learnt) @ torch.tensor(chances).double())
    whole = sum(q * (a - b) for q, a, b in zip(chances, log_q, log_p, strict=True))
    assert whole > 0.05
    assert found == pytest.approx(whole, abs=1e-4)


def test_many_samples_come_near_that_expectation():
    student, teacher, n = nano_model(1), nano_model(2), 3000
    on_policy = OnPolicy(student, [(1, 3)], DecoderScorer(teacher), n)
    batch = next(on_policy.batches(1, 4))
    with torch.no_grad():
        logits = student.logits(student.hidden(batch.tokens_BT[:, :-1])[batch.learnt])
    summed = row_sums(
        soft_divergence(logits, batch.soft_token_SK, batch.soft_log_probability_SK, "reverse-kl"), batch.learnt
    )
    answers = every_answer((1, 3))
    whole = sum(
        math.exp(literal_log(student, (1, 3), y)) * (literal_log(student, (1, 3), y) - literal_log(teacher, (1, 3), y))
        for y in answers
    )
    assert abs(summed.mean().item() - whole) < 4 * summed.std().item() / math.sqrt(n)


def test_the_teacher_shows_no_more_than_its_surface():
    tokens, logs = DecoderScorer(small_model(2), top_k=3).score(torch.tensor([[1, 5, 6]]), torch.tensor([[True, True]]))
    assert tokens.shape == logs.shape == (2, 3)
    full, _ = DecoderScorer(small_model(2)).score(torch.tensor([[1, 5, 6]]), torch.tensor([[True, True]]))
    assert full.shape == (2, VOCABULARY)


def test_every_batch_is_drawn_from_the_student_as_it_is_then():
    student, teacher = small_model(1), small_model(2)
    batches = source(student, teacher).batches(2, 1)
    first = next(batches)
    student.load_state_dict(small_model(7, sharp=60).state_dict())  # so sure of itself that drawing is no chance
    second = next(batches)
    likely = student(second.tokens_BT[:, :-1]).argmax(dim=-1)
    assert (likely == second.tokens_BT[:, 1:])[second.learnt].float().mean() > 0.9
    likely = student(first.tokens_BT[:, :-1]).argmax(dim=-1)
    assert (likely == first.tokens_BT[:, 1:])[first.learnt].float().mean() < 0.5


class Budget:
    """A scorer that takes so many texts and then none."""

    def __init__(self, teacher, texts):
        self.scorer, self.left = DecoderScorer(teacher), texts

    def admit(self, lengths):
        taken = min(self.left, len(lengths))
        self.left -= taken
        return taken

    def score(self, *rows):
        return self.scorer.score(*rows)


def test_a_spent_budget_ends_the_training():
    student = small_model(1, sharp=3)
    on_policy = OnPolicy(student, PROMPTS, Budget(small_model(2), 30), 12)
    sizes = [len(batch.tokens_BT) for batch in on_policy.batches(9, 1)]
    assert sizes == [12, 12, 6]
    assert on_policy.drawn.total() == 30
    assert (
        len(
            train(
                student,
                OnPolicy(student, PROMPTS, Budget(small_model(2), 30), 12),
                Schedule(9, 1e-3),
                1,
                ON_POLICY_LOSS,
            )
        )
        == 3
    )


def test_what_was_drawn_is_what_stands_in_the_batches():
    student = small_model(1, sharp=3)
    on_policy = source(student, small_model(2))
    texts = []
    for batch in on_policy.batches(3, 1):
        for row, learnt in zip(batch.tokens_BT, batch.learnt, strict=True):
            start = int(learnt.int().argmax()) + 1
            end = start + int(learnt.sum())
            texts.append((tuple(row[:start].tolist()), tuple(row[start:end].tolist())))
    assert sorted(on_policy.drawn.elements()) == sorted(texts)
    assert {prompt for prompt, _ in texts} == set(PROMPTS)


def test_kept_in_rows_are_learnt_as_text_beside_the_samples():
    student, teacher = small_model(1, sharp=3), small_model(2, sharp=3)
    rows = random_rows(10, np.random.default_rng(1))
    alone = first_batch(student, teacher)
    both = first_batch(student, teacher, kept_in=Mixture((rows,), (5,)))
    web = next(Mixture((rows,), (5,)).batches(1, 1))
    assert len(both.tokens_BT) == 12 + 5
    n_own, n_web = int(alone.learnt.sum()), int(web.learnt.sum())
    hard = F.cross_entropy(
        student.logits(student.hidden(web.tokens_BT[:, :-1])[web.learnt]), web.tokens_BT[:, 1:][web.learnt]
    ).item()
    wanted = (ON_POLICY_LOSS(student, alone).item() * n_own + hard * n_web) / (n_own + n_web)
    assert ON_POLICY_LOSS(student, both).item() == pytest.approx(wanted, abs=1e-5)


def trained(seed, per_batch=24, steps=40):
    student, teacher = small_model(1, sharp=3).train(), small_model(2, sharp=3)
    losses = train(student, source(student, teacher, per_batch), Schedule(steps, 0.01), seed, ON_POLICY_LOSS)
    return losses, torch.cat([weight.detach().flatten() for weight in student.parameters()])


def test_training_moves_towards_the_teacher_and_is_decided_by_the_seed():
    losses, weights = trained(1)
    again, same = trained(1)
    other, different = trained(2)
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    assert losses == again != other
    assert torch.equal(weights, same)
    assert not torch.equal(weights, different)


def test_without_prompts_there_is_nothing_to_train_on():
    with pytest.raises(GaugerError, match="no prompts"):
        next(OnPolicy(small_model(1), [], DecoderScorer(small_model(2)), 4).batches(1, 1))
