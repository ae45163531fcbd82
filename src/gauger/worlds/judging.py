"""Defines how every world judges answers: read out of a reply, scored by the truth, compared with one another."""

from __future__ import annotations

from abc import ABC, abstractmethod

from gauger.records import Outcome
from gauger.worlds.items import STRICT, Item, Question, VerifierError, normal


class Judge(ABC):
    """What a world says of answers; every `World` is one."""

    @abstractmethod
    def form_of(self, prompt: str) -> str | None:
        """Return the form of a prompt that is complete and asks something sensible; None for any other text."""

    @abstractmethod
    def extract(self, reading: str, reply: str, question: Question, form: str) -> str | None:
        """Read the answer out of what a model said; None where it is not there."""

    @abstractmethod
    def verify(self, question: Question, answer: str) -> float:
        """Score an answer that was read out of a text, 0-1.

        Raises
        ------
        VerifierError
            Where the task's verifier breaks on the answer: it then has no score.
        """

    @abstractmethod
    def question_of(self, prompt: str) -> Question | None:
        """Return the question that a prompt asks; None where it asks nothing with one right answer."""

    def judge(self, reading: str, item: Item, reply: str, *, ended: bool) -> tuple[Outcome, float | None]:
        """Score one answer to an item.

        An answer that can be read is `scored` by the verifier. Where none can be read the outcome is `truncated` if a
        limit cut the text off, else `unparsed`; a verifier that breaks gives `failed`. None of these has a score.
        """
        answer = self.extract(reading, reply, item.question, item.form)
        if answer is None:
            return (Outcome.UNPARSED if ended else Outcome.TRUNCATED), None
        try:
            return Outcome.SCORED, self.verify(item.question, answer)
        except VerifierError:
            return Outcome.FAILED, None

    def grade(self, prompt: str, reply: str, *, ended: bool) -> float | None:
        """Score an answer to any prompt by the truth, read strictly: the reward of reinforcement learning.

        Returns
        -------
        float or None
            0-1; 0 for an answer that did not end, or is not in its form's format; None where nobody can say: the
            verifier broke on it.
        """
        question, form = self.question_of(prompt), self.form_of(prompt)
        answer = self.extract(STRICT, reply, question, form) if ended and question is not None and form else None
        if answer is None or question is None:
            return 0.0
        try:
            return min(max(float(self.verify(question, answer)), 0.0), 1.0)
        except VerifierError:
            return None

    def agrees(self, prompt: str, reply: str, held: str) -> bool:
        """Tell whether two answers to a prompt say the same: both are read strictly and compared in words."""
        question, form = self.question_of(prompt), self.form_of(prompt)
        if question is None or form is None:
            return reply.split() == held.split()
        answer, other = (self.extract(STRICT, text, question, form) for text in (reply, held))
        return answer is not None and other is not None and normal(answer) == normal(other)
