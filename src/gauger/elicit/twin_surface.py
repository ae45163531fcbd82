"""The teacher's interface: what it shows is a setting, and its budgets are a hard stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gauger.elicit.twin_teacher import Answer, Request, Shown, Teacher, Words
from gauger.errors import GaugerError
from gauger.spec.models import Surface


@dataclass
class Spent:
    """What has been used so far."""

    queries: int = 0
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass
class Interface:
    """A teacher behind a surface.

    Budgets are never exceeded: a request is sent only if the most that it could use still fits. Once one did not fit
    the interface is `exhausted`: the caller goes on as long as requests still fit, and ends with what it has.
    """

    teacher: Teacher
    surface: Surface
    spent: Spent = field(default_factory=Spent)
    exhausted: bool = False

    def ask(self, prompts: Sequence[Words], request: Request, *, follow_up: bool = False) -> list[Answer]:
        """Continue as many of the prompts, in order, as the budget allows; the others get no answer.

        Parameters
        ----------
        prompts : sequence of Words
            What to continue.
        request : Request
            How.
        follow_up : bool
            Whether what is written will be asked in turn: as much again is then left of the budget for each.
        """
        times = 2 if follow_up else 1
        allowed = self._allowed([times * (len(prompt) + 1 + request.max_new_tokens) for prompt in prompts], times)
        self.exhausted |= allowed < len(prompts)
        answers = self.teacher.complete(prompts[:allowed], request) if allowed else []
        self.spent.queries += len(answers)
        self.spent.tokens_in += sum(answer.tokens_in for answer in answers)
        self.spent.tokens_out += sum(answer.tokens_out for answer in answers)
        return answers

    def read(self, lengths: Sequence[int]) -> int:
        """Book requests that have given texts scored: one query each, its tokens read and none written.

        Returns
        -------
        int
            How many of the texts, from the first, fit into the budget.
        """
        allowed = self._allowed(lengths, 1)
        self.exhausted |= allowed < len(lengths)
        self.spent.queries += allowed
        self.spent.tokens_in += sum(lengths[:allowed])
        return allowed

    def _allowed(self, most_tokens: Sequence[int], queries_each: int) -> int:
        """Count the requests that fit into what is left of the budgets, each at the most that it could use."""
        room, queries = len(most_tokens), self.surface.max_queries
        if queries is not None:
            room = max(0, min(room, (queries - self.spent.queries) // queries_each))
        if self.surface.max_tokens is None:
            return room
        left = self.surface.max_tokens - self.spent.tokens_in - self.spent.tokens_out
        for count, tokens in enumerate(most_tokens[:room]):
            left -= tokens
            if left < 0:
                return count
        return room

    def show(self, prompts: Sequence[Words], answers: Sequence[Words], top_k: int | None) -> list[Shown]:
        """Return the log-probabilities of answers just given, as far as the surface shows them."""
        shown = self.surface.log_probabilities
        if shown == "none":
            raise GaugerError("the teacher's surface shows no log-probabilities; distil its text instead")
        limit = self.surface.top_k if shown == "top-k" else None
        limits = [k for k in (top_k, limit) if k is not None]
        return self.teacher.log_probabilities(prompts, answers, min(limits) if limits else None)
