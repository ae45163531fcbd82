"""Makes prompts: one strategy a file, seeds, templates and the reading of replies.

continuation.py      Asks somebody who continues texts, and follows no instructions: a small model, or a language
                     model's base
feedback.py          Asks for preference pairs: a student answers the seeds, the teacher ranks its answers or
                     corrects its only one
invert.py            Writes the hidden steps before a teacher's answers again, by the student's own base or a helper
                     (invert)
prompt_templates.py  Reads prompt templates: versioned YAML files, one per strategy, that a study can replace
registry.py          Names the strategies, and joins each with the template that it needs
reply_parsing.py     Reads a list of problems, a ranking or a final answer from a reply; None or empty where it
                     cannot be read
rounds.py            Defines what a strategy works with: seeds, a template, a source of randomness, and rounds of
                     requests
seed_questions.py    Asks the seeds' own questions (label, rationale, self), each as often as wanted and the
                     temperature allows
seeds.py             Reads seeds: the questions (or topics) that a teacher's prompts are made from, as JSON Lines
strategy.py          Defines a strategy: how prompts are made of seeds, or of nothing, for teachers of either manner
textbook.py          Asks for the topic of each seed, then for a section on each topic, in the template's several
                     manners (textbook)
vote.py              Asks the same question again and again and keeps the answer that comes most often (vote): an
                     attacker's strategy
writing.py           Has problems written and answered in turn: what `expand` and `seedless` share, whoever is asked
                     and however
written_problems.py  Has the teacher write problems, keeps those that are new, and has it answer them (expand,
                     seedless)
"""
