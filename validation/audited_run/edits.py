"""Does `gauger verify` find every random single edit in a run directory, and pass the run that nobody edited?

Run: python validation/audited_run/edits.py RUN [--edits 200] [--seed 1] > validation/audited_run/results.txt
RUN is a finished run; tests/study/tiny.yaml gives one within a minute. Exits with 1 where an edit was not found.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from cli.random_edits import edit_at_random  # noqa: E402
from gauger.study import verify_run  # noqa: E402


def main() -> int:
    """Make the edits, one at a time, each in a fresh copy."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    untouched = verify_run(options.run)
    print(f"the run as it is: {'right' if untouched.right else 'differs'}")
    generator, found, kinds, missed = random.Random(options.seed), Counter(), Counter(), []  # noqa: S311
    for _ in range(options.edits):
        with tempfile.TemporaryDirectory() as folder:
            copy = shutil.copytree(options.run, Path(folder) / "run")
            what = edit_at_random(copy, generator)
            checks = verify_run(copy).checks
        kinds[what.partition(" ")[0]] += 1
        named = [name for name, differences in checks.items() if differences]
        found.update(named)
        missed += [] if named else [what]
    print(f"edits: {options.edits} ({', '.join(f'{n} {kind}' for kind, n in sorted(kinds.items()))})")
    print(f"found: {options.edits - len(missed)}; by check: {', '.join(f'{k} {n}' for k, n in sorted(found.items()))}")
    print("\n".join(f"missed: {what}" for what in missed))
    return 1 if missed or not untouched.right else 0


if __name__ == "__main__":
    sys.exit(main())
