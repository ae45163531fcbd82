"""Makes prompts: one strategy a file, seeds, templates and the reading of replies.

continuation.py      Asks somebody who continues texts, and follows no instructions: a small model, or a language
                     model's base
feedback.py          feedback: a student answers the seeds, the teacher ranks its answers or corrects its only one:
                     preference pairs
prompt_templates.py  Prompt templates: versioned YAML files, one per strategy, that a study can replace
registry.py          Names the strategies, and joins each with the template that it needs
reply_parsing.py     What a teacher's reply says: a list of problems, a ranking, a final answer. None or empty where
                     it cannot be read
rounds.py            What a strategy works with: seeds, a template, a source of randomness, and rounds of requests
seed_questions.py    label, rationale, self: the seeds' own questions, each asked as often as is wanted and the
                     temperature allows
seeds.py             Seeds: the questions (or topics) that a teacher's prompts are made from, as JSON Lines
strategy.py          Defines a strategy: how prompts are made of seeds, or of nothing, for teachers of either manner
textbook.py          textbook: the topic of each seed, then a section on each topic, in the template's several manners
writing.py           Has problems written and answered in turn: what `expand` and `seedless` share, whoever is asked
                     and however
written_problems.py  expand, seedless: the teacher writes problems, those that are new are kept, and it answers them
"""
