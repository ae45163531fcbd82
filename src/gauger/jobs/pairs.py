"""Draws a student's answers, and pairs a right one with a wrong one, as the truth or a judge has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from gauger.elicit import (
    UNANSWERED,
    UNASKED,
    Corpus,
    ReplyOutcome,
    Sample,
    Text,
    Wanted,
    answer_prompts,
    plain_sample,
    read_texts,
)
from gauger.errors import GaugerError
from gauger.jobs.corpora import counter
from gauger.jobs.models import answer_in, prompt_of, read_model
from gauger.jobs.own_samples import student_wrote
from gauger.jobs.parameters import DrawPairs, Inputs, job
from gauger.jobs.teachers import TeacherPlace, open_asked
from gauger.store import write_json, write_parquet
from gauger.train import Continuation, Model
from gauger.worlds import RIGHT, World, reopen_world

NO_PAIR = "no pair"
"""Why a prompt gave nothing to learn from: no right and wrong answer were among those drawn."""
_PAIRS = {"prompt": pl.String, "answer": pl.String, "rejected": pl.String}


@dataclass(frozen=True)
class JudgedPrompt:
    """One prompt with what its judge said."""

    prompt: str
    said: Sample | None
    """The judge's answer; None where the truth judges."""


@job(DrawPairs)
def draw_pairs(params: DrawPairs, inputs: Inputs, out: Path) -> None:
    """Draw the student's answers to every prompt, and pair a right one with a wrong one, as the judge has it."""
    world, rng = reopen_world(params.world), np.random.default_rng(params.seed)
    judged, notes, unanswered = _judged(world, params, inputs, out)
    student = read_model(inputs, "start", params.engine, params.computing).merged()
    pairs, ledger = [], []
    for question, answers in zip(judged, _draw(world, student, judged, params), strict=True):
        pair = _pair(world, question, answers, rng)
        if pair:
            pairs.append((question.prompt, *pair))
        ledger += _ledger_of_pair(world, question, pair or answers[:1] or ("",))
    Corpus((*ledger, *unanswered)).write(out, counter(student))
    write_parquet(out / "corpus.parquet", pl.DataFrame(pairs, _PAIRS, orient="row"))
    write_json(out / "notes.json", [f"{len(pairs)} of {len(judged)} prompts gave a right and a wrong answer", *notes])


def _judged(
    world: World, params: DrawPairs, inputs: Inputs, out: Path
) -> tuple[list[JudgedPrompt], list[str], list[Sample]]:
    """Return the prompts with what the judge holds to be the answer, `dropped` where it gave none; notes; what it
    was asked and never answered.
    """
    prompts = [text.prompt for text in read_texts(inputs["questions"])]
    if params.judge is None:
        return [JudgedPrompt(prompt, None) for prompt in prompts], [], []
    opened = open_asked(params.judge, TeacherPlace(world, inputs, "judge", out, params.model_dump(mode="json")))
    surface = params.judge.surface
    wanted = Wanted("preference", (), len(prompts), (), params.judge_tokens, surface)
    texts = [Text(prompt, "", whole=False) for prompt in prompts]
    corpus = answer_prompts(world, opened.teacher, texts, wanted, params.seed, "student", keeps_truncated=False)
    answers = {sample.prompt_text: sample for sample in corpus.samples if sample.dropped != UNANSWERED}
    unasked = {p: plain_sample(p, "", "preference", "student").fails(UNASKED) for p in prompts if p not in answers}
    if answers and all(sample.outcome is ReplyOutcome.FAILED for sample in answers.values()):
        raise GaugerError(f"the judge failed on all {len(prompts)} prompts")
    notes = [f"{len(answers)} of {len(prompts)} prompts judged: the budget is spent"] if unasked else []
    held = answers | unasked
    unanswered = [sample for sample in corpus.samples if sample.dropped == UNANSWERED]
    return [JudgedPrompt(prompt, held[prompt]) for prompt in prompts], notes, unanswered


def _draw(world: World, student: Model, judged: Sequence[JudgedPrompt], params: DrawPairs) -> list[list[str]]:
    """Draw candidates to each prompt; those that did not end, or touch held-out content, are left out."""
    each = params.candidates
    # a stream apart from that which chooses among wrong answers: neither moves the other
    seeds = np.random.default_rng([params.seed, 1]).integers(2**31, size=len(judged) * each).tolist()
    asked = [question.prompt for question in judged for _ in range(each)]
    shown, stops = [prompt_of(world, prompt) for prompt in asked], [world.stops(prompt) for prompt in asked]
    drawn = student.complete(shown, Continuation(params.answer_tokens, temperature=1.0), seeds, stops) if asked else []
    answers: list[list[str]] = [[] for _ in judged]
    for place, (prompt, answer) in enumerate(zip(asked, drawn, strict=True)):
        text = world.joined(prompt, answer.text)
        if answer.ended and not world.overlaps(prompt + text):
            answers[place // each].append(text)
    return answers


def _pair(
    world: World, question: JudgedPrompt, answers: Sequence[str], rng: np.random.Generator
) -> tuple[str, str] | None:
    """Choose an answer that is right and one that is not; None where one is lacking."""
    if question.said is not None and question.said.dropped is not None:
        return None
    verdicts = [_is_right(world, question, answer) for answer in answers]
    good = [answer for answer, right in zip(answers, verdicts, strict=True) if right]
    bad = [answer for answer, right in zip(answers, verdicts, strict=True) if right is False]
    return (good[0], bad[int(rng.integers(len(bad)))]) if good and bad else None


def _is_right(world: World, question: JudgedPrompt, answer: str) -> bool | None:
    """Tell whether the judge holds an answer to be right; None where nobody can say.

    The truth verifies it. A model's word is its own answer: both are read strictly and compared in words and numbers.
    """
    final = answer_in(world, answer)
    if question.said is not None:
        return world.agrees(question.prompt, final, question.said.answer)
    score = world.grade(question.prompt, final, ended=True)
    return None if score is None else score >= RIGHT


def _ledger_of_pair(world: World, question: JudgedPrompt, texts: Sequence[str]) -> list[Sample]:
    """Write down both answers of a pair, the judge's request with the first; a prompt without a pair is dropped."""
    rows = [student_wrote(world, question.prompt, text, "preference") for text in texts]
    judge = question.said or plain_sample(question.prompt, "", "preference", "student")
    dropped = None if len(texts) == 2 else judge.dropped or NO_PAIR
    asked = replace(rows[0], teacher=judge.teacher, terms=judge.terms, surface=judge.surface, took=judge.took)
    rows[0] = replace(asked, dropped=dropped)
    return rows
