"""Trains a student with somebody else's program on its own answers, graded here while it runs.

The verifier is served to the trainer (`train.external.reward_server`). An answer that touches a benchmark's held-out
content has no reward: it is refused, and stands in the ledger as dropped.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from gauger.elicit import Corpus, divided, read_texts, up_to_stop
from gauger.jobs.models import checkpoint_of, prompt_of
from gauger.jobs.own_samples import Wrote, rewarded_row
from gauger.jobs.parameters import Inputs, job
from gauger.jobs.program_parameters import TrainExternalOnRewards
from gauger.jobs.training_elsewhere import trained_by_program
from gauger.jobs.training_record import counted, write_training
from gauger.jobs.unfinished import unfinished_place
from gauger.spec import TextSource
from gauger.store import write_json
from gauger.train import CheckpointTokens, QuestionMaterial, RewardedAnswer, RewardServer
from gauger.worlds import World, reopen_world

JOURNAL = "rewards.jsonl"
UNTAUGHT = "no two answers to one question had different rewards at a step: the student could learn nothing from them"


@job(TrainExternalOnRewards)
def train_external_on_rewards(params: TrainExternalOnRewards, inputs: Inputs, out: Path) -> None:
    """Have a student trained on its own answers to questions, rewarded where they are right."""
    world = reopen_world(params.world)
    prompts = [text.prompt for text in read_texts(inputs["corpus"])]
    shown = tuple(prompt_of(world, prompt) for prompt in prompts)
    names = ("answer_tokens", "group", "kl_weight", "clip", "updates")
    material = QuestionMaterial(shown, **{name: getattr(params, name) for name in names})

    def grade(place: int, text: str, ended: bool) -> float | None:
        thought, answer, has_ended = until_stop(world, prompts[place], text, ended=ended)
        if any(world.overlaps(prompts[place] + world.joined(prompts[place], text)) for text in (thought, answer)):
            return None
        return world.grade(prompts[place], answer, ended=has_ended)

    work = unfinished_place(out)
    work.mkdir(parents=True, exist_ok=True)
    with RewardServer(grade, len(prompts), work / JOURNAL) as server:
        losses, _ = trained_by_program(params, material, inputs, out, server)
    times = _times(server.answers, params)
    tokens = CheckpointTokens(checkpoint_of(inputs["start_base"] if "start_base" in inputs else inputs["start"]))
    texts = [prompts[place] + text for place, text in times]
    written = [Wrote(*key, n_tokens) for key, n_tokens in zip(times, tokens.count(texts), strict=True)]
    rows = [
        rewarded_row(world, prompts, row, "rl", left_out=not count)
        for row, count in zip(written, times.values(), strict=True)
    ]
    Corpus(tuple(rows)).write(out)
    own = counted(TextSource.STUDENT, [row.n_tokens for row in written], list(times.values()))
    write_training(out, [own], losses, rewards=_mean_rewards(server.answers))
    write_json(out / "notes.json", [UNTAUGHT] if server.taught_nothing else [])


def until_stop(world: World, prompt: str, text: str, *, ended: bool) -> tuple[str, str, bool]:
    """Return the thought before an answer, the answer up to the first string that ends one, and whether it has ended.

    Nothing in a thought ends an answer, and no answer is read out of a thought.
    """
    answer, thought = divided(text)
    before, stop = up_to_stop(answer, world.stops(prompt))
    return thought or "", before, ended or stop is not None


def _times(answers: Iterable[RewardedAnswer], params: TrainExternalOnRewards) -> dict[tuple[int, str], int]:
    """Count how often each answer was trained on, 0 where it was left out; in an order that no timing decides."""
    times: Counter[tuple[int, str]] = Counter()
    for answer in answers:
        left = params.updates if answer.step is None else min(params.updates, params.steps - answer.step)
        times[answer.place, answer.text] += 0 if answer.reward is None else max(left, 0)
    return dict(sorted(times.items()))


def _mean_rewards(answers: Iterable[RewardedAnswer]) -> list[float]:
    """Return the mean reward of every batch of answers, in the order of their steps."""
    by_step: dict[int, list[float]] = defaultdict(list)
    for answer in answers:
        if answer.reward is not None and answer.step is not None:
            by_step[answer.step].append(answer.reward)
    return [float(np.mean(sorted(by_step[step]))) for step in sorted(by_step)]
