"""Notes which tests run which lines of the mutated rooms, so that a mutant is tried by the tests that can notice it.

Run: python validation/mutants/reach.py MAP.json [TESTS ...]      (about ten minutes)
Every test's own lines are noted, with those of its fixtures, and the processor seconds that it takes. A fixture that
several tests share is noted for the first of them alone: `mutate.py` therefore gives survivors a second trial by whole
files.
"""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import coverage
import pytest

ROOT = Path(__file__).parents[2]
TESTS = ("tests/store", "tests/elicit/teacher", "tests/execute", "tests/stats", "tests/estimate")
"""Where the rooms of `mutate.STRATA` are tested."""
SLOWEST_S = 20.0
"""A test that takes longer is left out: the mutants of a whole draw must be tried in less than an hour."""


def _processor_s() -> float:
    """Processor seconds of this process and of the subprocesses that have ended: tests of workers cost theirs."""
    return sum(os.times()[:4])


class Switch:
    """A plugin of pytest that tells the tracer which test is running."""

    def __init__(self, tracer: coverage.Coverage) -> None:
        self.tracer, self.seconds = tracer, dict[str, float]()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Any:
        """Let everything that happens for a test, set-up too, count as its own."""
        self.tracer.switch_context(item.nodeid)
        start = _processor_s()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = round(_processor_s() - start, 3)
            self.tracer.switch_context("")


def main() -> int:
    """Run the tests once, and write {file: {line: [test]}} and {test: seconds}."""
    out, tests = Path(sys.argv[1]), sys.argv[2:] or list(TESTS)
    folders = [str(ROOT / "src" / "gauger" / name) for name in ("stats", "estimate", "store", "execute", "elicit")]
    tracer = coverage.Coverage(data_file=None, source=folders)
    switch = Switch(tracer)
    sys.path.insert(0, str(ROOT))  # as `python -m pytest` does
    tracer.start()
    code = pytest.main(["-q", "-p", "no:cacheprovider", *tests], plugins=[switch])
    tracer.stop()
    data = tracer.get_data()
    lines: dict[str, dict[int, list[str]]] = defaultdict(dict)
    for file in data.measured_files():
        name = str(Path(file).relative_to(ROOT / "src" / "gauger"))
        for line, contexts in data.contexts_by_lineno(file).items():
            reached = sorted(test for test in contexts if switch.seconds.get(test, SLOWEST_S) < SLOWEST_S)
            lines[name][line] = sorted(reached, key=switch.seconds.__getitem__)
    modules = sorted(name for name in sys.modules if name.partition(".")[0] not in ("gauger", "tests", "coverage"))
    out.write_text(json.dumps({"lines": lines, "seconds": switch.seconds, "modules": modules}))
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
