"""Losses at their limits, against PyTorch's own where there is one, and against literal loops; no engine is needed.

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

from gauger.errors import GaugerError
from gauger.train.divergence import full_divergence, soft_divergence
from gauger.train.head import Head
from gauger.train.losses import NextToken, SoftLoss
from gauger.train.preference_loss import PreferenceLoss, dpo_loss
from gauger.train.reward_loss import GrpoLoss, advantages, kl_k3, surrogate
from gauger.train.rows import answered

from .models import batch_of

VOCABULARY = 13
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


@BOTH
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_full_divergence_is_the_literal_sum_and_that_of_all_tokens_shown(divergence, temperature):
    student, teacher = draw(10)
    found = full_divergence(student, teacher, divergence, temperature)
    every = shown(teacher, VOCABULARY)
    literal = literal_divergence(student, *every, divergence, temperature)
    # at temperature 1 the literal sum has a rest of nothing, floored at 1e-7 on both sides: no difference
    assert found.tolist() == pytest.approx(literal, abs=1e-9)
    assert found.tolist() == pytest.approx(soft_divergence(student, *every, divergence, temperature).tolist(), abs=1e-9)
    assert full_divergence(teacher, teacher, divergence, temperature).abs().max() < 1e-15


@BOTH
def test_the_gradient_of_the_full_divergence_equals_finite_differences(divergence):
    student, teacher = draw(11, positions=3, vocabulary=6)
    student.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: full_divergence(x, teacher, divergence, 2.0), (student,))


# --- losses over rows ------------------------------------------------------------------------------------------------

D = 6
PROMPTS, ANSWERS = [(1, 5), (1, 7, 8)], [(6, 4, 2), (9, 2)]
LABELS = [6, 4, 2, 9, 2]


def setting(seed=0):
    """Two rows with 3 and 2 learnt positions, a student's and a teacher's hidden states and heads."""
    generator = torch.Generator().manual_seed(seed)
    own, other = (torch.randn(5, D, generator=generator) for _ in range(2))
    heads = [Head(torch.randn(VOCABULARY, D, generator=generator)) for _ in range(2)]
    return answered(PROMPTS, ANSWERS), own, heads[0], other, heads[1]


def log_softmax(hidden, head):
    return (hidden @ head.weight_VD.T).log_softmax(-1)


def test_next_token_is_the_sum_of_cross_entropies():
    rows, hidden, head, _, _ = setting()
    slow = -sum(log_softmax(hidden, head)[place, label] for place, label in enumerate(LABELS))
    torch.testing.assert_close(NextToken()(hidden, head, batch_of(rows)), slow)
    assert NextToken().size(2, 5) == SoftLoss().size(2, 5) == 5


@BOTH
@pytest.mark.parametrize("top_k", [None, 4, VOCABULARY + 3])
@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_hidden_states_of_a_teacher_give_the_plain_formula_and_gradient(divergence, top_k, temperature):
    rows, hidden, head, teacher_hidden, teacher_head = setting()
    loss = SoftLoss(divergence, temperature, teacher_head, top_k)
    mine, plain = hidden.clone().requires_grad_(), hidden.clone().requires_grad_()
    found = loss(mine, head, batch_of(rows.with_targets(teacher_hidden=teacher_hidden)))
    teacher_CV = teacher_hidden @ teacher_head.weight_VD.T
    if top_k is None:
        literal = full_divergence(plain @ head.weight_VD.T, teacher_CV, divergence, temperature).sum()
    else:
        kept = shown(teacher_CV, min(top_k, VOCABULARY))
        literal = soft_divergence(plain @ head.weight_VD.T, *kept, divergence, temperature).sum()
    torch.testing.assert_close(found, literal, rtol=1e-5, atol=1e-5)
    found.backward()
    literal.backward()
    torch.testing.assert_close(mine.grad, plain.grad, rtol=1e-4, atol=1e-5)


@BOTH
@pytest.mark.parametrize("temperature", [1.0, 2.0])
@pytest.mark.parametrize("order", ["soft first", "hard first"])
def test_rows_with_and_without_a_distribution_add_up(divergence, temperature, order):
    soft, hidden, head, teacher_hidden, teacher_head = setting()
    tokens, logs = shown(teacher_hidden @ teacher_head.weight_VD.T, 4)
    soft, hard = soft.with_targets(shown=tokens, shown_log=logs), answered([(1, 3)], [(8, 2)])
    other, loss = torch.randn(2, D, generator=torch.Generator().manual_seed(3)), SoftLoss(divergence, temperature)
    apart = loss(hidden, head, batch_of(soft)) + loss(other, head, batch_of(hard))
    parts, states = ((soft, hard), (hidden, other)) if order == "soft first" else ((hard, soft), (other, hidden))
    torch.testing.assert_close(loss(torch.cat(states), head, batch_of(*parts)), apart)
    torch.testing.assert_close(loss(other, head, batch_of(hard)), NextToken()(other, head, batch_of(hard)))
    literal = literal_divergence(hidden @ head.weight_VD.T, tokens, logs, divergence, temperature)
    assert float(loss(hidden, head, batch_of(soft))) == pytest.approx(sum(literal), abs=1e-4)  # single precision


def test_heads_padded_to_different_sizes_are_compared_over_what_both_have():
    rows, hidden, head, teacher_hidden, teacher_head = setting()
    padded = Head(F.pad(teacher_head.weight_VD, (0, 0, 0, 3)))
    batch = batch_of(rows.with_targets(teacher_hidden=teacher_hidden))
    small, large = (SoftLoss(teacher_head=each)(hidden, head, batch) for each in (teacher_head, padded))
    torch.testing.assert_close(small, large)


def test_hidden_states_without_a_head_are_an_error():
    rows, hidden, head, teacher_hidden, _ = setting()
    with pytest.raises(GaugerError, match="head"):
        SoftLoss()(hidden, head, batch_of(rows.with_targets(teacher_hidden=teacher_hidden)))


# --- preferences -----------------------------------------------------------------------------------------------------


def ratios(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("beta", [0.01, 0.1, 1.0, 30.0])
def test_the_reference_itself_costs_log_2(beta):
    rows, hidden, head, _, _ = setting()
    reference = log_softmax(hidden, head)[range(5), LABELS]
    loss = PreferenceLoss(beta)
    found = loss(hidden, head, batch_of(rows.with_targets(reference_log=reference)))
    assert float(found) == pytest.approx(math.log(2), abs=1e-5)
    assert (loss.size(2, 5), loss.group) == (1, 2)


def test_the_loss_of_pairs_equals_the_formula():
    rows, hidden, head, teacher_hidden, _ = setting()
    reference = log_softmax(teacher_hidden, head)[range(5), LABELS]
    gain = (log_softmax(hidden, head)[range(5), LABELS] - reference).tolist()
    literal = math.log(1 + math.exp(-0.7 * (sum(gain[:3]) - sum(gain[3:]))))
    found = PreferenceLoss(0.7)(hidden, head, batch_of(rows.with_targets(reference_log=reference)))
    assert float(found) == pytest.approx(literal, rel=1e-4)


def test_the_gradient_raises_the_preferred_and_lowers_the_other():
    """d loss / d log q(y+) = -beta sigmoid(-beta margin) = -d loss / d log q(y-); beta / 2 at the reference."""
    log_ratio = ratios(0.0, 0.0, 0.4, -1.1)
    (slope,) = torch.autograd.grad(dpo_loss(log_ratio, 0.3).sum(), log_ratio)
    weight = 0.3 / (1 + math.exp(0.3 * 1.5))
    assert slope.tolist() == pytest.approx([-0.15, 0.15, -weight, weight], abs=1e-12)
    assert torch.autograd.gradcheck(lambda x: dpo_loss(x, 0.3), (log_ratio,))


def test_with_beta_towards_0_nothing_tells_pairs_apart():
    log_ratio = ratios(5.0, 0.0, -3.0, 40.0)
    loss = dpo_loss(log_ratio, 1e-9)
    assert loss.tolist() == pytest.approx([math.log(2)] * 2, abs=1e-6)
    (slope,) = torch.autograd.grad(loss.sum(), log_ratio)
    assert (slope / 1e-9).tolist() == pytest.approx([-0.5, 0.5, -0.5, 0.5], abs=1e-6)


def test_with_large_beta_the_right_order_is_free_and_the_wrong_one_costs_its_margin():
    log_ratio = ratios(1.0, 0.0, -2.0, 1.0)
    loss = dpo_loss(log_ratio, 1000.0)
    assert loss.tolist() == pytest.approx([0.0, 3000.0], abs=1e-9)
    (slope,) = torch.autograd.grad(loss.sum(), log_ratio)
    assert slope.tolist() == pytest.approx([0.0, 0.0, -1000.0, 1000.0], abs=1e-6)


def test_swapping_a_pair_swaps_its_sides_and_a_shared_shift_changes_nothing():
    log_ratio = torch.tensor([0.3, -0.9], dtype=torch.float64)
    right, wrong = dpo_loss(log_ratio, 0.5), dpo_loss(log_ratio.flip(0), 0.5)
    assert (right.exp().reciprocal() + wrong.exp().reciprocal()).item() == pytest.approx(1.0)  # chances add up to 1
    assert dpo_loss(log_ratio + 5.0, 0.5).item() == pytest.approx(right.item())


# --- rewards ---------------------------------------------------------------------------------------------------------


def test_equal_rewards_give_no_advantage():
    assert advantages(torch.tensor([[0.0] * 4, [1.0] * 4, [0.3] * 4])).tolist() == [[0.0] * 4] * 3
    assert advantages(torch.tensor([[0.7]])).tolist() == [[0.0]]


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


def test_the_loss_of_answers_is_the_literal_formula():
    rows, hidden, head, other, other_head = setting()
    drawn, before = log_softmax(other, head)[range(5), LABELS], log_softmax(hidden, other_head)[range(5), LABELS]
    now, advantage, literal = log_softmax(hidden, head)[range(5), LABELS], [1.5, 1.5, 1.5, -0.5, -0.5], 0.0
    for log_now, log_drawn, log_before, a in zip(*(x.tolist() for x in (now, drawn, before)), advantage, strict=True):
        ratio, left = math.exp(log_now - log_drawn), log_before - log_now
        literal += 0.3 * (math.exp(left) - left - 1) - min(ratio * a, min(max(ratio, 0.8), 1.2) * a)
    targets = {"drawn_log": drawn, "reference_log": before, "advantage": torch.tensor(advantage)}
    found = GrpoLoss(0.2, 0.3)(hidden, head, batch_of(rows.with_targets(**targets)))
    assert float(found) == pytest.approx(literal, rel=1e-4)
    assert GrpoLoss().size(2, 5) == 2
