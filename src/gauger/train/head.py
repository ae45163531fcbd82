"""Applies the last matrix of a language model to a few positions at a time.

At a vocabulary of 49,152 one position's logits take 197 kB, and a loss needs several arrays of that size: logits,
log-probabilities, the teacher's, gradients. Here they exist for `CHUNK` positions at a time; what stays is the gradient
with respect to the hidden states, V / D times smaller. Where all logits together are small, they are made at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

CHUNK = 64
"""Positions whose logits are alive at the same time."""
AT_ONCE = 1 << 20
"""Logits (positions x vocabulary) up to which nothing is cut: 4 MB in float32."""
LossesOf = Callable[[Tensor, slice], Tensor]
"""(logits of a chunk (C, V), the chunk's place among the positions) -> loss of each position (C,)."""


@dataclass(frozen=True)
class Head:
    """Hidden states (..., D) to logits (..., V): c tanh(s (W h + b) / c), or s (W h + b) without a cap c."""

    weight_VD: Tensor
    bias_V: Tensor | None = None
    scale: float = 1.0
    """s: Cohere multiplies its logits, Granite divides them."""
    cap: float | None = None
    """c: no logit is larger (Gemma's soft cap); None: no cap."""

    def product(self, hidden: Tensor) -> Tensor:
        """Return the matrix product alone, in float32."""
        return F.linear(hidden.to(self.weight_VD.dtype), self.weight_VD, self.bias_V).float()

    def bent(self, product: Tensor) -> Tensor:
        """Return the logits that a product becomes."""
        scaled = product if self.scale == 1 else product * self.scale
        return scaled if self.cap is None else self.cap * torch.tanh(scaled / self.cap)

    def logits(self, hidden: Tensor) -> Tensor:
        """Return float32 logits."""
        return self.bent(self.product(hidden))

    def detached(self) -> Head:
        """Return the same head without gradients."""
        bias_V = None if self.bias_V is None else self.bias_V.detach()
        return replace(self, weight_VD=self.weight_VD.detach(), bias_V=bias_V)


def chunks(n_positions: int, size: int = CHUNK) -> list[slice]:
    """Cut positions into pieces, in order.

    Parameters
    ----------
    n_positions : int
        0: no piece.
    size : int
        Positions of a piece, at least 1; the last may be smaller.

    Returns
    -------
    list of slice
        Every position once.
    """
    return [slice(first, min(first + size, n_positions)) for first in range(0, n_positions, size)]


def chunked_losses(
    hidden_PD: Tensor, head: Head, losses_of: LossesOf, size: int = CHUNK, at_once: int = AT_ONCE
) -> Tensor:
    """Return the loss of each position (P,), equal in value and gradient to `losses_of(head.logits(hidden_PD))`.

    Up to `at_once` logits it is just that. Beyond:

    A frozen head: gradients with respect to the hidden states are made in the forward pass, chunk by chunk, and kept
    (P × D numbers). A trained head: only the losses are; the backward pass makes each chunk's logits again, one product
    in four more.

    Parameters
    ----------
    hidden_PD : Tensor
        Hidden states; P may be 0.
    head : Head
        Of the model that is trained.
    losses_of : LossesOf
        Maps each chunk's logits to its positions' losses; a position's loss depends on its own logits alone.
    size : int
        Positions of a chunk.
    at_once : int
        Logits up to which nothing is cut.

    Notes
    -----
    Proof: tests/train/test_head.py (values and gradients against the plain product). Do not use it for losses that
    compare positions with each other.
    """
    if len(hidden_PD) * len(head.weight_VD) <= at_once:
        return losses_of(head.logits(hidden_PD), slice(0, len(hidden_PD)))
    losses: Tensor = _Chunked.apply(  # type: ignore[no-untyped-call]
        hidden_PD, head.weight_VD, head.bias_V, head, losses_of, size
    )
    return losses


def _slope(
    hidden_CD: Tensor, head: Head, losses_of: LossesOf, part: slice, scale_C: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return the losses of a chunk and the gradient of their (weighted) sum with respect to its matrix product."""
    product_CV = head.product(hidden_CD).detach().requires_grad_()
    with torch.enable_grad():
        losses_C = losses_of(head.bent(product_CV), part)
    (slope_CV,) = torch.autograd.grad(losses_C, product_CV, torch.ones_like(losses_C) if scale_C is None else scale_C)
    return losses_C.detach(), slope_CV.to(head.weight_VD.dtype)


class _Chunked(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden_PD: Tensor,
        weight_VD: Tensor,
        bias_V: Tensor | None,
        shape: Head,
        losses_of: LossesOf,
        size: int,
    ) -> Tensor:
        head = replace(shape, weight_VD=weight_VD, bias_V=bias_V)
        ctx.shape, ctx.losses_of, ctx.size, ctx.trained = shape, losses_of, size, ctx.needs_input_grad[1]
        early = ctx.needs_input_grad[0] and not ctx.trained
        slope_PD = torch.empty_like(hidden_PD) if early else None
        losses_P = torch.empty(len(hidden_PD), dtype=torch.float32, device=hidden_PD.device)
        for part in chunks(len(hidden_PD), size):
            if slope_PD is None:
                losses_P[part] = losses_of(head.logits(hidden_PD[part]), part)
            else:
                losses_P[part], slope_CV = _slope(hidden_PD[part], head, losses_of, part, None)
                slope_PD[part] = (slope_CV @ weight_VD).to(slope_PD.dtype)
        ctx.save_for_backward(*((slope_PD,) if slope_PD is not None else (hidden_PD, weight_VD, bias_V)))
        return losses_P

    @staticmethod
    def backward(ctx: Any, *scales: Tensor) -> tuple[Tensor | None, ...]:
        (scale_P,) = scales
        if not ctx.trained:
            (slope_PD,) = ctx.saved_tensors
            return (scale_P[:, None] * slope_PD).to(slope_PD.dtype), None, None, None, None, None
        hidden_PD, weight_VD, bias_V = ctx.saved_tensors
        slope_PD, slope_VD = torch.empty_like(hidden_PD), torch.zeros_like(weight_VD)
        slope_V = None if bias_V is None else torch.zeros_like(bias_V)
        head = replace(ctx.shape, weight_VD=weight_VD, bias_V=bias_V)
        for part in chunks(len(hidden_PD), ctx.size):
            _, slope_CV = _slope(hidden_PD[part], head, ctx.losses_of, part, scale_P[part])
            slope_PD[part] = (slope_CV @ weight_VD).to(slope_PD.dtype)
            slope_VD.addmm_(slope_CV.T, hidden_PD[part].to(weight_VD.dtype))
            if slope_V is not None:
                slope_V += slope_CV.sum(dim=0)
        return slope_PD, slope_VD, slope_V, None, None, None
