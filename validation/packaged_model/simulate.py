"""A real model through the whole engine, with its speeds (README.md says what is claimed)."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch

from gauger.elicit.teacher.messages import Message
from gauger.train.engine import Adapter, Continuation
from gauger.train.hf import ENGINE
from gauger.train.loop import Options, Trained
from gauger.train.rows import Mixture, RowSource, TrainingRow
from gauger.train.text import train_on_text

REFERENCE, ROWS_PER_STEP, N_ROWS = "packaged:smollm2-135m-instruct", 16, 64
TRAININGS: dict[str, tuple[Adapter | None, float]] = {
    "adapter, all 30 layers": (Adapter(), 1e-3),
    "adapter, top 10 layers": (Adapter(layers=10), 1e-3),
    "adapter, top 10, attention": (Adapter(layers=10, modules="attention"), 1e-3),
    "all weights": (None, 5e-5),
}


def sums(n_rows: int) -> tuple[TrainingRow, ...]:
    """Questions of about 24 tokens with answers of about 5."""
    pairs = np.random.default_rng(0).integers(10, 99, (n_rows, 2))
    return tuple(
        TrainingRow(f"Question: what is the sum of the numbers {a} and {b}? Answer:", f" {a + b}") for a, b in pairs
    )


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return a result, its processor seconds and its wall seconds."""
    processor, wall = time.process_time(), time.perf_counter()
    result = work()
    return result, time.process_time() - processor, time.perf_counter() - wall


def train_on_sums(directory: Path, name: str, steps: int) -> Trained:
    """Train the fresh model in one of the ways."""
    adapter, rate = TRAININGS[name]
    mixture = Mixture((RowSource(sums(N_ROWS)),), (ROWS_PER_STEP,))
    schedule = ENGINE.defaults.schedule(steps, rate)
    return train_on_text(ENGINE.load(directory), mixture, schedule, Options(adapter=adapter))


def compare_trainings(directory: Path, steps: int) -> None:
    """Say what each training learnt and how fast; what a training of one step takes is not counted."""
    for name in TRAININGS:
        found, processor, wall = timed(partial(train_on_sums, directory, name, steps))
        one, processor_1, wall_1 = timed(partial(train_on_sums, directory, name, 1))
        first, last, n_tokens = found.losses[0], found.losses[-1], found.n_tokens - one.n_tokens
        assert last < 0.7 * first, found.losses
        assert one.losses[0] == first, "same seed, same loss"
        speeds = f"{n_tokens / (processor - processor_1):6.0f} tokens per processor second"
        print(f"{name:28} {speeds}, {n_tokens / (wall - wall_1):5.0f} a second; loss {first:.2f} to {last:.2f}")


def ask(directory: Path) -> None:
    """Ask for a capital, and time short answers to many prompts."""
    model = ENGINE.load(directory)
    (answer,) = model.complete([(Message("user", "What is the capital of France?"),)], Continuation(20))
    assert "Paris" in answer.text, answer
    print(f"capital of France: {answer.text}")
    prompts = [row.prompt for row in sums(50)]
    answers, processor, wall = timed(partial(model.complete, prompts, Continuation(8)))
    read, written = sum(each.tokens_in for each in answers), sum(each.tokens_out for each in answers)
    print(f"50 prompts: {read} tokens read, {written} written in {processor:.1f} processor seconds, {wall:.1f} s")


def keep(directory: Path) -> None:
    """Save an adapter, read it back, and get the same answers."""
    trained, prompts = train_on_sums(directory, "adapter, top 10 layers", 4), [row.prompt for row in sums(8)]
    with tempfile.TemporaryDirectory() as temporary:
        trained.model.save(Path(temporary), directory)
        size = sum(path.stat().st_size for path in Path(temporary).iterdir())
        again = ENGINE.load(Path(temporary), directory)
    assert again.complete(prompts, Continuation(8)) == trained.model.merged().complete(prompts, Continuation(8))
    print(f"an adapter of {size / 1e6:.1f} MB read back: the same answers")


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=12)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    directory = ENGINE.materialise(REFERENCE, args.directory)
    print(f"{args.threads} thread(s), load {os.getloadavg()[0]:.1f} from other work, torch {torch.__version__}")
    ask(directory)
    keep(directory)
    compare_trainings(directory, args.steps)


if __name__ == "__main__":
    main()
