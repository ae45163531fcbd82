"""Which function does each kind of job, and which code can change its result; known without importing any of it."""

from __future__ import annotations

REGISTRY = {
    "pretrain": "gauger.run.jobs:pretrain",
    "ask-teacher": "gauger.run.jobs:ask_teacher",
    "ask-base": "gauger.run.jobs:ask_base",
    "gather": "gauger.run.jobs:gather",
    "train": "gauger.run.jobs:train_stage",
    "measure": "gauger.run.jobs:measure_model",
    "gather-questions": "gauger.run.stage_jobs:gather_questions",
    "draw-pairs": "gauger.run.stage_jobs:draw_pairs",
    "train-on-pairs": "gauger.run.stage_jobs:train_on_pairs",
    "train-on-policy": "gauger.run.stage_jobs:train_on_policy",
    "train-on-rewards": "gauger.run.stage_jobs:train_on_rewards",
    "blend": "gauger.run.mixture_jobs:blend_corpora",
    "train-on-mixture": "gauger.run.mixture_jobs:train_on_mixture",
    "language-materialise": "gauger.run.language_jobs:materialise_model",
    "language-specialise": "gauger.run.language_jobs:specialise",
    "language-ask-teacher": "gauger.run.language_jobs:ask_teacher",
    "language-ask-base": "gauger.run.language_jobs:ask_base",
    "language-gather": "gauger.run.language_jobs:gather",
    "language-train": "gauger.run.language_jobs:train_stage",
    "language-gather-questions": "gauger.run.language_stage_jobs:gather_questions",
    "language-draw-pairs": "gauger.run.language_preference_jobs:draw_pairs",
    "language-train-on-pairs": "gauger.run.language_preference_jobs:train_on_pairs",
    "language-train-on-rewards": "gauger.run.language_reward_jobs:train_on_rewards",
    "language-train-on-policy": "gauger.run.language_stage_jobs:train_on_policy",
    "language-measure": "gauger.run.language_jobs:measure_model",
}
"""Kind -> "module:function"; the workers import them, the driver does not."""
CODE = (
    "gauger.run.jobs",
    "gauger.run.stage_jobs",
    "gauger.run.mixture_jobs",
    "gauger.run.trained",
    "gauger.worlds",
    "gauger.elicit",
    "gauger.train.tiny",
    "gauger.measure.exact_match",
)
"""Modules that can change the result of a job of the embedded world."""
LANGUAGE_CODE = (
    "gauger.run.language_jobs",
    "gauger.run.language_models",
    "gauger.run.language_preference_jobs",
    "gauger.run.language_reward_jobs",
    "gauger.run.language_stage_jobs",
    "gauger.run.trained",
    "gauger.worlds",
    "gauger.elicit",
    "gauger.train",
    "gauger.measure.language",
    "gauger.measure.extraction",
    "gauger.measure.decoder",
    "gauger.measure.hf_decoder",
)
"""The same for jobs of real language models."""
