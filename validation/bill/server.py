"""A loopback endpoint that keeps its own bill, and answers every prompt by a script of quirks of real providers.

Each arrival of a prompt takes the next quirk of its script; once the script is used up it answers plainly. A quirk says
what is sent back, and what is billed, which the client may or may not be told.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

PRICES = (1.0, 10.0, 0.25, 20.0)
"""US dollars per million tokens: in, out, cached, reasoning."""
ANSWER = "forty-two"


@dataclass
class Billed:
    """What the server bills for one arrival."""

    tokens_in: int
    tokens_out: int
    cached: int = 0
    reasoning: int = 0
    own_usd: float | None = None
    """The price of an endpoint that states costs itself."""

    @property
    def usd(self) -> float:
        """At the server's prices."""
        if self.own_usd is not None:
            return self.own_usd
        fresh, plain = self.tokens_in - self.cached, self.tokens_out - self.reasoning
        amounts = (fresh, plain, self.cached, self.reasoning)
        return sum(amount * price for amount, price in zip(amounts, PRICES, strict=True)) / 1e6


@dataclass
class Quirk:
    """What comes back for one arrival: a status and a body, or a way to break off; and what is billed."""

    status: int = 200
    body: Any = None
    broken: str | None = None
    """`reset`, `half` or `stall`: what happens instead of the end of the reply."""
    headers: dict[str, str] = field(default_factory=dict)
    billed: Billed | None = None
    told: bool = True
    """Whether the reply says exactly what was billed."""


def reply(usage: Any, text: str | None = ANSWER, finish: str = "stop", **message: Any) -> dict[str, Any]:
    """Make a chat completion."""
    message = {"role": "assistant", "content": text, **message}
    found: dict[str, Any] = {"choices": [{"index": 0, "finish_reason": finish, "message": message}]}
    return found if usage is None else found | {"usage": usage}


def listed(tokens_in: int, tokens_out: int, **more: Any) -> dict[str, Any]:
    """Make the usage that most endpoints state."""
    return {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out} | more


class Quirks:
    """Draws quirks; `most_out` is the request's own limit, which all but `LIMITLESS` keep."""

    def __init__(self, chance: random.Random, most_out: int, without: tuple[str, ...] = ()) -> None:
        self._chance, self._most_out = chance, most_out
        self._names = [name for name in NAMES if name not in without]

    def draw(self) -> Quirk:
        """Draw one."""
        name = self._chance.choice(self._names)
        made: Quirk = getattr(self, f"_{name}")(self._chance.randint(5, 30), self._chance.randint(1, self._most_out))
        return made

    def _plain(self, i: int, o: int) -> Quirk:
        return Quirk(body=reply(listed(i, o)), billed=Billed(i, o))

    def _thoughts_in_the_total(self, i: int, o: int) -> Quirk:
        hidden = self._chance.randint(1, 500)  # servers whose thoughts ignore the limit
        return Quirk(body=reply(listed(i, o, total_tokens=i + o + hidden)), billed=Billed(i, o + hidden))

    def _reasoning_within(self, i: int, o: int) -> Quirk:
        r = self._chance.randint(0, o)
        usage = listed(i, o, completion_tokens_details={"reasoning_tokens": r})
        return Quirk(body=reply(usage), billed=Billed(i, o, reasoning=r))

    def _reasoning_beside(self, i: int, o: int) -> Quirk:
        r = o + self._chance.randint(1, 300)
        usage = {"prompt_tokens": i, "completion_tokens": o, "completion_tokens_details": {"reasoning_tokens": r}}
        return Quirk(body=reply(usage), billed=Billed(i, o + r, reasoning=r))

    def _cached(self, i: int, o: int) -> Quirk:
        c = self._chance.randint(0, i)
        usage = listed(i, o, prompt_tokens_details={"cached_tokens": c})
        return Quirk(body=reply(usage), billed=Billed(i, o, cached=c))

    def _own_cost(self, i: int, o: int) -> Quirk:
        usd = self._chance.random() / 1e4
        return Quirk(body=reply(listed(i, o, cost=usd)), billed=Billed(i, o, own_usd=usd))

    def _out_null(self, i: int, o: int) -> Quirk:
        return Quirk(body=reply({"prompt_tokens": i, "completion_tokens": None}), billed=Billed(i, o), told=False)

    def _no_usage(self, i: int, o: int) -> Quirk:
        return Quirk(body=reply(None), billed=Billed(i, o), told=False)

    def _zeros(self, i: int, o: int) -> Quirk:
        return Quirk(body=reply(listed(0, 0)), billed=Billed(i, o), told=False)

    def _negative(self, i: int, o: int) -> Quirk:
        return Quirk(body=reply(listed(-5_000_000, o)), billed=Billed(i, o), told=False)

    def _huge(self, i: int, o: int) -> Quirk:
        return Quirk(body=reply(listed(10**30, o)), billed=Billed(i, o), told=False)

    def _empty(self, i: int, o: int) -> Quirk:
        return Quirk(body=reply(listed(i, o), ""), billed=Billed(i, o))

    def _empty_silent(self, i: int, o: int) -> Quirk:
        return Quirk(body=reply(None, None), billed=Billed(i, o), told=False)

    def _no_choices(self, i: int, o: int) -> Quirk:
        return Quirk(body={"choices": [], "usage": listed(i, o)}, billed=Billed(i, o))

    def _filtered(self, i: int, o: int) -> Quirk:
        return Quirk(body=reply(listed(i, o), None, "content_filter"), billed=Billed(i, o))

    def _declined(self, i: int, o: int) -> Quirk:
        return Quirk(body=reply(listed(i, o), None, refusal="I would rather not."), billed=Billed(i, o))

    def _tool_call(self, i: int, o: int) -> Quirk:
        calls = [{"id": "1", "type": "function", "function": {"name": "add", "arguments": "{}"}}]
        return Quirk(body=reply(listed(i, o), None, "tool_calls", tool_calls=calls), billed=Billed(i, o))

    def _cut_off(self, i: int, o: int) -> Quirk:
        return Quirk(body=reply(listed(i, o), finish="length"), billed=Billed(i, o))

    def _too_many(self, _i: int, _o: int) -> Quirk:
        return Quirk(429, {"error": {"message": "slow down"}}, headers={"Retry-After": "0.001"})

    def _unavailable(self, _i: int, _o: int) -> Quirk:
        return Quirk(503, {"error": {"message": "overloaded"}})

    def _gateway(self, i: int, o: int) -> Quirk:
        status = self._chance.choice([408, 504, 524])
        billed = Billed(i, o) if self._chance.random() < 0.7 else None
        return Quirk(status, {"error": {"message": "time-out"}}, billed=billed, told=False)

    def _reset(self, i: int, o: int) -> Quirk:
        billed = Billed(i, o) if self._chance.random() < 0.7 else None
        return Quirk(broken="reset", billed=billed, told=False)

    def _half(self, i: int, o: int) -> Quirk:
        return Quirk(body=reply(listed(i, o)), broken="half", billed=Billed(i, o), told=False)

    def _error_inside(self, i: int, o: int) -> Quirk:
        return Quirk(body={"error": {"message": "upstream", "code": 502}}, billed=Billed(i, o), told=False)

    def _wrong(self, i: int, _o: int) -> Quirk:
        return Quirk(400, {"error": {"message": f"too long by {i}"}})


NAMES = [name[1:] for name in vars(Quirks) if name.startswith("_") and not name.startswith("__")]
"""Every quirk."""
LIMITLESS = ("thoughts_in_the_total", "reasoning_beside")
"""Quirks that write more than the request allows; of what came to nothing nobody can bound those."""


@dataclass
class BillingServer:
    """Use `serving`; one server may serve many sequences, told apart by the model's name."""

    latency_s: float = 0.0
    scripts: dict[tuple[str, str], list[Quirk]] = field(default_factory=dict)
    """(model, prompt) -> what comes back, in order."""
    billed: dict[tuple[str, str], list[Billed]] = field(default_factory=lambda: defaultdict(list))
    arrived: Counter[tuple[str, str]] = field(default_factory=Counter)
    told: dict[tuple[str, str], bool] = field(default_factory=lambda: defaultdict(lambda: True))
    """Whether all that was billed for a prompt was said to the client."""
    in_flight: int = 0
    url: str = ""
    other_url: str = ""
    """The same server at another port."""

    async def respond(self, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        """Take the next quirk of the prompt, bill it, and send what it sends."""
        place = (body["model"], body["messages"][-1]["content"])
        self.arrived[place] += 1
        script = self.scripts.get(place)
        quirk = script.pop(0) if script else Quirk(body=reply(listed(9, 3)), billed=Billed(9, 3))
        if quirk.billed is not None:
            self.billed[place].append(quirk.billed)
            self.told[place] &= quirk.told
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        content = json.dumps(quirk.body).encode()
        if quirk.broken == "reset":
            abort(writer)
        if quirk.broken == "half":
            content = content[: len(content) // 2]
        head = [f"HTTP/1.1 {quirk.status} X", f"Content-Length: {len(content)}", "Content-Type: application/json"]
        head += [f"{name}: {value}" for name, value in quirk.headers.items()]
        writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + content)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while body := await read_request(reader):
                self.in_flight += 1
                try:
                    await self.respond(body, writer)
                finally:
                    self.in_flight -= 1
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


async def read_request(reader: asyncio.StreamReader) -> Any:
    """Read the JSON of a request; None at the end of the connection."""
    head = await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""
    if not head:
        return None
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    return json.loads(await reader.readexactly(length))


def abort(writer: asyncio.StreamWriter) -> None:
    """Reset the connection."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    raise ConnectionResetError


@contextmanager
def serving(latency_s: float = 0.0) -> Iterator[BillingServer]:
    """Serve on two ports of loopback, in a thread."""
    server, ready = BillingServer(latency_s), threading.Event()
    ended: list[Callable[[], object]] = []

    async def serve() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        ended.append(lambda: loop.call_soon_threadsafe(stop.set))
        listening = [await asyncio.start_server(server.connected, "127.0.0.1", 0) for _ in range(2)]
        urls = [f"http://127.0.0.1:{one.sockets[0].getsockname()[1]}/v1" for one in listening]
        server.url, server.other_url = urls
        ready.set()
        await stop.wait()
        for one in listening:
            one.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield server
    finally:
        ended[0]()
        thread.join()
