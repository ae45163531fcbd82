"""Defines the study file: its schema, loading with line-numbered errors, controls, fingerprint, frozen rule.

__main__.py           Writes what is generated from the schema: `python -m gauger.spec studies/study.schema.json
                      docs/study-file.md`
arm_checks.py         Checks what must hold within and between the declared arms: starts without cycles, stages that
                      agree
atlas_world.py        Defines the settings of the embedded world
base.py               Defines what every part of a study file shares: a frozen, strict model and the types its keys
                      are made of
checks.py             Checks what must hold between the parts of a study: names that exist, roles that are there,
                      choices that agree
computing.py          Defines `computing`: precision and attention of a model of transformers, and what saves
                      memory in training
controls.py           Expands a study's arms as they are run: the declared ones, and the control arms generated
                      beside them
defence_checks.py     Checks the defences of a study: free names, attackers that can be run, budgets that somebody
                      counts
defence_family.py     Defines the `defences` of a study: surfaces that are to be compared, and the attackers that each
                      must stand up to
defended_arms.py      Expands the defences of a study into what is run: every attacker on every surface, and the
                      teacher on each
evaluators.py         Defines `evaluators`: benchmarks that programs of others run, lm-eval and Inspect, each with its
                      role
fault.py              Defines one mistake at one place of a study file
fingerprints.py       Hashes everything in a study that can change a number
ingredient_cells.py   Expands a factorial into the arms it is run as: which cells, with which recipes, under which
                      names
ingredient_checks.py  Checks a factorial: names that exist, words that define a fraction, samples that fit, free names
ingredients.py        Defines the `factorial` of a study: ingredients of a pipeline, switched on and off, and which
                      cells to run
json_schema.py        Generates the JSON Schema of the study file from the models: for editors, and for the words of
                      error messages
language_world.py     Defines the `world` of a study of real language models: tasks asked in text, whose answers can
                      be checked
load.py               Loads a study file from disk as a checked, frozen `Study`; every mistake in it is one message
                      with its line
mistakes.py           Words what the schema finds wrong with a study: path, what was expected, what stood there, what
                      to do
models.py             Defines the `teacher` and the `student` of a study: which models they are, and what the teacher
                      shows
overrides.py          Replaces one key of a study file from the command line (`--set key.path=value`), with errors
                      that say so
preregistered.py      Fixes at a run's start the verdict rule, and everything that decides what is compared with what
reference.py          Generates the table of every key of a study file from the schema, for `docs/study-file.md`
scale.py              Defines the `scale` of a study: grids over student size, teacher strength and budget, around
                      one declared arm
scale_checks.py       Checks a scale: its arm and control, different values on every axis, and stages that every
                      budget leaves runnable
scaled_cells.py       Expands a `scale` into its cells: recipes grown by the budget, students and teachers by size
                      and strength
serving.py            Defines `serve`: the command that serves a model of the user's on this machine, to be asked over
                      HTTP
shape.py              Reads off the JSON Schema what may stand at each place of a study file: keys, expectations,
                      stand-ins
stages/               Defines the stages of an arm: what is done to the student, one after the other, told apart by
                      `kind`
students.py           Defines the `student` of a study: which model is the base of every arm, and what its kind can do
study.py              Defines the study file: a question, a teacher, students, benchmarks, arms, controls, a verdict
                      rule
surface_checks.py     Checks the teacher's surface: its settings agree, and the teacher can do what they ask
teachers.py           Defines the `teacher` of a study: which model it is, how it is asked, and what its kind can do
trainer_program.py    Defines which program of somebody else's trains a model, and what it may see: a ready trainer,
                      or any command
variants.py           Makes one type of all variants of a part, our own and those of other packages, told apart by
                      `kind`
world.py              Names the settings of every kind of world
yaml_tree.py          Reads YAML text as plain data that still knows where each value stands
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
