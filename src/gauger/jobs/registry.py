"""Names the function behind every kind of job, and what opens every kind of teacher, without importing any of it."""

from __future__ import annotations

from gauger.plugs import Registry

REGISTRY = Registry(
    "a kind of job",
    "gauger.jobs",
    {
        "pretrain": "gauger.jobs.models:pretrain",
        "materialise": "gauger.jobs.models:materialise",
        "specialise": "gauger.jobs.models:specialise",
        "specialise-external": "gauger.jobs.training_elsewhere:specialise_external",
        "ask-teacher": "gauger.jobs.corpora:ask_teacher",
        "ask-base": "gauger.jobs.corpora:ask_base",
        "gather": "gauger.jobs.corpora:gather",
        "gather-questions": "gauger.jobs.corpora:gather_questions",
        "draw-pairs": "gauger.jobs.pairs:draw_pairs",
        "blend": "gauger.jobs.corpora:blend_corpora",
        "train": "gauger.jobs.training:train_stage",
        "train-on-pairs": "gauger.jobs.training:train_on_pairs",
        "train-on-mixture": "gauger.jobs.training:train_on_mixture",
        "train-external": "gauger.jobs.training_elsewhere:train_external",
        "train-external-on-pairs": "gauger.jobs.training_elsewhere:train_external_on_pairs",
        "train-external-on-rewards": "gauger.jobs.rewards_elsewhere:train_external_on_rewards",
        "train-on-policy": "gauger.jobs.own_samples:train_on_policy",
        "train-on-rewards": "gauger.jobs.own_samples:train_on_own_answers",
        "train-on-discriminator": "gauger.jobs.own_samples:train_on_discriminator",
        "train-on-own-pairs": "gauger.jobs.own_samples:train_on_own_pairs",
        "evaluate": "gauger.jobs.evaluating:evaluate_model",
        "measure": "gauger.jobs.measuring:measure_model",
        "draw-texts": "gauger.jobs.drawn_texts:draw_texts",
    },
)
"""Kind -> "module:function"; the workers import them, the driver does not."""
OPENERS = Registry(
    "a kind of teacher",
    "gauger.teachers",
    {
        "scratch": "gauger.jobs.teachers:open_at_hand",
        "checkpoint": "gauger.jobs.teachers:open_at_hand",
        "served": "gauger.jobs.served:open_served",
        "endpoint": "gauger.jobs.teachers_elsewhere:open_endpoint",
        "replay": "gauger.jobs.teachers_elsewhere:open_replay",
    },
)
"""Kind -> the function that opens it."""
