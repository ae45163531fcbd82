"""The study file: its schema, loading with line-numbered errors, automatic controls, fingerprint, frozen rule.

__main__.py           Writes what is generated from the schema: `python -m gauger.spec studies/study.schema.json
                      docs/study-file.md`
arm_checks.py         What must hold within and between the declared arms: starts without cycles, stages that agree
                      with themselves
atlas_world.py        The settings of the embedded world
base.py               What every part of a study file shares: a frozen, strict model and the types its keys are made
                      of
checks.py             What must hold between the parts of a study: names that exist, roles that are there, choices
                      that agree
controls.py           Arms as they are run: the declared ones and the control arms generated beside them (DESIGN
                      section 2)
fault.py              Defines one mistake at one place of a study file
fingerprints.py       One hash over everything in a study that can change a number
ingredient_cells.py   A factorial as the arms it is run as: which cells, with which recipes, under which names
ingredient_checks.py  What must hold within a factorial: names that exist, words that define a fraction, samples that
                      fit, free names
ingredients.py        The `factorial` of a study: ingredients of a pipeline, switched on and off together or apart,
                      and which cells to run
json_schema.py        The JSON Schema of the study file, generated from the models: for editors, and for the words of
                      error messages
language_world.py     The `world` of a study of real language models: tasks asked in text, whose answers can be
                      checked
load.py               A study file from disk to a checked, frozen `Study`; every mistake in it is one message with
                      its line
mistakes.py           What the schema finds wrong with a study, in our words: path, what was expected, what stood
                      there, what to do
models.py             The `teacher` and the `student` of a study: which models they are, and what the teacher's
                      interface shows
overrides.py          `--set key.path=value`: one key of a study file replaced on the command line, with errors that
                      say so
preregistered.py      What a run fixes at its start: the verdict rule and everything that decides what is compared
                      with what
reference.py          The table of every key of a study file, generated from the schema for `docs/study-file.md`
scale.py              The `scale` of a study: grids over student size, teacher strength and budget, around one
                      declared arm
scaled_cells.py       A `scale` as the cells it is run as: recipes grown by the budget, students and teachers by size
                      and strength
shape.py              What may stand at each place of a study file, read off its JSON Schema: keys, words for
                      "expected ...", stand-ins
stages/               The stages of an arm: what is done to the student, one after the other, told apart by `kind`
study.py              The study file as one frozen model: a question, a teacher, students, benchmarks, arms,
                      controls, a verdict rule
surface_checks.py     What must hold of the teacher's surface: its settings agree, and the teacher can do what they
                      ask
variants.py           Makes one type of all variants of a part, our own and those of other packages, told apart by
                      `kind`
world.py              Names the settings of every kind of world
yaml_tree.py          YAML text as plain data that still knows where each value stands
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
