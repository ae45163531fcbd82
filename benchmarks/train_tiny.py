"""How fast does the engine tiny learn, beside a bare PyTorch loop on the same model and TRL's SFTTrainer?

The work is one student's of the quickstart: 3,200 quiz and cloze texts of the embedded world, answers learnt and
prompts not, batches of 64, float32, one thread. Every way gets the same texts in the same batches, and tokens are those
of the texts (begin and end marks included, padding not). Processor time is what counts; rounds of all ways alternate,
and the medians are reported.

- **gauger**: `train_on_text` as a job calls it: tokenising, drawing, collating and masking batches included.
- **bare loop**: the same decoder, written plainly: all logits, `cross_entropy` with ignore_index, fused AdamW. Its
  batches and labels are ready beforehand and its learning rate never changes, so it is spared work that the stage does.
- **TRL**: `SFTTrainer` on a GPT-2 of the same width, depth, heads and vocabulary, texts tokenised beforehand; dropout,
  gradient clipping, checkpointing, logging, saving and evaluation off. Only `trainer.train()` is counted, and a first
  short run of it is not.

Run: python benchmarks/train_tiny.py [--trl-python ENV/bin/python]
     TRL stands in an environment of its own (it is no dependency): python3 -m venv ENV; ENV/bin/pip install
     torch==2.13.0; ENV/bin/pip install trl transformers datasets accelerate. Without the option it is left out.
Target: at least as fast as the bare loop, at least twice TRL.
"""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import json
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gauger.spec import AtlasWorld
from gauger.train.batches import PaddedRows, collate
from gauger.train.engine import Architecture
from gauger.train.loop import Options
from gauger.train.rows import Mixture, RowSource, TrainingRow, mixed
from gauger.train.text import train_on_text
from gauger.train.tiny import ENGINE
from gauger.train.tiny.engine import TinyModel
from gauger.train.tiny.model import Decoder, DecoderConfig
from gauger.worlds.atlas.world import CONTEXT, Atlas

SAMPLES, BATCH, RATE, WEIGHT_DECAY, SEED = 3200, 64, 0.0015, 0.1, 1
WARM_UP_STEPS = 20
IGNORED = -100
Way = Callable[[int], float]
"""Trains for so many steps and returns the processor seconds that it took."""


def main() -> None:
    """Make the work, do it in every way in turn, and print medians and ratios."""
    torch.set_num_threads(1)
    options = read_options()
    atlas = Atlas(AtlasWorld(seed=SEED))
    mixture = Mixture((RowSource(quiz_and_cloze(atlas)),), (BATCH,))
    start = ENGINE.build(Architecture(), atlas.vocabulary, CONTEXT, SEED)
    config = start.decoder.config
    rows = start.encode(mixture.sources[0].rows)
    batches = [collate([(rows, index)]) for (index,) in islice(mixed([len(rows)], [BATCH], SEED), options.steps)]
    tokens = sum(int((batch.tokens_BT != 0).sum()) for batch in batches)
    print(f"{platform.processor() or platform.machine()}, load {os.getloadavg()[0]:.1f}, torch {torch.__version__}")
    print(f"{options.steps} steps of {BATCH} texts, {tokens:,} tokens; {start.n_parameters:,} weights")
    ready = [ready_made(batch) for batch in batches]
    ways: dict[str, Way] = {
        "gauger": lambda steps: gauger(TinyModel(config.build(SEED), start.words), mixture, steps),
        "bare loop": lambda steps: bare_loop(config.build(SEED), ready[:steps]),
    }
    with tempfile.TemporaryDirectory() as directory:
        if options.trl_python:
            trl = Trl(options.trl_python, write_work(Path(directory) / "work.json", config, batches))
            ways["TRL"] = trl.seconds
        seconds = alternate(ways, options.rounds, options.steps)
        if options.trl_python:
            print(trl.versions)
    report(seconds, tokens)


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trl-python", metavar="PATH", help="Python of an environment with TRL")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=350)
    return parser.parse_args()


def quiz_and_cloze(atlas: Atlas) -> tuple[TrainingRow, ...]:
    """Draw training texts of every family in the two forms that are asked; answers alone are learnt."""
    rng = np.random.default_rng(SEED)
    questions = [question for skill in atlas.skills for question in atlas.train_questions(skill)]
    texts = atlas.word(questions, ("quiz", "cloze"), rng)
    chosen = [texts[i] for i in rng.permutation(len(texts))[:SAMPLES]]
    return tuple(TrainingRow(text.prompt, text.answer) for text in chosen)


def gauger(model: TinyModel, mixture: Mixture, steps: int) -> float:
    """Time `train_on_text`."""
    start = time.process_time()
    train_on_text(model, mixture, ENGINE.defaults.schedule(steps, RATE, WEIGHT_DECAY), Options(SEED))
    return time.process_time() - start


def ready_made(batch: PaddedRows) -> tuple[Tensor, Tensor]:
    """Return a batch's tokens and labels."""
    return batch.tokens_BT, batch.tokens_BT[:, 1:].masked_fill(~batch.learnt, IGNORED)


def bare_loop(model: Decoder, batches: Sequence[tuple[Tensor, Tensor]]) -> float:
    """Time a loop as one would write it by hand."""
    start = time.process_time()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY, betas=(0.9, 0.98), fused=True)
    losses = []
    for tokens, labels in batches:
        logits = model(tokens[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return time.process_time() - start


def write_work(path: Path, config: DecoderConfig, batches: Sequence[PaddedRows]) -> Path:
    """Write the texts in the order of the batches, with the position from which each is learnt."""
    texts = []
    for batch in batches:
        starts = batch.learnt.to(torch.int64).argmax(dim=1) + 1
        for row, start in zip(batch.tokens_BT.tolist(), starts.tolist(), strict=True):
            texts.append({"tokens": [token for token in row if token], "start": start})
    work = {"model": config.to_dict(), "batch": BATCH, "rate": RATE, "weight_decay": WEIGHT_DECAY, "texts": texts}
    path.write_text(json.dumps(work), encoding="utf-8")
    return path


@dataclass
class Trl:
    """SFTTrainer in a process of its own."""

    python: str
    work: Path
    versions: str = ""

    def seconds(self, steps: int) -> float:
        """Run it, and remember its versions."""
        command = [self.python, str(Path(__file__).with_name("train_tiny_trl.py")), str(self.work), str(steps)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        answer = json.loads(done.stdout.splitlines()[-1])
        self.versions = answer["versions"]
        return float(answer["seconds"])


def alternate(ways: dict[str, Way], rounds: int, steps: int) -> dict[str, list[float]]:
    """Do the work in every way, round after round."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way(min(WARM_UP_STEPS, steps))
    for _ in range(rounds):
        for name, way in ways.items():
            seconds[name].append(way(steps))
    return seconds


def report(seconds: dict[str, list[float]], tokens: int) -> None:
    """Print the speed of every way, and how many times as fast Gauger is (median of the rounds' own ratios)."""
    for name, each in seconds.items():
        ratios = [other / own for other, own in zip(each, seconds["gauger"], strict=True)]
        speed = tokens / median(each)
        print(
            f"{name:18} {speed:9,.0f} tokens per processor second   ({min(each):.2f} to {max(each):.2f} s)   "
            f"gauger is {median(ratios):.2f} times as fast ({min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
