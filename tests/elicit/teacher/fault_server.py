"""An OpenAI-compatible server on loopback that fails on purpose, and counts what it would have charged.

Which requests are refused or share an id follows from the prompt; which meet a fault is drawn for each arrival. What is
generated is paid, whether the reply arrives or not: that is how real endpoints count.
"""

import asyncio
import json
import random
import socket
import struct
import threading
from collections import Counter
from dataclasses import dataclass, field

PROMPT_TOKENS, TOKENS = 7, 5
FREE = ("too many", "server error")
PAID = ("reset", "cut off", "half json", "stall", "no choices", "no content")
CONTENTLESS = ("no choices", "no content")
FAULTS = FREE + PAID


def text_of(prompt, seed=0):
    """What the server answers."""
    return f"answer to {prompt} ({seed})"


def refuses(prompt):
    return prompt.endswith("9")


@dataclass
class FaultServer:
    """Use as a context manager; `url` is its address."""

    rate: float = 0.0
    """Share of arrivals that meet a fault."""
    faults: tuple = FAULTS
    latency_s: float = 0.002
    seed: int = 0
    answer: object = None
    """A function (headers, body) -> (status, headers, body bytes) that replaces all of the above; or None."""
    paid: Counter = field(default_factory=Counter)
    """Generations by (prompt, seed)."""
    met: Counter = field(default_factory=Counter)
    """Arrivals by fault, "none" among them."""
    contentless: Counter = field(default_factory=Counter)
    """Replies without content by prompt."""
    bodies: list = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0

    def __enter__(self):
        self._chance = random.Random(self.seed)
        self._loop, self._tasks = asyncio.new_event_loop(), set()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    def _run(self, ready):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve(ready))
        self._loop.close()

    async def _serve(self, ready):
        self._ended = asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        ready.set()
        await self._ended.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        try:
            while (request := await read_request(reader)) is not None:
                self.in_flight += 1
                self.most_in_flight = max(self.most_in_flight, self.in_flight)
                try:
                    await self._respond(*request, writer)
                finally:
                    self.in_flight -= 1
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(asyncio.current_task())
            writer.close()

    async def _respond(self, headers, body, writer):
        await asyncio.sleep(self.latency_s)
        self.bodies.append(body)
        if self.answer is not None:
            writer.write(response(*self.answer(headers, body)))
            return
        fault = self._chance.choice(self.faults) if self._chance.random() < self.rate else "none"
        prompt = body["messages"][-1]["content"]
        if fault in CONTENTLESS:
            self.contentless[prompt] += 1
            if self.contentless[prompt] >= 2:  # as often in a row is given up, and rightly
                fault = "none"
        self.met[fault] += 1
        if fault not in FREE:
            self.paid[prompt, body["seed"]] += 1
        await getattr(self, "_" + fault.replace(" ", "_"))(body, writer)

    async def _none(self, body, writer):
        writer.write(response(200, {}, encoded(completion(body))))

    async def _too_many(self, body, writer):
        writer.write(response(429, {"Retry-After": "0.02"}, b'{"error": {"message": "slow down", "code": "rate"}}'))

    async def _server_error(self, body, writer):
        writer.write(response(500, {}, b"<html>oops</html>"))

    async def _reset(self, body, writer):
        abort(writer)

    async def _cut_off(self, body, writer):
        whole = response(200, {}, encoded(completion(body)))
        writer.write(whole[: len(whole) - 40])
        await writer.drain()
        abort(writer)

    async def _garbage(self, body, writer):
        writer.write(b"hello there\r\n\r\n")
        await writer.drain()
        raise ConnectionResetError

    async def _half_json(self, body, writer):
        writer.write(response(200, {}, encoded(completion(body))[:60]))

    async def _stall(self, body, writer):
        await asyncio.sleep(30)

    async def _no_choices(self, body, writer):
        writer.write(response(200, {}, encoded(completion(body) | {"choices": []})))

    async def _no_content(self, body, writer):
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": None}}
        writer.write(response(200, {}, encoded(completion(body) | {"choices": [choice]})))


def completion(body, text=None, **message):
    """A chat completion; every other prompt has the same id."""
    prompt = body["messages"][-1]["content"]
    message = {"role": "assistant", "content": text_of(prompt, body.get("seed", 0)) if text is None else text} | message
    if refuses(prompt):
        message |= {"content": None, "refusal": "I would rather not."}
    usage = {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": TOKENS, "total_tokens": PROMPT_TOKENS + TOKENS}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    name = "the same" if prompt[-1] in "02468" else prompt
    return {"id": name, "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}


def encoded(value):
    return json.dumps(value).encode()


def response(status, headers, body):
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def abort(writer):
    """Reset the connection (RST rather than FIN)."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    raise ConnectionResetError


async def read_request(reader):
    """Read (headers, JSON body); None at the end of the connection."""
    head = await reader.readline()
    if not head:
        return None
    headers = {}
    while (line := (await reader.readline()).decode().strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return headers, json.loads(body)
