"""Plants what is true in a simulated study, on the scale that estimates are reported on.

Every expected score mu[arm, benchmark] is set, so every estimand's true value is known exactly; the noise around it
(items, clusters, training replicates) is set separately and never moves the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gauger.errors import UserError, nearest
from gauger.estimate.calibrate.item_models import LINKS, PROBIT_TO_LOGIT, ItemModel
from gauger.estimate.design import Design, FixedRule
from gauger.records import ArmInfo, ArmKind, Role

_LEAST = {
    "replicates": 1,
    "distilled_replicates": 0,
    "judged_noise": 0,
    "discrimination_sd": 0,
    "items": 2,
    "benchmarks": 1,
    "distilled_arms": 1,
    "cluster_size": 1,
    "replicate_sd": 0,
    "item_sd": 0,
    "item_arm_sd": 0,
}
_ROOM = "Leave room around base for the effects and leads that are added to it and for forgetting, taken away."


@dataclass(frozen=True, kw_only=True)
class Planted:
    """One simulated study: truths first, then sizes, then noise. Scores and effects on the 0-1 scale."""

    name: str = "study"
    base: float = 0.3
    """Mean score of the untouched student; benchmarks spread by 0.05 around it where there is room."""
    format_effect: float = 0.05
    """Gain of the answer format alone, on targeted and parallel benchmarks (they share the form)."""
    training_effect: float = 0.05
    """Further gain of the matched arm, everywhere."""
    uplift: float = 0.15
    """Uplift of the distilled arms on targeted and parallel benchmarks."""
    bound_share: float = 0.5
    """Share of that uplift that stays in the benchmark's form: near uplift = (1 - bound_share) * uplift."""
    forgetting: float = 0.05
    """Loss of every distilled arm on far benchmarks."""
    teacher_lead: float = 0.4
    """Lead of the teacher over the matched arm, everywhere."""
    reference_lead: float = 0.2
    """Lead of the reference arm over the matched arm, except on far benchmarks."""
    leaked: float = 0.3
    """Gain of the leak arm on targeted benchmarks alone."""
    leak_increment: float = 0.0
    """What a leak adds on near benchmarks over its twin, as a share of the teacher's lead."""
    leak_is_blind: bool = False
    """The leak arm shows nothing at all: the instrument cannot see what was planted."""
    placebo_effect: float = 0.0
    """What the placebo has over the matched arm on near benchmarks, as a share of the teacher's lead."""
    link: str = "points"
    """On which scale effects are uniform (`item_models`): points, logit or two_parameter."""
    harder: float = 0.0
    """Logits by which parallel, near and far benchmarks are harder than the targeted ones, under the links that have
    item logits: planted means then hold for the targeted benchmarks, and effects move all items alike."""
    discrimination_sd: float = 0.5
    """Standard deviation of log discrimination under `two_parameter`."""
    replicates: int = 4
    distilled_replicates: int = 0
    """Training replicates of the distilled arms; 0: as many as of all others."""
    judged_noise: float = 1.0
    """Replicate noise of the distilled arms, as a multiple of the others' (standard deviation)."""
    items: int = 200
    """Per benchmark."""
    benchmarks: int = 2
    """Per role."""
    distilled_arms: int = 2
    graded: bool = False
    """Scores between 0 and 1 instead of right or wrong."""
    paired: bool = True
    """Replicates of one number share a part of their noise across arms, and the estimator is told so."""
    replicate_sd: float = 0.15
    """Standard deviation of training replicates on the probit scale; 0.15 is about 5 points at a score of 0.4."""
    noise_ratio: float = 1.0
    """Largest replicate_sd over the smallest one between benchmarks (geometric mean `replicate_sd`)."""
    heavy_tails: bool = False
    """Student's t with 3 degrees of freedom instead of normal replicates (same standard deviation)."""
    item_sd: float = 1.0
    """Standard deviation of item difficulty on the probit scale, common to all arms."""
    item_arm_sd: float = 0.5
    """Standard deviation of each arm's own item effects on the probit scale."""
    cluster_size: int = 1
    """Items per cluster; 1 means no clusters."""
    cluster_share: float = 0.5
    """Share of the item variances that is common to a cluster."""
    moderated: bool = True
    """Replicate variances moderated by empirical Bayes."""

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            if not getattr(self, name) >= least:
                raise UserError(f"{name} of at least {least}", str(getattr(self, name)))
        if not 0 <= self.cluster_share <= 1:
            raise UserError("a cluster_share between 0 and 1", str(self.cluster_share))
        if not self.noise_ratio > 0:
            raise UserError("a noise_ratio above 0", str(self.noise_ratio))
        if self.link not in LINKS:
            raise UserError("a known link", repr(self.link), hint=nearest(self.link, LINKS))
        if self.harder and self.link == "points":
            raise UserError("a link with item logits where benchmarks differ in difficulty", "link points")
        means = planted_means(self)
        if not ((means > 0) & (means < 1)).all():
            given = f"{means.min():.3f} to {means.max():.3f}"
            raise UserError("planted scores strictly between 0 and 1", given, hint=_ROOM)


_ROLES = tuple(str(role) for role in Role)
_NOT_PLANTED = (
    ArmKind.DISTILLED,
    ArmKind.CELL,
    ArmKind.UNTAUGHT,
    ArmKind.ATTACK,
    ArmKind.SURFACE,
    ArmKind.LAUNDER,
    ArmKind.LEAKY_TEACHER,
)
"""Distilled arms are counted by themselves; the others belong to studies of another make."""


def planted_design(planted: Planted) -> Design:
    """Return the design of a planted study: every kind of arm, every role, the default verdict rule."""
    names = [f"distilled{k + 1}" for k in range(planted.distilled_arms)]
    distilled = [ArmInfo(name, ArmKind.DISTILLED, "", matched="matched") for name in names]
    made = [kind for kind in ArmKind if kind not in _NOT_PLANTED]
    others = [ArmInfo(str(kind), kind, "") for kind in made]
    roles = {f"{role}{k + 1}": role for role in _ROLES for k in range(planted.benchmarks)}
    return Design(
        arms=(*distilled, *others),
        roles=roles,
        paired=planted.paired,
        moderated=planted.moderated,
        rule=FixedRule(arm="distilled1"),
    )


def item_model(planted: Planted) -> ItemModel:
    """Return how the planted study turns ability into answers."""
    spread = float(np.hypot(planted.item_sd, planted.item_arm_sd))
    unit = 1.0 if planted.link == "points" else PROBIT_TO_LOGIT
    unequal = planted.discrimination_sd if planted.link == "two_parameter" else 0.0
    return ItemModel(planted.link, spread * unit, unequal, planted.heavy_tails)


def replicate_sds(planted: Planted) -> NDArray[np.float64]:
    """Return the standard deviation of training replicates, (A, B), in the link's unit; 0 for fixed models."""
    design = planted_design(planted)
    ratio = planted.noise_ratio ** np.linspace(-0.5, 0.5, len(design.roles))
    distilled = [arm.kind == ArmKind.DISTILLED for arm in design.arms]
    of_arm = np.where(distilled, planted.judged_noise, 1.0) * design.trained
    return np.asarray(planted.replicate_sd * item_model(planted).unit * of_arm[:, None] * ratio[None, :])


def intercepts(planted: Planted) -> NDArray[np.float64]:
    """Return the ability of every arm on every benchmark, (A, B): it gives the planted means at no added difficulty."""
    solved = item_model(planted).solve(planted_means(planted), replicate_sds(planted))
    easy = np.array([role == Role.TARGETED for role in planted_design(planted).roles.values()])
    return np.asarray(solved - np.where(easy, 0.0, planted.harder))


def true_means(planted: Planted) -> NDArray[np.float64]:
    """Return mu[arm, benchmark], (A, B), in the order of `planted_design`."""
    if planted.harder == 0:
        return planted_means(planted)
    return item_model(planted).expected(intercepts(planted), replicate_sds(planted))


def planted_means(planted: Planted) -> NDArray[np.float64]:
    """Return the means as planted, (A, B), before benchmarks are made harder."""
    form = _by_role(targeted=1, parallel=1)
    base = np.full(len(_ROLES), planted.base)
    format_ = base + planted.format_effect * form
    matched = format_ + planted.training_effect
    near = 1 - planted.bound_share
    uplift = planted.uplift * _by_role(targeted=1, parallel=1, near=near) - planted.forgetting * _by_role(far=1)
    by_kind = {
        ArmKind.TEACHER: matched + planted.teacher_lead,
        ArmKind.BASE: base,
        ArmKind.MATCHED: matched,
        ArmKind.PLACEBO: matched + planted.placebo_effect * planted.teacher_lead * _by_role(near=1),
        ArmKind.FORMAT: format_,
        ArmKind.LEAK: matched + _leak(planted),
        ArmKind.LEAK_TWIN: matched,
        ArmKind.REFERENCE: matched + planted.reference_lead * _by_role(targeted=1, parallel=1, near=1),
    }
    by_arm = [matched + uplift] * planted.distilled_arms + [by_kind[k] for k in ArmKind if k in by_kind]
    return np.repeat(np.array(by_arm), planted.benchmarks, axis=1) + _spread(planted)


def _leak(planted: Planted) -> NDArray[np.float64]:
    """Return what the leak arm has over its twin, by role."""
    seen = 0.0 if planted.leak_is_blind else planted.leaked
    return seen * _by_role(targeted=1) + planted.leak_increment * planted.teacher_lead * _by_role(near=1)


def _by_role(**value: float) -> NDArray[np.float64]:
    """Lay out one number per role, 0 where none is given."""
    return np.array([value.get(role, 0.0) for role in _ROLES])


def _spread(planted: Planted) -> NDArray[np.float64]:
    """Move whole benchmarks up and down a little, (B,): contrasts between arms stay what was planted."""
    room = min(0.05, planted.base / 4)
    return np.tile(np.linspace(-room, 0, planted.benchmarks) if planted.benchmarks > 1 else 0.0, len(_ROLES))[
        : len(_ROLES) * planted.benchmarks
    ]
