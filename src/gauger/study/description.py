"""Describes a study besides its estimates: its arms, samples, the five threats, what it cannot say."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from gauger.elicit import AGREES_WITHIN, words_for
from gauger.records import ArmInfo, ArmKind, Role
from gauger.spec import Arm, Study, Surface, TextSource
from gauger.study.results import EXAMPLES_EACH, KEPT_IN

REPORTED_PACKAGES = {
    "train": ("gauger", "torch", "numpy", "polars", "scipy"),
    "hf": ("gauger", "torch", "numpy", "polars", "scipy", "transformers", "peft", "reasoning-gym"),
}
"""Extra that the world needs -> packages whose versions are reported."""
TOKENS_AGREE = "rows are matched by form, and tokens agree within 1 %"
MADE_UP = (
    "A made-up world with small models of its own, not language models; sizes of effects do not carry over to them."
)
REAL = "Language models that exist."
_SUMMED = ("tokens", "unique_tokens", "teacher_tokens_out", "queries")
_BILL = ("usd_low", "usd_high")


def arm_infos(
    arms: Sequence[Arm], ledger: Sequence[Mapping[str, Any]], surface: Surface | None = None
) -> list[ArmInfo]:
    """Introduce every arm, the teacher first, with what it was trained on per replicate: its ledger rows' sums.

    Parameters
    ----------
    arms : sequence of Arm
        Of the study.
    ledger : sequence of mapping
        Its rows.
    surface : Surface, optional
        What of the teacher's replies arms were shown; said of the teacher.
    """
    shown = f"; its interface shows {words_for(surface)}" if surface else ""
    teacher = ArmInfo("teacher", ArmKind.TEACHER, f"The model whose outputs are distilled{shown}")
    infos = [_info(arm, [row for row in ledger if row["arm"] == arm.name]) for arm in arms]
    own = Counter[str]()
    for row in ledger:
        own[row["arm"]] += row["tokens"] if row["source"] != KEPT_IN else 0
    return [teacher, *(_with_share(info, own) for info in infos)]


def _with_share(info: ArmInfo, own: Mapping[str, int]) -> ArmInfo:
    """Add the tokens of an arm's matched control as a share of its own, where both are known."""
    control = own.get(info.matched or "")
    return replace(info, matched_tokens=control / own[info.name]) if control and own.get(info.name) else info


def _info(arm: Arm, ledger: Sequence[Mapping[str, Any]]) -> ArmInfo:
    """Introduce one arm; a declared one without a teacher in any stage is not distilled."""
    asked = [part for stage in arm.recipe for part in stage.alone if part.strategy]
    forms = [form for stage in arm.recipe for form in stage.forms or ()]
    sums = {key: sum(row[key] for row in ledger) if ledger else None for key in _SUMMED}
    bills = [[row[end] for row in ledger if row["queries"]] for end in _BILL]
    low, high = (sum(bill) if bill and None not in bill else None for bill in bills)
    return ArmInfo(
        name=arm.name,
        kind=str(ArmKind.UNTAUGHT if arm.kind is ArmKind.DISTILLED and not arm.uses_teacher else arm.kind),
        description=arm.description or _in_words(arm),
        matched=arm.matched if arm.kind is not ArmKind.MATCHED else None,
        strategy=", ".join(dict.fromkeys(stage.strategy or "" for stage in asked)) or None,
        seed_source=", ".join(dict.fromkeys(stage.seeds or "" for stage in asked)) or None,
        forms=list(dict.fromkeys(forms)),
        steps=sum(stage.steps for stage in arm.recipe) if arm.recipe else None,
        tokens=sums["tokens"],
        unique_tokens=sums["unique_tokens"],
        teacher_tokens=sums["teacher_tokens_out"] if arm.uses_teacher else None,
        queries=sums["queries"] if arm.uses_teacher else None,
        usd=None if low is None or high is None else (low + high) / 2,
        usd_low=low,
        usd_high=high,
        twin=arm.twin,
    )


def _in_words(arm: Arm) -> str:
    """Describe a declared arm that the study does not describe: "label prompts, text-distill in quiz; then ..."."""
    parts = []
    for stage in arm.recipe:
        texts = " and ".join(
            f"{part.strategy} prompts" if part.strategy else f"{part.source} text" for part in stage.alone
        )
        parts.append(f"{texts}, {stage.kind}" + (f" in {', '.join(stage.forms)}" if stage.forms else ""))
    return "; then ".join(parts).capitalize()


def examples(arms: Sequence[Arm], texts: Mapping[str, Sequence[tuple[str, str]]]) -> list[dict[str, Any]]:
    """Show a few samples of what each asked arm was trained on."""
    return [
        {"arm": arm.name, "strategy": arm.recipe[-1].strategy, "prompt": prompt, "answer": answer}
        for arm in arms
        for prompt, answer in texts.get(arm.name, ())[:EXAMPLES_EACH]
    ]


def threats(
    study: Study, arms: Sequence[Arm], off: Mapping[str, str], infos: Sequence[ArmInfo] = ()
) -> list[dict[str, str]]:
    """Say how the study stands on the five threats to a conclusion; `infos` tell what the arms were trained on."""
    distilled = [arm for arm in arms if arm.kind is ArmKind.DISTILLED and arm.uses_teacher]
    untaught = [arm.name for arm in arms if arm.kind is ArmKind.DISTILLED and not arm.uses_teacher]
    seeds = sorted({part.seeds for arm in distilled for stage in arm.recipe for part in stage.alone if part.seeds})
    apart = "benchmark-train" in seeds and len(seeds) > 1
    roles = set(study.roles.values())
    held, missing = ([str(role) for role in Role if (role in roles) is is_held] for is_held in (True, False))
    other_tokens = _other_tokens([info for info in infos if info.kind == ArmKind.DISTILLED])
    stages = {len([s for s in arm.recipe if s.source is not TextSource.TEACHER]) for arm in distilled}
    return [
        {
            "threat": "Seeds",
            "question": "Were the teacher's prompts made from the benchmark itself?",
            "answer": f"Every arm declares its seed source ({', '.join(seeds)}), and uplift stands per arm."
            + (
                "" if apart else " Without benchmark-seeded and other arms side by side the effect of seeds is unknown."
            ),
            "stands": "controlled" if apart else "partly",
        },
        {
            "threat": "Mixture",
            "question": "Is other data credited to the teacher?",
            "answer": f"The matched control is off: {off['matched']}"
            if "matched" in off
            else "Every distilled arm is held against a matched arm of the same steps, rows, format and kept-in web "
            f"without a teacher; {other_tokens or TOKENS_AGREE}. The ledger counts tokens per source."
            + (f" No teacher is in {', '.join(untaught)}: only a gain is reported, no uplift." if untaught else ""),
            "stands": "open" if "matched" in off else "partly" if other_tokens else "controlled",
        },
        {
            "threat": "Benchmarks",
            "question": "Is the gain more than polish on the benchmark?",
            "answer": f"Gains are measured on benchmarks of the roles {', '.join(held)}"
            + ("." if "leak" in off else ", beside a leak arm that shows what contamination looks like here.")
            + (f" No benchmark has the role {', '.join(missing)}." if missing else "")
            + (f" The leak control is off: {off['leak']}" if "leak" in off else ""),
            "stands": "partly" if missing or "leak" in off else "controlled",
        },
        {
            "threat": "Context",
            "question": "What of the rest of the post-training pipeline?",
            **_context(study, stages),
        },
        {
            "threat": "Scale",
            "question": "Would it hold for larger students and harder benchmarks?",
            **_scale(study),
        },
    ]


def _other_tokens(distilled: Sequence[ArmInfo]) -> str:
    """Say which arms' controls have not their tokens to 1 %, or that it is not known; empty where all have them."""
    shares = {info.name: info.matched_tokens for info in distilled}
    known = {name: share for name, share in shares.items() if share is not None}
    apart = [f"{share:.1%} for {name}" for name, share in known.items() if abs(share - 1) > AGREES_WITHIN]
    unknown = [name for name in shares if name not in known]
    return "; ".join(
        [
            *([f"the control's tokens are not the arm's own ({', '.join(apart)} of them)"] if apart else []),
            *([f"tokens of {', '.join(unknown)} and its control are not known"] if unknown else []),
        ]
    )


def _context(study: Study, stages: set[int]) -> dict[str, str]:
    if study.factorial is not None:
        named = ", ".join(study.factorial.order)
        answer = (
            f"Ingredients of the pipeline ({named}) were switched on and off together, and each is attributed its part."
        )
        return {"answer": answer, "stands": "controlled"}
    if stages <= {0}:
        answer = (
            "Distillation follows pre-training directly; fine-tuning on human data, preference optimisation and "
            "reinforcement learning are not in this study."
        )
        return {"answer": answer, "stands": "open"}
    answer = "Some arms have other stages beside distillation; their order and interactions were not varied."
    return {"answer": answer, "stands": "partly"}


def _scale(study: Study) -> dict[str, str]:
    if study.scale is None:
        answer = "One student size, one teacher, one budget: the study says nothing of how the effect grows."
        return {"answer": answer, "stands": "open"}
    answer = (
        "Student size, teacher strength and budget were varied, and the largest cells predicted from the others. "
        "Students of another kind, and budgets far beyond these, remain an extrapolation."
    )
    return {"answer": answer, "stands": "partly"}


def setting(study: Study) -> str:
    """Say in a line what was studied: a made-up world or language models, and which ones."""
    what = MADE_UP if study.world.made_up else REAL
    sizes = "" if study.scale is None else " and other sizes"
    return f"{what} Teacher: {study.teacher.in_words}. Student: {study.student.in_words}{sizes}."


def limits(study: Study) -> list[str]:
    """Say what the study cannot say."""
    sentences = [
        "It speaks of this teacher, this base student, these recipes and this budget. The base and the teacher are one "
        "trained model each; intervals cover training and eliciting again from them, and new items, not new bases.",
        study.world.leaves_open,
    ]
    if study.replicates == 1:
        sentences.append("Nothing was replicated: its intervals cover item sampling alone.")
    return sentences


def program_versions(study: Study) -> dict[str, str]:
    """Return the versions of Python and of the packages that make a study's numbers."""
    packages = REPORTED_PACKAGES.get(study.world.extra, REPORTED_PACKAGES["train"])
    return {"python": platform.python_version()} | {name: version(name) for name in packages}
