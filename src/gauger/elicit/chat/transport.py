"""One attempt at one request, through the `openai` client; whatever happens comes back as bytes or as a fault."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from gauger.elicit.chat.faults import Fault, quote, status_fault
from gauger.elicit.chat.pacing import Patience
from gauger.elicit.chat.secret import api_key, hide
from gauger.errors import MissingExtraError

if TYPE_CHECKING:
    import openai

_NEVER_CONNECTED = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol"})
_NEVER_CONNECTED_AIOHTTP = frozenset({"ClientConnectorError", "ConnectionTimeoutError", "InvalidURL"})
_NO_KEY = "none"


@dataclass(frozen=True)
class Line:
    """An open line to one endpoint: a pool of connections with the key inside."""

    client: openai.AsyncOpenAI
    key: SecretStr | None
    patience: Patience
    address: str

    def clean(self, text: str) -> str:
        """Remove the key from what the endpoint sent."""
        return hide(text, self.key)

    async def send(self, path: str, body: dict[str, Any]) -> bytes | Fault:
        """Send one request once."""
        import httpx2
        import openai

        try:
            async with asyncio.timeout(self.patience.total_s):
                response = await self.client.post(path, body=body, cast_to=httpx2.Response)
        except TimeoutError:
            return Fault(f"no whole reply within {self.patience.total_s:g} s", paid=True)
        except openai.APIStatusError as error:
            body_text = self.clean(error.response.text)
            return status_fault(error.status_code, error.response.headers, body_text, self.address)
        except openai.APIConnectionError as error:
            return self._broken(error)
        except (openai.APIError, OSError) as error:
            return self._broken(error)
        return response.content

    def _broken(self, error: BaseException) -> Fault:
        causes = _causes(error)
        said = quote(self.clean(str(causes[-1])))
        name = type(causes[-1]).__name__
        nobody = _never_connected(causes)
        return Fault(f"{name}: {said}" if said else name, paid=not nobody, unreachable=nobody)


@asynccontextmanager
async def line(address: str, patience: Patience, in_flight: int) -> AsyncIterator[Line]:
    """Open a line with the key that the environment holds now."""
    try:
        import openai
    except ImportError as error:
        raise MissingExtraError("asking an OpenAI-compatible endpoint", "elicit") from error

    key = api_key()
    client = openai.AsyncOpenAI(
        api_key=_NO_KEY if key is None else key.get_secret_value(),
        base_url=address,
        max_retries=0,
        timeout=openai.Timeout(patience.total_s, connect=patience.connect_s),
        http_client=_http_client(in_flight, patience, encrypted=address.startswith("https:")),
    )
    try:
        yield Line(client, key, patience, address)
    finally:
        await client.close()


def _http_client(in_flight: int, patience: Patience, encrypted: bool) -> Any:
    """Make the pool: aiohttp's where it is installed, for it takes half the processor time of the other.

    Redirects are not followed: the key goes to the address that the user gave and nowhere else. Certificates are loaded
    where they are needed alone, for that takes as long as fifty requests.
    """
    import openai

    limits = type(openai.DEFAULT_CONNECTION_LIMITS)(max_connections=in_flight, max_keepalive_connections=in_flight)
    settings: dict[str, Any] = {
        "limits": limits,
        "follow_redirects": False,
        "verify": encrypted,
        "timeout": openai.Timeout(patience.total_s, connect=patience.connect_s),
    }
    try:
        return openai.DefaultAioHttpClient(**settings)
    except RuntimeError:  # what openai raises without its aiohttp extra
        return openai.DefaultAsyncHttpxClient(**settings)


def _causes(error: BaseException) -> list[BaseException]:
    """Return an error and its causes, the first of all last."""
    found = [error]
    while (cause := found[-1].__cause__) is not None:
        found.append(cause)
    return found


def _never_connected(causes: list[BaseException]) -> bool:
    """Say whether the request cannot have arrived.

    Where aiohttp carries the request its own error decides: the client above it reports a reset as a timeout while
    connecting, and a reset request may be paid.
    """
    names = {kind.__name__ for cause in causes for kind in type(cause).__mro__}
    if any(type(cause).__module__.startswith("aiohttp") for cause in causes):
        return bool(names & _NEVER_CONNECTED_AIOHTTP)
    return bool(names & _NEVER_CONNECTED)
