"""Makes worlds for real language models: tasks asked in text, whose answers can be checked.

arithmetic.py    Words, solves step by step and recognises arithmetic: sums, products, common divisors
flexible.py      Reads an answer out of what a model said wherever it stands: the reading that forgives the format
forms.py         Words the same question in several forms, each with its answer format
gym.py           Takes tasks of reasoning-gym: fresh items by seed, checked by the task's own verifier; untrusted
                 ones are refused
gym_wordings.py  Makes a question of an item of reasoning-gym: its wording, and how its content is found in any text
invented.py      Draws facts about made-up beings that no model knows; held-out facts follow from those that are
                 stated
json_lines.py    Reads the user's questions: JSON Lines with id, prompt, answer, optional cluster and difficulty
sources.py       Defines what every kind of task offers, and divides contents into splits
task_kinds.py    Names every kind of task, and lists the benchmarks that tasks offer; nothing is drawn for it
world.py         Puts together `TextWorld`: a study's tasks for real language models, their benchmarks and texts,
                 what is held out
"""
