"""Worlds for real language models: tasks asked in text, whose answers can be checked.

arithmetic.py    Arithmetic that our own code can word, solve step by step and recognise: sums, products, common
                 divisors
flexible.py      Reads an answer out of what a model said wherever it stands: the reading that forgives the format
forms.py         Wordings and answer formats: the same question in several forms
gym.py           Tasks of reasoning-gym: fresh items by seed, checked by the task's own verifier; what cannot be
                 trusted is refused
gym_wordings.py  From an item of reasoning-gym to a question: how it is worded, and how its content is found in any
                 text
invented.py      Facts about made-up beings that no model knows, drawn by seed; held-out facts follow from those that
                 are stated
json_lines.py    The user's questions: JSON Lines with id, prompt, answer, optional cluster and difficulty
sources.py       What every kind of task offers, and how contents become splits
world.py         `TextWorld`: the tasks of a study of real language models, their benchmarks and texts, and what is
                 held out
"""
