"""How prompts are made. Each strategy yields rounds of prompts, until its seeds are used up or enough was kept.

label     given questions as they are: the benchmark's own training questions, unless the stage's seeds are others
expand    the teacher goes on from the cut-off beginning of a seed question, and so writes a new one
textbook  the teacher is given a topic and writes freely about it
seedless  the teacher is given nothing and writes the question too
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gauger.elicit.twin_samples import Sample
from gauger.elicit.twin_surface import Interface
from gauger.elicit.twin_teacher import Request, Words
from gauger.worlds.atlas import Atlas
from gauger.worlds.atlas.forms import PROMPT_ENDS, has_form, render, topic
from gauger.worlds.atlas.questions import Question
from gauger.worlds.atlas.world import CONTEXT

ROUND = 512
"""Prompts written in one round."""
Rounds = Iterator[list[Sample]]


@dataclass(frozen=True)
class Task:
    """What a strategy works on."""

    atlas: Atlas
    interface: Interface
    skills: tuple[str, ...]
    """Skills and domains of the targeted benchmarks."""
    forms: tuple[str, ...]
    rng: np.random.Generator
    seeds: str = "benchmark-train"
    """Where given questions come from."""


def label(task: Task) -> Rounds:
    """One round: every given question on the targeted benchmarks' skills in every form, in random order."""
    prompts = [seed for skill in task.skills for seed in _seed_prompts(task, skill)]
    order = task.rng.permutation(len(prompts))
    chosen = [prompts[i] for i in order]
    yield [Sample(prompt, (), "label", "teacher", seed_ids=(question.key,)) for question, prompt in chosen]


def expand(task: Task) -> Rounds:
    """Rounds without end: seeds cut off at a random word, continued by the teacher up to the end of the question.

    Every targeted skill that has seeds is as often the seed as another; where none has any there is no round.
    """
    seeds = [of_skill for skill in task.skills if (of_skill := _seed_prompts(task, skill))]
    while seeds:
        skills = [seeds[i] for i in task.rng.integers(len(seeds), size=ROUND)]
        picks = [of_skill[task.rng.integers(len(of_skill))] for of_skill in skills]
        openings = [prompt[: task.rng.integers(1, len(prompt))] for _, prompt in picks]
        yield _written(task, "expand", openings, [question.key for question, _ in picks])


def textbook(task: Task) -> Rounds:
    """Rounds without end: all topics of the targeted domains, in random order."""
    questions = [q for skill in task.skills for q in task.atlas.questions[skill] if has_form(skill, "story")]
    topics = list(dict.fromkeys(topic(question) for question in questions))
    while topics:
        order = task.rng.permutation(len(topics))
        yield [Sample(topics[i], (), "textbook", "teacher") for i in order]


def seedless(task: Task) -> Rounds:
    """Rounds without end: the teacher writes the question from nothing."""
    while True:
        yield _written(task, "seedless", [()] * ROUND, [None] * ROUND)


STRATEGIES: dict[str, Callable[[Task], Rounds]] = {
    "label": label,
    "expand": expand,
    "textbook": textbook,
    "seedless": seedless,
}


def _seed_prompts(task: Task, skill: str) -> list[tuple[Question, Words]]:
    questions = seed_questions(task.atlas, skill, task.seeds)
    return [(question, prompt) for question in questions for prompt in prompts_of(question, task.forms)]


def seed_questions(atlas: Atlas, skill: str, seeds: str) -> list[Question]:
    """Return the questions of a skill that a seed source offers.

    `web`: those that the base's web answers; `reference`: all that may be trained on; any other: the benchmark's own
    train split.
    """
    if seeds == "reference":
        return atlas.train_questions(skill)
    return (atlas.known if seeds == "web" else atlas.benchmark_train)[skill]


def prompts_of(question: Question, forms: Sequence[str]) -> list[Words]:
    """Word a question as a prompt in every form that its skill has."""
    forms = [form for form in forms if has_form(question.family, form)]
    return [topic(question) if form == "story" else render(question, form)[0] for form in forms]


def _written(task: Task, strategy: str, openings: Sequence[Words], seeds: Sequence[str | None]) -> list[Sample]:
    """Have the teacher write prompts that begin as given; where the budget ends, the rest is left out."""
    seed = int(task.rng.integers(2**31))
    request = Request(CONTEXT, temperature=1.0, stops=PROMPT_ENDS, seed=seed)
    answers = task.interface.ask(openings, request, follow_up=True)
    samples = []
    for opening, key, answer in zip(openings, seeds, answers, strict=False):
        sample = Sample((*opening, *answer.words), (), strategy, "teacher", seed_ids=(key,) if key else ())
        samples.append(sample.spend(answer.tokens_in, answer.tokens_out))
    return samples
