"""Names every kind of stage; the union of them all is what may stand in an arm's `stages`."""

from __future__ import annotations

from gauger.plugs import Registry
from gauger.spec.stages.base import StageSpec
from gauger.spec.stages.resolved import ResolvedStage

STAGES = Registry(
    "a kind of stage",
    "gauger.stages",
    {
        "continue": "gauger.spec.stages.truth:ContinueStage",
        "sft": "gauger.spec.stages.truth:SftStage",
        "text-distill": "gauger.spec.stages.distil:TextDistillStage",
        "logit-distill": "gauger.spec.stages.distil:LogitDistillStage",
        "on-policy-distill": "gauger.spec.stages.on_policy:OnPolicyStage",
        "adversarial-distill": "gauger.spec.stages.adversarial:AdversarialStage",
        "preference-distill": "gauger.spec.stages.preference_distill:PreferenceDistillStage",
        "preference": "gauger.spec.stages.preference:PreferenceStage",
        "rl": "gauger.spec.stages.rl:RlStage",
        "external": "gauger.spec.stages.external:ExternalStage",
        "external-preference": "gauger.spec.stages.external:ExternalPreferenceStage",
        "external-rl": "gauger.spec.stages.external:ExternalRlStage",
        "mixture": "gauger.spec.stages.mixture:MixtureStage",
    },
)
"""Kind -> the class with its schema, resolution and checks (`base.StageSpec`)."""


def kind_of(stage: ResolvedStage) -> type[StageSpec]:
    """Return what is special about a stage's kind."""
    spec: type[StageSpec] = STAGES.load(stage.kind)
    return spec
