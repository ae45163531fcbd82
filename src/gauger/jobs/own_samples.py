"""Trains a student on what it writes itself: scored by somebody at hand, or rewarded by the truth or a discriminator,
or put below its teacher's text.

A student's own sample that touches a benchmark's held-out content is never trained on: it is refused, and stands in the
ledger as dropped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from gauger.elicit import Corpus, Sample, Took, plain_sample, shown_logs, stream_texts, words_for
from gauger.jobs.models import answer_in, common_source, keep, options_of, prompt_of, read_model, schedule_of
from gauger.jobs.parameters import Inputs, TrainOnDiscriminator, TrainOnOwnPairs, TrainOnPolicy, TrainOnRewards, job
from gauger.jobs.teachers import TeacherPlace, open_asked, shown_top_k, unserved
from gauger.jobs.training_record import counted, used, write_training
from gauger.spec import Surface, TextSource
from gauger.store import write_json
from gauger.train import (
    AskedOfStudent,
    BatchReward,
    Completion,
    Continuation,
    Discriminator,
    Drawn,
    GrpoLoss,
    Mixture,
    Model,
    OwnPairs,
    Play,
    Practice,
    PreferenceLoss,
    Trained,
    distil_on_policy,
    one_by_one,
    prefer_theirs,
    train_on_rewards,
    without_room,
)
from gauger.worlds import World, reopen_world

OVERLAP, UNJUDGED, EQUAL = "overlap", "verifier failed", "equal"
"""Why a student's own sample is not trained on."""


class Wrote(NamedTuple):
    """One text that the student wrote."""

    place: int
    """Of its prompt."""
    text: str
    n_tokens: int
    """Of prompt and answer."""


def student_wrote(world: World, prompt: str, reply: str, strategy: str) -> Sample:
    """Return the ledger's row of a text that the student wrote, with the contents that it touches."""
    answer = world.joined(prompt, reply)
    overlaps = tuple(sorted(world.overlaps(prompt + answer)))
    seeds = tuple(sorted(world.content_keys(prompt)))
    return plain_sample(prompt, answer, strategy, TextSource.STUDENT, seed_ids=seeds, overlaps=overlaps)


@dataclass
class Room:
    """What is left of a surface's budgets for having given texts scored: a query each, its tokens read."""

    queries: int | None
    tokens: int | None

    @classmethod
    def of(cls, surface: Surface) -> Room:
        """Return the whole budget of a surface."""
        return cls(surface.max_queries, surface.max_tokens)

    def admit(self, lengths: Sequence[int]) -> int:
        """Take as many texts of these lengths in tokens, from the first, as still fit; returns how many."""
        fits = len(lengths) if self.queries is None else min(len(lengths), self.queries)
        if self.tokens is not None:
            fits = int(np.searchsorted(np.cumsum(lengths[:fits]), self.tokens, side="right"))
            self.tokens -= sum(lengths[:fits])
        if self.queries is not None:
            self.queries -= fits
        return fits


@dataclass(frozen=True)
class ScoredSamples:
    """Which of the student's own samples are scored: those that touch nothing held out, until the budget is spent."""

    touches: Callable[[Drawn], bool]
    room: Room
    refused: Counter[Wrote] = field(default_factory=Counter)
    """Samples that touch held-out content; they are not trained on."""

    def choose(self, drawn: Sequence[Drawn]) -> list[int] | None:
        """Return the places of a step's samples that are scored; None where the budget allows none of them."""
        touching = [self.touches(sample) for sample in drawn]
        clean = [place for place, touches in enumerate(touching) if not touches]
        taken = clean[: self.room.admit([drawn[place].n_tokens for place in clean])]
        if clean and not taken:
            return None
        self.refused.update(wrote(drawn[place]) for place, touches in enumerate(touching) if touches)
        return taken


def wrote(drawn: Drawn) -> Wrote:
    """Return what was written, whoever asked for it and how often."""
    return Wrote(drawn.prompt, drawn.completion.text, drawn.n_tokens)


@job(TrainOnPolicy)
def train_on_policy(params: TrainOnPolicy, inputs: Inputs, out: Path) -> None:
    """Train a student on its own samples, scored by the teacher (or by the base, as a placebo)."""
    world = reopen_world(params.world)
    prompts = [text.prompt for text in stream_texts(inputs["corpus"])]
    student = read_model(inputs, "start", params.engine, params.computing)
    scorer = open_asked(unserved(params.scorer), TeacherPlace(world, inputs, "scorer", out, {})).at_hand
    surface = params.scorer.surface
    scored = ScoredSamples(
        lambda sample: bool(_overlaps(world, prompts[sample.prompt], sample.completion)), Room.of(surface)
    )
    n_web = round(params.web_share * params.batch)
    practice = Practice(
        _questions(world, prompts, params.answer_tokens),
        params.batch - n_web,
        Mixture((common_source(world),), (n_web,)) if n_web else None,
        scored.choose,
        shown_top_k(surface, params.top_k, len(student.vocabulary)),
        (lambda log_PK: shown_logs(log_PK, surface)) if surface.defence else None,
    )
    trained = distil_on_policy(student, scorer, practice, schedule_of(params, student), options_of(params))
    keep(trained, inputs, out)
    taken = Counter(wrote(sample) for sample in trained.drawn if sample.times)
    _ledger_of_scored(world, prompts, taken, scored.refused, params).write(out)
    own = counted(TextSource.STUDENT, [written.n_tokens for written in taken], list(taken.values()))
    write_training(out, [own, *(used(None, rows) for rows in trained.sources)], trained.losses)
    short = len(trained.losses) < params.steps
    notes = [f"{len(trained.losses)} of {params.steps} steps: the budget is spent"] if short else []
    write_json(out / "notes.json", [*_notes_of_prompts(student, practice.questions), *notes])


def _overlaps(world: World, prompt: str, answer: Completion) -> frozenset[str]:
    return world.overlaps(prompt + world.joined(prompt, answer.text))


def _questions(world: World, prompts: Sequence[str], answer_tokens: int) -> AskedOfStudent:
    """Put the prompts to the student: drawn from its own distribution, each answered up to its form's end."""
    shown = tuple(prompt_of(world, prompt) for prompt in prompts)
    stops = tuple(world.stops(prompt) for prompt in prompts)
    return AskedOfStudent(shown, Continuation(answer_tokens, temperature=1.0), stops)


def _notes_of_prompts(student: Model, questions: AskedOfStudent) -> list[str]:
    n_full = without_room(student, questions.prompts, "cut")
    return [f"{n_full} of {len(questions.prompts)} prompts left no room for an answer"] if n_full else []


def _ledger_of_scored(
    world: World, prompts: Sequence[str], taken: Counter[Wrote], refused: Counter[Wrote], params: TrainOnPolicy
) -> Corpus:
    """Return a row per text that the student wrote, with how often somebody was asked about it."""
    rows = []
    surface = words_for(params.scorer.surface)
    for written, count in taken.items():
        row = student_wrote(world, prompts[written.place], written.text, "on-policy-distill")
        took = Took(queries=count, tokens_in=count * written.n_tokens, tokens_in_most=count * written.n_tokens)
        rows.append(replace(row, teacher=params.scorer.name, terms=params.scorer.terms, surface=surface, took=took))
    left_out = [student_wrote(world, prompts[written.place], written.text, "on-policy-distill") for written in refused]
    return Corpus(tuple(rows + [row.fails(OVERLAP) for row in left_out]))


@job(TrainOnRewards)
def train_on_own_answers(params: TrainOnRewards, inputs: Inputs, out: Path) -> None:
    """Train a student on its own answers to questions, rewarded where they are right (GRPO)."""
    world = reopen_world(params.world)
    texts = list(stream_texts(inputs["corpus"]))

    def reward(place: int, answer: Completion) -> float | None:
        prompt = texts[place].prompt
        return (
            None
            if _overlaps(world, prompt, answer)
            else world.grade(prompt, answer_in(world, answer.text), ended=answer.ended)
        )

    _reinforce(params, inputs, out, "rl", one_by_one(reward))


@job(TrainOnDiscriminator)
def train_on_discriminator(params: TrainOnDiscriminator, inputs: Inputs, out: Path) -> None:
    """Train a student on its own answers, rewarded where a discriminator takes them for those of its corpus (GRPO)."""
    world = reopen_world(params.world)
    texts = list(stream_texts(inputs["corpus"]))
    reward = Discriminator(
        [text.prompt for text in texts],
        [text.answer for text in texts],
        lambda place, answer: world.joined(texts[place].prompt, answer.text),
        lambda place, answer: bool(_overlaps(world, texts[place].prompt, answer)),
        params.refit,
        params.longest_run,
        params.ridge,
    )
    _reinforce(params, inputs, out, "adversarial-distill", reward)


@job(TrainOnOwnPairs)
def train_on_own_pairs(params: TrainOnOwnPairs, inputs: Inputs, out: Path) -> None:
    """Train a student to prefer the texts of its corpus to its own answers to the same prompts (SPIN)."""
    world = reopen_world(params.world)
    texts = list(stream_texts(inputs["corpus"]))
    prompts = [text.prompt for text in texts]
    student = read_model(inputs, "start", params.engine, params.computing)
    data = OwnPairs(
        _questions(world, prompts, params.answer_tokens),
        [text.answer for text in texts],
        lambda place, answer: world.joined(prompts[place], answer.text),
        lambda place, answer: bool(_overlaps(world, prompts[place], answer)),
        params.batch // 2,
        params.rounds,
    )
    options = replace(options_of(params), loss=PreferenceLoss(params.beta))
    trained = prefer_theirs(student, data, schedule_of(params, student), options)
    keep(trained, inputs, out)
    equal = {wrote(own) for own in trained.drawn if data.equals(own.prompt, own.completion)}
    counts, lengths = _learnt(trained)
    rows = [_compared_row(world, prompts, written, equal=written in equal) for written in counts]
    Corpus(tuple(rows)).write(out)
    own = counted(TextSource.STUDENT, lengths, list(counts.values()))
    write_training(out, [used(_writer(inputs["corpus"]), trained.sources[0]), own], trained.losses)
    notes = _notes_of_pairs(params, trained, rows)
    write_json(out / "notes.json", [*_notes_of_prompts(student, data.questions), *notes])


def _compared_row(world: World, prompts: Sequence[str], written: Wrote, *, equal: bool) -> Sample:
    """Return the ledger's row of an answer that the teacher's was preferred to, or that makes no pair with it."""
    row = student_wrote(world, prompts[written.place], written.text, "preference-distill")
    if row.overlaps:
        return row.fails(OVERLAP)
    return row.fails(EQUAL) if equal else row


def _writer(corpus: Path) -> str:
    """Return who wrote the kept texts of a corpus: the teacher, or in a control who stands in its place."""
    rows = pl.read_parquet(corpus / "ledger.parquet", columns=["source", "dropped"])
    return str(rows.filter(pl.col("dropped").is_null())["source"][0])


def _notes_of_pairs(params: TrainOnOwnPairs, trained: Trained, rows: Sequence[Sample]) -> list[str]:
    paired = sum(row.dropped is None for row in rows)
    equal = sum(row.dropped == EQUAL for row in rows)
    notes = [f"{paired} of {len(rows)} answers of the student made a pair, {equal} were what the teacher wrote"]
    if len(trained.losses) < params.steps:
        notes.append(f"{len(trained.losses)} of {params.steps} steps: no later answer makes a pair")
    return notes


def _reinforce(params: TrainOnRewards, inputs: Inputs, out: Path, stage: str, reward: BatchReward) -> None:
    """Train on rewarded answers to the prompts of a corpus; keeps model, ledger and record."""
    world = reopen_world(params.world)
    prompts = [text.prompt for text in stream_texts(inputs["corpus"])]
    student = read_model(inputs, "start", params.engine, params.computing)
    play = Play(_questions(world, prompts, params.answer_tokens), reward, params.group, params.batch, params.updates)
    options = replace(options_of(params), loss=GrpoLoss(params.clip, params.kl_weight))
    trained = train_on_rewards(student, play, schedule_of(params, student), options)
    keep(trained, inputs, out)
    counts, lengths = _learnt(trained)
    rows = [rewarded_row(world, prompts, written, stage, left_out=not times) for written, times in counts.items()]
    Corpus(tuple(rows)).write(out)
    own = counted(TextSource.STUDENT, lengths, list(counts.values()))
    write_training(out, [own], trained.losses, rewards=trained.rewards)
    write_json(out / "notes.json", _notes_of_prompts(student, play.questions))


def _learnt(trained: Trained) -> tuple[dict[Wrote, int], list[int]]:
    """Count how often each text was trained on, 0 where it was left out; and its tokens."""
    counts: dict[Wrote, int] = {}
    for sample in trained.drawn:
        counts[wrote(sample)] = counts.get(wrote(sample), 0) + sample.times
    return counts, [written.n_tokens for written in counts]


def rewarded_row(world: World, prompts: Sequence[str], written: Wrote, stage: str, *, left_out: bool) -> Sample:
    """Return the ledger's row of an answer that was rewarded, or that nobody may learn from."""
    row = student_wrote(world, prompts[written.place], written.text, stage)
    return row.fails(OVERLAP if row.overlaps else UNJUDGED) if left_out else row
