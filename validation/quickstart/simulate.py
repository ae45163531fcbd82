"""Run the quickstart in ten worlds and hold each against the planted effects (see README.md)."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STUDY = ROOT / "studies" / "quickstart.yaml"
WANTED = 9
Rows = list[dict[str, Any]]


def run_world(seed: int, out: Path) -> dict[str, Any]:
    """Run the quickstart in one world and return its document."""
    command = [sys.executable, "-m", "gauger", "run", str(STUDY), "--out", str(out), "--set", f"world.seed={seed}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    document: dict[str, Any] = json.loads((out / "estimates.json").read_text())
    return document


def find(document: dict[str, Any], estimand: str, arm: str, over: str) -> dict[str, Any]:
    """Return the estimate of an arm averaged over a role."""
    rows = [row for row in document["estimates"] if (row["estimand"], row["arm"], row["over"]) == (estimand, arm, over)]
    return rows[0]


def teacher(document: dict[str, Any]) -> tuple[bool, str]:
    scores = [row for row in document["estimates"] if row["estimand"] == "score"]
    score = {(row["arm"], row["benchmark"]): row["value"] for row in scores}
    names = [b["name"] for b in document["benchmarks"] if b["role"] != "far"]
    lead = {name: score["teacher", name] - score["base", name] for name in names}
    least = min(lead, key=lead.__getitem__)
    return lead[least] >= 0.2, f"least {100 * lead[least]:+.0f} ({least})"


def placebo(document: dict[str, Any]) -> tuple[bool, str]:
    lows = {role: find(document, "uplift", "placebo", role)["low"] for role in ("targeted", "parallel", "near")}
    return max(lows.values()) <= 0, f"near from {100 * lows['near']:+.1f}"


def leak(document: dict[str, Any]) -> tuple[bool, str]:
    memorised = find(document, "memorisation", "leak", "targeted")
    carried = find(document, "carryover", "leak", "near")
    passed = memorised["low"] > 0 and carried["value"] < 0.5
    return passed, f"from {100 * memorised['low']:+.1f}, carries {carried['value']:.2f}"


def forms(document: dict[str, Any]) -> tuple[bool, str]:
    one = [find(document, "carryover", arm, "near") for arm in ("label", "expand")]
    several = [find(document, "carryover", arm, "near") for arm in ("seedless", "logits")]
    if any(row["high"] is None or row["low"] is None for row in (*one, *several)):
        return False, "an interval is unbounded"
    upper, lower = max(row["high"] for row in one), min(row["low"] for row in several)
    return upper < lower, f"{upper:.2f} < {lower:.2f}"


def answer_format(document: dict[str, Any]) -> tuple[bool, str]:
    targeted = find(document, "format_effect", "format", "targeted")["low"]
    near = find(document, "format_effect", "format", "near")["low"]
    return targeted > 0 >= near, f"targeted from {100 * targeted:+.1f}, near from {100 * near:+.1f}"


CHECKS: dict[str, Callable[[dict[str, Any]], tuple[bool, str]]] = {
    "teacher": teacher,
    "placebo": placebo,
    "leak": leak,
    "forms": forms,
    "format": answer_format,
}


def verdict_of(verdict: dict[str, Any]) -> str:
    """Return outcome, estimate and how each assay check ended, with the leak's increment."""
    estimate = verdict["estimate"]
    checks = ", ".join(f"{check['name']} {check['outcome']}" for check in verdict["checks"])
    value = f"{estimate['value']:.2f} ({estimate['low']:.2f} to {estimate['high']:.2f})"
    return f"{verdict['outcome']} {value} [{checks}]"


def main() -> int:
    """Print one line per world and the tally; exit 1 where fewer than nine of ten worlds pass everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=1, help="seed of the first world")
    parser.add_argument("--worlds", type=int, default=10)
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "validation-quickstart")
    options = parser.parse_args()
    passed = 0
    for seed in range(options.first, options.first + options.worlds):
        document = run_world(seed, options.out / f"world-{seed}")
        found = {name: check(document) for name, check in CHECKS.items()}
        everything = all(ok for ok, _ in found.values())
        passed += everything
        cells = "  ".join(f"{name} {'ok' if ok else 'NO'} ({detail})" for name, (ok, detail) in found.items())
        judged = verdict_of(document["verdict"])
        print(f"world {seed:2d}  {'PASS' if everything else 'FAIL'}  {cells}  verdict {judged}", flush=True)
    print(f"{passed} of {options.worlds} worlds show every planted effect (wanted: {WANTED} of 10)")
    return 0 if passed * 10 >= WANTED * options.worlds else 1


if __name__ == "__main__":
    raise SystemExit(main())
