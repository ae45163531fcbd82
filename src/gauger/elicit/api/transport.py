"""Makes one attempt at one request; whatever happens comes back as bytes or as a fault.

The `openai` client is given the address and the key and says what is sent with each request; the requests then go
straight through its pool of connections. Its own way there (building and checking a model of every request) would take
more processor time than all the rest of this package's client.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from gauger.elicit.api.address import Address
from gauger.elicit.api.faults import FailedAttempt, quote, status_fault
from gauger.elicit.api.pacing import Patience
from gauger.elicit.api.secret import api_key, hide
from gauger.errors import MissingExtraError

if TYPE_CHECKING:
    import httpx2

_NEVER_CONNECTED = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol"})
_NEVER_CONNECTED_AIOHTTP = frozenset({"ClientConnectorError", "ConnectionTimeoutError", "InvalidURL"})
_SILENT = frozenset({"ReadTimeout", "SocketTimeoutError", "ServerTimeoutError", "TimeoutError"})
_NO_KEY = "none"


@dataclass(frozen=True)
class EndpointLine:
    """An open line to one endpoint."""

    url: str
    query: str
    """What follows the path of every request; empty, or from the question mark on."""
    patience: Patience
    pool: httpx2.AsyncClient
    headers: httpx2.Headers = field(repr=False)
    """Sent with each request; the key is in them."""
    secrets: tuple[SecretStr, ...]
    network_errors: tuple[type[Exception], ...]

    def clean(self, text: str) -> str:
        """Remove the key, and every other secret that was sent, from what the endpoint sent."""
        for secret in self.secrets:
            text = hide(text, secret)
        return text

    async def send(self, path: str, body: dict[str, Any]) -> bytes | FailedAttempt:
        """Send one request once."""
        return await self.exchange("POST", path, json.dumps(body, ensure_ascii=True).encode("ascii"))

    async def exchange(
        self, method: str, path: str, content: bytes | None = None, kind: str | None = None
    ) -> bytes | FailedAttempt:
        """Send something once; `kind` is its type where that is not JSON."""
        import httpx2

        request = httpx2.Request(
            method,
            self.url + path + (self.query.replace("?", "&") if "?" in path else self.query),
            headers=self.headers if kind is None else httpx2.Headers([*self._others, ("Content-Type", kind)]),
            content=content,
            extensions={"timeout": self.patience.timeouts_s},
        )
        try:
            async with asyncio.timeout(self.patience.total_s):
                response = await self.pool.send(request)
        except TimeoutError:
            return self._slow(f"no whole reply within {self.patience.total_s:g} s")
        except self.network_errors as error:
            return self._broken(error)
        if response.is_success:
            return response.content
        headers = {name.lower(): self.clean(value) for name, value in response.headers.items()}
        return status_fault(response.status_code, headers, self.clean(response.text), self.url)

    @property
    def _others(self) -> list[tuple[str, str]]:
        """Headers but for the type of what is sent."""
        return [(name, value) for name, value in self.headers.items() if name.lower() != "content-type"]

    @staticmethod
    def _slow(what: str) -> FailedAttempt:
        hint = "it may be paid; a longer timeout or streaming lets a model think longer"
        return FailedAttempt(f"{what} ({hint})", paid=True, slow=True)

    def _broken(self, error: Exception) -> FailedAttempt:
        causes = _causes(error)
        message = quote(self.clean(str(causes[-1])))
        name = type(causes[-1]).__name__
        nobody = _never_connected(causes)
        if not nobody and self.patience.silence_s and name in _SILENT:
            return self._slow(f"no piece of the reply within {self.patience.silence_s:g} s")
        return FailedAttempt(f"{name}: {message}" if message else name, paid=not nobody, unreachable=nobody)


@asynccontextmanager
async def line(place: Address, patience: Patience, in_flight: int) -> AsyncIterator[EndpointLine]:
    """Open a line with the key, and whatever other secrets a header names, that the environment holds now."""
    try:
        import httpx2
        import openai
    except ImportError as error:
        raise MissingExtraError("asking an OpenAI-compatible endpoint", "elicit") from error

    key = None if place.keyless else api_key()
    pool, network_errors = _pool(in_flight, encrypted=place.url.startswith("https:"))
    own, secrets = place.sent_headers()
    client = openai.AsyncOpenAI(
        api_key=_NO_KEY if key is None else key.get_secret_value(),
        base_url=place.url,
        max_retries=0,
        http_client=pool,
    )
    default_headers = {**client.default_headers, **client.auth_headers}
    headers = httpx2.Headers({name: value for name, value in default_headers.items() if isinstance(value, str)} | own)
    known = (*([] if key is None else [key]), *secrets)
    try:
        yield EndpointLine(place.url, place.sent_query, patience, pool, headers, known, network_errors)
    finally:
        await client.close()


def _pool(in_flight: int, encrypted: bool) -> tuple[httpx2.AsyncClient, tuple[type[Exception], ...]]:
    """Make the pool, aiohttp's where it is installed, for it takes half the processor time; say what it may raise.

    Redirects are not followed: the key goes to the address that the user gave and nowhere else. Certificates are loaded
    where they are needed alone, for that takes as long as fifty requests.
    """
    import httpx2
    import openai

    limits = httpx2.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    try:
        import aiohttp

        pool = openai.DefaultAioHttpClient(limits=limits, follow_redirects=False, verify=encrypted)
    except (ImportError, RuntimeError):  # openai raises the latter without its aiohttp extra
        pool = openai.DefaultAsyncHttpxClient(limits=limits, follow_redirects=False, verify=encrypted)
        return pool, (httpx2.HTTPError, OSError)
    return pool, (httpx2.HTTPError, aiohttp.ClientError, OSError)


def _causes(error: BaseException) -> list[BaseException]:
    """Return an error and its causes, the first of all last."""
    causes = [error]
    while (cause := causes[-1].__cause__) is not None:
        causes.append(cause)
    return causes


def _never_connected(causes: list[BaseException]) -> bool:
    """Say whether the request cannot have arrived.

    Where aiohttp carries the request its own error decides: the client above it reports a reset as a timeout while
    connecting, and a reset request may be paid.
    """
    names = {kind.__name__ for cause in causes for kind in type(cause).__mro__}
    if any(type(cause).__module__.startswith("aiohttp") for cause in causes):
        return bool(names & _NEVER_CONNECTED_AIOHTTP)
    return bool(names & _NEVER_CONNECTED)
