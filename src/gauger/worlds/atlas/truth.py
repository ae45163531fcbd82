"""The true answer to any prompt of the world's language."""

from __future__ import annotations

from collections.abc import Sequence

from gauger.worlds.atlas.forms import form_of, has_form, render
from gauger.worlds.atlas.questions import Question
from gauger.worlds.atlas.skills import SKILLS
from gauger.worlds.atlas.world import Atlas

Words = tuple[str, ...]
_SKILL_OF_WORD = {
    "max": "max",
    "largest": "max",
    "sort": "sort",
    "sorted": "sort",
    "middle": "middle",
    "central": "middle",
}


def true_answer(atlas: Atlas, prompt: Sequence[str], said: Sequence[str]) -> Words | None:
    """Return the true answer to a prompt; None where it asks nothing sensible.

    Parameters
    ----------
    atlas : Atlas
        The world.
    prompt : sequence of str
        A question in any form, or the opening of a story.
    said : sequence of str
        What somebody answered; a story keeps the relations that it tells of, with their true values.
    """
    form = form_of(prompt)
    skill = next((_SKILL_OF_WORD[word] for word in prompt[:2] if word in _SKILL_OF_WORD), None)
    if skill is not None:
        letters = tuple(word for word in prompt if word in atlas.letters)
        return _solved(atlas, skill, letters) if _asks(prompt, form, skill, letters) else None
    subject = next((word for word in prompt if word in atlas.facts_of), "")
    facts = atlas.facts_of.get(subject, {})
    if form == "story":
        relations = [word for word in said if word in facts]
        told = tuple(word for relation in relations for word in (relation, facts[relation]))
        return told if told and tuple(prompt) == ("about", subject, ":") else None
    relation = next((word for word in prompt if word in facts), "")
    return (facts[relation],) if relation and _asks(prompt, form, _FACT, (subject, relation)) else None


_FACT = "fauna"
"""Facts of every domain are worded alike."""


def _asks(prompt: Sequence[str], form: str | None, family: str, arguments: Words) -> bool:
    """Tell whether a prompt is exactly the question about these arguments, and nothing more."""
    if form is None or not has_form(family, form):
        return False
    if family in SKILLS and len(arguments) != SKILLS[family].size:
        return False
    return render(Question(family, arguments, (), "", 0.0), form)[0] == tuple(prompt)


def _solved(atlas: Atlas, skill: str, letters: Sequence[str]) -> Words | None:
    if len(set(letters)) < len(letters):
        return None
    answer, _ = SKILLS[skill].solve([atlas.letters.index(letter) for letter in letters])
    return tuple(atlas.letters[index] for index in answer)
