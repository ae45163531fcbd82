"""Reads the question out of any prompt of the world's language, and answers it truly."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from gauger.worlds.atlas.forms import answer_with_steps, form_of, has_form, render, topic
from gauger.worlds.atlas.skills import SKILLS, letters_question
from gauger.worlds.items import Question

_SKILL_OF_WORD = {
    "max": "max",
    "largest": "max",
    "sort": "sort",
    "sorted": "sort",
    "middle": "middle",
    "central": "middle",
    "total": "total",
}


class Truth:
    """What is true in a world.

    Parameters
    ----------
    facts : mapping
        Entity -> relation -> the fact as a question.
    letters : sequence of str
        The world's letters, in their order.
    skills : collection of str
        Skills that the world has; what asks for another one asks nothing sensible.
    """

    def __init__(
        self, facts: Mapping[str, Mapping[str, Question]], letters: Sequence[str], skills: Collection[str]
    ) -> None:
        self._facts, self._skills = facts, skills
        self._place = {letter: place for place, letter in enumerate(letters)}
        self._letters = tuple(letters)

    def question(self, prompt: str) -> Question | None:
        """Return the question that a prompt asks; None where it asks nothing sensible, or for free text."""
        form, words = form_of(prompt), prompt.split()
        question = self._skill_question(words) or self._fact(words)
        if form is None or form == "story" or question is None or not has_form(question.skill, form):
            return None
        return question if render(question, form).prompt == prompt else None

    def answer(self, prompt: str, reply: str) -> str | None:
        """Return the true answer to a prompt; None where it asks nothing sensible.

        Written steps stand before the answer of a skill that has them. A story keeps the relations
        that it tells of (in `reply`), with their true values.
        """
        if form_of(prompt) != "story":
            question = self.question(prompt)
            return None if question is None else answer_with_steps(question)
        facts = next((self._facts[word] for word in prompt.split() if word in self._facts), {})
        known = [facts[word] for word in reply.split() if word in facts]
        if not known or topic(known[0]) != prompt:
            return None
        return "".join(f" {fact.arguments[1]} {fact.answer}" for fact in known)

    def _skill_question(self, words: Sequence[str]) -> Question | None:
        skill = next((_SKILL_OF_WORD[word] for word in words[:2] if word in _SKILL_OF_WORD), None)
        letters = tuple(word for word in words if word in self._place)
        if skill is None or skill not in self._skills:
            return None
        if len(letters) != SKILLS[skill].size or len(set(letters)) < len(letters):
            return None
        return letters_question(skill, self._letters, [self._place[letter] for letter in letters])

    def _fact(self, words: Sequence[str]) -> Question | None:
        facts = next((self._facts[word] for word in words if word in self._facts), {})
        return next((facts[word] for word in words if word in facts), None)
