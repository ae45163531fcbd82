"""Puts a budget on teachers that have none of their own: local checkpoints and recordings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile

from gauger.elicit.defences.kinds import Need
from gauger.elicit.defences.steering import Steerable, Steering
from gauger.elicit.teacher.budget import Admission, QueryBudget
from gauger.elicit.teacher.messages import Reply, Request, Teacher
from gauger.errors import UserError


class Limited:
    """Any `Teacher` behind a budget: what does not fit gets no reply.

    As many requests as fit at the most that they could use are asked together; what they did not use makes room for the
    next ones. So the replies are those of an endpoint with the same budget (`endpoint.OpenAIEndpoint`).
    """

    def __init__(self, teacher: Teacher, budget: QueryBudget) -> None:
        self._teacher, self.budget = teacher, budget

    @property
    def name(self) -> str:
        """Name of the teacher."""
        return self._teacher.name

    @property
    def terms(self) -> str | None:
        """Terms of the teacher."""
        return self._teacher.terms

    def steered(self, steering: Steering) -> Limited:
        """Return the teacher with its next tokens chosen otherwise, behind the same budget.

        Raises
        ------
        UserError
            Where nothing can choose them otherwise.
        """
        if not isinstance(self._teacher, Steerable):
            raise UserError(str(Need.AT_HAND), self.name, hint="Ask a model from local files.")
        return Limited(self._teacher.steered(steering), self.budget)

    def ask(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        """Yield (index, reply), in whatever order the teacher answers those that are asked together."""
        begin = 0
        while begin < len(requests):
            admitted = list(takewhile(self._admit, requests[begin:]))
            if not admitted:
                return
            yield from self._answer(admitted, begin)
            begin += len(admitted)

    def _admit(self, request: Request) -> bool:
        return self.budget.reserve(request) is Admission.GRANTED

    def _answer(self, admitted: Sequence[Request], begin: int) -> Iterator[tuple[int, Reply]]:
        waiting = dict(enumerate(admitted))
        try:
            for place, reply in self._teacher.ask(admitted):
                request = waiting.pop(place)
                booked = self.budget.booked(request, reply)
                self.budget.release(request)
                self.budget.recall(request, booked)
                yield begin + place, booked
        finally:
            for request in waiting.values():
                self.budget.release(request)
