"""Offers a teacher behind an OpenAI-compatible endpoint: vLLM, a llama.cpp server, a hosted model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gauger.elicit.api.address import Address
from gauger.elicit.api.batch_session import BatchSession
from gauger.elicit.api.pacing import Pace, Patience
from gauger.elicit.api.session import Conduct, OwnServer, Session, Tell
from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.messages import Reply, Request, SendingLog
from gauger.errors import UserError


class OpenAIEndpoint:
    """A `Teacher` that asks over HTTP: many requests at once, with retries, limits and a budget.

    Parameters
    ----------
    address : Address
        From `parse_teacher`.
    budget : Budget, optional
        Shared with whoever else holds it; None: no limit, costs unknown.
    pace : Pace
        Requests at once and per minute.
    patience : Patience
        Timeouts and retries.
    terms : str, optional
        Terms-of-use tag of what this teacher writes.
    batch : bool
        Whether requests go out as files, through the endpoint's interface for batches, rather than one by one.
    name : str, optional
        What the ledger calls it; None: its address.
    server : OwnServer, optional
        What answers there, where this process had it started: it is started again where it ends.
    tell : function, optional
        Is told once, in a sentence, where the endpoint does not answer and is asked again.

    Notes
    -----
    The key is read from the environment (`GAUGER_API_KEY`, else `OPENAI_API_KEY`) each time that a batch is asked.
    Most endpoints repeat a reply only approximately even at temperature 0 with a seed; `Journalled` makes what was
    answered once stay.

    Proved by tests/elicit/api/test_faults.py (faults at 30 % of requests) and test_secret.py (no key anywhere).
    """

    def __init__(
        self,
        address: Address,
        budget: QueryBudget | None = None,
        pace: Pace | None = None,
        patience: Patience | None = None,
        terms: str | None = None,
        batch: bool = False,
        name: str | None = None,
        server: OwnServer | None = None,
        tell: Tell | None = None,
    ) -> None:
        self._address, self._terms, self.budget = address, terms, budget or QueryBudget()
        self._batch, self._name = batch, name
        self._conduct = Conduct(
            address, address.dialect, self.budget, pace or Pace(), patience or Patience(), server, tell
        )

    def __repr__(self) -> str:
        return f"OpenAIEndpoint({self.name!r})"

    @property
    def name(self) -> str:
        """`URL#MODEL`, unless it was given another."""
        return self._name or str(self._address)

    @property
    def terms(self) -> str | None:
        """Terms-of-use tag; None where nobody stated one."""
        return self._terms

    def ask(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        """Yield (index, reply) as replies come; requests that the budget has no room for get none.

        Raises
        ------
        UserError
            Where the endpoint lets nobody in (key, credit, address, model): what is in flight comes back first.
        """
        for batch in self.start(requests).batches():
            yield from batch

    def start(self, requests: Sequence[Request], log: SendingLog | None = None) -> Session | BatchSession:
        """Return the session of one batch, which can be told to stop with what is in flight.

        `log` is told of every request before it is sent, and of those that came to nothing without being paid unseen.

        Raises
        ------
        UserError
            Where these requests are in a batch that has not come in, and are now to be asked one by one.
        """
        if self._batch:
            return BatchSession(self._conduct, requests, log)
        if log is not None and (open_ones := log.under_way()):
            raise UserError(
                "batches, as these requests are in one that has not come in",
                f"to be asked one by one (batch {open_ones[0].id or open_ones[0].name} at {open_ones[0].url})",
                hint="Run it with batches until that one has come in: it is paid, and would be paid again.",
            )
        return Session(self._conduct, requests, log)
