"""Runs a reduced studies/defences.yaml in several worlds and holds each against three planted kinds of defence.

Run by hand: python validation/defences/worlds.py [--first N] [--worlds N] [--out DIR] [--set KEY=VALUE ...]

planted         what it is in the embedded world                     what must be said
everything      steps are hidden, without which nobody learns        works
nothing         a cap far above what anybody asks                    does not work
passive only    three answers in five are wrong: a verifier keeps    does not work, and reacting pays
                the others, and enough of them
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl

ROOT = Path(__file__).resolve().parents[2]
STUDY = ROOT / "studies" / "defences.yaml"
RECIPE = (
    "kind: text-distill, strategy: label, seeds: benchmark-train, forms: [quiz], samples: 1600, steps: 300, batch: 64, "
    "learning_rate: 0.006, web_share: 0.2"
)
REDUCED = (
    "defences.family={hide: {reasoning: hidden}, wrong: {defence: wrong-answers, strength: 0.6}, "
    "idle: {max_queries: 1000000}}",
    f"defences.attackers={{passive: {{passive: true, stages: [{{{RECIPE}}}]}}, "
    f"verify: {{stages: [{{{RECIPE}, filters: [right]}}]}}}}",
    # the study's own arm says nothing of defences: one step of it
    "arms.label.stages=[{kind: text-distill, strategy: label, seeds: benchmark-train, forms: [quiz], samples: 64, "
    "steps: 1, batch: 64, learning_rate: 0.003, web_share: 0.2}]",
    "replicates=4",
    # what worlds 1 to 13 asked for: questions of which enough are left to whoever verifies, a teacher that has the
    # skill, and controls that do not come by it without the teacher; worlds 14 to 23 asked for a fourth replicate; and
    # world 24 for a rate at which trainings reach their end
    "world.seed_contents=0.9",
    "world.known_totals=0.03",
    "teacher.training.steps=1800",
)
WANTED = {"hide": "works", "idle": "does_not", "wrong": "does_not"}
GAPS = {"wrong": True, "idle": False, "open": False}
"""Surface -> whether reacting is to pay there."""


def run_world(seed: int, out: Path, overrides: list[str]) -> dict[str, Any]:
    """Run the reduced study in one world and return its document."""
    settings = [part for one in (*REDUCED, f"world.seed={seed}", *overrides) for part in ("--set", one)]
    command = [sys.executable, "-m", "gauger", "run", str(STUDY), "--out", str(out), *settings]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    document: dict[str, Any] = json.loads((out / "estimates.json").read_text())
    return document


def gap(document: dict[str, Any], surface: str) -> dict[str, Any]:
    """Return the passive-adaptive gap on a surface."""
    rows = [row for row in document["estimates"] if (row["estimand"], row["defence"]) == ("adaptive_gap", surface)]
    return rows[0]


def skill(out: Path) -> float:
    """Return the share of parallel items that the teacher has right: where it is low, a verifier pays anywhere."""
    records = pl.read_parquet(out / "records.parquet").filter(arm="teacher", role="parallel")
    return float(records["score"].mean())


def judged(document: dict[str, Any], skill: float) -> tuple[bool, bool, str]:
    """Say whether a world tells all planted kinds apart, whether it sees gaps where they are, and what was said."""
    outcomes = {entry["defence"]: entry["outcome"] for entry in document["defences"]}
    apart, gaps = all(outcomes[name] == wanted for name, wanted in WANTED.items()), True
    said = [f"teacher {100 * skill:3.0f} %", *(f"{name} {outcomes[name]}" for name in WANTED)]
    for surface, wanted in GAPS.items():
        row = gap(document, surface)
        gaps &= (row["low"] > 0) is wanted
        said.append(f"gap on {surface} {100 * row['value']:+.1f} ({100 * row['low']:+.1f} to {100 * row['high']:+.1f})")
    return apart, gaps, "  ".join(said)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=25, help="worlds 1 to 24 are those that the study was built on")
    parser.add_argument("--worlds", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("runs/validation-defences"))
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    given = parser.parse_args()
    passed = {"all": 0, "apart": 0, "gaps": 0}
    for seed in range(given.first, given.first + given.worlds):
        out = given.out / f"world{seed}"
        apart, gaps, said = judged(run_world(seed, out, given.overrides), skill(out))
        for name, kept in (("all", apart and gaps), ("apart", apart), ("gaps", gaps)):
            passed[name] += kept
        print(f"world {seed:2d}  {'PASS' if apart and gaps else 'FAIL'}  {said}", flush=True)
    print(
        f"of {given.worlds} worlds {passed['apart']} tell every planted kind apart, {passed['gaps']} see the gap where "
        f"it was planted and nowhere else, {passed['all']} do both (wanted: nine of ten)"
    )
    return 0 if passed["all"] >= 0.9 * given.worlds else 1


if __name__ == "__main__":
    raise SystemExit(main())
