"""The chunked head equals the plain one in value and in every gradient."""

import pytest
import torch
from torch.nn import functional as F

from gauger.train.head import Head, chunked_losses, chunks


def losses(chunk, trained, labels, hidden, weight, bias, at_once=0):
    hidden = hidden.clone().requires_grad_()
    weight, bias = (each.clone().requires_grad_(trained) for each in (weight, bias))

    def losses_of(logits, part):
        return F.cross_entropy(logits, labels[part], reduction="none")

    if chunk is None:
        value = losses_of(hidden @ weight.T + bias, slice(None))
    else:
        value = chunked_losses(hidden, Head(weight, bias), losses_of, chunk, at_once)
    (value * torch.arange(1.0, len(value) + 1)).sum().backward()
    return value.detach(), hidden.grad, weight.grad, bias.grad


@pytest.mark.parametrize("at_once", [0, 1000])
@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("chunk", [1, 3, 7, 64])
def test_value_and_gradients_are_those_of_the_whole_matrix(chunk, trained, at_once):
    torch.manual_seed(0)
    given = torch.randint(11, (7,)), torch.randn(7, 5), torch.randn(11, 5), torch.randn(11)
    plain, chunked = losses(None, trained, *given), losses(chunk, trained, *given, at_once=at_once)
    for a, b in zip(plain, chunked, strict=True):
        if a is None:
            assert b is None
        else:  # float32 sums of at most 11 terms of order 1, weighted up to 7
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


def test_beyond_the_limit_only_a_chunk_of_logits_is_alive():
    seen = []

    def losses_of(logits, part):
        seen.append(len(logits))
        return logits.sum(-1)

    hidden, head = torch.randn(7, 5, requires_grad=True), Head(torch.randn(11, 5))
    chunked_losses(hidden, head, losses_of, 3, 76)
    assert seen == [3, 3, 1]
    chunked_losses(hidden, head, losses_of, 3, 77)
    assert seen[3:] == [7]


def test_chunks_cover_every_position_once():
    assert [(part.start, part.stop) for part in chunks(5, 2)] == [(0, 2), (2, 4), (4, 5)]
    assert chunks(0, 2) == []


@pytest.mark.parametrize("at_once", [-1, 1000])
def test_no_position_no_loss(at_once):
    hidden = torch.zeros(0, 5, requires_grad=True)
    value = chunked_losses(hidden, Head(torch.randn(11, 5)), lambda logits, part: logits.sum(-1), 3, at_once)
    value.sum().backward()
    assert value.shape == (0,)
    assert hidden.grad.shape == (0, 5)


def test_a_bias_is_added():
    head = Head(torch.zeros(3, 2), torch.tensor([1.0, 2.0, 3.0]))
    assert head.logits(torch.ones(1, 2)).tolist() == [[1.0, 2.0, 3.0]]
