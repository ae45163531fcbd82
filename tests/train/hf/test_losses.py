"""Losses against the plain formulas, on logits that are there as a whole."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from gauger.elicit.twin_teacher import Shown
from gauger.errors import GaugerError
from gauger.train.hf.head import Head
from gauger.train.hf.losses import NextToken, SoftLoss, full_divergence
from gauger.train.hf.rows import Example, collate

V, D = 13, 6


def setting(seed=0):
    """Two rows with 3 and 2 learnt positions, a student's and a teacher's hidden states and heads."""
    torch.manual_seed(seed)
    examples = (Example((1, 2, 3, 4), 1), Example((5, 6, 7), 1))
    return examples, torch.randn(5, D), Head(torch.randn(V, D)), torch.randn(5, D), Head(torch.randn(V, D))


def test_next_token_is_the_sum_of_cross_entropies():
    examples, hidden, head, _, _ = setting()
    logits = (hidden @ head.weight_VD.T).log_softmax(-1)
    slow = -sum(logits[place, label] for place, label in enumerate([2, 3, 4, 6, 7]))
    torch.testing.assert_close(NextToken()(hidden, head, collate(examples)), slow)
    assert NextToken().size(examples) == 5


@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize("divergence", ["forward-kl", "reverse-kl"])
def test_full_divergence_is_the_literal_sum(divergence, temperature):
    student, teacher = torch.randn(4, V).double(), torch.randn(4, V).double()
    found = full_divergence(student, teacher, divergence, temperature)
    q, p = (student / temperature).softmax(-1), (teacher / temperature).softmax(-1)
    a, b = (p, q) if divergence == "forward-kl" else (q, p)
    for position in range(4):
        literal = sum(float(a[position, v] * (a[position, v].log() - b[position, v].log())) for v in range(V))
        assert float(found[position]) == pytest.approx(literal, abs=1e-12)


@pytest.mark.parametrize("top_k", [None, 4])
@pytest.mark.parametrize("divergence", ["forward-kl", "reverse-kl"])
def test_hidden_states_of_a_teacher_give_the_plain_formula_and_gradient(divergence, top_k):
    examples, hidden, head, teacher_hidden, teacher_head = setting()
    rows = [
        Example(examples[0].ids, 1, hidden_PD=teacher_hidden[:3]),
        Example(examples[1].ids, 1, hidden_PD=teacher_hidden[3:]),
    ]
    loss = SoftLoss(divergence, teacher_head=teacher_head, top_k=top_k)
    mine, plain = hidden.clone().requires_grad_(), hidden.clone().requires_grad_()
    found = loss(mine, head, collate(rows))
    q = (plain @ head.weight_VD.T).softmax(-1)
    p = (teacher_hidden @ teacher_head.weight_VD.T).softmax(-1)
    if top_k is not None:
        kept = p.topk(top_k, dim=-1).indices
        p, q = (torch.cat([x.gather(1, kept), 1 - x.gather(1, kept).sum(1, keepdim=True)], 1) for x in (p, q))
    a, b = (p, q) if divergence == "forward-kl" else (q, p)
    literal = (a * (a.log() - b.log())).sum()
    torch.testing.assert_close(found, literal, rtol=1e-5, atol=1e-5)
    found.backward()
    literal.backward()
    torch.testing.assert_close(mine.grad, plain.grad, rtol=1e-4, atol=1e-5)


def test_rows_with_and_without_a_distribution_add_up():
    examples, hidden, head, teacher_hidden, teacher_head = setting()
    shown = Shown(np.array([[3, 1], [4, 0]]), np.log(np.array([[0.7, 0.2], [0.5, 0.5]], dtype=np.float32)))
    text, from_hidden, from_shown = (
        Example(examples[0].ids, 1),
        Example(examples[1].ids, 1, hidden_PD=teacher_hidden[3:]),
        Example((8, 9, 1), 1, shown=shown),
    )
    loss = SoftLoss(teacher_head=teacher_head)
    hidden = torch.cat([hidden, torch.randn(2, D)])
    apart = [
        loss(hidden[:3], head, collate([text])),
        loss(hidden[3:5], head, collate([from_hidden])),
        loss(hidden[5:], head, collate([from_shown])),
    ]
    together = loss(hidden, head, collate([text, from_hidden, from_shown]))
    torch.testing.assert_close(together, sum(apart))
    torch.testing.assert_close(apart[0], NextToken()(hidden[:3], head, collate([text])))


def test_a_student_that_is_the_teacher_has_nothing_to_learn():
    examples, _, _, teacher_hidden, teacher_head = setting()
    rows = [Example(examples[0].ids, 1, hidden_PD=teacher_hidden[:3])]
    for divergence in ("forward-kl", "reverse-kl"):
        value = SoftLoss(divergence, teacher_head=teacher_head)(teacher_hidden[:3], teacher_head, collate(rows))
        assert float(value) == pytest.approx(0, abs=1e-6)


def test_heads_padded_to_different_sizes_are_compared_over_what_both_have():
    examples, hidden, head, teacher_hidden, teacher_head = setting()
    rows = [Example(examples[0].ids, 1, hidden_PD=teacher_hidden[:3])]
    padded = Head(F.pad(teacher_head.weight_VD, (0, 0, 0, 3)))
    small, large = (SoftLoss(teacher_head=each)(hidden[:3], head, collate(rows)) for each in (teacher_head, padded))
    torch.testing.assert_close(small, large)


def test_hidden_states_without_a_head_are_an_error():
    examples, hidden, head, teacher_hidden, _ = setting()
    with pytest.raises(GaugerError, match="head"):
        SoftLoss()(hidden[:3], head, collate([Example(examples[0].ids, 1, hidden_PD=teacher_hidden[:3])]))
