"""Compare the ledger with the bill of a server, over random sequences of quirks and over kills (see README.md)."""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from pathlib import Path

import kills
import sequences
from server import NAMES, serving


def main() -> None:
    """Draw, ask, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sequences", type=int, default=1200)
    parser.add_argument("--kills", type=int, default=50)
    options = parser.parse_args()
    print(f"python validation/bill/simulate.py --sequences {options.sequences} --kills {options.kills}")
    print(f"Python {platform.python_version()}, {len(NAMES)} quirks: {', '.join(NAMES)}\n")
    with tempfile.TemporaryDirectory() as folder:
        draw_sequences(options.sequences, Path(folder))
        draw_kills(options.kills // kills.KILLS_EACH, Path(folder))


def draw_sequences(count: int, folder: Path) -> None:
    """Ask through random sequences, and print how often the ledger misses the bill."""
    began = time.monotonic()
    with serving() as server:
        found = [sequences.run(number, server, folder) for number in range(count)]
    capped = [one for one in found if one.cap_usd is not None]
    over = [one for one in capped if one.over_usd > 0]
    wrong = [one for one in found if one.wrong]
    beyond = [one for one in over if one.over_usd > one.allowed_usd + sequences.SLACK]
    naive = sum(one.naive_wrong for one in found)
    rows, exact = sum(one.rows for one in found), sum(one.exact for one in found)
    print(f"{count} sequences, {sum(one.requests for one in found)} requests, {time.monotonic() - began:.0f} s")
    print(f"  {rows} rows of ledgers: {exact} of requests whose bill was stated whole, {rows - exact} of others")
    print(f"  sequences in which a row or a sum misses the bill: {len(wrong)} (target 0)")
    print(f"  {len(capped)} have a cap in money; {len(over)} exceed it, by ${max_over(over):.6f} at most")
    print(f"  by more than requests in flight were billed beyond their own limit: {len(beyond)} (target 0)")
    print(f"  sequences in which a naive ledger misses the bill: {naive} ({naive / count:.0%})")
    for one in [*wrong, *beyond][:5]:
        print(f"    {one.model}: {one.wrong[:2]} over by {one.over_usd}, allowed {one.allowed_usd}")


def max_over(found: list[sequences.Outcome]) -> float:
    """Return the largest excess over a cap, in US dollars."""
    return max((one.over_usd for one in found), default=0.0)


def draw_kills(count: int, folder: Path) -> None:
    """Kill sessions, and print what was lost sight of."""
    began = time.monotonic()
    with serving(kills.LATENCY_S) as server:
        found = [kills.run(number, server, folder) for number in range(count)]
    wrong = [one.outcome for one in found if one.outcome.wrong]
    print(f"\n{sum(one.kills for one in found)} kills (SIGKILL) of {count} collections of {kills.PROMPTS} prompts")
    print(f"  requests at the server that the journal does not know: {sum(one.unseen for one in found)} (target 0)")
    print(f"  collections whose ledger misses the bill: {len(wrong)} (target 0)")
    print(f"  billed, and untold by a journal of replies alone: {sum(one.invisible_to_replies for one in found)}")
    print(f"  {time.monotonic() - began:.0f} s")
    for outcome in wrong:
        print(f"    {outcome.model}: {outcome.wrong[:2]}")


if __name__ == "__main__":
    main()
