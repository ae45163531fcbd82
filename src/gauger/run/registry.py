"""Which function does each kind of job, and which code can change its result; known without importing any of it."""

from __future__ import annotations

REGISTRY = {
    "pretrain": "gauger.run.jobs:pretrain",
    "ask-teacher": "gauger.run.jobs:ask_teacher",
    "ask-base": "gauger.run.jobs:ask_base",
    "gather": "gauger.run.jobs:gather",
    "train": "gauger.run.jobs:train_stage",
    "measure": "gauger.run.jobs:measure_model",
}
"""Kind -> "module:function"; the workers import them, the driver does not."""
CODE = ("gauger.run.jobs", "gauger.worlds", "gauger.elicit", "gauger.train.tiny", "gauger.measure.exact_match")
"""Modules that can change a job's result."""
