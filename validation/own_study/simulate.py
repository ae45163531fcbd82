"""Runs the README's own study as it is printed there, and checks that it ends with a verdict and all checks passed."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def main() -> int:
    """Type the two commands of the README in an empty folder; return 1 where the claim fails."""
    page = README.read_text(encoding="utf-8")
    study = re.search(r"^```yaml\n(.*?)^```$", page, re.M | re.S)
    commands = re.findall(r"^\$ (gauger (?:plan|run) whose-questions\.yaml)$", page, re.M)
    assert study is not None
    assert len(commands) == 2
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "whose-questions.yaml").write_text(study.group(1), encoding="utf-8")
        for command in commands:
            line = [sys.executable, "-m", *command.split()]
            found = subprocess.run(line, cwd=folder, text=True, capture_output=True, check=False)
            print(f"$ {command}\n{found.stdout}", end="")
        run = Path(folder) / "runs" / "whose-questions"
        verdict = json.loads((run / "estimates.json").read_text(encoding="utf-8"))["verdict"]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    checks = {check["name"]: check["outcome"] for check in verdict["checks"]}
    print(f"verdict {verdict['outcome']}; checks {checks}")
    print(f"{(used.ru_utime + used.ru_stime) / 60:.1f} minutes of processor time")
    holds = verdict["outcome"] in ("major", "minor") and set(checks.values()) == {"passed"}
    print("the claim holds" if holds else "THE CLAIM FAILS")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
