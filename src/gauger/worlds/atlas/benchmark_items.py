"""Chooses the questions of a benchmark from a test split, and words them as items."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gauger.worlds.atlas.forms import render
from gauger.worlds.items import Item, Question


def chosen_for_test(questions: Sequence[Question], most: int, rng: np.random.Generator) -> list[Question]:
    """Choose at most so many questions: content after content in random order, one or two questions of each."""
    by_key: dict[str, list[Question]] = {}
    for question in questions:
        by_key.setdefault(question.key, []).append(question)
    keys = sorted(by_key)
    order = [keys[i] for i in rng.permutation(len(keys))]
    per_key = max(1, min(2, most // len(order)))
    return [question for key in order for question in by_key[key][:per_key]][:most]


def item_of(question: Question, form: str) -> Item:
    """Word a question as an item; its content is its cluster, and its answer stands without any steps."""
    worded = render(question, form)
    name = f"{form}:{question.skill}:{'.'.join(question.arguments)}"
    return Item(name, question.key, worded.prompt, f" {question.answer}", question.difficulty, form, question)
