"""Does the lean install work, and answer alike, on every Python that it is for? Installs by hashes into fresh folders.

Run: python validation/supply_chain/pythons.py [3.11 3.12 ...]     by default every version of 3.11 to 3.13 that is here
For each: a fresh environment, `pip install --require-hashes -r constraints-analysis.txt`, Gauger as committed, built
from a clone and installed without dependencies, then the commands of `ASKED`. Each must exit with 0 and print the same
document as the first Python did, numbers to 1e-9. About a minute each, nearly all of it the installation.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERSIONS = ("3.11", "3.12", "3.13")
ASKED = (
    ["compare", "--example", "--json"],
    ["plan", str(ROOT / "studies" / "quickstart.yaml"), "--json"],
    ["evidence", "summary", "--json"],
    ["calibrate", "--draws", "2", "--json"],
)


def interpreter(version: str) -> str | None:
    """Return the path of an interpreter that starts and is of a version."""
    path = shutil.which(f"python{version}")
    kept = Path.home() / ".pyenv" / "versions"
    for candidate in [path, *map(str, sorted(kept.glob(f"{version}*/bin/python{version}")))]:
        if (
            candidate
            and subprocess.run([candidate, "-c", "import venv"], capture_output=True, check=False).returncode == 0
        ):
            return candidate
    return None


def installed(python: str, folder: Path, source: Path) -> Path:
    """Make an environment and install the pinned analysis part and Gauger into it; return its `gauger`."""
    subprocess.run([python, "-m", "venv", folder], check=True)
    pip = [folder / "bin" / "python", "-m", "pip", "-qq", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, "--require-hashes", "-r", ROOT / "constraints-analysis.txt"], check=True)
    subprocess.run([*pip, "--no-deps", source], check=True)
    return folder / "bin" / "gauger"


def unlike(one: object, other: object, key: str = "") -> Iterator[str]:
    """Name what differs between two documents: numbers beyond 1e-9, everything else at all."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for name in one:
            yield from unlike(one[name], other[name], f"{key}.{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from unlike(left, right, f"{key}[{place}]")
    elif isinstance(one, float) and isinstance(other, float):
        if not math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9):
            yield f"{key}: {one} and {other}"
    elif one != other and not key.endswith(("seconds", "seconds_estimate")):
        yield f"{key}: {str(one)[:60]} and {str(other)[:60]}"


def main() -> int:
    """Try every Python."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    first, faults = dict[str, object](), 0
    for version in sys.argv[1:] or VERSIONS:
        python, start = interpreter(version), time.monotonic()
        if python is None:
            print(f"{version}: not on this machine")
            continue
        with tempfile.TemporaryDirectory() as name:
            source = Path(name) / "source"
            subprocess.run(["git", "clone", "--quiet", ROOT, source], check=True)
            gauger, problems = installed(python, Path(name) / "venv", source), list[str]()
            for command in ASKED:
                done = subprocess.run([gauger, *command], capture_output=True, cwd=name, env=environment, check=False)
                if done.returncode:
                    problems.append(f"{command[0]}: exit {done.returncode}: {done.stderr.decode()[-300:]}")
                    continue
                document = json.loads(done.stdout)
                problems += [f"{command[0]}{what}" for what in unlike(first.setdefault(command[0], document), document)]
        print(f"{version}: {len(ASKED)} commands, {len(problems)} faults, {time.monotonic() - start:.0f} s", flush=True)
        print("".join(f"  {problem}\n" for problem in problems[:10]), end="", flush=True)
        faults += len(problems)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
