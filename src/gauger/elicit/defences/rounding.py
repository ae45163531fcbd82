"""Rounds log-probabilities: a view that leaves texts as they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gauger.elicit.defences.kinds import LogProbabilities, ViewDefence
from gauger.elicit.teacher.messages import Reply, TokenChoices


def rounded_logs(log_PK: LogProbabilities, strength: float) -> LogProbabilities:
    """Round log-probabilities to a grid, and keep what is shown a distribution.

    round(log p / g) * g with g = `strength` nats; where the rounded probabilities of a position add up to more than 1,
    they are divided by their sum.

    Parameters
    ----------
    log_PK : float array, (P, K)
        In nats.
    strength : float
        Width of the grid in nats, 0-1; 0 rounds nothing.
    """
    if strength == 0 or log_PK.size == 0:
        return log_PK
    rounded = np.round(log_PK / strength) * strength
    total_P1 = np.log(np.exp(rounded).sum(axis=-1, keepdims=True))
    shown: LogProbabilities = (rounded - np.maximum(total_P1, 0.0)).astype(log_PK.dtype)
    return shown


def _rounded(reply: Reply, strength: float) -> Reply:
    if strength == 0 or not reply.log_probabilities:
        return reply
    return replace(reply, log_probabilities=tuple(_token(choice, strength) for choice in reply.log_probabilities))


def _token(choice: TokenChoices, strength: float) -> TokenChoices:
    logs = rounded_logs(np.array([[value for _, value in choice.alternatives]]), strength)[0].tolist()
    alternatives = tuple((token, value) for (token, _), value in zip(choice.alternatives, logs, strict=True))
    own = dict(alternatives).get(choice.token, round(choice.log_probability / strength) * strength)
    return TokenChoices(choice.token, float(own), alternatives)


ROUND = ViewDefence(_rounded, rounded_logs)
