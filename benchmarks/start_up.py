"""Times how long programs take to start, in processor time, as ratios against ``python -c pass``.

``python benchmarks/start_up.py`` prints what start_up.txt holds. Programs that are not installed are left out.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

PYTHON = sys.executable
CASES = {
    "python -c pass": ([PYTHON, "-c", "pass"], 21),
    "import gauger": ([PYTHON, "-c", "import gauger"], 21),
    "gauger --help": ([PYTHON, "-m", "gauger", "--help"], 7),
    "gauger compare --help": ([PYTHON, "-m", "gauger", "compare", "--help"], 7),
    "import lm_eval": ([PYTHON, "-c", "import lm_eval"], 5),
    "lm-eval --help": ([str(Path(PYTHON).with_name("lm-eval")), "--help"], 5),
    "import inspect_ai": ([PYTHON, "-c", "import inspect_ai"], 5),
    "inspect --help": ([str(Path(PYTHON).with_name("inspect")), "--help"], 5),
}
"""Name -> command, and how often it is started."""


def seconds(command: list[str]) -> float:
    """Start a program once and return the processor time that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the least and the median time of every program, and the ratio of the least ones."""
    least = None
    print(f"{'':24}{'least':>10}{'median':>10}{'ratio':>8}")
    for name, (command, times) in CASES.items():
        if ("lm" in name and not find_spec("lm_eval")) or ("inspect" in name and not find_spec("inspect_ai")):
            continue
        found = [seconds(command) for _ in range(times)]
        least = least or min(found)
        print(f"{name:24}{min(found):9.3f}s{statistics.median(found):9.3f}s{min(found) / least:8.2f}", flush=True)


if __name__ == "__main__":
    main()
