"""Reinforces with TRL through `accelerate launch`, graded over HTTP: does it learn what is rewarded, also when killed?

Usage: python validation/external/rewards.py [STEPS]. A small Llama, random weights, float32. An answer is right where
its first character has an even number. Beside TRL on one process and on two stand our own engine with the same
settings, and TRL with rewards that are drawn by chance: what rises there rises by itself. One run is killed (SIGKILL)
in its middle.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.train.models import small_llama, small_tokenizer

from gauger.store import read_json
from gauger.study.external_stages import version_of
from gauger.train import (
    TRAINERS,
    ExternalTraining,
    GrpoLoss,
    Options,
    Play,
    QuestionMaterial,
    RewardServer,
    engine_of,
    one_by_one,
    train_elsewhere,
    train_on_rewards,
)

PROMPTS = tuple(f"{a}+{b}=" for a in range(8) for b in range(8))
QUESTIONS = QuestionMaterial(PROMPTS, answer_tokens=4, group=8, kl_weight=0.0, clip=0.2, updates=2)
BATCH, SEED = 32, 3
ENDS = 5
"""Batches of answers at either end whose rewards are averaged."""


def is_right(place: int, text: str, ended: bool) -> float:  # noqa: ARG001 - the server's signature
    """Reward an even first character."""
    return float(text != "" and ord(text[0]) % 2 == 0)


def by_chance(place: int, text: str, ended: bool) -> float:
    """Reward nothing that could be learnt: each prompt has other answers that are right."""
    return float(crc32(f"{place} {text} {ended}".encode()) % 2)


@dataclass
class KillsOnce:
    """Grades as `is_right`, and kills the trainer at one answer."""

    at: int
    token: str = ""
    n: int = 0

    def __call__(self, place: int, text: str, ended: bool) -> float:
        """Return the reward."""
        self.n += 1
        if self.n == self.at:
            for process in Path("/proc").iterdir():
                with suppress(OSError, ValueError):
                    if self.token.encode() in (process / "environ").read_bytes():
                        os.kill(int(process.name), signal.SIGKILL)
        return is_right(place, text, ended)


def mean_ends(step_rewards: list[float]) -> str:
    """Say the mean reward of the first and of the last batches."""
    return f"{np.mean(step_rewards[:ENDS]):.3f} -> {np.mean(step_rewards[-ENDS:]):.3f}"


def elsewhere(training: ExternalTraining, folder: Path, grade) -> tuple[list[float], dict[str, str], int]:
    """Train with TRL; returns what the answers of each batch would be worth, digests, and how many answers count."""
    folder.mkdir()
    work = folder / "work"
    work.mkdir()
    with RewardServer(grade, len(PROMPTS), work / "rewards.jsonl") as server:
        if isinstance(grade, KillsOnce):
            grade.token = server.token
        train_elsewhere(TRAINERS.load("trl-grpo"), training, work, folder, server)
    steps = sorted({answer.step for answer in server.answers if answer.step is not None})
    worth = [[is_right(0, one.text, one.ended) for one in server.answers if one.step == step] for step in steps]
    return (
        [float(np.mean(values)) for values in worth],
        read_json(folder / "trainer.json")["weights"],
        len(server.answers),
    )


def here(start: Path, training: ExternalTraining) -> list[float]:
    """Train with our own engine; returns the mean reward of each batch."""
    model = engine_of("hf").load(start)
    reward = one_by_one(lambda place, answer: is_right(place, answer.text, answer.ended))
    play = Play(QUESTIONS.asked, reward, 8, BATCH, QUESTIONS.updates)
    options = Options(SEED, loss=GrpoLoss(QUESTIONS.clip, QUESTIONS.kl_weight))
    schedule = model.defaults.schedule(training.steps, training.learning_rate)
    return list(train_on_rewards(model, play, schedule, options).rewards)


def main(steps: int) -> None:
    """Print one line a case; end with 1 where one learns nothing, or the killed one ends otherwise."""
    version = version_of(TRAINERS.load("trl-grpo").version)
    print(version)
    print(f"{steps} steps on {BATCH} answers in groups of 8, each batch twice; share of answers that are right")
    with tempfile.TemporaryDirectory() as place:
        folder, start = Path(place), Path(place) / "start"
        small_llama(sharp=20.0).save_pretrained(str(start))
        small_tokenizer().save_pretrained(str(start))
        full = ExternalTraining(start, QUESTIONS, steps, BATCH, 0.01, SEED, checkpoint_steps=4, version=version)
        ours = here(start, full)
        print(f"our own engine               {mean_ends(ours)}", flush=True)
        whole, digests, n_answers = elsewhere(full, folder / "one", is_right)
        print(f"TRL, one process             {mean_ends(whole)}", flush=True)
        two, _, _ = elsewhere(replace(full, processes=2), folder / "two", is_right)
        print(f"TRL, two processes           {mean_ends(two)}", flush=True)
        chance, _, _ = elsewhere(full, folder / "chance", by_chance)
        print(f"TRL, rewards by chance       {mean_ends(chance)}", flush=True)
        _, again, n_again = elsewhere(full, folder / "killed", KillsOnce(at=n_answers * 5 // 8))
        log = (folder / "killed" / "trainer.log").read_text().count('"step":')
        print(f"TRL, killed in its middle    same weights: {again == digests}; answers {n_again} of {n_answers}; "
              f"steps that its log tells of: {log} of {steps}")  # fmt: skip
    rises = [np.mean(run[-ENDS:]) - np.mean(run[:ENDS]) for run in (ours, whole, two, chance)]
    sys.exit(int(min(rises[:3]) < 0.2 or rises[3] > 0.1 or again != digests or n_again != n_answers))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
