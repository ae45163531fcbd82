"""The study file: its schema, loading with line-numbered errors, automatic controls, fingerprint, frozen rule.

Schema
base.py         the strict, frozen model that every part of a study file is
world.py        `world`: where facts, skills and benchmarks come from
language_world.py  the world of real language models: tasks, forms, splits
models.py       `teacher` and `student`: sizes, training, surface
stages.py       `stages` of an arm, told apart by `kind`
budgets.py      what stages have in common: steps, batch, learning rate
own_samples.py  stages in which the student writes: on-policy distillation, preference, reinforcement
mixture.py      text of several sources in every batch
study.py        the whole file as one model
json_schema.py  the JSON Schema, generated from the models
shape.py        the same schema read for the words of messages
reference.py    the table of every key in docs/study-file.md
__main__.py     writes what is generated

Loading
load.py         file -> checked `Study`, or every mistake in it at once
yaml_tree.py    YAML text -> plain data that knows its lines
overrides.py    `--set key=value`
faults.py       what the schema finds wrong, in our words
checks.py       what must hold between the parts of a study
arm_checks.py   what must hold within and between its arms
stage_checks.py what must hold within one stage
surface_checks.py what must hold of the teacher's surface

Meaning
recipes.py      declared stages -> stages as they are run
controls.py     declared arms -> all arms, with the generated control arms
fingerprint.py  one hash over everything that can change a number
frozen.py       what a run fixes at its start, and what was changed after it
"""

from gauger.spec.controls import (
    BASE,
    CONTROL_NAMES,
    RESERVED_NAMES,
    TEACHER,
    Arm,
    copied_arm,
    expand_arms,
    resolved_controls,
    switched_off,
)
from gauger.spec.fingerprint import canonical_json, fingerprint
from gauger.spec.json_schema import render_json_schema, study_json_schema
from gauger.spec.language_world import LanguageWorld
from gauger.spec.load import LoadedStudy, load_study, parse_study
from gauger.spec.models import (
    CheckpointStudent,
    CheckpointTeacher,
    EndpointTeacher,
    Lora,
    ModelSize,
    ReplayTeacher,
    ScratchStudent,
    ScratchTeacher,
    Specialising,
    Student,
    Surface,
    Teacher,
    Training,
)
from gauger.spec.preregistered import FrozenComparison, compare_frozen, frozen_rule
from gauger.spec.recipes import Recipe, ResolvedStage, TextSource
from gauger.spec.scale_cells import ScaledCell, scale_cells
from gauger.spec.study import Benchmark, Study, VerdictRule
from gauger.spec.world import AtlasWorld, World

__all__ = [
    "BASE",
    "CONTROL_NAMES",
    "RESERVED_NAMES",
    "TEACHER",
    "Arm",
    "AtlasWorld",
    "Benchmark",
    "CheckpointStudent",
    "CheckpointTeacher",
    "EndpointTeacher",
    "FrozenComparison",
    "LanguageWorld",
    "LoadedStudy",
    "Lora",
    "ModelSize",
    "Recipe",
    "ReplayTeacher",
    "ResolvedStage",
    "ScaledCell",
    "ScratchStudent",
    "ScratchTeacher",
    "Specialising",
    "Student",
    "Study",
    "Surface",
    "Teacher",
    "TextSource",
    "Training",
    "VerdictRule",
    "World",
    "canonical_json",
    "compare_frozen",
    "copied_arm",
    "expand_arms",
    "fingerprint",
    "frozen_rule",
    "load_study",
    "parse_study",
    "render_json_schema",
    "resolved_controls",
    "scale_cells",
    "study_json_schema",
    "switched_off",
]
