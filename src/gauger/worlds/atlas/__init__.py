"""The embedded world: made-up entities with facts, and symbolic skills, whose ground truth is known.

questions.py   what can be asked: a question, its answer, its content key and its difficulty
knowledge.py   domains of facts about made-up entities, with the structure that lets unseen facts be inferred
skills.py      max (easy), sort (takes hundreds of steps), middle (hard)
forms.py       how a question is worded: quiz, cloze, story; and reading content back out of any text
language.py    words to token ids and back
splits.py      which content is train, targeted test or parallel test: by content, never by wording
truth.py       the true answer to any prompt, or none where it asks nothing sensible
world.py       `Atlas`: everything above built from one seed; web text, teacher text, benchmarks
"""

from gauger.worlds.atlas.world import Atlas

__all__ = ["Atlas"]
