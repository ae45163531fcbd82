"""Times the evidence: headline, claims, the whole analysis, the page, the multiverse. Processor and wall seconds.

Run: python benchmarks/evidence.py > benchmarks/evidence.txt
Targets: headline 1 s, multiverse 60 s for 1,000 specifications or more, everything else 20 s, on two cores.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from gauger.evidence import headline, load
from gauger.evidence.claims import answer_claims
from gauger.evidence.clean import prepare
from gauger.evidence.explorer import explore
from gauger.evidence.fit import analyse
from gauger.evidence.multiverse import run
from gauger.evidence.switches import specifications
from gauger.report.evidence.page import render_evidence


def timed(name: str, call: Callable[[], object]) -> object:
    """Print how long a call takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = call()
    print(f"{name:<45} {time.process_time() - cpu:7.2f} s processor {time.perf_counter() - wall:7.2f} s wall")
    return result


def main() -> None:
    """Run everything once, imports already done."""
    frame = prepare(load())
    timed("headline (reading the table included)", headline)
    timed("claims", lambda: answer_claims(frame))
    timed("explorer (162 fits)", lambda: explore(frame))
    found = timed("fit (the whole analysis)", lambda: analyse(load()))
    timed("page (explorer included)", lambda: render_evidence(found))  # type: ignore[arg-type]
    timed(f"multiverse ({len(specifications()):,} specifications)", lambda: run(frame))


if __name__ == "__main__":
    main()
