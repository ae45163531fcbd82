"""Chooses a model's next tokens otherwise, as a defence wants it: with a proxy student's forward passes beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gauger.elicit import NextTokens, Reads, Steering
from gauger.errors import UserError
from gauger.train.batches import by_length, collate
from gauger.train.engine import Model
from gauger.train.likelihood import MICRO, hidden_states
from gauger.train.losses import NextToken
from gauger.train.rows import TrainingRow, answered

STEP = 1e-2
"""Length of a step along the gradient, relative to the weights: a slope is half the difference of two such steps."""


@dataclass(frozen=True)
class ProxyStudent:
    """A model that stands for the student in a defender's reckoning."""

    model: Model
    rows: tuple[TrainingRow, ...] = ()
    """What the student is not to learn: the loss on it is what a slope is taken along."""


@dataclass(frozen=True)
class ModelSteer:
    """Offers `train.engine.Steer`: a defence's own numbers in the place of a model's."""

    steering: Steering
    proxies: tuple[Model, ...] = ()
    """None; the proxy itself; or the proxy a step up and a step down the gradient of its loss."""

    @torch.no_grad()
    def __call__(self, logits_BV: Tensor, contexts: Sequence[Sequence[int]]) -> Tensor:
        """Return the steered log-probabilities, up to a constant."""
        others = [_next_logs(model, contexts) for model in self.proxies]
        slope = (others[0] - others[1]) / 2 if len(others) == 2 else None
        known = NextTokens(
            logits_BV.double().log_softmax(dim=-1).cpu().numpy(),
            contexts,
            others[0] if len(others) == 1 else None,
            slope,
        )
        return torch.from_numpy(self.steering.change(known)).to(logits_BV)


def _next_logs(model: Model, contexts: Sequence[Sequence[int]]) -> np.ndarray:
    """Return a model's log-probabilities of the next token of each text, (B, V)."""
    hidden_BD = hidden_states(model, answered(contexts, [[0]] * len(contexts)))
    head = model.head()
    logs_BV: np.ndarray = head.logits(hidden_BD.to(head.weight_VD.device)).double().log_softmax(-1).cpu().numpy()
    return logs_BV


def steer_by(steering: Steering, teacher: Model, proxy: ProxyStudent | None) -> ModelSteer:
    """Prepare what a steering reads.

    Raises
    ------
    UserError
        Where it reads a proxy and there is none, its tokens are others, or nothing says what it is not to learn.
    """
    if steering.reads is Reads.NOTHING:
        return ModelSteer(steering)
    if proxy is None or proxy.model.vocabulary != teacher.vocabulary:
        given = "none" if proxy is None else "one with other tokens"
        raise UserError("a proxy student with the teacher's tokens", given, hint="Give one of the same family.")
    if steering.reads is Reads.CHANCES:
        return ModelSteer(steering, (proxy.model,))
    return ModelSteer(steering, slope_models(proxy))


def slope_models(proxy: ProxyStudent, step: float = STEP) -> tuple[Model, Model]:
    """Return the proxy with its weights a step up, and a step down, the gradient of its loss.

    theta +/- step * |theta| * g / |g|, with g the gradient of the cross-entropy of `proxy.rows` (Savani et al. 2025,
    eq. 9; there the step is absolute). The slope of a token's log-probability along g is then a difference of two
    forward passes.

    Raises
    ------
    UserError
        Where there are no rows, or nothing is learnt of them.
    """
    rows = proxy.model.encode(proxy.rows)
    if not int(rows.n_learnt.sum()):
        raise UserError("texts that a student is not to learn, for the slope of a proxy's loss", "none")
    model, loss = proxy.model.copy().trainee(None, 0), NextToken()
    for index in by_length(rows.length_N, MICRO * model.defaults.micro_tokens):
        batch = collate([(rows, index)]).to(model.device)
        total = loss(model.hidden(batch), model.head(), batch)
        total.backward()  # type: ignore[no-untyped-call]  # torch says no types of it
    weights = model.weights()
    gradient = {name: weight.grad for name, weight in weights.items() if weight.grad is not None}
    length = _norm(list(gradient.values()))
    ratio = step * _norm([weight.detach() for weight in weights.values()]) / length if length > 0 else 0.0
    return _moved(proxy.model, gradient, ratio), _moved(proxy.model, gradient, -ratio)


def _norm(parts: Sequence[Tensor]) -> float:
    return float(torch.stack([part.double().norm() for part in parts]).norm())


@torch.no_grad()
def _moved(model: Model, gradient: dict[str, Tensor], ratio: float) -> Model:
    moved = model.copy().trainee(None, 0)
    for name, weight in moved.weights().items():
        if name in gradient:
            weight.add_(gradient[name], alpha=ratio)
    return moved.copy()
