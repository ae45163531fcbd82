"""Collects one stage's corpus in a world, from a teacher of either manner.

A teacher that *continues* texts sees prompts as the world words them. A teacher that follows *instructions* sees the
bare question, or the seed in its form; the student learns the question in the stage's forms with what the teacher said.
Held-out content is kept out of both, whatever wording the teacher found for it: a filter of the collection, which goes
on asking for what it dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gauger.elicit.collect import Setting, collect_corpus
from gauger.elicit.corpus import Corpus, Text
from gauger.elicit.filters.filters import Filters, WorldRules
from gauger.elicit.filters.world_checks import HeldOut, LongestText
from gauger.elicit.sample import Sample
from gauger.elicit.strategies.continuation import continue_in_order
from gauger.elicit.strategies.registry import PLAIN, Program, continuing_program, program, strategy_of
from gauger.elicit.strategies.rounds import WorldTexts
from gauger.elicit.strategies.seeds import Seed
from gauger.elicit.teacher.messages import Message, Teacher
from gauger.spec import Surface
from gauger.worlds import Question, World


@dataclass(frozen=True)
class Wanted:
    """What a stage asks for."""

    strategy: str
    forms: tuple[str, ...]
    samples: int
    """Samples to keep, at most."""
    skills: tuple[str, ...]
    """Skills of the targeted benchmarks."""
    answer_tokens: int
    """Longest answer."""
    surface: Surface = field(default_factory=Surface)
    """What the interface shows, for the ledger."""
    templates: Path | None = None
    """Folder with prompts in place of our own, for teachers that follow instructions."""
    filters: tuple[str, ...] = ()
    """Further filters, by name."""


def elicit_by_continuing(
    world: World, teacher: Teacher, wanted: Wanted, seed: int, student: Teacher | None = None
) -> Corpus:
    """Ask somebody who continues texts until enough is kept, its seeds or its budget are used up, or it is hopeless.

    `student`: the student's own base, for strategies that need it.

    Returns
    -------
    Corpus
        A row for every request and every prompt written, kept or not, so that the ledger adds up to what was spent;
        `notes` says why there are fewer samples than wanted.
    """
    any_subject = strategy_of(wanted.strategy).any_subject
    in_world = WorldRules(world, wanted.forms, None if any_subject else wanted.skills, named=wanted.filters)
    filters = Filters(refusals=False, verify=False, near_duplicates=None, unlike_seeds=False, in_world=in_world)
    texts = WorldTexts(world, wanted.forms, wanted.skills, wanted.answer_tokens)
    setting = replace(_world_setting(world, wanted.surface, texts), student=student)
    run = continuing_program(wanted.strategy)
    seeds = world_seeds(world, wanted)
    if run.needs_seeds and not seeds:
        return _without_seeds(wanted)
    return _marked(collect_corpus(teacher, run, seeds, wanted.samples, filters, seed, setting), world)


def elicit_by_instruction(
    world: World, teacher: Teacher, wanted: Wanted, seed: int, student: Teacher | None = None
) -> Corpus:
    """Ask somebody who follows instructions, and put what it said into the stage's forms.

    `student`: the student's own base, for strategies that need it.

    Returns
    -------
    Corpus
        As of `elicit_by_continuing`; a problem that the teacher wrote and that touches held-out content is dropped as
        `prompt-overlap` and never asked.
    """
    strategy = program(wanted.strategy, wanted.templates).limited(max_tokens=wanted.answer_tokens)

    def shape(sample: Sample) -> Sample:
        return in_form(world, sample, wanted.forms)

    def learnt(sample: Sample) -> Sample:
        return shape(sample.tagged if strategy.tagged else sample)

    filters = Filters(
        verify=False, near_duplicates=None, in_world=WorldRules(world, learnt=learnt, named=wanted.filters)
    )
    setting = Setting(wanted.surface, shape=shape, student=student)
    seeds = world_seeds(world, wanted, bare=not strategy_of(wanted.strategy).in_form)
    if strategy.needs_seeds and not seeds:
        return _without_seeds(wanted)
    return _marked(collect_corpus(teacher, strategy, seeds, wanted.samples, filters, seed, setting), world)


def _world_setting(world: World, surface: Surface, texts: WorldTexts, *, keeps_truncated: bool = False) -> Setting:
    """Return how texts of a world are collected: steps that are shown before an answer begin with its space, too.

    What is put together of two texts, or gets marks round steps that its writer never opened, can be longer than any
    text of the world, and so than a model of it can learn: such a sample is dropped and counted, or cut where those
    that were cut off are kept.
    """
    held = LongestText(world, cuts=keeps_truncated)

    def learnt(sample: Sample) -> Sample:
        answer = world.joined(sample.prompt_text, sample.answer) if world.writes_steps else sample.answer
        return held(replace(sample, answer=answer))

    return Setting(surface, texts=texts, keeps_truncated=keeps_truncated, shape=learnt)


def _without_seeds(wanted: Wanted) -> Corpus:
    """Return the corpus of a strategy whose seeds there are none of: a fact about the study, told in its notes."""
    return Corpus(
        (), (f"0 of {wanted.samples} samples: {', '.join(wanted.skills)} have no seeds for {wanted.strategy}",)
    )


def answer_prompts(
    world: World,
    teacher: Teacher,
    texts: Sequence[Text],
    wanted: Wanted,
    seed: int,
    source: str = "self",
    *,
    keeps_truncated: bool = True,
) -> Corpus:
    """Have somebody answer the prompts of another corpus, each once and in their order: the placebo, or a judge.

    `keeps_truncated`: whether an answer that was cut off is a text like another, for a placebo is as good as its model.
    """
    in_world = WorldRules(world, wanted.forms, named=wanted.filters)
    filters = Filters(refusals=False, verify=False, near_duplicates=None, in_world=in_world)
    prompts = WorldTexts(world, wanted.forms, wanted.skills, wanted.answer_tokens)
    setting = _world_setting(world, wanted.surface, prompts, keeps_truncated=keeps_truncated)
    run = Program(wanted.strategy, continue_in_order, PLAIN, needs_number=True, source=source)
    seeds = [Seed(id=f"prompt-{place}", prompt=text.prompt) for place, text in enumerate(texts)]
    corpus = collect_corpus(teacher, run, seeds, len(seeds), filters, seed, setting) if seeds else Corpus(())
    whole = {text.prompt: text.whole for text in texts}
    rows = (replace(row, seed_ids=(), seed=None, whole=whole.get(row.prompt_text, False)) for row in corpus.samples)
    return _marked(Corpus(tuple(rows), corpus.notes), world)


def world_seeds(world: World, wanted: Wanted, *, bare: bool = False) -> list[Seed]:
    """Make seeds of the benchmarks' own training questions; ids are content keys, in which lineage then ends.

    `bare`: as bare questions instead of in the stage's forms.
    """
    asked = [question for skill in wanted.skills for question in world.benchmark_train[skill]]
    return [
        Seed(id=question.key, prompt=prompt, answer=question.answer, benchmark=question.skill, split="train")
        for prompt, question in _worded(world, asked, wanted.forms, bare=bare)
    ]


def _worded(world: World, asked: Sequence[Question], forms: Sequence[str], *, bare: bool) -> list[tuple[str, Question]]:
    if bare:
        return [(question.text, question) for question in asked]
    return [(prompt, question) for question in asked for prompt in world.prompts(question, forms)]


def in_form(world: World, sample: Sample, forms: Sequence[str]) -> Sample:
    """Put a problem that the teacher wrote into one of the forms, and its answer as the form begins one.

    Which form is a function of the problem alone; a prompt that is of a form stays as it is.
    """
    prompt = world.as_prompt(sample.prompt_text, forms, int(sample.prompt_hash, 16))
    whole = world.joined(prompt, sample.answer)
    return replace(sample, prompt=(Message("user", prompt),), answer=whole)


def _marked(corpus: Corpus, world: World) -> Corpus:
    """Name the held-out content that rows touch which another filter dropped first."""
    held_out = HeldOut(world)
    return replace(corpus, samples=tuple(held_out.marked(sample) for sample in corpus.samples))
