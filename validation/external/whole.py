"""Runs a whole study whose teacher and arms TRL trains: text, preferences and rewards, with every control.

Usage: python validation/external/whole.py [OUT]. A small Llama, random weights, two CPU cores: that everything goes
through the same commands from `gauger run` to `gauger verify` is what it shows, not an effect. The teacher's
specialisation, one arm of text, one of preferences that the teacher judges, and one of rewards from the served
verifier, each with its controls.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.jobs.test_external_kinds import STUDY
from tests.train.models import small_llama, small_tokenizer

from gauger.store import read_json
from gauger.study.external_stages import version_of
from gauger.train import TRAINERS

ASKED = "seeds: benchmark-train, forms: [qa], prompts: 8, steps: 4, batch: 8, learning_rate: 0.001"
TEXT = (
    "{kind: external, trainer: trl, strategy: label, seeds: benchmark-train, forms: [qa], samples: 8, steps: 150, "
    "batch: 8, learning_rate: 0.01}"
)
SPECIALISED = "samples: 8, steps: 300, batch: 8, learning_rate: 0.01, by: {trainer: trl}"


def write_study(folder: Path) -> Path:
    """Write the study, its tasks and its model; returns the study's file."""
    small_llama(sharp=20.0).save_pretrained(str(folder / "model"))
    small_tokenizer().save_pretrained(str(folder / "model"))
    for name, first in (("train", 1), ("test", 50), ("new", 90)):
        lines = [{"id": f"{name}{i}", "prompt": f"Say {first + i}", "answer": str(first + i)} for i in range(8)]
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    text = STUDY.replace(
        "samples: 6, steps: 2, batch: 3, learning_rate: 0.05, by: {{{run}}}",
        SPECIALISED.replace("{", "{{").replace("}", "}}"),
    )
    text = text.replace("external-preference, {run}", "external-preference, trainer: trl-dpo")
    text = text.replace("{{kind: external-rl, {run}", f"{{{TEXT}}}, {{{{kind: external-rl, trainer: trl-grpo")
    (folder / "study.yaml").write_text(text.format(asked=ASKED))
    return folder / "study.yaml"


def gauger(*words: str) -> int:
    """Run a command; returns its exit code, and prints what it said where that is not 0."""
    done = subprocess.run([sys.executable, "-m", "gauger", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-4000:])
    return done.returncode


def main(out: Path) -> int:
    """Run, verify, count."""
    study = write_study(out)
    codes = [gauger("run", str(study), "--out", str(out / "run"), "--set", f"arms.text={{stages: [{TEXT}]}}")]
    codes.append(gauger("verify", str(out / "run")))
    jobs = read_json(out / "run" / "jobs" / "jobs.json")["jobs"]
    kinds = Counter(
        job["kind"] for job in jobs if (out / "run" / "jobs" / "entries" / job["key"] / "trainer.json").exists()
    )
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(version_of(TRAINERS.load("trl").version))
    print(f"gauger run: exit code {codes[0]}; gauger verify: exit code {codes[1]}")
    print(f"trained by TRL: {', '.join(f'{n} {kind}' for kind, n in sorted(kinds.items()))}")
    print(f"{used.ru_utime + used.ru_stime:.0f} s of processor time")
    return max(codes)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        raise SystemExit(main(Path(sys.argv[1])))
    with tempfile.TemporaryDirectory() as place:
        raise SystemExit(main(Path(place)))
