"""Asking a model that follows instructions: one stage's corpus in a language world, by the strategies of `chat/`.

The teacher sees the bare question, or the seed in its form; the student learns the question in the stage's forms with
what the teacher said. Held-out content is kept out as everywhere, whatever wording the teacher found for it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gauger.elicit.chat.collect import Setting, collect_corpus
from gauger.elicit.chat.corpus import ChatCorpus
from gauger.elicit.chat.filters import Filters
from gauger.elicit.chat.messages import ChatTeacher, Message
from gauger.elicit.chat.programs import program
from gauger.elicit.chat.sample import ChatSample
from gauger.elicit.chat.seeds import Seed
from gauger.elicit.continuing import WantedTexts
from gauger.worlds.language import FORMS, TextWorld
from gauger.worlds.language.forms import asked_in, has_form, render

IN_FORM = ("label", "rationale")
"""Strategies whose seeds are asked as the benchmark asks them."""


def elicit_by_instruction(
    world: TextWorld,
    teacher: ChatTeacher,
    wanted: WantedTexts,
    seed: int,
    surface: str = "text",
    templates: Path | None = None,
) -> ChatCorpus:
    """Ask a teacher by a strategy and put what it said into the stage's forms.

    Parameters
    ----------
    world : TextWorld
        Seeds, forms and held-out content.
    teacher : ChatTeacher
        Who is asked, behind its budget.
    wanted : WantedTexts
        Strategy, forms, number of samples, targeted tasks, longest answer.
    seed : int
        Source of randomness.
    surface : str
        What the interface shows, for the ledger.
    templates : Path, optional
        Folder with prompts in place of our own.
    """
    strategy = program(wanted.strategy, templates).limited(max_tokens=wanted.max_new_tokens)
    filters = Filters(verify=False, near_duplicates=None)
    seeds = _seeds(world, wanted)
    corpus = collect_corpus(teacher, strategy, seeds, wanted.samples, filters, seed, Setting(surface))
    shaped = [_in_form(sample, wanted.forms[i % len(wanted.forms)]) for i, sample in enumerate(corpus.samples)]
    return replace(corpus, samples=tuple(_guarded(world, sample) for sample in shaped))


def _seeds(world: TextWorld, wanted: WantedTexts) -> list[Seed]:
    questions = [question for task in wanted.tasks for question in world.benchmark_train[task]]
    if wanted.strategy not in IN_FORM:
        return [Seed(id=q.key, prompt=q.text, answer=q.answer, benchmark=q.task, split="train") for q in questions]
    return [
        Seed(
            id=f"{form}:{question.key}",
            prompt=render(question, form).prompt,
            answer=question.answer,
            benchmark=question.task,
            split="train",
            seed_ids=(question.key,),
        )
        for form in wanted.forms
        for question in questions
        if has_form(question, form)
    ]


def _in_form(sample: ChatSample, form: str) -> ChatSample:
    """Put a problem that the teacher wrote into a form; an answer begins with the space that divides it from it."""
    if sample.dropped is not None:
        return sample
    prompt, said = sample.prompt_text, sample.answer.strip()
    if asked_in(prompt) is None:
        form = form if form != "cloze" else "qa"
        prompt = FORMS[form].before + prompt + FORMS[form].after
    return replace(sample, prompt=(Message("user", prompt),), answer=said if prompt.endswith("\n") else f" {said}")


def _guarded(world: TextWorld, sample: ChatSample) -> ChatSample:
    """Drop what touches held-out content."""
    overlaps = tuple(sorted(world.overlaps(sample.text)))
    if not overlaps:
        return sample
    return replace(sample, overlaps=overlaps, dropped=sample.dropped or "overlap")
