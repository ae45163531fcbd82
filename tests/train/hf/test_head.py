"""The chunked head equals the plain one in value and in every gradient."""

import pytest
import torch
from tests.train.hf.models import small_model
from torch.nn import functional as F

from gauger.errors import UserError
from gauger.train.hf.head import Head, chunked_losses, chunks


def losses(chunk, trained, labels, hidden, weight):
    hidden, weight = hidden.clone().requires_grad_(), weight.clone().requires_grad_(trained)

    def losses_of(logits, part):
        return F.cross_entropy(logits, labels[part], reduction="none")

    if chunk is None:
        value = losses_of(hidden @ weight.T, slice(None))
    else:
        value = chunked_losses(hidden, Head(weight), losses_of, chunk)
    (value * torch.arange(1.0, len(value) + 1)).sum().backward()
    return value.detach(), hidden.grad, weight.grad


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("chunk", [1, 3, 7, 64])
def test_value_and_gradients_are_those_of_the_whole_matrix(chunk, trained):
    torch.manual_seed(0)
    hidden, weight, labels = torch.randn(7, 5), torch.randn(11, 5), torch.randint(11, (7,))
    plain, chunked = (losses(size, trained, labels, hidden, weight) for size in (None, chunk))
    for a, b in zip(plain, chunked, strict=True):
        if a is None:
            assert b is None
        else:  # float32 sums of at most 11 terms of order 1, weighted up to 7
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


def test_chunks_cover_every_position_once():
    assert [(part.start, part.stop) for part in chunks(5, 2)] == [(0, 2), (2, 4), (4, 5)]
    assert chunks(0, 2) == []


def test_no_position_no_loss():
    hidden = torch.zeros(0, 5, requires_grad=True)
    value = chunked_losses(hidden, Head(torch.randn(11, 5)), lambda logits, part: logits.sum(-1))
    value.sum().backward()
    assert value.shape == (0,)
    assert hidden.grad.shape == (0, 5)


def test_a_bias_is_added():
    head = Head(torch.zeros(3, 2), torch.tensor([1.0, 2.0, 3.0]))
    assert head.logits(torch.ones(1, 2)).tolist() == [[1.0, 2.0, 3.0]]


def test_a_model_that_bends_its_logits_is_refused():
    model = small_model()
    model.config.final_logit_softcapping = 30.0
    with pytest.raises(UserError, match="final_logit_softcapping"):
        Head.of(model)
