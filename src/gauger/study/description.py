"""Describes a study besides its estimates: its arms, samples, setting, and what it cannot say."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from gauger.elicit import words_for
from gauger.records import ArmInfo, ArmKind
from gauger.spec import Arm, Study, Surface
from gauger.study.results import EXAMPLES_EACH, KEPT_IN

REPORTED_PACKAGES = {
    "train": ("gauger", "torch", "numpy", "polars", "scipy"),
    "hf": ("gauger", "torch", "numpy", "polars", "scipy", "transformers", "peft", "reasoning-gym"),
}
"""Extra that the world needs -> packages whose versions are reported."""
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


def setting(study: Study) -> str:
    """Say in a line what was studied: a made-up world or language models, and which ones."""
    what = MADE_UP if study.world.made_up else REAL
    own = study.student.from_scratch
    grown = () if study.scale is None or own is None else study.scale.students
    sizes = " and other sizes" if any(size != own.size for size in grown if own) else ""
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
