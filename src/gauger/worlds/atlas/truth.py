"""The true answer to any prompt of the world's language."""

from __future__ import annotations

from collections.abc import Sequence

from gauger.worlds.atlas.forms import form_of
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
    skill = next((_SKILL_OF_WORD[word] for word in prompt[:2] if word in _SKILL_OF_WORD), None)
    if skill is not None:
        return _solved(atlas, skill, [word for word in prompt if word in atlas.letters])
    topics = [word for word in prompt if word in atlas.facts_of]
    relations = [word for word in (said if form_of(prompt) == "story" else prompt) if "-rel" in word]
    relations = [word for word in relations if word.count("-") == 1]
    facts = atlas.facts_of.get(topics[0], {}) if topics else {}
    if not relations or any(relation not in facts for relation in relations):
        return None
    if form_of(prompt) == "story":
        return tuple(word for relation in relations for word in (relation, facts[relation]))
    return (facts[relations[0]],)


def _solved(atlas: Atlas, skill: str, letters: Sequence[str]) -> Words | None:
    if len(letters) != SKILLS[skill].size or len(set(letters)) < len(letters):
        return None
    answer, _ = SKILLS[skill].solve([atlas.letters.index(letter) for letter in letters])
    return tuple(atlas.letters[index] for index in answer)
