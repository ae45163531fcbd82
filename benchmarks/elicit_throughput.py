"""How much of what a server gives to a bare load generator does it give to Gauger's client with its journal on?

A server on loopback answers each request after a fixed time, as real ones do (they take longer still), so that with 64
requests in flight the server is the limit: 64 / 0.2 s = 320 requests a second. Four clients ask the same requests at
the same concurrency, in turn, several times over:

- bare: an aiohttp loop that sends, reads the JSON, and keeps nothing;
- AsyncOpenAI: the `openai` client as its manual shows it, in the same loop;
- gauger: `OpenAIEndpoint` (budget, pace, retries, fault handling), replies thrown away;
- gauger, journal: the same with `Journalled`: every reply on disk by fsync before it is seen.

A last part asks a server that answers at once, where each client's own processor time is the limit.

Run: python benchmarks/elicit_throughput.py [--requests 2000] [--latency-ms 200] [--in-flight 64] [--rounds 5]
Target: gauger with its journal gets at least 95 % of the bare generator's throughput.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import openai

from gauger.elicit.chat.budget import Budget
from gauger.elicit.chat.endpoint import OpenAIEndpoint, parse_teacher
from gauger.elicit.chat.journalled import Journalled
from gauger.elicit.chat.messages import ChatRequest, Message
from gauger.elicit.chat.pacing import Pace

TARGET = 0.95
PROMPT = "How many apples are left when three of twelve are eaten and four are bought? Reason step by step. " * 3
ANSWER = "There are twelve apples; three are eaten, which leaves nine; four are bought, which makes thirteen. " * 6


def main() -> None:
    """Measure, print, and say whether the target is met."""
    options = arguments()
    if options.serve is not None:
        asyncio.run(serve(options.serve))
        return
    clients = {"bare": bare, "AsyncOpenAI": async_openai, "gauger": gauger, "gauger, journal": journalled}
    print(f"{options.requests} requests, {options.in_flight} in flight, load {os.getloadavg()[0]:.1f}")
    capacity = options.in_flight / (options.latency_ms / 1000)
    print(f"server answers after {options.latency_ms} ms: at most {capacity:.0f} requests/s")
    rates, each = measure(clients, options, options.latency_ms / 1000)
    for name in clients:
        share, milliseconds = rates[name] / rates["bare"], 1000 / each[name]
        print(f"  {name:16} {rates[name]:7.1f} requests/s   {share:6.1%} of bare  {milliseconds:5.2f} ms of processor")
    print("server answers at once: the client is the limit")
    _, limits = measure(clients, options, 0.0)
    for name in clients:
        print(f"  {name:16} {limits[name]:7.0f} requests per processor second")
    met = rates["gauger, journal"] >= TARGET * rates["bare"]
    print(f"target of {TARGET:.0%}: {'met' if met else 'MISSED'}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--latency-ms", type=float, default=200.0)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", type=float, metavar="SECONDS", help="be the server (started by the benchmark)")
    return parser.parse_args()


Client = Callable[[str, int, int], None]


def measure(
    clients: dict[str, Client], options: argparse.Namespace, latency_s: float
) -> tuple[dict[str, float], dict[str, float]]:
    """Return requests per second, and per processor second, of each client.

    The best of some rounds: what else runs on the machine only slows.
    """
    walls: dict[str, list[float]] = {name: [] for name in clients}
    processors: dict[str, list[float]] = {name: [] for name in clients}
    server = subprocess.Popen([sys.executable, __file__, "--serve", str(latency_s)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        for client in clients.values():  # warm: imports, first connections
            client(url, options.in_flight, options.in_flight)
        for _ in range(options.rounds):
            for name, client in clients.items():
                wall, processor = time.perf_counter(), time.process_time()
                client(url, options.requests, options.in_flight)
                walls[name].append(options.requests / (time.perf_counter() - wall))
                processors[name].append(options.requests / (time.process_time() - processor))
    finally:
        server.terminate()
        server.wait()
    return {name: max(all_) for name, all_ in walls.items()}, {name: max(all_) for name, all_ in processors.items()}


def bare(url: str, count: int, in_flight: int) -> None:
    async def run() -> None:
        connector = aiohttp.TCPConnector(limit=in_flight)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def one(number: int) -> None:
                async with session.post(f"{url}/chat/completions", json=body(number)) as response:
                    await response.json()

            await load(one, count, in_flight)

    asyncio.run(run())


def async_openai(url: str, count: int, in_flight: int) -> None:
    async def run() -> None:
        async with openai.AsyncOpenAI(
            api_key="none", base_url=url, max_retries=0, timeout=openai.Timeout(600)
        ) as client:

            async def one(number: int) -> None:
                reply = await client.chat.completions.create(**body(number))
                assert reply.choices[0].message.content

            await load(one, count, in_flight)

    asyncio.run(run())


def gauger(url: str, count: int, in_flight: int) -> None:
    teacher = OpenAIEndpoint(parse_teacher(f"{url}#m"), Budget(max_tokens=10**9), Pace(in_flight))
    assert sum(1 for _ in teacher.ask(requests(count))) == count


def journalled(url: str, count: int, in_flight: int) -> None:
    teacher = OpenAIEndpoint(parse_teacher(f"{url}#m"), Budget(max_tokens=10**9), Pace(in_flight))
    with tempfile.TemporaryDirectory() as directory:
        assert sum(1 for _ in Journalled(teacher, Path(directory) / "replies.jsonl").ask(requests(count))) == count


async def load(one: Callable[[int], Awaitable[None]], count: int, in_flight: int) -> None:
    """Keep so many requests in flight until all are answered."""
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            await one(number)

    await asyncio.gather(*(worker() for _ in range(in_flight)))


def body(number: int) -> dict[str, object]:
    messages = [{"role": "user", "content": f"{number}: {PROMPT}"}]
    return {"model": "m", "messages": messages, "max_tokens": 200, "temperature": 0.0, "seed": 0}


def requests(count: int) -> list[ChatRequest]:
    return [ChatRequest((Message("user", f"{number}: {PROMPT}"),), 200) for number in range(count)]


class Answering(asyncio.Protocol):
    """The least that speaks HTTP: reads a request by its Content-Length, writes the same reply after the latency."""

    def __init__(self, latency_s: float, reply: bytes) -> None:
        self._latency_s, self._reply, self._read = latency_s, reply, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self._read += data
        head, end, rest = self._read.partition(b"\r\n\r\n")
        if not end:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(rest) >= length:
            self._read = rest[length:]
            asyncio.get_running_loop().call_later(self._latency_s, self._answer)

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(self._reply)


async def serve(latency_s: float) -> None:
    """Print the address, then answer until killed."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": ANSWER}}
    usage = {"prompt_tokens": 80, "completion_tokens": 130, "total_tokens": 210}
    reply = {"id": "a", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}
    content = json.dumps(reply).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    whole = head.encode() + content
    server = await asyncio.get_running_loop().create_server(lambda: Answering(latency_s, whole), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    main()
