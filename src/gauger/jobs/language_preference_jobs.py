"""The functions behind the jobs of preference optimisation of language models: pairs of a student's own answers (DPO).

Parameters and input directories in, files out, as in `stage_jobs.py` for the embedded world.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from gauger.elicit.teacher.messages import ChatRequest, ChatTeacher, Message, ReplyOutcome
from gauger.elicit.twin_continuing import answer_texts
from gauger.elicit.twin_text_samples import TextSample, read_text_rows, write_ledger
from gauger.errors import GaugerError
from gauger.jobs.language_jobs import row_of, token_counter, world_of
from gauger.jobs.language_models import (
    Inputs,
    Params,
    Plain,
    keep,
    make_teacher,
    options_of,
    read_model,
    schedule_of,
)
from gauger.jobs.language_stage_jobs import form_of, student_wrote
from gauger.jobs.trained import trained, write_training
from gauger.spec import BASE, TEACHER, TextSource
from gauger.store.atomic import write_json, write_parquet
from gauger.train.hf.preferences import Pair, PreferenceLoss, order_of_pairs, train_on_preferences
from gauger.train.hf.rows import Row, encode_for
from gauger.worlds.language import FORMS, TextWorld
from gauger.worlds.language.forms import read_strictly
from gauger.worlds.language.questions import normal
from gauger.worlds.language.sources import VerifierError

RIGHT = 1 - 1e-9
"""Least score of an answer that is right."""
_PAIRS = {"prompt": pl.String, "answer": pl.String, "rejected": pl.String}


@dataclass(frozen=True)
class Asked:
    """One prompt with what its judge said."""

    prompt: str
    form: str
    judged: TextSample | None
    """The judge's answer; None where the truth judges."""


def draw_pairs(params: Params, inputs: Inputs, out: Path) -> None:
    """Draw the student's answers to every prompt, and pair a right one with a wrong one, as the judge has it."""
    world, rng = world_of(params), np.random.default_rng(params["seed"])
    asked, notes = _judged(world, params, inputs, out)
    model, tokenizer = read_model(inputs, "start")
    student = Plain("student", model, tokenizer, chat=params["world"]["chat"])
    pairs, ledger = [], []
    for one, answers in zip(asked, _draw(world, student, asked, params), strict=True):
        pair = _pair(world, one, answers, rng)
        if pair:
            pairs.append((one.prompt, *pair))
        ledger += _ledger_of_pair(world, one, pair or answers[:1] or ("",))
    write_ledger(ledger, out, token_counter(student))
    write_parquet(out / "corpus.parquet", pl.DataFrame(pairs, _PAIRS, orient="row"))
    notes = [f"{len(pairs)} of {len(asked)} prompts gave a right and a wrong answer", *notes]
    write_json(out / "notes.json", notes)


def _judged(world: TextWorld, params: Params, inputs: Inputs, out: Path) -> tuple[list[Asked], list[str]]:
    """Return the prompts with what the judge holds to be the answer, `dropped` where it gave none; and notes."""
    prompts = [prompt for prompt, _, _ in read_text_rows(inputs["questions"])]
    forms = [form_of(world, prompt) for prompt in prompts]
    if params["judge"] is None:
        return [Asked(prompt, form, None) for prompt, form in zip(prompts, forms, strict=True)], []
    wanted = [TextSample(prompt, "", "preference", "student") for prompt in prompts]
    said = answer_texts(_judge(params, inputs, out), wanted, params["max_new_tokens"], params["seed"])
    answers = {sample.prompt: sample for sample in said}
    unasked = [replace(sample, dropped="unasked") for sample in wanted if sample.prompt not in answers]
    judged = answers | {sample.prompt: sample for sample in unasked}
    if all(sample.dropped == ReplyOutcome.FAILED for sample in judged.values()):
        raise GaugerError(f"the judge failed on all {len(prompts)} prompts")
    notes = [f"{len(said)} of {len(prompts)} prompts judged: the budget is spent"] if unasked else []
    return [Asked(p, form, judged[p]) for p, form in zip(prompts, forms, strict=True)], notes


def _judge(params: Params, inputs: Inputs, out: Path) -> ChatTeacher:
    """Return the teacher behind its surface, or the base (placebo)."""
    own = {"judge": inputs["judge"], "base": inputs["judge_base"]} if "judge" in inputs else {}
    if params["judge"] == TEACHER:
        return make_teacher(params, own, out, "judge")
    return Plain(BASE, *read_model(own, "judge"), chat=params["world"]["chat"])


def _draw(world: TextWorld, student: Plain, asked: Sequence[Asked], params: Params) -> list[list[str]]:
    """Draw candidates to each prompt; those that did not end, or touch held-out content, are left out."""
    each = params["candidates"]
    seeds = np.random.default_rng([params["seed"], 1]).integers(2**31, size=len(asked) * each).tolist()
    requests = [
        ChatRequest((Message("user", one.prompt),), params["max_new_tokens"], 1.0, seeds.pop(), FORMS[one.form].stops)
        for one in asked
        for _ in range(each)
    ]
    answers: list[list[str]] = [[] for _ in asked]
    for index, reply in sorted(dict(student.ask(requests)).items()):
        one, said = asked[index // each], reply.text.strip()
        text = said if one.form == "tagged" or not said else f" {said}"
        if reply.outcome is ReplyOutcome.ANSWERED and not world.overlaps(one.prompt + text):
            answers[index // each].append(text)
    return answers


def _pair(world: TextWorld, one: Asked, answers: Sequence[str], rng: np.random.Generator) -> tuple[str, str] | None:
    """Choose an answer that is right and one that is not; None where one is lacking."""
    if one.judged is not None and one.judged.dropped is not None:
        return None
    verdicts = [_is_right(world, one, answer) for answer in answers]
    good = [answer for answer, right in zip(answers, verdicts, strict=True) if right]
    bad = [answer for answer, right in zip(answers, verdicts, strict=True) if right is False]
    return (good[0], bad[int(rng.integers(len(bad)))]) if good and bad else None


def _is_right(world: TextWorld, one: Asked, answer: str) -> bool | None:
    """Tell whether the judge holds an answer to be right; None where its verifier breaks on it.

    The truth verifies it. A model's word is its own answer: both are read strictly and compared in words and numbers.
    """
    said = read_strictly(answer, one.form)
    if said is None:
        return False
    if one.judged is not None:
        held = read_strictly(one.judged.answer, one.form)
        return held is not None and normal(said) == normal(held)
    found = world.read(one.prompt)
    try:
        return found is not None and world.verify(found[1], said) >= RIGHT
    except VerifierError:
        return None


def _ledger_of_pair(world: TextWorld, one: Asked, said: Sequence[str]) -> list[TextSample]:
    """Write down both answers of a pair, the judge's request with the first; a prompt without a pair is dropped."""
    rows = [student_wrote(world, one.prompt, text, "preference") for text in said]
    judged = one.judged or TextSample(one.prompt, "", "preference", "student")
    rows[0] = replace(
        rows[0],
        teacher=judged.teacher,
        queries=judged.queries,
        tokens_in=judged.tokens_in,
        tokens_out=judged.tokens_out,
        dropped=None if len(said) == 2 else judged.dropped or "no pair",
    )
    return rows


def train_on_pairs(params: Params, inputs: Inputs, out: Path) -> None:
    """Train a student to prefer (DPO); one that gave no pair of a right and a wrong answer stays as it is."""
    model, tokenizer = read_model(inputs, "start")
    rows = list(pl.read_parquet(inputs["corpus"] / "corpus.parquet").iter_rows())
    pairs = [Pair(row_of(params, prompt, "", False).prompt, *answers) for prompt, *answers in rows]
    if not pairs:  # the stage has nothing to say to this student, and leaves it as it is
        keep(model, tokenizer, inputs, out)
        write_training(out, [trained(TextSource.STUDENT, [], [])], [])
        return
    per_step = params["batch"] // 2
    texts = [Row(pair.prompt, answer) for pair in pairs for answer in (pair.better, pair.worse)]
    lengths = [len(example.ids) for example in encode_for(model, tokenizer, texts)]
    order = order_of_pairs(len(pairs), per_step, params["seed"])
    counts = np.zeros(len(pairs), dtype=np.int64)
    for _ in range(params["steps"]):
        np.add.at(counts, next(order), 1)
    options = options_of(params, PreferenceLoss(params["beta"]))
    found = train_on_preferences(model, tokenizer, pairs, per_step, schedule_of(params), options)
    keep(found.model, tokenizer, inputs, out)
    write_training(out, [trained(TextSource.STUDENT, lengths, np.repeat(counts, 2))], found.losses)
