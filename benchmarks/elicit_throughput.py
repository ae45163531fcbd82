"""How much of what a server gives to a bare load generator does it give to Gauger's client with its journal on?

Two servers on loopback, each of at most 320 requests a second, asked with 64 requests in flight:

- full: 16 places of 50 ms each, the others wait their turn, as at an inference server whose batch is full. The server
  is the limit, and the target is for this one;
- patient: it answers every request after 200 ms, however many there are. Here each millisecond between a reply and the
  next request counts, and since all of them come in waves each waits for those before it: the hardest case.

Four clients ask the same requests, in turn, several times over:

- bare: an aiohttp loop that sends, reads the JSON, and keeps nothing;
- AsyncOpenAI: the `openai` client as its manual shows it, in the same loop;
- gauger: `OpenAIEndpoint` (budget, pace, retries, fault handling), replies thrown away;
- gauger, journal: the same with `Journalled`: every reply on disk by fsync before it is seen.

A last part asks a server that answers at once, where each client's own processor time is the limit.

Run: python benchmarks/elicit_throughput.py [--requests 1920] [--in-flight 64] [--rounds 3]
Target: gauger with its journal gets at least 95 % of the bare generator's throughput.

With `--beside SRC` another checkout's `src` is measured beside this one, by turns and in processes of their own, with
the journal alone. Target: this one is at most 10 % slower, in throughput and in processor time for each request.
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
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import openai

from gauger.elicit.api.endpoint import OpenAIEndpoint, parse_teacher
from gauger.elicit.api.pacing import Pace
from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.journalled import Journalled
from gauger.elicit.teacher.messages import Message, Request

TARGET = 0.95
PROMPT = "How many apples are left when three of twelve are eaten and four are bought? Reason step by step. " * 3
ANSWER = "There are twelve apples; three are eaten, which leaves nine; four are bought, which makes thirteen. " * 6


@dataclass(frozen=True)
class Server:
    """How long one request takes, and how many are served at once (0: as many as there are)."""

    seconds: float
    places: float = 0

    def most_per_s(self, in_flight: int) -> float:
        """Requests a second, with so many in flight."""
        return min(self.places or in_flight, in_flight) / self.seconds


SERVERS = {"full": Server(0.05, 16), "patient": Server(0.2)}


def main() -> None:
    """Measure, print, and say whether the target is met."""
    options = arguments()
    if options.serve is not None:
        asyncio.run(serve(Server(*options.serve)))
        return
    if options.client is not None:
        timed(options.client, options)
        return
    if options.beside is not None:
        beside(options)
        return
    print(f"{options.requests} requests, {options.in_flight} in flight, load {os.getloadavg()[0]:.1f}")
    reached = {}
    for name, server in SERVERS.items():
        print(f"{name} server: at most {server.most_per_s(options.in_flight):.0f} requests/s")
        rates, each = measure(server, options)
        for client in CLIENTS:
            share, milliseconds = rates[client] / rates["bare"], 1000 / each[client]
            print(
                f"  {client:16} {rates[client]:6.1f}/s  {share:6.1%} of bare  {milliseconds:5.2f} ms of processor each"
            )
        reached[name] = rates["gauger, journal"] / rates["bare"]
    print("server that answers at once: the client is the limit")
    _, limits = measure(Server(0.0), options)
    for client in CLIENTS:
        print(f"  {client:16} {limits[client]:6.0f} requests per processor second")
    print(f"target of {TARGET:.0%} (full server): {'met' if reached['full'] >= TARGET else 'MISSED'}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=1920)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", type=float, nargs=2, help="be the server: seconds, places (the benchmark does this)")
    parser.add_argument("--beside", type=Path, help="the src folder of another checkout, to be measured beside")
    parser.add_argument("--client", help="be the client of this address (the benchmark does this)")
    return parser.parse_args()


def timed(url: str, options: argparse.Namespace) -> None:
    """Ask once to warm up, then once more, and print requests per second and processor seconds of each."""
    journalled(url, options.in_flight, options.in_flight)
    wall, processor = time.perf_counter(), time.process_time()
    journalled(url, options.requests, options.in_flight)
    took = time.perf_counter() - wall, time.process_time() - processor
    print(json.dumps([options.requests / took[0], took[1] / options.requests]))


def beside(options: argparse.Namespace) -> None:
    """Measure two checkouts by turns, best of some rounds each."""
    sources = {"other": options.beside, "this": Path(__file__).parents[1] / "src"}
    load = os.getloadavg()[0]
    print(f"{options.requests} requests, {options.in_flight} in flight, best of {options.rounds}, load {load:.1f}")
    held = True
    for name, server in {**SERVERS, "at once": Server(0.0)}.items():
        best = {whose: (0.0, float("inf")) for whose in sources}
        with running(server) as url:
            for _ in range(options.rounds):
                for whose, source in sources.items():
                    rate, each = measured(source, url, options)
                    best[whose] = max(best[whose][0], rate), min(best[whose][1], each)
        for whose, (rate, each) in best.items():
            print(f"  {name:8} {whose:6} {rate:7.1f}/s  {1000 * each:5.2f} ms of processor each")
        ratios = best["this"][0] / best["other"][0], best["this"][1] / best["other"][1]
        print(f"  {name:8} this / other: {ratios[0]:.3f} in throughput, {ratios[1]:.3f} in processor time")
        held &= ratios[0] >= 0.9 and ratios[1] <= 1.1
    print(f"target of 10 %: {'met' if held else 'MISSED'}")


def measured(source: Path, url: str, options: argparse.Namespace) -> tuple[float, float]:
    """Measure one checkout in a process of its own."""
    command = [sys.executable, __file__, "--client", url, "--requests", str(options.requests)]
    command += ["--in-flight", str(options.in_flight)]
    environment = {**os.environ, "PYTHONPATH": str(source)}
    said = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    rate, each = json.loads(said)
    return rate, each


@contextmanager
def running(server: Server) -> Iterator[str]:
    """Run a server in a process of its own; its address."""
    command = [sys.executable, __file__, "--serve", str(server.seconds), str(server.places)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def measure(server: Server, options: argparse.Namespace) -> tuple[dict[str, float], dict[str, float]]:
    """Return requests per second, and per processor second, of each client.

    The best of some rounds: what else runs on the machine only slows.
    """
    walls: dict[str, list[float]] = {name: [] for name in CLIENTS}
    processors: dict[str, list[float]] = {name: [] for name in CLIENTS}
    command = [sys.executable, __file__, "--serve", str(server.seconds), str(server.places)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        for client in CLIENTS.values():  # warm: imports, first connections
            client(url, options.in_flight, options.in_flight)
        for _ in range(options.rounds):
            for name, client in CLIENTS.items():
                wall, processor = time.perf_counter(), time.process_time()
                client(url, options.requests, options.in_flight)
                walls[name].append(options.requests / (time.perf_counter() - wall))
                processors[name].append(options.requests / (time.process_time() - processor))
    finally:
        process.terminate()
        process.wait()
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
    teacher = OpenAIEndpoint(parse_teacher(f"{url}#m"), QueryBudget(max_tokens=10**9), Pace(in_flight))
    assert sum(1 for _ in teacher.ask(requests(count))) == count


def journalled(url: str, count: int, in_flight: int) -> None:
    teacher = OpenAIEndpoint(parse_teacher(f"{url}#m"), QueryBudget(max_tokens=10**9), Pace(in_flight))
    with tempfile.TemporaryDirectory() as directory:
        assert sum(1 for _ in Journalled(teacher, Path(directory) / "replies.jsonl").ask(requests(count))) == count


CLIENTS: dict[str, Callable[[str, int, int], None]] = {
    "bare": bare,
    "AsyncOpenAI": async_openai,
    "gauger": gauger,
    "gauger, journal": journalled,
}


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


def requests(count: int) -> list[Request]:
    return [Request((Message("user", f"{number}: {PROMPT}"),), 200) for number in range(count)]


class Answering(asyncio.Protocol):
    """The least that speaks HTTP: reads a request by its Content-Length, writes the same reply once it was served."""

    def __init__(self, served: Callable[[], Awaitable[None]], reply: bytes) -> None:
        self._served, self._reply, self._read = served, reply, b""

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
            self._task = asyncio.create_task(self._answer())

    async def _answer(self) -> None:
        await self._served()
        if not self._transport.is_closing():
            self._transport.write(self._reply)


async def serve(server: Server) -> None:
    """Print the address, then answer until killed."""
    places = asyncio.Semaphore(int(server.places) or 1_000_000)

    async def served() -> None:
        async with places:
            await asyncio.sleep(server.seconds)

    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": ANSWER}}
    usage = {"prompt_tokens": 80, "completion_tokens": 130, "total_tokens": 210}
    reply = {"id": "a", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}
    content = json.dumps(reply).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    whole = head.encode() + content
    listening = await asyncio.get_running_loop().create_server(lambda: Answering(served, whole), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1", flush=True)
    await listening.serve_forever()


if __name__ == "__main__":
    main()
