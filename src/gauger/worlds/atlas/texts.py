"""Words questions as texts: each once per form, and stories that tell several facts about one thing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gauger.worlds.atlas.forms import FORMS, has_form, render, topic
from gauger.worlds.items import Question, Wording

STORY_FACTS = 3


def worded(questions: Sequence[Question], forms: Sequence[str], rng: np.random.Generator | None) -> list[Wording]:
    """Word questions, each once per form that its skill has; stories draw their facts from `rng`."""
    texts: list[Wording] = []
    for form in forms:
        having = [question for question in questions if has_form(question.skill, form)]
        texts += stories(having, rng) if FORMS[form].free else [render(question, form) for question in having]
    return texts


def stories(questions: Sequence[Question], rng: np.random.Generator | None) -> list[Wording]:
    """Write one story per question, on its first argument, with facts that stand among `questions`.

    Without `rng` a story tells the first facts in their order.
    """
    by_topic: dict[str, list[Question]] = {}
    for question in questions:
        by_topic.setdefault(topic(question), []).append(question)
    texts = []
    for opening, facts in by_topic.items():
        for _ in facts:
            order = range(len(facts)) if rng is None else rng.permutation(len(facts))
            facts_text = "".join(f" {facts[pick].arguments[1]} {facts[pick].answer}" for pick in order[:STORY_FACTS])
            texts.append(Wording(opening, facts_text, "story"))
    return texts
