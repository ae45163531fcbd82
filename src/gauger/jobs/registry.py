"""Which function does each kind of job, and which code can change its result; known without importing any of it."""

from __future__ import annotations

REGISTRY = {
    "pretrain": "gauger.jobs.atlas_jobs:pretrain",
    "ask-teacher": "gauger.jobs.atlas_jobs:ask_teacher",
    "ask-base": "gauger.jobs.atlas_jobs:ask_base",
    "gather": "gauger.jobs.atlas_jobs:gather",
    "train": "gauger.jobs.atlas_jobs:train_stage",
    "measure": "gauger.jobs.atlas_jobs:measure_model",
    "gather-questions": "gauger.jobs.atlas_stage_jobs:gather_questions",
    "draw-pairs": "gauger.jobs.atlas_stage_jobs:draw_pairs",
    "train-on-pairs": "gauger.jobs.atlas_stage_jobs:train_on_pairs",
    "train-on-policy": "gauger.jobs.atlas_stage_jobs:train_on_policy",
    "train-on-rewards": "gauger.jobs.atlas_stage_jobs:train_on_rewards",
    "blend": "gauger.jobs.mixture_jobs:blend_corpora",
    "train-on-mixture": "gauger.jobs.mixture_jobs:train_on_mixture",
    "language-materialise": "gauger.jobs.language_jobs:materialise_model",
    "language-specialise": "gauger.jobs.language_jobs:specialise",
    "language-ask-teacher": "gauger.jobs.language_jobs:ask_teacher",
    "language-ask-base": "gauger.jobs.language_jobs:ask_base",
    "language-gather": "gauger.jobs.language_jobs:gather",
    "language-train": "gauger.jobs.language_jobs:train_stage",
    "language-gather-questions": "gauger.jobs.language_stage_jobs:gather_questions",
    "language-draw-pairs": "gauger.jobs.language_preference_jobs:draw_pairs",
    "language-train-on-pairs": "gauger.jobs.language_preference_jobs:train_on_pairs",
    "language-train-on-rewards": "gauger.jobs.language_reward_jobs:train_on_rewards",
    "language-train-on-policy": "gauger.jobs.language_stage_jobs:train_on_policy",
    "language-measure": "gauger.jobs.language_jobs:measure_model",
}
"""Kind -> "module:function"; the workers import them, the driver does not."""
CODE = (
    "gauger.jobs.atlas_jobs",
    "gauger.jobs.atlas_stage_jobs",
    "gauger.jobs.mixture_jobs",
    "gauger.jobs.trained",
    "gauger.worlds",
    "gauger.elicit",
    "gauger.train.tiny",
    "gauger.measure.exact_match",
)
"""Modules that can change the result of a job of the embedded world."""
LANGUAGE_CODE = (
    "gauger.jobs.language_jobs",
    "gauger.jobs.language_models",
    "gauger.jobs.language_preference_jobs",
    "gauger.jobs.language_reward_jobs",
    "gauger.jobs.language_stage_jobs",
    "gauger.jobs.trained",
    "gauger.worlds",
    "gauger.elicit",
    "gauger.train",
    "gauger.measure.answers",
    "gauger.measure.extraction",
    "gauger.measure.decoder",
    "gauger.measure.hf_decoder",
)
"""The same for jobs of real language models."""
