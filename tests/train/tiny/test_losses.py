"""Losses at their limits, against PyTorch's own where there is one, and against literal loops.

Divergences are tested in double precision, so that a tolerance of 1e-9 leaves nothing but rounding. The floor of 1e-7
under what is not shown adds at most 1e-7 x |log(1e-7) - log q| < 3e-6 to a divergence; tests that reach it say so.
"""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from gauger.train.tiny.losses import SoftLoss, next_token, soft_divergence
from gauger.train.tiny.rows import Rows, collate

from .models import VOCABULARY, random_rows, small_model

BOTH = pytest.mark.parametrize("divergence", ["forward-kl", "reverse-kl"])
FLOOR_ERROR = 3e-6


def draw(seed, positions=6, vocabulary=VOCABULARY, scale=1.0):
    """Logits of a student and of a teacher, in double precision."""
    generator = torch.Generator().manual_seed(seed)
    student, teacher = (
        scale * torch.randn(positions, vocabulary, generator=generator, dtype=torch.float64) for _ in range(2)
    )
    return student, teacher


def shown(teacher_logits, k):
    values, tokens = teacher_logits.log_softmax(-1).topk(k, dim=-1)
    return tokens, values


def literal_divergence(student_logits, tokens, teacher_log, divergence, temperature=1.0):
    """One position at a time, one outcome at a time, in Python floats."""
    found = []
    for logits, shown_tokens, logs in zip(student_logits.tolist(), tokens.tolist(), teacher_log.tolist(), strict=True):
        total = sum(math.exp(value) for value in logits)
        q = [math.exp(logits[token]) / total for token in shown_tokens]
        p = [math.exp(log) for log in logs]
        if temperature == 1:
            q, p = [*q, max(1 - sum(q), 1e-7)], [*p, max(1 - sum(p), 1e-7)]
        else:
            q, p = ([v ** (1 / temperature) for v in values] for values in (q, p))
            q, p = ([v / sum(values) for v in values] for values in (q, p))
        if divergence == "reverse-kl":
            p, q = q, p
        found.append(sum(a * math.log(a / b) for a, b in zip(p, q, strict=True)))
    return found


@BOTH
@pytest.mark.parametrize("k", [1, 4, VOCABULARY])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_a_student_that_equals_its_teacher_has_divergence_zero(divergence, k, temperature):
    _, teacher = draw(1)
    found = soft_divergence(teacher, *shown(teacher, k), divergence, temperature)
    assert found.tolist() == pytest.approx([0.0] * 6, abs=1e-12)


@BOTH
def test_the_full_distribution_gives_torchs_own_divergence(divergence):
    student, teacher = draw(2)
    q, p = student.log_softmax(-1), teacher.log_softmax(-1)
    given_, target = (q, p) if divergence == "forward-kl" else (p, q)
    expected = F.kl_div(given_, target, reduction="none", log_target=True).sum(-1)
    found = soft_divergence(student, *shown(teacher, VOCABULARY), divergence)
    assert found.tolist() == pytest.approx(expected.tolist(), abs=1e-9)


def test_forward_and_reverse_are_not_the_same():
    student, teacher = draw(2)
    forward, reverse = (
        soft_divergence(student, *shown(teacher, VOCABULARY), name) for name in ("forward-kl", "reverse-kl")
    )
    assert (forward - reverse).abs().min() > 1e-3
    swapped = soft_divergence(teacher, *shown(student, VOCABULARY), "reverse-kl")
    assert forward.tolist() == pytest.approx(swapped.tolist(), abs=1e-9)


@BOTH
@pytest.mark.parametrize("k", [1, 2, 5, VOCABULARY - 1, VOCABULARY])
@pytest.mark.parametrize("temperature", [0.7, 1.0, 2.0])
def test_any_divergence_equals_the_literal_sum(divergence, k, temperature):
    student, teacher = draw(3)
    tokens, logs = shown(teacher, k)
    found = soft_divergence(student, tokens, logs, divergence, temperature)
    expected = literal_divergence(student, tokens, logs, divergence, temperature)
    assert found.tolist() == pytest.approx(expected, abs=1e-9)


@BOTH
@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 4.0))
def test_fewer_shown_tokens_bound_the_full_divergence_from_below(divergence, seed, scale):
    student, teacher = draw(seed, positions=3, scale=scale)
    full = soft_divergence(student, *shown(teacher, VOCABULARY), divergence)
    for k in range(1, VOCABULARY):
        found = soft_divergence(student, *shown(teacher, k), divergence)
        assert found.min() > -FLOOR_ERROR
        assert (full - found).min() > -FLOOR_ERROR


@BOTH
@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 1.0))
def test_another_shown_token_never_lowers_the_divergence(divergence, seed, scale):
    """Logits within 10 of each other: what is not shown stays above e^-10 / 13, far from the floor."""
    student, teacher = draw(seed, positions=3, scale=scale)
    found = [soft_divergence(student, *shown(teacher, k), divergence) for k in range(1, VOCABULARY + 1)]
    for fewer, more in pairwise(found):
        assert (more - fewer).min() > -FLOOR_ERROR


def test_a_certain_teacher_gives_the_cross_entropy():
    student, _ = draw(4)
    tokens = torch.tensor([[3], [0], [12], [7], [7], [1]])
    certain = torch.zeros(6, 1, dtype=torch.float64)
    found = soft_divergence(student, tokens, certain, "forward-kl")
    expected = F.cross_entropy(student, tokens[:, 0], reduction="none")
    assert found.tolist() == pytest.approx(expected.tolist(), abs=FLOOR_ERROR)


@BOTH
def test_high_temperature_flattens_both_and_leaves_nothing(divergence):
    """At temperature T logits differ by O(1 / T), so the divergence is O(1 / T^2)."""
    student, teacher = draw(5)
    tokens, logs = shown(teacher, VOCABULARY)
    warm, hot = (soft_divergence(student, tokens, logs, divergence, t) for t in (1e2, 1e4))
    assert hot.abs().max() < 1e-7
    assert (warm / hot).tolist() == pytest.approx([1e4] * 6, rel=0.1)


def test_low_temperature_leaves_the_most_likely_token_alone():
    student, teacher = draw(6)
    tokens, logs = shown(teacher, VOCABULARY)
    best = student.gather(-1, tokens)[:, 0]
    margin = (best - student.max(-1).values) / 0.01
    cold = soft_divergence(student, tokens, logs, "forward-kl", 0.01)
    # The teacher is certain of its first token; the student's log-probability of it is its margin, up to ln V.
    assert ((cold + margin).abs() < math.log(VOCABULARY)).all()


@BOTH
@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_the_gradient_equals_finite_differences(divergence, temperature):
    student, teacher = draw(7, positions=3, vocabulary=6)
    tokens, logs = shown(teacher, 3)
    student.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: soft_divergence(x, tokens, logs, divergence, temperature), (student,))


@BOTH
def test_the_gradient_points_towards_the_teacher(divergence):
    student, teacher = draw(8)
    tokens, logs = shown(teacher, 4)
    losses = []
    for _ in range(300):
        student = student.detach().requires_grad_()
        loss = soft_divergence(student, tokens, logs, divergence).sum()
        losses.append(loss.item())
        (slope,) = torch.autograd.grad(loss, student)
        student = student - 0.5 * slope
    assert losses[-1] < 0.02 * losses[0]


@BOTH
@pytest.mark.parametrize("k", [3, VOCABULARY])
def test_extreme_logits_stay_finite_in_single_precision(divergence, k):
    student, teacher = (60 * logits.float() for logits in draw(9))
    student.requires_grad_()
    found = soft_divergence(student, *shown(teacher, k), divergence)
    assert found.isfinite().all()
    (slope,) = torch.autograd.grad(found.sum(), student)
    assert slope.isfinite().all()


def batch_of(*parts):
    """All rows of each source, in order."""
    return collate([(rows, np.arange(len(rows))) for rows in parts])


def literal_cross_entropy(model, rows):
    """Losses of every learnt position, one row and one position at a time."""
    found = []
    for tokens, start in zip(rows.tokens_NT.tolist(), rows.start_N.tolist(), strict=True):
        text = [token for token in tokens if token != 0]
        for place in range(start, len(text)):
            logits = model(torch.tensor([text[:place]]))[0, -1].detach()
            found.append(-(logits.double().log_softmax(-1)[text[place]].item()))
    return found


def test_next_token_is_the_mean_over_learnt_positions():
    model, rows = small_model(1, sharp=5), random_rows(7, np.random.default_rng(1))
    found = next_token(model, batch_of(rows)).item()
    # Single precision: logits of a few units carry about 1e-6.
    assert found == pytest.approx(np.mean(literal_cross_entropy(model, rows)), abs=1e-5)


def test_rows_count_by_their_learnt_positions_and_prompts_and_padding_count_for_nothing():
    model, rows = small_model(1, sharp=5), random_rows(7, np.random.default_rng(1))
    whole = next_token(model, batch_of(rows)).item()
    alone = [next_token(model, collate([(rows, np.array([i]))])).item() for i in range(7)]
    learnt = [int((row != 0).sum()) - int(start) for row, start in zip(rows.tokens_NT, rows.start_N, strict=True)]
    assert whole == pytest.approx(np.average(alone, weights=learnt), abs=1e-5)


def test_the_text_of_a_prompt_is_given_and_never_learnt():
    model = small_model(1, sharp=5)
    rows = Rows(np.array([[1, 5, 6, 7, 2, 0, 0, 0, 0]]), np.array([4]))
    logits = model(torch.tensor([[1, 5, 6, 7]]))[0, -1].detach()
    assert next_token(model, batch_of(rows)).item() == pytest.approx(-logits.log_softmax(-1)[2].item(), abs=1e-5)


@BOTH
@pytest.mark.parametrize("temperature", [1.0, 2.0])
@pytest.mark.parametrize("order", ["soft first", "hard first"])
def test_soft_and_hard_rows_are_mixed_over_all_learnt_positions(divergence, temperature, order):
    rng = np.random.default_rng(3)
    model, soft_rows, hard_rows = small_model(2, sharp=5), random_rows(5, rng, soft_k=4), random_rows(4, rng)
    parts = (soft_rows, hard_rows) if order == "soft first" else (hard_rows, soft_rows)
    found = SoftLoss(divergence, temperature)(model, batch_of(*parts)).item()
    losses = literal_cross_entropy(model, hard_rows)
    soft = soft_rows.soft
    for number, (row, start) in enumerate(zip(soft_rows.tokens_NT.tolist(), soft_rows.start_N.tolist(), strict=True)):
        text = [token for token in row if token != 0]
        for place in range(start, len(text)):
            logits = model(torch.tensor([text[:place]]))[0, -1:].detach()
            at = soft.first_N[number] + place - start
            tokens, logs = torch.from_numpy(soft.token_PK[[at]]), torch.from_numpy(soft.log_probability_PK[[at]])
            losses += literal_divergence(logits, tokens, logs, divergence, temperature)
    assert found == pytest.approx(np.mean(losses), abs=1e-5)


def test_without_soft_rows_the_soft_loss_is_next_token():
    model, rows = small_model(1), random_rows(5, np.random.default_rng(1))
    assert SoftLoss()(model, batch_of(rows)).item() == next_token(model, batch_of(rows)).item()


def test_a_batch_of_soft_rows_alone_is_the_mean_divergence():
    rng = np.random.default_rng(5)
    model, rows = small_model(2, sharp=5), random_rows(5, rng, soft_k=VOCABULARY)
    batch = batch_of(rows)
    logits = model(batch.tokens_BT[:, :-1])[batch.learnt]
    tokens, logs = torch.from_numpy(rows.soft.token_PK), torch.from_numpy(rows.soft.log_probability_PK)
    expected = soft_divergence(logits, tokens, logs, "forward-kl").mean().item()
    assert SoftLoss()(model, batch).item() == pytest.approx(expected, abs=1e-6)
