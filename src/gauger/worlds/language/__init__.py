"""Worlds for real language models: tasks asked in text, whose answers can be checked.

questions.py   a question, independent of its wording
forms.py       wordings and answer formats; the strict reading of an answer in its form
sources.py     what every kind of task offers, and its questions divided into train, test and new
arithmetic.py  sums, products and common divisors: short wordings, worked solutions, content keys
gym.py         tasks of reasoning-gym, with their verifiers; those that cannot be trusted are refused
gym_wordings.py  from its items to questions
invented.py    facts about made-up things
json_lines.py  the user's questions
items.py       benchmarks and training texts in text
world.py       `TextWorld`: all of it, from one block of settings
"""

from gauger.worlds.language.forms import FORMS
from gauger.worlds.language.items import TextBenchmark, TextItem, Wording
from gauger.worlds.language.questions import Question
from gauger.worlds.language.world import TextWorld, catalogue_of, file_digests

__all__ = ["FORMS", "Question", "TextBenchmark", "TextItem", "TextWorld", "Wording", "catalogue_of", "file_digests"]
