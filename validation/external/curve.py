"""Trains the same rows with TRL through `accelerate launch` and with our own engine, and compares their loss curves.

Usage: python validation/external/curve.py [STEPS]. A small Llama, random weights, no shuffling, no dropout, float32; on
texts and on pairs of answers, on one process and on two, with all weights and with an adapter. The bound is 1 %.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.train.models import small_llama, small_tokenizer

from gauger.study.external_stages import version_of
from gauger.train import (
    TRAINERS,
    ExternalTraining,
    Mixture,
    Options,
    Pair,
    PairMaterial,
    PreferenceLoss,
    Preferences,
    RowSource,
    TextMaterial,
    TrainingRow,
    engine_of,
    train_elsewhere,
    train_on_preferences,
)
from gauger.train import train_on_text as train_here
from gauger.train.engine import Adapter

BOUND = 0.01
ROWS = tuple(TrainingRow(f"{a}+{b}=", f"{a + b}") for a in range(12) for b in range(12))
PAIRS = tuple(Pair(row.prompt, row.completion, f"{int(row.completion) + 3}") for row in ROWS)
BETA = 0.5
TRAINED_BY = {"text": "trl", "preferences": "trl-dpo"}


def here(start: Path, training: ExternalTraining, seed: int) -> list[float]:
    """Return the loss curve of our own engine."""
    model = engine_of("hf").load(start)
    schedule = model.defaults.schedule(training.steps, training.learning_rate)
    options = Options(seed, adapter=training.adapter)
    if training.material.learns == "text":
        return train_here(model, Mixture((RowSource(ROWS),), (training.batch,)), schedule, options).losses
    options = replace(options, loss=PreferenceLoss(BETA))
    return train_on_preferences(model, Preferences(PAIRS, training.batch // 2), schedule, options).losses


def compare(start: Path, training: ExternalTraining, work: Path) -> tuple[float, float]:
    """Return the largest difference between the curves as a share, and the same for an engine with another order."""
    work.mkdir()
    trainer = TRAINERS.load(TRAINED_BY[training.material.learns])
    elsewhere = train_elsewhere(trainer, training, work / "work", work).losses
    curves = [here(start, training, seed) for seed in (training.seed, training.seed + 1)]
    same, other = (max(abs(a / b - 1) for a, b in zip(elsewhere, own, strict=True)) for own in curves)
    return same, other


def main(steps: int) -> None:
    """Print one line a case; end with 1 where one is beyond the bound."""
    version, failed = version_of(TRAINERS.load("trl").version), False
    print(version)
    print(f"{steps} steps of 8 rows; largest difference of a step's loss from our own engine's, as a share of it")
    with tempfile.TemporaryDirectory() as folder:
        start = Path(folder) / "start"
        small_llama().save_pretrained(str(start))
        small_tokenizer().save_pretrained(str(start))
        full = ExternalTraining(start, TextMaterial(ROWS), steps, 8, 0.01, 3, version=version)
        pairs = replace(full, material=PairMaterial(PAIRS, BETA))
        cases = {
            "all weights, one process": full,
            "all weights, two processes": replace(full, processes=2),
            # both draw an adapter's first weights from their own streams, and the first loss alone is the same
            "adapter, one process": replace(full, adapter=Adapter(4, 8.0)),
            "pairs, one process": pairs,
            "pairs, two processes": replace(pairs, processes=2),
        }
        for number, (name, training) in enumerate(cases.items()):
            same, other = compare(start, training, Path(folder) / str(number))
            bound = BOUND if training.adapter is None else None
            failed = failed or (bound is not None and (same > bound or other < bound))
            print(f"{name:28} {same:9.2e}   with another order of rows {other:9.2e}   bound {bound}")
    sys.exit(int(failed))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
