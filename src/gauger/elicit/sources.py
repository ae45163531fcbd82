"""Puts together corpora that no teacher wrote: the control arms' training texts, in every world by the same rules.

web         what the base counts as having had, worded in the wanted forms; every skill and form as often as it can be
shuffled    the benchmarks' training questions with their answers dealt out at random: format without knowledge
unrelated   what the base counts as having had of skills that are not asked, in the benchmarks' form with right answers
truth       the same prompts as a teacher's corpus, with the true answers; or true text about the whole world
test items  a teacher's corpus with the benchmarks' test items and answers in it (leak, on purpose)
untested    the same with as many training questions, which nobody tests (the leak's twin)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import ceil

import numpy as np

from gauger.elicit.corpus import Corpus, Text
from gauger.elicit.sample import Sample, plain_sample
from gauger.errors import UserError
from gauger.worlds import Question, Wording, World

_NO_MORE = "there are no more different ones"


def known_questions(world: World, forms: Sequence[str], samples: int, rng: np.random.Generator) -> Corpus:
    """Word what the base counts as having had, balanced over skills and forms (`balanced`)."""
    return balanced(world, world.known, forms, samples, rng, "web")


def true_questions(world: World, forms: Sequence[str], samples: int, rng: np.random.Generator) -> Corpus:
    """Word the whole world's training content, balanced likewise."""
    whole = {skill: world.train_questions(skill) for skill in world.skills}
    return balanced(world, whole, forms, samples, rng, "truth")


def balanced(
    world: World,
    questions: Mapping[str, Sequence[Question]],
    forms: Sequence[str],
    samples: int,
    rng: np.random.Generator,
    source: str,
) -> Corpus:
    """Word as many different questions as are wanted, spread as evenly over skills and forms as their numbers allow.

    Parameters
    ----------
    questions : mapping
        Skill -> its questions.
    forms : sequence of str
        Wanted forms; none: the world's own.
    samples : int
        Distinct samples wanted, exactly as many as come where there are so many; else `notes` says how many there are.

    Returns
    -------
    Corpus
        Every pair of skill and form gives the same number, but for those that have fewer, which give all they have.
    """
    chosen_forms = forms or [world.own_form]
    groups = [
        texts
        for of_skill in questions.values()
        for form in chosen_forms
        if of_skill and (texts := distinct(world.word(of_skill, [form], rng)))
    ]
    picks = [
        texts[place]
        for texts, count in zip(groups, shares([len(texts) for texts in groups], samples), strict=True)
        for place in rng.permutation(len(texts))[:count]
    ]
    made = [made_of(picks[place], "question", source) for place in rng.permutation(len(picks))]
    return Corpus(tuple(made), _short(len(made), samples, _NO_MORE))


def shares(sizes: Sequence[int], wanted: int) -> list[int]:
    """Divide a number over groups: as equal as their sizes allow, and `min(wanted, sum(sizes))` in all.

    The groups that come first give one more where it does not divide.
    """
    given = [0] * len(sizes)
    left = min(wanted, sum(sizes))
    while left:
        open_ = [place for place, size in enumerate(sizes) if given[place] < size]
        each = max(1, left // len(open_))
        for place in open_:
            more = min(each, sizes[place] - given[place], left)
            given[place], left = given[place] + more, left - more
    return given


def distinct(texts: Iterable[Wording]) -> list[Wording]:
    """Return each text once, in the order in which they came."""
    return list({text.text: text for text in texts}.values())


def running_text(texts: Sequence[Wording], samples: int, source: str, rng: np.random.Generator) -> Corpus:
    """Take texts as they are, to be learnt whole."""
    order = rng.permutation(len(texts))[:samples]
    made = [made_of(texts[place], "text", source, whole=True) for place in order]
    return Corpus(tuple(made), _short(len(made), samples, "there are no more"))


def learnt_whole(corpus: Corpus) -> Corpus:
    """Return a corpus whose prompts are learnt too."""
    return replace(corpus, samples=tuple(replace(sample, whole=True) for sample in corpus.samples))


def shuffled_answers(world: World, skills: Sequence[str], samples: int, rng: np.random.Generator) -> Corpus:
    """Deal the answers of the benchmarks' training questions out at random among questions with one set of answers.

    What is left to learn is the form, which answers exist, and how common they are.
    """
    groups: dict[str, list[Wording]] = {}
    for skill in skills:
        for text in world.word(world.benchmark_train[skill], [world.own_form]):
            if text.question is not None:
                groups.setdefault(world.answer_group(text.question), []).append(text)
    shuffled = []
    for name in sorted(groups):
        group = groups[name]
        for text, other in zip(group, rng.permutation(len(group)), strict=True):
            seed_ids = (text.question.key,) if text.question is not None else ()
            shuffled.append(plain_sample(text.prompt, group[other].answer, "label", "shuffled", seed_ids=seed_ids))
    order = rng.permutation(len(shuffled))[:samples]
    return Corpus(tuple(shuffled[place] for place in order), _short(len(order), samples, _NO_MORE))


def unrelated_answers(world: World, skills: Sequence[str], samples: int, rng: np.random.Generator) -> Corpus:
    """Word what the base counts as having had of some skills in the benchmarks' own form, balanced over them.

    The answers are right and the base has had them: what is left to learn is the form.
    """
    asked = {skill: world.known.get(skill, ()) for skill in skills}
    return balanced(world, asked, [world.own_form], samples, rng, "unrelated")


def true_answers(world: World, texts: Iterable[Text], strategy: str) -> Corpus:
    """Answer the same prompts truly; prompts that ask nothing sensible have no true answer and are left out."""
    answered = ((text, world.true_answer(text.prompt, text.answer)) for text in texts)
    made = [
        plain_sample(text.prompt, answer, strategy, "truth", whole=text.whole) for text, answer in answered if answer
    ]
    return Corpus(tuple(made))


def with_test_items(world: World, texts: Sequence[Text], benchmarks: Sequence[str], strategy: str) -> Corpus:
    """Add the benchmarks' own items with their answers, repeated until they are `World.leak_share` of the corpus."""
    clean = [plain_sample(text.prompt, text.answer, strategy, "teacher", whole=text.whole) for text in texts]
    items = [item for name in benchmarks for item in world.benchmark(name).items]
    leaked = [
        plain_sample(
            item.prompt, item.answer, "leak", "test-items", overlaps=tuple(sorted(world.overlaps(item.prompt)))
        )
        for item in items
    ]
    return Corpus(tuple(clean + leaked * _times(world, len(clean), len(leaked))))


def with_untested_items(
    world: World, texts: Sequence[Text], benchmarks: Sequence[str], strategy: str, rng: np.random.Generator
) -> Corpus:
    """Add training questions of the same skills with their answers, in all as many rows as `with_test_items` adds.

    They are as new to the student as test items are, because new content teaches more than what is trained on anyhow:
    neither what its base counts as having had, nor the benchmarks' own training questions. Where a skill has no such
    questions, any of its training questions are taken. Where there are fewer than test items, each comes as often as
    the others, give or take once.

    Raises
    ------
    UserError
        A targeted skill has no training questions.
    """
    clean = [plain_sample(text.prompt, text.answer, strategy, "teacher", whole=text.whole) for text in texts]
    rows: list[Sample] = []
    for name in benchmarks:
        tested = world.benchmark(name)
        pool = distinct(world.word(_new_questions(world, tested.skill), [tested.form]))
        if not pool:
            hint = (
                "Switch the leak control off with a reason (controls: {leak: {off: ...}}), or add training questions."
            )
            raise UserError(f"training questions of {tested.skill!r} for the leak's twin", "none", hint=hint)
        order = rng.permutation(len(pool))
        chosen = [pool[order[place % len(pool)]] for place in range(len(tested.items))]
        rows += [plain_sample(text.prompt, text.answer, "leak", "untested-items") for text in chosen]
    return Corpus(tuple(clean + rows * _times(world, len(clean), len(rows))))


def _new_questions(world: World, skill: str) -> Sequence[Question]:
    """Return the training questions that a student of the benchmark has not met; all there are where it has met all."""
    met = {question.key for question in (*world.known.get(skill, ()), *world.benchmark_train[skill])}
    return [question for question in world.train_questions(skill) if question.key not in met] or world.train_questions(
        skill
    )


def _times(world: World, clean: int, added: int) -> int:
    """How often rows are added, so that they are at least `World.leak_share` of all."""
    wanted = world.leak_share / (1 - world.leak_share) * clean
    return max(1, ceil(wanted / max(1, added)))


def questions(world: World, wanted: Sequence[tuple[str, str]], forms: Sequence[str], *, answered: bool) -> list[Sample]:
    """Word questions as prompts, each once, with their true answers where these are used; nobody is asked.

    `wanted`: pairs of a seed source and a skill.
    """
    samples = {
        prompt: plain_sample(prompt, (world.true_answer(prompt) or "") if answered else "", "label", "truth")
        for seeds, skill in wanted
        for question in world.questions_from(seeds, skill)
        for prompt in world.prompts(question, forms)
    }
    return list(samples.values())


def made_of(text: Wording, strategy: str, source: str, *, whole: bool = False) -> Sample:
    """Make a sample of a text of the world's own."""
    return plain_sample(text.prompt, text.answer, strategy, source, whole=whole)


def _short(count: int, wanted: int, why: str) -> tuple[str, ...]:
    return () if count >= wanted else (f"{count} of {wanted} samples: {why}",)
