"""The study file: its schema, loading with line-numbered errors, automatic controls, fingerprint, frozen rule.

base.py         the strict, frozen model that every part of a study file is
world.py        `world`: where facts, skills and benchmarks come from
models.py       `teacher` and `student`: sizes, training, surface
stages.py       `stages` of an arm, told apart by `kind`
study.py        the whole file as one model
yaml_tree.py    YAML text -> plain data that knows its lines
load.py         file -> checked `Study`
recipes.py      declared stages -> stages as they are run
controls.py     declared arms -> all arms, with the generated control arms
fingerprint.py  one hash over everything that can change a number
"""

from gauger.spec.controls import CONTROL_NAMES, RESERVED_NAMES, Arm, copied_arm, expand_arms, switched_off
from gauger.spec.fingerprint import canonical_json, fingerprint
from gauger.spec.load import LoadedStudy, load_study
from gauger.spec.models import ModelSize, Student, Surface, Teacher, Training
from gauger.spec.recipes import ResolvedStage, TextSource
from gauger.spec.study import Benchmark, Study, VerdictRule
from gauger.spec.world import AtlasWorld, World

__all__ = [
    "CONTROL_NAMES",
    "RESERVED_NAMES",
    "Arm",
    "AtlasWorld",
    "Benchmark",
    "LoadedStudy",
    "ModelSize",
    "ResolvedStage",
    "Student",
    "Study",
    "Surface",
    "Teacher",
    "TextSource",
    "Training",
    "VerdictRule",
    "World",
    "canonical_json",
    "copied_arm",
    "expand_arms",
    "fingerprint",
    "load_study",
    "switched_off",
]
