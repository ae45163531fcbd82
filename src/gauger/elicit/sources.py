"""Corpora that the teacher did not write: the control arms' training texts.

web         what the base student already had, worded in the wanted forms; every skill equally often
shuffled    the benchmark's training questions with their answers dealt out at random: format without knowledge
truth       the same prompts as a teacher's corpus, with the true answers
test items  a teacher's corpus with the benchmark's test items and answers in it (leak, on purpose)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

import numpy as np

from gauger.elicit.twin_samples import Sample
from gauger.elicit.twin_teacher import Words
from gauger.worlds.atlas import Atlas
from gauger.worlds.atlas.forms import content_keys, has_form, render
from gauger.worlds.atlas.questions import Question
from gauger.worlds.atlas.truth import true_answer
from gauger.worlds.atlas.world import FAMILIES
from gauger.worlds.texts import Text

LEAK_SHARE = 0.25
"""Least share of the leak corpus that is test items; they are repeated to reach it."""


def known_questions(atlas: Atlas, forms: Sequence[str], samples: int, rng: np.random.Generator) -> list[Sample]:
    """Word what the base's web covers in the wanted forms, with equally many samples of every skill and form."""
    return _balanced(atlas, atlas.known, forms, samples, rng, "web")


def true_questions(atlas: Atlas, forms: Sequence[str], samples: int, rng: np.random.Generator) -> list[Sample]:
    """Word the whole world's training content in the wanted forms, balanced likewise."""
    whole = {family: atlas.train_questions(family) for family in FAMILIES}
    return _balanced(atlas, whole, forms, samples, rng, "truth")


def running_text(texts: Sequence[Text], samples: int, source: str, rng: np.random.Generator) -> list[Sample]:
    """Take texts as they are, to be learnt whole."""
    order = rng.permutation(len(texts))[:samples]
    return [Sample(texts[i].prompt, texts[i].answer, "text", source, whole=True) for i in order]


def shuffled_answers(atlas: Atlas, skills: Sequence[str], samples: int, rng: np.random.Generator) -> list[Sample]:
    """Deal the answers of the benchmark's training questions out at random among questions of one kind.

    Questions of one kind have one set of possible answers: a domain's relation, or a skill. What is left to learn is
    the form, which answers exist, and how common they are.
    """
    questions = [question for skill in skills for question in atlas.benchmark_train[skill]]
    by_kind: dict[str, list[Question]] = {}
    for question in questions:
        by_kind.setdefault(_kind(atlas, question), []).append(question)
    shuffled = []
    for kind in sorted(by_kind):
        group = by_kind[kind]
        dealt = rng.permutation(len(group))
        for question, other in zip(group, dealt, strict=True):
            prompt, _ = render(question, "quiz")
            shuffled.append(Sample(prompt, group[other].answer, "label", "shuffled", seed_ids=(question.key,)))
    order = rng.permutation(len(shuffled))[:samples]
    return [shuffled[i] for i in order]


def true_answers(atlas: Atlas, texts: Iterable[tuple[Words, Words, bool]], strategy: str) -> list[Sample]:
    """Answer the same prompts truly; prompts that ask nothing sensible have no true answer and are left out."""
    answered = ((prompt, true_answer(atlas, prompt, said), whole) for prompt, said, whole in texts)
    return [Sample(prompt, answer, strategy, "truth", whole=whole) for prompt, answer, whole in answered if answer]


def with_test_items(
    atlas: Atlas, texts: Sequence[tuple[Words, Words, bool]], benchmarks: Sequence[str], strategy: str
) -> list[Sample]:
    """Add the benchmarks' own items with their answers, repeated until they are `LEAK_SHARE` of the corpus."""
    clean = [Sample(prompt, answer, strategy, "teacher", whole=whole) for prompt, answer, whole in texts]
    items = [item for name in benchmarks for item in atlas.benchmark(name).items]
    leaked = [
        Sample(i.prompt, i.answer, "leak", "test-items", overlaps=tuple(sorted(content_keys(i.prompt)))) for i in items
    ]
    wanted = LEAK_SHARE / (1 - LEAK_SHARE) * len(clean)
    return clean + leaked * max(1, ceil(wanted / max(1, len(leaked))))


def _balanced(
    atlas: Atlas,
    questions: dict[str, list[Question]],
    forms: Sequence[str],
    samples: int,
    rng: np.random.Generator,
    source: str,
) -> list[Sample]:
    groups = [(family, form) for family in FAMILIES for form in forms if has_form(family, form) and questions[family]]
    each = max(1, samples // max(1, len(groups)))
    chosen: list[Sample] = []
    for family, form in groups:
        texts = atlas.word(questions[family], [form], rng)
        picks = np.concatenate([rng.permutation(len(texts)) for _ in range(-(-each // len(texts)))])[:each]
        chosen += [Sample(texts[i].prompt, texts[i].answer, "question", source) for i in picks]
    return chosen


def _kind(atlas: Atlas, question: Question) -> str:
    return f"{question.family} {question.arguments[1]}" if question.family in atlas.domains else question.family
