"""The two worlds as a stage sees them: what is asked of somebody who continues texts, by the same rules in both."""

from dataclasses import dataclass

from elicit.scripted import Scripted, by_words, texts_teacher
from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.limited import Limited
from gauger.elicit.world_corpus import Wanted, elicit_by_continuing
from gauger.worlds.base import World
from worlds.language.small import small_world as language
from worlds.small import small_world as atlas

STRATEGIES = ("label", "rationale", "self", "expand", "textbook", "seedless")
"""Those that somebody can be asked by who continues texts."""


@dataclass(frozen=True)
class Case:
    """A world with skills and forms of a stage."""

    world: World
    skills: tuple[str, ...]
    forms: tuple[str, ...]
    """All that can be asked of one of the skills."""
    answer_tokens: int = 11

    def library(self) -> Scripted:
        """A teacher that has read everything that may be taught, and writes in all of these forms."""
        skills = self.world.skills
        asked = self.world.word([q for skill in skills for q in self.world.train_questions(skill)], self.forms)
        return texts_teacher([text.text for text in (*self.world.library, *asked)], self.world)

    def seeds(self, forms=None):
        """Content key and prompt of every seed, one pair for each."""
        world = self.world
        asked = [question for skill in self.skills for question in world.benchmark_train[skill]]
        return [(q.key, prompt) for q in asked for prompt in world.prompts(q, forms or self.forms)]

    def wanted(self, strategy, samples=40, forms=None):
        """What a stage asks for."""
        return Wanted(strategy, tuple(forms or self.forms), samples, self.skills, self.answer_tokens)

    def elicit(self, strategy, samples=40, teacher=None, max_queries=None, max_tokens=None, seed=5, forms=None):
        """A corpus, and the budget that it was asked within."""
        budget = QueryBudget(max_queries, max_tokens, tokens_in=by_words)
        limited = Limited(teacher or self.library(), budget)
        return elicit_by_continuing(self.world, limited, self.wanted(strategy, samples, forms), seed), budget


CASES = {
    "atlas": Case(atlas(), ("fauna", "sort"), ("quiz", "cloze", "story")),
    "language": Case(language(), ("sums", "facts"), ("qa", "cloze")),
}


def cost(corpus):
    """What the rows of a corpus took, all together."""
    return tuple(sum(getattr(s.took, name) for s in corpus.samples) for name in ("queries", "tokens_in", "tokens_out"))
