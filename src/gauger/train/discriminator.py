"""Tells a teacher's text from a student's answer to the same prompt, and rewards answers that pass for the teacher's.

In the spirit of generative adversarial distillation (Ye et al. 2025, "Black-box on-policy distillation of large
language models"): text of the teacher is enough, no log-probability of it is read. Their discriminator is a language
model; this one is a logistic regression on words, fitted to its optimum in milliseconds, and so the same on every
machine. Both compare two answers to one prompt (Bradley and Terry 1952):

    P(t is the teacher's, s the student's | x) = sigmoid(w (phi(x, t) - phi(x, s)))

What could go wrong, and what is done about it: an answer that touches held-out content is neither compared nor learnt
(`refuses`); a discriminator that has seen no difference knows none (w = 0, equal rewards, no advantage); what it holds
is lost with the process, so that training with it goes on from no checkpoint.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_array
from scipy.special import expit

from gauger.train.engine import Completion

Feature = tuple[str, ...]
"""What an answer may have: a run of words, a word with a word of its prompt, or that it did not end."""
Features = Mapping[Feature, float]
"""Feature -> its value; what is not there is 0."""
_WORD = re.compile(r"\w+|[^\w\s]")
_START, _END = "<", ">"
_RUN, _FOLLOWS, _UNENDED = "run", "follows", "unended"


def features_of(prompt: str, answer: str, longest_run: int, *, ended: bool = True) -> Features:
    """Say which features an answer has: runs of words, pairs of a prompt's and an answer's word, and that it is cut.

    phi_f = 1 / sqrt(number of features) for every feature f that the answer has, so that |phi| = 1 at every length.

    Parameters
    ----------
    prompt, answer : str
        As text. Words are runs of letters and digits; every other sign but white space is a word of its own.
    longest_run : int
        At least 1: runs of 1, ..., `longest_run` words of the answer count, its two ends being words too.
    ended : bool
        Whether the answer came to its end; a teacher's has.

    Returns
    -------
    mapping of feature to float
        In one order for equal arguments. An empty answer has its ends, and they make a run of two.

    Notes
    -----
    How often a word comes, and where, is not looked at beyond runs; neither is white space. The pairs are as many as
    the words of prompt times those of answer: use short prompts, or expect seconds a batch. Proof:
    tests/train/test_discriminator.py.
    """
    asked, answered = (dict.fromkeys(_WORD.findall(text)) for text in (prompt, answer))
    words = [_START, *_WORD.findall(answer), _END]
    runs = (
        (_RUN, *words[first : first + length])
        for length in range(1, longest_run + 1)
        for first in range(len(words) - length + 1)
    )
    pairs = ((_FOLLOWS, before, after) for before in asked for after in answered)
    cut = () if ended else ((_UNENDED,),)
    own: dict[Feature, None] = dict.fromkeys((*runs, *pairs, *cut))
    return dict.fromkeys(own, 1 / sqrt(len(own)))


def difference(theirs: Features, own: Features) -> Features:
    """Return phi(theirs) - phi(own) without what is 0; nothing where the two have the same features."""
    values = {name: theirs.get(name, 0.0) - own.get(name, 0.0) for name in (*theirs, *own)}
    return {name: value for name, value in values.items() if value}


def fit_discriminator(differences: Sequence[Features], ridge: float) -> dict[Feature, float]:
    """Fit the coefficients that tell the teacher's text from the student's: the least of a convex loss.

    mean over pairs of log(1 + exp(-w x)) + ridge / 2 |w|^2,  x = phi(teacher's) - phi(student's)

    Parameters
    ----------
    differences : sequence of mapping
        x of each pair; an empty one is a pair that nobody can tell apart, and counts in the mean.
    ridge : float
        Above 0, so that there is one optimum also where the two can be told apart without an error.

    Returns
    -------
    dict of feature to float
        Exactly 0 everywhere, or empty, where no pair differs.

    Notes
    -----
    L-BFGS from 0, so that equal pairs give equal coefficients whatever was fitted before. Proof:
    tests/train/test_discriminator.py (gradient at the optimum, limits of the ridge).
    """
    names = list(dict.fromkeys(name for pair in differences for name in pair))
    if not names:
        return {}
    places = {name: place for place, name in enumerate(names)}
    first = np.cumsum([0, *(len(pair) for pair in differences)])
    column = [places[name] for pair in differences for name in pair]
    value = [float(value) for pair in differences for value in pair.values()]
    x_NF = csr_array((value, column, first), shape=(len(differences), len(names)))

    def loss(w_F: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin_N = x_NF @ w_F
        slope_F = -(x_NF.T @ expit(-margin_N)) / len(differences) + ridge * w_F
        return float(np.logaddexp(0.0, -margin_N).mean() + ridge / 2 * w_F @ w_F), slope_F

    w_F = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B", options={"ftol": 1e-12, "gtol": 1e-7}).x
    return dict(zip(names, w_F.tolist(), strict=True))


@dataclass
class Discriminator:
    """A reward that learns: how well an answer passes for the teacher's own answer to its prompt.

    r = sigmoid(w (phi(x, s) - phi(x, t))): the chance that the student's s, and not the teacher's t, is the teacher's,
    as the discriminator has it. 1/2 where it cannot tell, and for the teacher's very words.
    """

    prompts: Sequence[str]
    theirs: Sequence[str]
    """The teacher's answer to each prompt."""
    as_text: Callable[[int, Completion], str]
    """Place and answer -> the student's answer in the shape of the teacher's."""
    refuses: Callable[[int, Completion], bool]
    """Whether an answer may be neither compared nor learnt, because it touches what is held out."""
    refit: int = 1
    """Batches of answers between two fits."""
    longest_run: int = 2
    ridge: float = 0.01
    coefficients: dict[Feature, float] = field(default_factory=dict)
    """w: what it holds now."""
    _batches: int = 0
    _seen: list[Features] = field(default_factory=list)

    def __call__(self, places: Sequence[int], answers: Sequence[Completion]) -> list[float | None]:
        """Reward a batch of answers, after a fit where one is due; None for what is refused."""
        differences = list(self._compared(places, answers))
        self._seen += [pair for pair in differences if pair is not None]
        if self._batches % self.refit == 0:
            self.coefficients, self._seen = fit_discriminator(self._seen, self.ridge), []
        self._batches += 1
        return [None if pair is None else self._passes(pair) for pair in differences]

    def _compared(self, places: Sequence[int], answers: Sequence[Completion]) -> Iterator[Features | None]:
        for place, answer in zip(places, answers, strict=True):
            if self.refuses(place, answer):
                yield None
                continue
            prompt, text = self.prompts[place], self.as_text(place, answer)
            own = features_of(prompt, text, self.longest_run, ended=answer.ended)
            yield difference(features_of(prompt, self.theirs[place], self.longest_run), own)

    def _passes(self, pair: Features) -> float:
        return float(expit(-sum(self.coefficients.get(name, 0.0) * value for name, value in pair.items())))
