"""Offers a teacher behind an OpenAI-compatible endpoint: vLLM, a llama.cpp server, a hosted model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from gauger.elicit.api.chat_format import Dialect
from gauger.elicit.api.pacing import Pace, Patience
from gauger.elicit.api.session import Conduct, Session
from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.messages import Reply, Request, SendingLog
from gauger.errors import UserError

_FORM = "a teacher as URL#MODEL, as in http://localhost:8000/v1#my-model"


@dataclass(frozen=True)
class Address:
    """Where a teacher is and how it is spoken to; holds no secret."""

    url: str
    """Up to and without `/chat/completions`, as in `https://host/v1`."""
    model: str
    dialect: Dialect = field(default_factory=Dialect)

    def __str__(self) -> str:
        return f"{self.url}#{self.model}"


def parse_teacher(text: str) -> Address:
    """Read `URL#MODEL`.

    Raises
    ------
    UserError
        Where it is not of that form, or holds a user name, a password or a query: such would stand in the ledger.
    """
    url, _, model = text.strip().partition("#")
    try:
        parts = urlsplit(url)
        secret = bool(parts.username or parts.password or parts.query)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        secret, usable = "@" in url, False
    if secret:
        raise UserError(
            _FORM,
            "an address with a user name, a password or a query in it",
            hint="The address is stored with the results; give the key in GAUGER_API_KEY instead.",
        )
    if not usable or not model:
        raise UserError(_FORM, repr(text))
    return Address(url.rstrip("/").removesuffix("/chat/completions"), model)


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
    ) -> None:
        self._address, self._terms, self.budget = address, terms, budget or QueryBudget()
        self._conduct = Conduct(
            address.url, address.model, address.dialect, self.budget, pace or Pace(), patience or Patience()
        )

    def __repr__(self) -> str:
        return f"OpenAIEndpoint({self.name!r})"

    @property
    def name(self) -> str:
        """`URL#MODEL`."""
        return str(self._address)

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

    def start(self, requests: Sequence[Request], log: SendingLog | None = None) -> Session:
        """Return the session of one batch, which can be told to stop with what is in flight.

        `log` is told of every request before it is sent, and of those that came to nothing without being paid unseen.
        """
        return Session(self._conduct, requests, log)
