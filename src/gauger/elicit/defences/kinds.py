"""Defines the three kinds of defence: views of what came, other generations, and policies about who is answered.

A defence is one of these records under a name in `registry.py`, with a strength from 0 to 1; at 0 it changes nothing.
Answers leave a teacher in one place, `teacher.surfaced`, and that applies all three.

view        a pure function of a reply that came: nothing is asked again, and the raw replies stay as they are
generation  other replies: they have an address, a journal and a bill of their own, and recordings cannot give them
policy      a function of the ordered stream of queries: it answers some of them itself, or asks something else
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from gauger.elicit.teacher.messages import Reply, Request, Teacher

LogProbabilities = NDArray[np.floating]
"""(P, K) log-probabilities in nats of the K tokens that are shown at each of P positions, most likely first."""


class Need(StrEnum):
    """What a defence needs of a teacher and of what its surface shows; without it, it is refused."""

    REASONING = "reasoning that the surface shows"
    LOGS = "log-probabilities that the surface shows"
    AT_HAND = "a teacher at hand, whose next token can be chosen otherwise"
    INSTRUCTIONS = "a teacher that follows instructions"
    PROXY = "a proxy student with the teacher's tokens"


@dataclass(frozen=True)
class ViewDefence:
    """Changes what is seen of a reply."""

    change: Callable[[Reply, float], Reply]
    """(reply without its raw form, strength) -> what is shown of it."""
    logs: Callable[[LogProbabilities, float], LogProbabilities] | None = None
    """The same of log-probabilities along a whole text, as logit and on-policy distillation read them; None: nobody can
    say what of them would be shown, and studies that read them are refused."""
    needs: tuple[Need, ...] = ()
    """Without what there is nothing that it could change."""


@dataclass(frozen=True)
class MarkTest:
    """Whether texts bear a mark."""

    n_pairs: int
    """Different pairs of neighbouring tokens."""
    n_green: int
    """Green ones among them."""
    p_value: float | None
    """Chance of as many green ones or more in text that knows nothing of the key; None without any pair."""


@dataclass(frozen=True)
class GenerationDefence:
    """Changes what is generated."""

    wrap: Callable[[Teacher, float], Teacher]
    """(teacher, strength) -> the teacher that answers in its place; `asking.asking_instead` makes one of a function
    that changes requests."""
    needs: tuple[Need, ...] = ()
    """Without what it cannot be."""
    helped: Callable[[Teacher, float, Teacher], Teacher] | None = None
    """The same with the help of another model, whose work is not on the customer's bill; None: none can help."""
    find: Callable[[Iterable[Sequence[int]]], MarkTest] | None = None
    """Tests texts, as tokens of the teacher, for what it leaves in them; None: it leaves nothing that can be found."""


@dataclass(frozen=True)
class PolicyDefence:
    """Decides about every query in the order in which they come."""

    begin: Callable[[float], Callable[[Request], Request | Reply]]
    """Strength -> what is called with each query in turn, remembers what it likes, and returns the query that is passed
    on, or the reply that is given instead of asking."""
    needs: tuple[Need, ...] = ()
    """Without what it cannot decide."""
    least: float = 0.0
    """Least strength that it can have, besides 0."""


Defence = ViewDefence | GenerationDefence | PolicyDefence
